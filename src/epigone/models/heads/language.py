"""The full softmax over the vocabulary: one linear layer."""

import torch.nn.functional as F
from torch import Tensor, nn

from epigone.models.backends import native
from epigone.models.heads.base import Scored, counted


class FullSoftmax(nn.Linear):
    """A linear layer (V, H) from outputs to logits."""

    def __init__(self, hidden_size: int, vocabulary_size: int, backend: str = "auto") -> None:
        super().__init__(hidden_size, vocabulary_size)
        self.backend = backend

    def logits(self, outputs: Tensor) -> Tensor:
        """Compute the logits (..., V) of outputs (..., H)."""
        return F.linear(outputs, self.weight, self.bias)

    def loss(self, outputs: Tensor, targets: Tensor) -> Scored:
        """Score the targets (...), some of which may be `IGNORED`, on outputs (..., H)."""
        loss, hits = cross_entropy(*counted(outputs, targets), self.weight, self.bias, self.backend)
        return Scored(loss, hits.float().mean())


def cross_entropy(
    outputs: Tensor, targets: Tensor, weight: Tensor, bias: Tensor, backend: str
) -> tuple[Tensor, Tensor]:
    """Compute the mean cross-entropy of a linear layer, in nats.

    Args:
        outputs: of the encoder, (N, H).
        targets: ids (N,).
        weight, bias: of the layer, (V, H) and (V,).
        backend: `auto`, `native`, `torch` or `reference`.

    Returns:
        The loss, and for each target (N,) whether it was the likeliest.
    """
    if backend in ("auto", "native") and native.serves(outputs, (outputs,)):
        return native.native_loss(outputs, weight, bias, targets)
    logits = F.linear(outputs, weight, bias)
    return F.cross_entropy(logits, targets), logits.detach().argmax(-1) == targets
