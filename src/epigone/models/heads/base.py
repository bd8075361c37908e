"""The interface of a head, which turns the outputs of an encoder into predictions."""

from typing import NamedTuple, Protocol

import torch.nn.functional as F
from torch import Tensor

IGNORED = -100
"""A target that does not count, as in PyTorch."""


class Scored(NamedTuple):
    """Mean cross-entropy of the targets that count, in nats, and the share predicted as likeliest; NaN if unknown."""

    loss: Tensor
    accuracy: Tensor


class Head(Protocol):
    """A module on top of an encoder."""

    def logits(self, outputs: Tensor) -> Tensor:
        """Compute the logits (..., V) of outputs (..., H); their softmax are the probabilities."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Scored:
        """Score the targets (...), some of which may be `IGNORED`, on outputs (..., H)."""


def counted(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Select the outputs (N, H) and targets (N,) that count."""
    chosen = targets != IGNORED
    if chosen.all():
        return outputs.flatten(0, -2), targets.flatten()
    return outputs[chosen], targets[chosen]


def score(logits: Tensor, targets: Tensor) -> Scored:
    """Score the targets (...), some of which may be `IGNORED`, by logits (..., V)."""
    logits, targets = counted(logits, targets)
    return Scored(F.cross_entropy(logits, targets), (logits.detach().argmax(-1) == targets).float().mean())
