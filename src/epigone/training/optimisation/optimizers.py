"""Optimizers by name: PyTorch's, each in a form that reads the weights only once, if there is one, and others."""

import math
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.machine import torch_threads
from epigone.training.optimisation.muon import Muon
from epigone.training.options import TrainingOptions

PACKAGED = {"soap": "SOAP", "ademamix": "AdEMAMix", "lion": "Lion", "schedule-free": "ScheduleFreeAdamW"}
"""Optimizers of the package pytorch-optimizer, by our names."""
FEW = 1_000_000  # numbers that one thread updates before another is awake


def make_optimizer(
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
    options: TrainingOptions,
    backend: str = "auto",
    blocks: Mapping[nn.Parameter, int] | None = None,
) -> torch.optim.Optimizer:
    """Make the optimizer of a recipe.

    Args:
        parameters: those that learn, or groups of them as PyTorch takes them.
        options: the recipe.
        backend: the engine, which has a faster form of rmsprop.
        blocks: matrices inside the network with their numbers of gates, for optimizers that treat them apart.

    Raises:
        UserError: the optimizer is of a package that is not installed.
    """
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
        case "muon":
            products = torch.bfloat16 if options.precision == "bf16" else torch.float32
            return Muon(learning, blocks or {}, lr, decay, products, fused)
        case name:
            return _of_package(name)(learning, lr, weight_decay=decay)


def _of_package(name: str) -> Any:
    """The class of an optimizer of pytorch-optimizer.

    Raises:
        UserError: the package is not installed.
    """
    try:
        import pytorch_optimizer
    except ImportError as error:
        raise UserError(
            f"The optimizer {name} is of the package pytorch-optimizer, which is not installed: "
            "pip install pytorch-optimizer, or choose adamw or muon."
        ) from error
    return getattr(pytorch_optimizer, PACKAGED[name])


class RMSprop(torch.optim.RMSprop):
    """RMSprop in the native engine, because PyTorch's has no form that reads the weights only once.

    PyTorch does the first step, which makes the state, and all steps with momentum or on a GPU.
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
    """Clip the numbers of gradients to `each`, then scale the gradients so that their common norm is at most `most`.

    Returns:
        The norm before anything is clipped, at most the largest float32; and the norm after the numbers are clipped,
        which is infinite or NaN if the gradients are useless.
    """
    learning = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad for parameter in learning if parameter.grad is not None]
    norm = first = torch.nn.utils.get_total_norm(gradients)
    if each < math.inf:
        torch.nn.utils.clip_grad_value_(learning, each)
        norm = torch.nn.utils.get_total_norm(gradients)
    if norm > most:  # otherwise PyTorch multiplies them by 1, which takes as long as the norm
        torch.nn.utils.clip_grads_with_norm_(learning, most, norm)
    return min(first.item(), torch.finfo(torch.float32).max), norm.item()


def few_threads(parameters: Iterable[nn.Parameter]) -> AbstractContextManager[None]:
    """Let PyTorch use a single thread if there are so few parameters that more threads only cost time."""
    few = sum(parameter.numel() for parameter in parameters) <= FEW
    return torch_threads(1) if few else nullcontext()
