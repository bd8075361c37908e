"""`gradcheck`: numerical gradients against a yardstick, and the yardstick against every backend."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.func import functional_call

from epigone.errors import check_options
from epigone.machine import cores
from epigone.models.backends.choice import obstacle
from epigone.models.backends.numpy_reference import Bump, gradients, loss
from epigone.models.cells.base import CELLS, Array, CellName
from epigone.models.config import ModelConfig, weight_shapes
from epigone.models.language_model import LanguageModel
from epigone.results import Shown
from epigone.typed import typed

COPIES = 512  # of the network, each with one entry changed, that run together
NUMBERS = 1 << 22  # at most in all copies of a weight
STEP = 1e-30j  # of a complex difference: nothing is subtracted, so it may be as small as one likes
WIDTH = 1e-3  # of a central difference: rounding and the fourth power of the width cost about the same
TOLERANCES = {"float64": 1e-7, "central": 1e-5, "fp32": 1e-3, "bf16": 0.1}
# Errors are relative to the gradient, or to this if it is smaller: a number, or a share of the largest gradient.
FLOORS = {"float64": 1e-6, "central": 0.01, "fp32": 0.01, "bf16": 1.0}


@dataclass(frozen=True)
@typed
class GradcheckOptions:
    """The network whose gradients are checked, and the text: random ids."""

    cell: CellName = "rnn"
    """Recurrent cell."""
    num_layers: int = 1
    """Recurrent layers, one above the other."""
    hidden_size: int = 100
    """Units in each layer, unless the top one has its own size."""
    top_size: int = 0
    """Units in the top layer; 0 means as many as in the others."""
    embedding_size: int = 0
    """Width of a learned embedding; 0 means one-hot input."""
    vocabulary_size: int = 80
    """Different ids."""
    sequence_length: int = 25
    """Ids that are read and predicted."""
    sigma: float = 0.1
    """Standard deviation of weights and biases."""
    seed: int = 0
    """Seed of weights and ids."""
    entries: int = 0
    """Number of entries of each weight to check, drawn at random; 0 for all, which takes minutes for a large network
    of a cell without a gradient written by hand."""
    details: bool = False
    """Show the figures of every weight in every backend too."""

    def __post_init__(self) -> None:
        CELLS[self.cell]  # raises if there is none
        check_options(self, "be 1 or more", lambda value: value >= 1, "sequence_length", "vocabulary_size")
        check_options(self, "be 0 or more", lambda value: value >= 0, "entries")
        check_options(self, "be 0 or more", lambda value: value >= 0, "seed", most=2**63 - 1)
        check_options(self, "be above 0", lambda value: 0 < value < math.inf, "sigma")
        sizes = ("num_layers", "hidden_size", "top_size", "embedding_size")
        check_options(self, "be 0 or more", lambda value: value >= 0, *sizes)


@dataclass(frozen=True)
class GradientError:
    """The distance between two gradients of one weight."""

    parameter: str
    backend: str
    """`written out` or `equation` is the yardstick, against numerical differences; the others against the yardstick."""
    precision: str
    """That of the backend; `central` for the yardstick against central differences in float64."""
    relative_error: float
    """The largest of |a - b| / max(floor, |a| + |b|) over all entries."""
    floor: float
    below: int
    """Entries with |a| + |b| below the floor."""
    entries: int


@dataclass(frozen=True)
class Gradcheck(Shown):
    """The result of a check."""

    passed: bool
    """True if every row is within the tolerance of its precision."""
    rows: list[GradientError]
    tolerances: dict[str, float]
    seconds: float
    options: GradcheckOptions

    def summary(self) -> list[dict[str, Any]]:
        """Sum the rows up: for each matrix or bias its name, its symbol, the number of entries checked, and the largest
        relative error of the numerical differences and, over the backends, of each precision.

        The two biases of a cell are one row if only their sum counts. A network of one layer has the symbols of its
        equations: U for the input, W for the state, V for the head, b and c for the biases.
        """
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            name = _summed(row.parameter, self.options)
            part = found.setdefault(name, {"weight": name, "symbol": _symbol(name, self.options)})
            numerical = row.backend in YARDSTICKS
            kind = "numerical" if numerical else row.precision
            part[kind] = max(part.get(kind, 0.0), row.relative_error)
            part["entries"] = part.get("entries", 0) + row.entries * numerical
        return list(found.values())


YARDSTICKS = ("written out", "equation")


def _summed(parameter: str, options: GradcheckOptions) -> str:
    """Name the row of a weight in the summary."""
    layer, _, last = parameter.rpartition(".")
    return f"{layer}.bias" if last.startswith("bias_") and CELLS[options.cell].summed_biases else parameter


def _symbol(name: str, options: GradcheckOptions) -> str:
    symbols = {"weight_ih": "U", "weight_hh": "W", "bias": "b", "head.weight": "V", "head.bias": "c"}
    short = name.removeprefix("layers.0.") if options.num_layers == 1 else name
    return symbols.get(short, "")


def gradcheck(
    options: GradcheckOptions = GradcheckOptions(), *, progress: Callable[[int, int], None] | None = None
) -> Gradcheck:
    """Check the gradients of a network in every backend and precision.

    The loss is the cross-entropy summed over a sequence of random ids. The yardstick is the gradient written by hand in
    NumPy, checked against complex differences of its loss (Squire and Trapp 1998). For a cell that has none, it is the
    gradient of the cell's equation, checked against central differences. Both are in float64.

    Args:
        options: the network.
        progress: is told how many entries are compared with numerical differences, and of how many.

    Raises:
        UserError: options out of range.
    """
    begin = time.perf_counter()
    config = ModelConfig(
        cell=options.cell,
        num_layers=options.num_layers,
        hidden_size=options.hidden_size,
        top_size=options.top_size,
        embedding_size=options.embedding_size,
        softmax="full",
        vocabulary_size=options.vocabulary_size,
    )
    draw = np.random.default_rng(options.seed)
    weights = {name: draw.normal(0, options.sigma, shape) for name, shape in weight_shapes(config).items()}
    tokens, targets = draw.integers(options.vocabulary_size, size=(2, options.sequence_length))
    by_hand = CELLS[config.cell].numpy is not None
    if by_hand:
        yardstick, exact = "written out", gradients(config, weights, tokens, targets)
    else:
        yardstick, exact = "equation", _by_backend(config, weights, tokens, targets, "reference", "float64")
    rows = []
    sizes = [min(weight.size, options.entries or weight.size) for weight in weights.values()]
    done, total, tell = 0, sum(sizes), progress or (lambda done, total: None)
    tell(0, total)
    for (name, weight), size in zip(weights.items(), sizes, strict=True):
        chosen = np.arange(weight.size)
        if size < weight.size:
            chosen = np.sort(draw.choice(weight.size, size, replace=False))
        if name.endswith("weight_ih"):  # column by column: those of tokens that the text lacks cost nothing together
            chosen = chosen[np.argsort(chosen % weight.shape[1], kind="stable")]
        differences = _complex_differences if by_hand else _central_differences
        parts = []
        for part in differences(config, weights, tokens, targets, name, chosen):
            parts.append(part)
            done += len(part)
            tell(done, total)
        numerical = np.concatenate(parts)
        precision = "float64" if by_hand else "central"
        rows.append(_compared(name, yardstick, precision, exact[name].ravel()[chosen], numerical))
    for backend, precision in _backends(config):
        found = _by_backend(config, weights, tokens, targets, backend, precision)
        rows += [_compared(name, backend, precision, found[name], exact[name]) for name in weights]
    passed = all(row.relative_error <= TOLERANCES[row.precision] for row in rows)
    tolerances = {name: most for name, most in TOLERANCES.items() if any(row.precision == name for row in rows)}
    return Gradcheck(passed, rows, tolerances, round(time.perf_counter() - begin, 3), options)


def _backends(config: ModelConfig) -> Iterator[tuple[str, str]]:
    yield from (("reference", "float64"), ("torch", "float64"), ("reference", "fp32"), ("torch", "fp32"))
    if not obstacle(config, "cpu", "fp32", "stack"):
        yield from (("native", "fp32"), ("native", "bf16"))


def _complex_differences(
    config: ModelConfig,
    weights: dict[str, Array],
    tokens: Array,
    targets: Array,
    name: str,
    entries: NDArray[np.integer],
) -> Iterator[Array]:
    """Yield derivatives of the NumPy loss with respect to some entries of a weight, part by part."""
    shape = weights[name].shape

    def differences(part: NDArray[np.integer]) -> Array:
        rows, columns = np.unravel_index(part, shape) if len(shape) == 2 else (part, np.zeros_like(part))
        return loss(config, weights, tokens, targets, Bump(name, rows, columns, STEP)).imag / STEP.imag

    pool = ThreadPoolExecutor(cores())
    try:
        yield from pool.map(differences, [entries[at : at + COPIES] for at in range(0, len(entries), COPIES)])
    finally:
        pool.shutdown(cancel_futures=True)


def _central_differences(
    config: ModelConfig,
    weights: dict[str, Array],
    tokens: Array,
    targets: Array,
    name: str,
    entries: NDArray[np.integer],
) -> Iterator[Array]:
    """Yield derivatives of the reference loss, of the fourth order in the step, as `_complex_differences` does."""
    model = _loaded(config, weights, "reference", torch.float64).eval()
    weight, ids, expected = (torch.from_numpy(array) for array in (weights[name], tokens, targets))

    def loss_of(changed: torch.Tensor) -> torch.Tensor:
        logits, _ = functional_call(model, {name: changed}, (ids[None],))
        return F.cross_entropy(logits[0], expected, reduction="sum")

    size = max(1, min(COPIES, NUMBERS // weight.numel()))
    for part in torch.from_numpy(entries).split(size):
        bump = torch.zeros(len(part), weight.numel(), dtype=weight.dtype)
        bump[torch.arange(len(part)), part] = WIDTH
        bump = bump.view(-1, *weight.shape)
        with torch.no_grad():
            near, far = (
                torch.vmap(loss_of)(weight + n * bump) - torch.vmap(loss_of)(weight - n * bump) for n in (1, 2)
            )
        yield ((8 * near - far) / (12 * WIDTH)).numpy()


def _loaded(config: ModelConfig, weights: dict[str, Array], backend: str, dtype: torch.dtype) -> LanguageModel:
    model = LanguageModel(config, backend, drawn=False).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name]))
    return model


def _by_backend(
    config: ModelConfig, weights: dict[str, Array], tokens: Array, targets: Array, backend: str, precision: str
) -> dict[str, Array]:
    """Compute the gradients by a model."""
    model = _loaded(config, weights, backend, torch.float64 if precision == "float64" else torch.float32)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        (mean, _), _ = model.loss(torch.from_numpy(tokens)[None], torch.from_numpy(targets)[None])
    (mean * len(tokens)).backward()
    return {
        name: np.zeros_like(weights[name]) if p.grad is None else p.grad.double().numpy()
        for name, p in model.named_parameters()
    }


def _compared(name: str, backend: str, precision: str, found: Array, expected: Array) -> GradientError:
    floor = FLOORS[precision] * (1.0 if precision == "float64" else float(np.abs(expected).max()))
    size = np.abs(found) + np.abs(expected)
    error: Any = np.abs(found - expected) / np.maximum(floor or 1.0, size)
    return GradientError(name, backend, precision, float(error.max()), floor, int((size < floor).sum()), found.size)
