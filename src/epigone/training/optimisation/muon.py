"""Muon: momentum made orthogonal, for the matrices inside a network (Jordan et al. 2024)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the iteration of Newton and Schulz; five steps bring all singular values to between 0.7 and 1.2."""
LENGTH = 0.2
"""Root mean square of an update at rate 1, that of Adam's updates (Liu et al. 2025), so that both have one rate."""


class Muon(torch.optim.AdamW):
    """Muon for matrices, gate by gate, and AdamW for everything else.

    Args:
        parameters: as for AdamW.
        blocks: the matrices that Muon moves, each with the number of blocks of its rows that are matrices of their own.
        lr, weight_decay, fused: as for AdamW.
        dtype: of the products that make a matrix orthogonal; momentum and weights are always float32.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        blocks: Mapping[nn.Parameter, int],
        lr: float,
        weight_decay: float,
        dtype: torch.dtype = torch.float32,
        fused: bool = False,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay, fused=fused)
        self.blocks, self.dtype = dict(blocks), dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move the weights."""
        gradients = {p: p.grad for group in self.param_groups for p in group["params"] if p in self.blocks}
        for parameter in gradients:
            parameter.grad = None  # AdamW passes over it
        result = super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = gradients.get(parameter)
                if gradient is not None:
                    parameter.grad = gradient
                    self._move(parameter, gradient, group["lr"], group["weight_decay"])
        return result

    def _move(self, parameter: nn.Parameter, gradient: Tensor, lr: float, decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(gradient)}  # AdamW looks for its step
        momentum = state["momentum"]
        momentum.lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
        update = orthogonal(ahead.reshape(self.blocks[parameter], -1, ahead.shape[1]), self.dtype)
        parameter.mul_(1 - lr * decay)
        parameter.add_(update.reshape(parameter.shape), alpha=-lr * LENGTH * math.sqrt(max(update.shape[1:])))


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Bring the singular values of matrices (N, R, C) near 1, by the iteration of Newton and Schulz.

    Args:
        matrices: (N, R, C).
        dtype: of the products; bfloat16 serves, since the iteration need not converge.
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.mT
    x = (x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-20)).to(dtype)
    first, second, third = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=second, alpha=third), x, beta=first)
    return (x if wide else x.mT).to(matrices.dtype)
