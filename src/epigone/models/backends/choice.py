"""The choice of a backend, and the one question if the native engine can run a model.

`reference` runs the equations of `cells/`, `torch` ATen's fused loops if the cell has one, `native` our own code.
"""

from typing import Literal

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig

Part = Literal["stack", "loss", "walker"]
"""The parts of the native engine: layers with gradients, the loss of a head with gradients, and whole models without,
which score a text or write one."""

BACKENDS = ("auto", "native", "torch", "reference")
"""Names of what may run a model; auto is native if that can, and else torch."""


def obstacle(config: ModelConfig, device: str, dtype: str, part: Part) -> str:
    """Say why the native engine cannot run a part of a model; empty if it can.

    Args:
        config: the model's shape.
        device: of its weights, such as `cpu`.
        dtype: `fp32`, `bf16` or `int8` for the products of a walker; the weights' own for the other parts.
        part: the part of the engine.
    """
    cell = CELLS[config.cell]
    if device != "cpu":
        return f"The native engine runs on a CPU, not on {device}."
    if dtype not in (("fp32", "bf16", "int8") if part == "walker" else ("fp32",)):
        return f"The native engine keeps weights in float32, not in {dtype}."
    if cell.native is None and part != "loss":
        return f"The native engine has no kernel for the cell {cell.name}."
    if part == "walker" and config.ngrams:
        return "The native engine reads no n-grams, which this model does."
    if part == "walker" and not (head := config.head).linear:
        return (
            f"The native engine has no {head.name} softmax, which this model of {config.vocabulary_size:,} tokens has."
        )
    if dtype == "int8" and not cell.bounded:
        return f"The states of the cell {cell.name} are unbounded, so 8 bits cannot hold them."
    if engine() is None:
        return (
            "This installation has no native engine, because there was no compiler when it was made. Install a C++ "
            "compiler (GCC or Clang) and install epigone again."
        )
    return ""


def choose(backend: str, config: ModelConfig, device: str, dtype: str, part: Part) -> str:
    """Settle the backend that runs a part of a model.

    Args:
        backend: `auto`, which is native if possible and else torch, or `native`, `torch` or `reference`.
        config, device, dtype, part: as in `obstacle`.

    Returns:
        `native`, `torch` or `reference`.

    Raises:
        UserError: native was asked for and cannot run.
    """
    if backend not in ("auto", "native"):
        return backend
    reason = obstacle(config, device, dtype, part)
    if reason and backend == "native":
        raise UserError(f"{reason} To run the model on PyTorch, leave out --backend and --precision.")
    return "torch" if reason else "native"
