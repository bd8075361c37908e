"""The adaptive softmax: rare tokens of a large vocabulary are grouped in clusters that are evaluated only when needed.

It works best if tokens are sorted by frequency, as words are; subwords are in the order of their merges, which is
close. The first tokens form a short list, next to one entry for each cluster of the others. The probability of a token
in a cluster is that of the cluster times its own within the cluster (Grave et al. 2017; here clusters keep the full
width, so that their weights can be tied to an embedding).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from epigone.models.config import ModelConfig
from epigone.models.heads.base import Scored, counted
from epigone.models.heads.full import FullSoftmax


class AdaptiveSoftmax(FullSoftmax):
    """A head whose logits are log probabilities; `config.cutoffs` are the first tokens of its K clusters."""

    def __init__(self, config: ModelConfig, backend: str = "auto") -> None:
        super().__init__(config, backend)
        self.cutoffs = config.cutoffs
        self.clusters = nn.Linear(config.output_size, len(config.cutoffs))

    def logits(self, outputs: Tensor) -> Tensor:
        """Compute the log probabilities (..., V) of all tokens from outputs (..., H)."""
        logits, clusters = super().logits(outputs), self.clusters(outputs)
        short, bounds = self.cutoffs[0], [*self.cutoffs, self.out_features]
        top = torch.cat([logits[..., :short], clusters], -1).log_softmax(-1)
        logits[..., :short] = top[..., :short]  # in place, because each copy takes as much memory
        for index, (begin, end) in enumerate(zip(self.cutoffs, bounds[1:], strict=True)):
            logits[..., begin:end] = logits[..., begin:end].log_softmax(-1) + top[..., short + index, None]
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Scored:
        """Score the targets (...) on outputs (..., H); the likeliest tokens, and so the accuracy, stay unknown."""
        x, targets = counted(outputs, targets)
        short, bounds = self.cutoffs[0], [0, *self.cutoffs, self.out_features]
        place = torch.bucketize(targets, torch.tensor(self.cutoffs, device=targets.device), right=True)  # 0: short list
        first = torch.where(place == 0, targets, short + place - 1)
        # Split at once: the gradient of each single slice would be as large as the whole.
        sizes = [end - begin for begin, end in pairwise(bounds)]
        weights, biases = self.weight.split(sizes), self.bias.split(sizes)
        weight = torch.cat([weights[0], self.clusters.weight])
        bias = torch.cat([biases[0], self.clusters.bias])
        total, _ = self.cross_entropy(x, first, weight, bias)
        for index, begin in enumerate(self.cutoffs, 1):
            here = (place == index).nonzero()[:, 0]
            if len(here):
                mean, _ = self.cross_entropy(x[here], targets[here] - begin, weights[index], biases[index])
                total = total + mean * (len(here) / len(targets))
        return Scored(total, torch.full_like(total.detach(), torch.nan))
