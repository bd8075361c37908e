"""The adapted softmax: a layer of its own below the linear one, there to be retrained alone.

It learns together with the network at first, so the network leaves to it what differs between texts (the third approach
of Ma et al. 2017).
"""

import torch
from torch import Tensor, nn

from epigone.models.config import ModelConfig
from epigone.models.heads.base import Scored
from epigone.models.heads.full import FullSoftmax


class AdaptedSoftmax(FullSoftmax):
    """A linear layer (V, H) above a square one with tanh, the adaptation layer."""

    def __init__(self, config: ModelConfig, backend: str = "auto") -> None:
        super().__init__(config, backend)
        self.adaptation = nn.Linear(config.output_size, config.output_size)

    def logits(self, outputs: Tensor) -> Tensor:
        """Compute the logits (..., V) of outputs (..., H)."""
        return super().logits(self._adapted(outputs))

    def loss(self, outputs: Tensor, targets: Tensor) -> Scored:
        """Score the targets (...), some of which may be `IGNORED`, on outputs (..., H)."""
        return super().loss(self._adapted(outputs), targets)

    def _adapted(self, outputs: Tensor) -> Tensor:
        return torch.tanh(self.adaptation(outputs)).to(outputs.dtype)  # autocast would hand on bfloat16
