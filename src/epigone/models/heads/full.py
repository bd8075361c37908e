"""The full softmax over the vocabulary: one linear layer."""

import torch.nn.functional as F
from torch import Tensor, nn

from epigone.models.backends.choice import choose
from epigone.models.backends.native import dtype_name, native_loss
from epigone.models.config import ModelConfig
from epigone.models.heads.base import Scored, counted


class FullSoftmax(nn.Linear):
    """A linear layer (V, H) from outputs to logits."""

    def __init__(self, config: ModelConfig, backend: str = "auto") -> None:
        super().__init__(config.output_size, config.vocabulary_size)
        self.config, self.backend = config, backend

    def logits(self, outputs: Tensor) -> Tensor:
        """Compute the logits (..., V) of outputs (..., H)."""
        return F.linear(outputs, self.weight, self.bias)

    def loss(self, outputs: Tensor, targets: Tensor) -> Scored:
        """Score the targets (...), some of which may be `IGNORED`, on outputs (..., H)."""
        loss, hits = self.cross_entropy(*counted(outputs, targets), self.weight, self.bias)
        return Scored(loss, hits.float().mean())

    def cross_entropy(self, outputs: Tensor, targets: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the mean cross-entropy of a linear layer, in nats.

        Args:
            outputs: of the encoder, (N, H).
            targets: ids (N,).
            weight, bias: of the layer, (V, H) and (V,).

        Returns:
            The loss, and for each target (N,) if it was the likeliest.
        """
        device, dtype = outputs.device.type, dtype_name(outputs)
        if len(targets) and choose(self.backend, self.config, device, dtype, "loss") == "native":
            return native_loss(outputs, weight, bias, targets)
        logits = F.linear(outputs, weight, bias)
        return F.cross_entropy(logits, targets), logits.detach().argmax(-1) == targets
