"""`gradcheck`: are the gradients right? Numerical ones against those written out, and these against every backend."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from epigone.errors import check_options
from epigone.kernels import engine
from epigone.models.backends.numpy_reference import Array, Bump, gradients, loss
from epigone.models.config import ModelConfig, weight_shapes
from epigone.models.language_model import LanguageModel

COPIES = 512  # of the network, each with one entry changed, that are walked together
STEP = 1e-30j  # of a complex difference: nothing is subtracted, so it may be as small as one likes
TOLERANCES = {"float64": 1e-7, "fp32": 1e-3, "bf16": 0.1}
# Errors are relative to the gradient, or to this where that is smaller: a number, or a share of the largest gradient.
FLOORS = {"float64": 1e-6, "fp32": 0.01, "bf16": 1.0}


@dataclass(frozen=True)
class GradcheckOptions:
    """The network whose gradients are checked, and the text: random ids."""

    cell: Literal["rnn", "rnn_relu", "lstm", "gru"] = "rnn"
    """Recurrent cell."""
    num_layers: int = 1
    """Recurrent layers, one above the other."""
    hidden_size: int = 100
    """Units in each layer."""
    embedding_size: int = 0
    """Width of a learned embedding; 0 means one-hot input."""
    vocabulary_size: int = 80
    """Different ids."""
    sequence_length: int = 25
    """Ids that are read, and predicted."""
    sigma: float = 0.1
    """Standard deviation of weights and biases."""
    seed: int = 0
    """Of weights and ids."""
    entries: int = 0
    """Check so many entries of each weight, drawn at random; 0 for all."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "sequence_length", "vocabulary_size")
        check_options(self, "be 0 or more", lambda value: value >= 0, "seed", "entries")
        check_options(self, "be above 0", lambda value: value > 0, "sigma")


@dataclass(frozen=True)
class GradientError:
    """How far two gradients of one weight are apart."""

    parameter: str
    backend: str
    """`written out` against numerical differences, the others against `written out`."""
    precision: str
    relative_error: float
    """The largest of |a - b| / max(floor, |a| + |b|) over all entries."""
    floor: float
    below: int
    """Entries with |a| + |b| below the floor."""
    entries: int


@dataclass(frozen=True)
class Gradcheck:
    """What was found."""

    passed: bool
    """Whether every row is within the tolerance of its precision."""
    rows: list[GradientError]
    tolerances: dict[str, float]
    seconds: float


def gradcheck(options: GradcheckOptions = GradcheckOptions()) -> Gradcheck:
    """Check the written-out gradients of a network, and with them those of every backend and precision.

    The loss is the cross-entropy summed over a sequence of random ids. Numerical gradients are complex differences
    (Squire and Trapp 1998) in float64 of the written-out loss.

    Args:
        options: the network.

    Raises:
        UserError: options out of range.
    """
    begin = time.perf_counter()
    config = ModelConfig(
        cell=options.cell,
        num_layers=options.num_layers,
        hidden_size=options.hidden_size,
        embedding_size=options.embedding_size,
        softmax="full",
        vocabulary_size=options.vocabulary_size,
    )
    draw = np.random.default_rng(options.seed)
    weights = {name: draw.normal(0, options.sigma, shape) for name, shape in weight_shapes(config).items()}
    tokens, targets = draw.integers(options.vocabulary_size, size=(2, options.sequence_length))
    exact = gradients(config, weights, tokens, targets)
    rows = []
    for name, weight in weights.items():
        chosen = np.arange(weight.size)
        if options.entries and options.entries < weight.size:
            chosen = np.sort(draw.choice(weight.size, options.entries, replace=False))
        numerical = _numerical(config, weights, tokens, targets, name, chosen)
        rows.append(_compared(name, "written out", "float64", exact[name].ravel()[chosen], numerical))
    for backend, precision in _backends():
        found = _by_backend(config, weights, tokens, targets, backend, precision)
        rows += [_compared(name, backend, precision, found[name], exact[name]) for name in weights]
    passed = all(row.relative_error <= TOLERANCES[row.precision] for row in rows)
    return Gradcheck(passed, rows, TOLERANCES, round(time.perf_counter() - begin, 3))


def _backends() -> Iterator[tuple[str, str]]:
    yield from (("reference", "float64"), ("torch", "float64"), ("reference", "fp32"), ("torch", "fp32"))
    if engine() is not None:
        yield from (("native", "fp32"), ("native", "bf16"))


def _numerical(
    config: ModelConfig,
    weights: dict[str, Array],
    tokens: Array,
    targets: Array,
    name: str,
    entries: NDArray[np.integer],
) -> Array:
    """The derivatives with respect to some entries of a weight."""
    found = []
    for first in range(0, len(entries), COPIES):
        part = entries[first : first + COPIES]
        shape = weights[name].shape
        rows, columns = np.unravel_index(part, shape) if len(shape) == 2 else (part, np.zeros_like(part))
        found.append(loss(config, weights, tokens, targets, Bump(name, rows, columns, STEP)).imag / STEP.imag)
    return np.concatenate(found)


def _by_backend(
    config: ModelConfig, weights: dict[str, Array], tokens: Array, targets: Array, backend: str, precision: str
) -> dict[str, Array]:
    """The gradients as a model computes them."""
    dtype = torch.float64 if precision == "float64" else torch.float32
    model = LanguageModel(config, backend, drawn=False).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name]))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        (mean, _), _ = model.loss(torch.from_numpy(tokens)[None], torch.from_numpy(targets)[None])
    (mean * len(tokens)).backward()
    return {name: p.grad.double().numpy() for name, p in model.named_parameters() if p.grad is not None}


def _compared(name: str, backend: str, precision: str, found: Array, expected: Array) -> GradientError:
    floor = FLOORS[precision] * (1.0 if precision == "float64" else float(np.abs(expected).max()))
    size = np.abs(found) + np.abs(expected)
    error: Any = np.abs(found - expected) / np.maximum(floor, size)
    return GradientError(name, backend, precision, float(error.max()), floor, int((size < floor).sum()), found.size)
