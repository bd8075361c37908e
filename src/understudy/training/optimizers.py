"""Optimizers by name; all are PyTorch's."""

from collections.abc import Iterable

import torch
from torch import nn

from understudy.training.options import TrainingOptions


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
