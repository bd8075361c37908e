"""The walker: a trained model that the native engine runs without gradients and without PyTorch.

It is written in C++ (`kernels/walker.hpp`) and reads tokens in many streams, scores a text, or samples one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError, check_options
from epigone.kernels import engine
from epigone.machine import cores
from epigone.models.backends.choice import choose, obstacle
from epigone.models.cells.base import CELLS
from epigone.models.clamps import Clamp
from epigone.models.config import START, ModelConfig
from epigone.typed import typed

Precision = Literal["fp32", "bf16", "int8"]
Backend = Literal["native", "torch"]
Floats = NDArray[np.float32]
TABLE = 4_000_000  # up to so many numbers, the contribution of every token to layer 0 is computed beforehand


@dataclass(frozen=True)
@typed
class EngineOptions:
    """The engine that runs a model."""

    backend: Literal["auto", "native", "torch"] = "auto"
    """The engine of this package or PyTorch; auto is native if it can run the model."""

    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """Of the weights while they are multiplied; auto is fp32, and int8 for a quantised model."""

    threads: int = 0
    """CPU threads, no more than there are cores; 0 for one with a single text and all cores with several."""

    def __post_init__(self) -> None:
        check_options(self, "be 0 or more", lambda value: value >= 0, "threads")

    def settled(self, shape: ModelConfig, dtype: str | None) -> tuple[Backend, Precision]:
        """Settle what `auto` means for a model of this shape whose weights are kept as `dtype`.

        Raises:
            UserError: PyTorch is to run in another precision than fp32, or the engine a model that it cannot.
        """
        own: Precision = "int8" if dtype == "int8" else "fp32"
        precision = own if self.precision == "auto" else self.precision
        backend: Backend = "native" if choose(self.backend, shape, "cpu", precision, "walker") == "native" else "torch"
        if backend == "native" or precision == "fp32":
            return backend, precision
        if self.precision == "auto":
            return backend, "fp32"
        reason = "" if self.backend == "torch" else obstacle(shape, "cpu", precision, "walker") + " "
        raise UserError(f"{reason}The backend torch computes in fp32, not in {precision}; leave out --precision.")

    def threads_for(self, streams: int) -> int:
        """The number of threads for so many texts."""
        return min(self.threads, cores()) or (1 if streams == 1 else cores())


def native_walker(
    config: ModelConfig,
    weights: Mapping[str, Floats],
    precision: Precision,
    threads: int,
    clamps: Sequence[Clamp] = (),
) -> Any:
    """Make the compiled walker (`Walker` of the kernels) of a model.

    Args:
        config: its shape.
        weights: float32 by name, as in a checkpoint.
        precision: of the weights and of what they are multiplied with; sums are always float32 or whole.
        threads: how many to use at most.
        clamps: units that are held at a value.

    Raises:
        UserError: the native engine cannot run the model, or 8 bits cannot hold the value of a clamp.
    """
    choose("native", config, "cpu", precision, "walker")
    if precision == "int8" and (beyond := [c for c in clamps if c.unit.state == 0 and abs(c.value) > 1]):
        raise UserError(
            f"In 8 bits a hidden state is between -1 and 1, so the clamp {beyond[0].written(config)} is out of reach; "
            "choose a smaller value, or --precision fp32."
        )
    kernels, cell = engine(), CELLS[config.cell]
    assert kernels is not None
    embedding = weights.get("embedding.weight")
    rows = len(weights["layers.0.weight_hh"])
    by_table = embedding is not None and (precision == "int8" or config.vocabulary_size * rows <= TABLE)
    layers = []
    for index in range(config.num_layers):
        ih, hh, *biases = (np.ascontiguousarray(weights[f"layers.{index}.{name}"]) for name in cell.shapes(0, 0))
        if index == 0 and by_table:
            ih = np.ascontiguousarray(ih @ embedding.T)  # type: ignore[union-attr]
        scales = [row_scales(matrix) if precision == "int8" else None for matrix in (ih, hh)]
        layers.append((ih, hh, *biases, *scales))
    head = np.ascontiguousarray(weights["embedding.weight" if config.tied else "head.weight"])
    bias = weights["head.bias"]
    if precision == "int8" and not all(np.isfinite(weight).all() for weight in weights.values()):
        bias = np.full_like(bias, np.nan)  # whole numbers cannot show that the weights hold NaN
    return kernels.Walker(
        cell=cell.native,
        precision=precision,
        layers=layers,
        embedding=None if embedding is None or by_table else np.ascontiguousarray(embedding),
        head=head,
        bias=np.ascontiguousarray(bias),
        scales=row_scales(head) if precision == "int8" else None,
        threads=threads,
        start=_start(config, weights, precision),
        clamps=[(clamp.unit.layer, clamp.unit.state, clamp.unit.unit, clamp.value) for clamp in clamps],
    )


def _start(config: ModelConfig, weights: Mapping[str, Floats], precision: Precision) -> list[Floats]:
    """The state vectors (L, H) that documents begin in; none for the zero state."""
    if not config.start_state:
        return []
    found = [np.ascontiguousarray(weights[f"{START}.{name}"]) for name in CELLS[config.cell].state_names]
    return [found[0].clip(-1, 1), *found[1:]] if precision == "int8" else found  # 8 bits hold no more


def row_scales(matrix: Floats) -> Floats:
    """The value of a step of 1 in int8 in each row (R,): the largest number becomes 127."""
    largest = np.maximum(matrix.max(axis=1), -matrix.min(axis=1))  # without a copy of the matrix
    return np.where(largest > 0, largest / 127, 1).astype(np.float32)
