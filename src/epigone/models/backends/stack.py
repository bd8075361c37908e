"""A stack of recurrent layers over a sequence, on the backend that was chosen.

Layer 0 of a one-hot model receives token ids: its input product is a lookup of the columns of `weight_ih`, never a
product with a one-hot matrix.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from epigone.models.backends.aten import aten_layer
from epigone.models.backends.native import native_stack
from epigone.models.backends.reference import Held, Weights, reference_layer
from epigone.models.cells.base import Cell, State


def run_stack(
    cell: Cell,
    inputs: Tensor,
    state: State,
    layers: Sequence[Weights],
    input_masks: Sequence[Tensor | None],
    backend: str,
    sizes: Sequence[int],
    held: Sequence[Held] = (),
) -> tuple[Tensor, State]:
    """Run layers one above the other over a whole sequence.

    Args:
        cell: the cell of all layers.
        inputs: token ids (T, B) for a one-hot layer 0, else features (T, B, I).
        state: tensors (L, B, H), one for each state vector of the cell; H are the units of the widest layer, and a
            narrower one has zeros behind its own.
        layers: the weights of L layers, lowest first.
        input_masks: for each layer a dropout mask, already scaled, that multiplies its input; or None.
        backend: `native`, `torch` or `reference`, as `choose` settled it.
        sizes: units of each layer.
        held: for each layer the values of its clamped units, which only the backend `reference` knows.

    Returns:
        The outputs of the top layer (T, B, its units) and the state after the last step.
    """
    if not layers:
        return inputs, state
    if len(set(sizes)) == 1:
        return _run_even(cell, inputs, state, layers, input_masks, backend, held)
    finals: list[State] = []
    place = 0
    for size, group in groupby(sizes):  # the engine runs layers of one size in one call
        here = slice(place, place + len(list(group)))
        part = tuple(s[here, :, :size] for s in state)
        inputs, final = _run_even(cell, inputs, part, layers[here], input_masks[here], backend, held[here])
        finals.append(tuple(F.pad(s, (0, max(sizes) - size)) for s in final))
        place = here.stop
    return inputs, tuple(torch.cat(parts) for parts in zip(*finals, strict=True))


def _run_even(
    cell: Cell,
    inputs: Tensor,
    state: State,
    layers: Sequence[Weights],
    input_masks: Sequence[Tensor | None],
    backend: str,
    held: Sequence[Held],
) -> tuple[Tensor, State]:
    """Run layers of one size; see `run_stack`."""
    if backend == "native" and inputs.numel():
        return native_stack(cell, inputs, state, [tuple(weights.values()) for weights in layers], input_masks)
    run = aten_layer if backend != "reference" and cell.aten is not None else reference_layer
    finals = []
    for index, (weights, mask) in enumerate(zip(layers, input_masks, strict=True)):
        if mask is not None:
            inputs = inputs * mask
        before = tuple(s[index] for s in state)
        if held:
            inputs, final = reference_layer(cell, inputs, before, weights, held[index])
        else:
            inputs, final = run(cell, inputs, before, weights)
        finals.append(final)
    return inputs, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))
