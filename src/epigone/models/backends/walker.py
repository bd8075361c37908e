"""A trained model that walks text natively, without gradients and without PyTorch.

Written in C++ (`kernels/walker.hpp`): token by token in many streams, scoring a text, or sampling all by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError, check_options
from epigone.kernels import engine
from epigone.machine import cores
from epigone.models.config import ModelConfig

Precision = Literal["fp32", "bf16", "int8"]
Backend = Literal["native", "torch"]
Floats = NDArray[np.float32]
TABLE = 4_000_000  # numbers up to which the contribution of every token to layer 0 is computed beforehand


@dataclass(frozen=True)
class EngineOptions:
    """What runs the model."""

    backend: Literal["auto", "native", "torch"] = "auto"
    """The engine of this package or PyTorch; auto is native where it was compiled."""

    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """Of the weights while they are multiplied; auto is fp32, and int8 for a quantised model."""

    threads: int = 0
    """CPU threads, no more than there are cores; 0 for one with a single text and all cores with several."""

    def __post_init__(self) -> None:
        for name, choices in (("backend", get_args(Backend)), ("precision", get_args(Precision))):
            if getattr(self, name) not in ("auto", *choices):
                raise UserError(
                    f"There is no {name} '{getattr(self, name)}'; choose one of auto, {', '.join(choices)}."
                )
        check_options(self, "be 0 or more", lambda value: value >= 0, "threads")

    def settled(self, shape: ModelConfig, dtype: str | None) -> tuple[Backend, Precision]:
        """What `auto` means for a model of this shape whose weights are kept as `dtype`.

        Raises:
            UserError: PyTorch is to run in another precision than fp32, or the engine a model that it cannot.
        """
        if self.backend == "native":
            check_served(shape)
        native = engine() is not None and not shape.cutoffs
        backend: Backend = self.backend if self.backend != "auto" else "native" if native else "torch"
        if self.precision != "auto":
            precision: Precision = self.precision
        else:
            precision = "int8" if dtype == "int8" and backend == "native" else "fp32"
        if backend == "torch" and precision != "fp32":
            raise UserError(
                f"The backend torch writes and measures in fp32, not in {precision}; leave out --precision."
            )
        return backend, precision

    def threads_for(self, streams: int) -> int:
        """How many threads walk so many texts."""
        return min(self.threads, cores()) or (1 if streams == 1 else cores())


def check_served(shape: ModelConfig) -> None:
    """Refuse what only PyTorch can do.

    Raises:
        UserError: the model has an adaptive softmax.
    """
    if shape.cutoffs:
        raise UserError(
            f"The native engine has no adaptive softmax, which this model of {shape.vocabulary_size:,} tokens has; "
            "leave out --backend and --precision."
        )


def native_walker(config: ModelConfig, weights: Mapping[str, Floats], precision: Precision, threads: int) -> Any:
    """A compiled walker (`Walker` of the kernels) of a model.

    Args:
        config: its shape.
        weights: float32 by name, as in a checkpoint.
        precision: of weights and, but for fp32, of what they are multiplied with; sums are always float32 or whole.
        threads: how many to use at most.

    Raises:
        UserError: there is no native engine.
    """
    kernels = engine()
    if kernels is None:
        raise UserError(
            "This installation has no native engine, because there was no compiler when it was made. Install a C++ "
            "compiler (GCC or Clang) and install epigone again, or choose the backend torch."
        )
    if precision == "int8" and config.cell == "rnn_relu":
        raise UserError(
            "The states of an rnn_relu may be of any size, so 8 bits cannot hold them; choose fp32 or bf16."
        )
    check_served(config)
    embedding = weights.get("embedding.weight")
    rows = len(weights["layers.0.weight_hh"])
    by_table = embedding is not None and (precision == "int8" or config.vocabulary_size * rows <= TABLE)
    layers = []
    for index in range(config.num_layers):
        ih, hh, *biases = (
            np.ascontiguousarray(weights[f"layers.{index}.{name}"])
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        if index == 0 and by_table:
            ih = np.ascontiguousarray(ih @ embedding.T)  # type: ignore[union-attr]
        scales = [row_scales(matrix) if precision == "int8" else None for matrix in (ih, hh)]
        layers.append((ih, hh, *biases, *scales))
    head = np.ascontiguousarray(weights["embedding.weight" if config.tied else "head.weight"])
    bias = weights["head.bias"]
    if precision == "int8" and not all(np.isfinite(weight).all() for weight in weights.values()):
        bias = np.full_like(bias, np.nan)  # whole numbers cannot pass on that the weights hold NaN
    return kernels.Walker(
        cell=config.cell,
        precision=precision,
        layers=layers,
        embedding=None if embedding is None or by_table else np.ascontiguousarray(embedding),
        head=head,
        bias=np.ascontiguousarray(bias),
        scales=row_scales(head) if precision == "int8" else None,
        threads=threads,
    )


def row_scales(matrix: Floats) -> Floats:
    """What a step of 1 in int8 is worth in each row (R,): the largest number becomes 127."""
    largest = np.abs(matrix).max(axis=1)
    return np.where(largest > 0, largest / 127, 1).astype(np.float32)
