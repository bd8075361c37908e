"""ATen's fused loops, layer by layer (cuDNN on CUDA), and a loop of our own for a one-hot LSTM."""

from typing import Any

import torch
from torch import Tensor

from epigone.models.backends.reference import Weights, project, reference_layer
from epigone.models.cells.base import Cell, State

ONE_HOT = 4096  # tokens up to which ids become vectors on CUDA; more take too much memory


def one_hot(ids: Tensor, weight_ih: Tensor) -> Tensor:
    """Turn ids (T, B) into vectors (T, B, V) of the type of a weight with a column for each token."""
    return weight_ih.new_zeros(*ids.shape, weight_ih.shape[1]).scatter_(-1, ids.long()[..., None], 1)


def aten_layer(cell: Cell, inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    """Run one layer of a cell with an ATen form over a sequence; see `run_stack`."""
    if inputs.is_cuda and not inputs.is_floating_point() and weights["weight_ih"].shape[1] <= ONE_HOT:
        inputs = one_hot(inputs, weights["weight_ih"])  # for one call of cuDNN in place of a loop of single steps
    if not inputs.is_floating_point():  # ATen has no lookup
        if cell.aten != "lstm":
            return reference_layer(cell, inputs, state, weights)
        x = project(inputs, weights["weight_ih"], weights["bias_ih"] + weights["bias_hh"])
        outputs, h, c = LSTMLoop.apply(x, *state, weights["weight_hh"])
        return outputs, (h, c)
    assert cell.aten is not None
    first = [s[None] for s in state]
    flags = (True, 1, 0.0, torch.is_grad_enabled(), False, False)  # biases, layers, dropout, train, ...
    loop = getattr(torch, cell.aten)
    outputs, *final = loop(inputs, first if len(first) > 1 else first[0], tuple(weights.values()), *flags)
    return outputs, tuple(after[0].to(before.dtype) for after, before in zip(final, state, strict=True))


class LSTMLoop(torch.autograd.Function):
    """An LSTM layer from what its input contributes to the gates, with the backward pass written by hand.

    ATen has no loop without an input product, and autograd over single steps takes several times as long.
    The equations are those of `cells/lstm.py`; the products follow autocast.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, h: Tensor, c: Tensor, weight_hh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run x (T, B, 4H) from h and c (B, H) with weight_hh (4H, H); returns outputs (T, B, H), the last h and c."""
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
        """Apply the chain rule from the last step to the first; one product gives the gradient of the weights."""
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
