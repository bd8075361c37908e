"""The native engine under autograd: a stack of recurrent layers and the loss on top, each in one call."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from epigone.kernels import engine
from epigone.models.cells.base import Cell, State


def dtype_name(tensor: Tensor) -> str:
    """The dtype of a tensor as `obstacle` takes it."""
    return "fp32" if tensor.dtype == torch.float32 else str(tensor.dtype).removeprefix("torch.")


def native_stack(
    cell: Cell, inputs: Tensor, state: State, layers: Sequence[Sequence[Tensor]], masks: Sequence[Tensor | None]
) -> tuple[Tensor, State]:
    """Run layers of a cell with a native form over a whole sequence; see `run_stack`.

    Products are in bfloat16 if autocast asks for it, sums always in float32. Gradients are computed only for what
    requires them, and no lower than that. Results do not depend on the number of threads.
    """
    if masks and masks[0] is not None:  # a mask of the features, which no recurrent layer needs to know
        inputs, masks = inputs * masks[0], [None, *masks[1:]]
    fixed = (cell.native, _precision(), tuple(masks), len(state))
    outputs, *final = NativeStack.apply(fixed, inputs, *state, *(weight for layer in layers for weight in layer))
    return outputs, tuple(final)


class NativeStack(torch.autograd.Function):
    """The stack's forward and backward pass."""

    @staticmethod
    def forward(ctx: Any, fixed: tuple[Any, ...], inputs: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Run the layers on ids (T, B) or features (T, B, I), given the state, (L, B, H) each, and their weights."""
        cell, precision, masks, states = fixed
        kernels = engine()
        assert kernels is not None
        arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
        tokens, features = (None, inputs) if inputs.is_floating_point() else (inputs, None)
        outputs, h, c, tape = kernels.forward(
            cell=cell,
            precision=precision,
            tokens=None if tokens is None else tokens.contiguous().numpy(),
            features=None if features is None else features.detach().float().contiguous().numpy(),
            h=arrays[0],
            c=arrays[1] if states == 2 else None,
            layers=[tuple(arrays[i : i + 4]) for i in range(states, len(arrays), 4)],
            masks=[None if mask is None else mask.contiguous().numpy() for mask in masks],
            threads=torch.get_num_threads(),
            keep=any(ctx.needs_input_grad),
        )
        ctx.tape, ctx.states = tape, states
        return tuple(torch.from_numpy(array) for array in (outputs, h, c) if array is not None)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of what requires them."""
        kernels = engine()
        assert kernels is not None
        _, features, *rest = ctx.needs_input_grad
        states, weights = rest[: ctx.states], rest[ctx.states :]
        d_outputs, d_h, *d_c = (grad.float().contiguous().numpy() for grad in grads)
        d_features, d_h0, d_c0, gradients = kernels.backward(
            tape=ctx.tape,
            d_outputs=d_outputs,
            d_h=d_h,
            d_c=d_c[0] if d_c else None,
            wanted=[weights[i : i + 4] for i in range(0, len(weights), 4)],
            features=features,
            state=any(states),
        )
        found = [d_features, d_h0, *([d_c0] if ctx.states == 2 else []), *(g for layer in gradients for g in layer)]
        return None, *(None if array is None else torch.from_numpy(array) for array in found)


def native_loss(outputs: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the mean cross-entropy of a head, in nats; logits never exist all at once.

    Args:
        outputs: of the top layer, (T, B, H) or (N, H).
        weight, bias: of the head, (V, H) and (V,).
        targets: ids (T, B) or (N,).

    Returns:
        The loss, and for each target if it was the likeliest token: bool, (T * B,) or (N,).
    """
    loss, hits = NativeLoss.apply(outputs, weight, bias, targets)
    return loss, hits


class NativeLoss(torch.autograd.Function):
    """The loss and its gradients, computed together."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss and the hits; the gradients wait for the backward pass."""
        kernels = engine()
        assert kernels is not None
        mean, hits, *ctx.gradients = kernels.loss(
            precision=_precision(),
            outputs=outputs.detach().float().contiguous().numpy(),
            weight=weight.detach().contiguous().numpy(),
            bias=bias.detach().contiguous().numpy(),
            targets=targets.contiguous().numpy(),
            threads=torch.get_num_threads(),
            wanted=ctx.needs_input_grad[:3],
        )
        likeliest = torch.from_numpy(hits).bool()
        ctx.mark_non_differentiable(likeliest)
        return weight.new_tensor(mean), likeliest

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Scale the gradients."""
        scale = float(grads[0])
        found = [None if array is None else torch.from_numpy(array) for array in ctx.gradients]
        return *(g if g is None or scale == 1 else g * scale for g in found), None


def _precision() -> str:
    bf16 = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return "bf16" if bf16 else "fp32"
