"""Optimizers by name: PyTorch's, each in the form that walks the weights once where there is one."""

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from epigone.kernels import engine
from epigone.machine import torch_threads
from epigone.training.options import TrainingOptions

FEW = 1_000_000  # numbers that one thread has updated before another is awake


def make_optimizer(
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]], options: TrainingOptions, backend: str = "auto"
) -> torch.optim.Optimizer:
    """Make the optimizer of a recipe for the parameters that learn, or for groups of them as PyTorch takes them."""
    learning: list[Any] = list(parameters)
    lr, decay = options.lr, options.weight_decay
    first = learning[0] if learning else torch.empty(0)
    kind = (first["params"][0] if isinstance(first, dict) else first).device.type
    fused = kind in ("cpu", "cuda")
    match options.optimizer:
        case "rmsprop":
            native = backend != "torch" and engine() is not None
            kind_of = RMSprop if native else torch.optim.RMSprop
            return kind_of(learning, lr, alpha=options.alpha, weight_decay=decay, momentum=options.momentum)
        case "adagrad":
            return torch.optim.Adagrad(learning, lr, weight_decay=decay, fused=kind == "cpu")
        case "adam":
            return torch.optim.Adam(learning, lr, weight_decay=decay, fused=fused)
        case "adamw":
            return torch.optim.AdamW(learning, lr, weight_decay=decay, fused=fused)
        case "sgd":
            return torch.optim.SGD(learning, lr, momentum=options.momentum, weight_decay=decay, fused=fused)


class RMSprop(torch.optim.RMSprop):
    """PyTorch's RMSprop, which has no form that walks the weights once: that is done by the native engine.

    The first step, which makes the state, and those with momentum or on a GPU are PyTorch's own.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move the weights."""
        kernels = engine()
        assert kernels is not None
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if closure or group["momentum"] or not all(self._simple(p) for p in moving):
                return super().step(closure)
        for group in self.param_groups:
            arrays = []
            for parameter in group["params"]:
                if parameter.grad is not None:
                    square = self.state[parameter]["square_avg"]
                    arrays.append([t.detach().numpy() for t in (parameter, parameter.grad, square)])
            names = ("lr", "alpha", "eps", "weight_decay")
            kernels.rmsprop(arrays, **{name: group[name] for name in names}, threads=torch.get_num_threads())
        return None

    def _simple(self, parameter: nn.Parameter) -> bool:
        tensors = (parameter, parameter.grad, self.state[parameter].get("square_avg"))
        return all(
            t is not None and t.device.type == "cpu" and t.dtype == torch.float32 and t.is_contiguous() for t in tensors
        )


def clip_gradients(parameters: Iterable[nn.Parameter], most: float, each: float = math.inf) -> tuple[float, float]:
    """Cut numbers of gradients above `each`, then scale gradients whose common norm is above `most` down to it.

    Returns:
        What the norm was at first, at most the largest number of float32; and after numbers were cut: infinite or NaN
        when nothing can be learned from the gradients.
    """
    learning = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad for parameter in learning if parameter.grad is not None]
    norm = first = torch.nn.utils.get_total_norm(gradients)
    if each < math.inf:
        torch.nn.utils.clip_grad_value_(learning, each)
        norm = torch.nn.utils.get_total_norm(gradients)
    if norm > most:  # else they would be multiplied with 1, which takes as long as the norm
        torch.nn.utils.clip_grads_with_norm_(learning, most, norm)
    return min(first.item(), torch.finfo(torch.float32).max), norm.item()


def few_threads(parameters: Iterable[nn.Parameter]) -> AbstractContextManager[None]:
    """Lets PyTorch use one thread for so few parameters that others would only cost time."""
    few = sum(parameter.numel() for parameter in parameters) <= FEW
    return torch_threads(1) if few else nullcontext()
