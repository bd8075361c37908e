"""Optimizers by name; all are PyTorch's."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from understudy.machine import torch_threads
from understudy.training.options import TrainingOptions

FEW = 1_000_000  # numbers that one thread has updated before another is awake


def make_optimizer(parameters: Iterable[nn.Parameter], options: TrainingOptions) -> torch.optim.Optimizer:
    """The optimizer that the options ask for, over the parameters that learn."""
    learning = list(parameters)
    lr, decay = options.lr, options.weight_decay
    match options.optimizer:
        case "rmsprop":
            return torch.optim.RMSprop(learning, lr, alpha=options.alpha, weight_decay=decay, momentum=options.momentum)
        case "adagrad":
            return torch.optim.Adagrad(learning, lr, weight_decay=decay)
        case "adam":
            return torch.optim.Adam(learning, lr, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(learning, lr, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(learning, lr, momentum=options.momentum, weight_decay=decay)


def few_threads(parameters: Iterable[nn.Parameter]) -> AbstractContextManager[None]:
    """Lets PyTorch use one thread for so few parameters that others would only cost time."""
    few = sum(parameter.numel() for parameter in parameters) <= FEW
    return torch_threads(1) if few else nullcontext()
