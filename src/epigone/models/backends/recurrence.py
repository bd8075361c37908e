"""Running a stack of recurrent layers over a sequence: the one place where a backend is chosen.

`reference` walks the equations of `cells.py`; `torch` calls ATen's fused loops layer by layer (cuDNN on CUDA);
`native` runs the whole stack in our own code (CPU). `auto` is native where it can be, else torch. Layer 0 of a one-hot
model receives token ids: its input product is a lookup of the columns of `weight_ih`, never a product with a one-hot
matrix.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from epigone.errors import UserError
from epigone.models.backends import native
from epigone.models.cells import CELLS, State


class LayerWeights(NamedTuple):
    """The weights of one layer: (G*H, I), (G*H, H), (G*H,), (G*H,)."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


def run_stack(
    cell: str,
    inputs: Tensor,
    state: State,
    layers: Sequence[LayerWeights],
    input_masks: Sequence[Tensor | None],
    backend: str,
) -> tuple[Tensor, State]:
    """Run layers one above the other over a whole sequence.

    Args:
        cell: a name in `CELLS`.
        inputs: token ids (T, B) for a one-hot layer 0, else features (T, B, I).
        state: tensors (L, B, H), one per state vector of the cell.
        layers: L layers, lowest first.
        input_masks: for each layer a dropout mask, already scaled, that multiplies its input; or None.
        backend: `auto`, `native`, `torch` or `reference`.

    Returns:
        The outputs of the top layer (T, B, H) and the state after the last step.

    Raises:
        UserError: the native backend was asked for where it cannot run.
    """
    if backend in ("auto", "native") and layers and native.serves(inputs, state):
        return native.native_stack(cell, inputs, state, layers, input_masks)
    if backend == "native" and layers:
        raise UserError(
            "The native backend runs on a CPU, in float32 or bfloat16 products, where a compiler was at hand when "
            "epigone was installed; choose the backend torch."
        )
    run = reference_layer if backend == "reference" else torch_layer
    finals = []
    for index, (weights, mask) in enumerate(zip(layers, input_masks, strict=True)):
        if mask is not None:
            inputs = inputs * mask
        inputs, final = run(cell, inputs, tuple(s[index] for s in state), weights)
        finals.append(final)
    if finals:
        state = tuple(torch.stack(parts) for parts in zip(*finals, strict=True))
    return inputs, state


def project(inputs: Tensor, weights: LayerWeights) -> Tensor:
    """What the input contributes to the gates (T, B, G*H): a lookup for ids, a product for features."""
    if inputs.is_floating_point():
        return F.linear(inputs, weights.weight_ih, weights.bias_ih)
    return F.embedding(inputs, weights.weight_ih.T + weights.bias_ih)


def reference_layer(cell: str, inputs: Tensor, state: State, weights: LayerWeights) -> tuple[Tensor, State]:
    """One layer over a sequence, by the equations of `cells.py`."""
    step = CELLS[cell].step
    outputs = []
    for x in project(inputs, weights).unbind(0):
        state = step(x, state, weights.weight_hh, weights.bias_hh)
        outputs.append(state[0])
    return torch.stack(outputs), state


def torch_layer(cell: str, inputs: Tensor, state: State, weights: LayerWeights) -> tuple[Tensor, State]:
    """One layer over a sequence by ATen's fused loop; by a lookup and our own loop where the inputs are ids."""
    if not inputs.is_floating_point():
        if cell != "lstm":
            return reference_layer(cell, inputs, state, weights)
        x = project(inputs, weights._replace(bias_ih=weights.bias_ih + weights.bias_hh))
        outputs, h, c = LSTMLoop.apply(x, *state, weights.weight_hh)
        return outputs, (h, c)
    flags = (True, 1, 0.0, torch.is_grad_enabled(), False, False)  # biases, layers, dropout, train, ...
    if cell == "lstm":
        outputs, h, c = torch.lstm(inputs, [s[None] for s in state], weights, *flags)
        return outputs, (h[0].to(state[0].dtype), c[0].to(state[1].dtype))
    loop = {"gru": torch.gru, "rnn": torch.rnn_tanh, "rnn_relu": torch.rnn_relu}[cell]
    outputs, h = loop(inputs, state[0][None], weights, *flags)
    return outputs, (h[0].to(state[0].dtype),)


class LSTMLoop(torch.autograd.Function):
    """An LSTM layer given what its input contributes to the gates, with the backward pass written out.

    ATen has no loop without an input product, and autograd over single steps takes several times as long.
    The equations are those of `cells.lstm_step`; the products follow autocast.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, h: Tensor, c: Tensor, weight_hh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (T, B, 4H), h and c (B, H), weight_hh (4H, H) -> outputs (T, B, H), last h, last c."""
        device = x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        weight = weight_hh.to(dtype)
        steps, size = x.shape[0], h.shape[1]
        gates = torch.empty_like(x)
        hidden = torch.cat([h[None], x.new_empty(steps, *h.shape)])
        memory = torch.cat([c[None], x.new_empty(steps, *c.shape)])
        squashed = x.new_empty(steps, *c.shape)
        for t in range(steps):
            gate = gates[t]
            if dtype == x.dtype:
                torch.addmm(x[t], hidden[t], weight.T, out=gate)
            else:
                torch.add(x[t], hidden[t].to(dtype) @ weight.T, out=gate)
            gate[:, : 2 * size].sigmoid_()
            gate[:, 2 * size : 3 * size].tanh_()
            gate[:, 3 * size :].sigmoid_()
            i, f, g, o = gate.chunk(4, dim=1)
            torch.mul(f, memory[t], out=memory[t + 1]).addcmul_(i, g)
            torch.tanh(memory[t + 1], out=squashed[t])
            torch.mul(o, squashed[t], out=hidden[t + 1])
        ctx.save_for_backward(gates, hidden, memory, squashed, weight)
        # Copies, because autograd forbids outputs that are views of each other.
        return hidden[1:].clone(), hidden[-1].clone(), memory[-1].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """The chain rule from the last step to the first; gate gradients first, one product for the weights."""
        d_outputs, dh, dc = grads
        gates, hidden, memory, squashed, weight = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, dim=2)
        through_memory = o * (1 - squashed * squashed)  # dh -> dc
        slopes = torch.cat([g * i * (1 - i), memory[:-1] * f * (1 - f), i * (1 - g * g), squashed * o * (1 - o)], dim=2)
        shape = (gates.shape[1], 4, dh.shape[1])
        for t in range(gates.shape[0] - 1, -1, -1):
            dh = dh + d_outputs[t]
            dc = torch.addcmul(dc, dh, through_memory[t])
            gate = slopes[t].view(shape)
            gate[:, :3] *= dc[:, None]
            gate[:, 3] *= dh
            dc = dc * f[t]
            dh = (slopes[t].to(weight.dtype) @ weight).to(dc.dtype)
        d_weight = None
        if ctx.needs_input_grad[3]:
            flat = slopes.flatten(0, 1).to(weight.dtype)
            d_weight = (flat.T @ hidden[:-1].flatten(0, 1).to(weight.dtype)).to(dc.dtype)
        return slopes, dh, dc, d_weight
