"""The head of a classifier: pooled outputs of the encoder, one hidden layer, classes (Howard and Ruder 2018, §3.3)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST = 1e-2  # deviation of a feature that is nearly the same in all texts


@dataclass
class Pooled:
    """What is known of N texts after a number of tokens: the last output, the largest, and the sum, (N, H) each."""

    last: Tensor
    largest: Tensor
    total: Tensor

    @classmethod
    def of(cls, outputs: Tensor, lengths: Tensor, before: "Pooled | None" = None) -> "Pooled":
        """Pool outputs (N, T, H) of which the first `lengths` (N,) of each text count, 0 to T, after `before`."""
        counts = torch.arange(outputs.shape[1], device=outputs.device) < lengths[:, None]
        frozen = not outputs.requires_grad and outputs.device.type == "cpu"
        exact = outputs.double() if frozen else outputs  # a sum that no padding changes, to 1e-12
        total = torch.einsum("nth,nt->nh", exact, counts.to(exact.dtype))
        largest = outputs.masked_fill(~counts[:, :, None], -torch.inf).amax(1)
        last = outputs[torch.arange(len(outputs)), (lengths - 1).clamp(min=0)]
        if before is None:
            return cls(last, largest, total)
        ended = (lengths == 0)[:, None]
        return cls(torch.where(ended, before.last, last), torch.maximum(before.largest, largest), before.total + total)

    def features(self, lengths: Tensor) -> Tensor:
        """Concatenate last, largest and mean of texts of so many tokens, 1 or more: (N, 3H)."""
        mean = (self.total / lengths[:, None]).to(self.last.dtype)
        return torch.cat([self.last, self.largest, mean], 1)


class PooledClassifier(nn.Module):
    """A hidden layer of rectifiers between standardised features (N, F) and the logits (N, C).

    Features of different texts are nearly alike, so their mean and deviation over the texts are taken out first. Both
    are parameters, and so a text gets the same answer in any batch.
    """

    def __init__(self, features: int, hidden: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(features))
        self.shift = nn.Parameter(torch.zeros(features))
        self.hidden = nn.Linear(features, hidden)
        self.out = nn.Linear(hidden, classes)
        self.dropout = dropout

    @torch.no_grad()
    def standardise(self, features: Tensor) -> None:
        """Let these features (N, F) have mean 0 and deviation 1."""
        deviation = features.std(0, correction=0)
        self.gain.copy_(1 / deviation.clamp(min=LEAST))
        self.shift.copy_(-features.mean(0) * self.gain)

    def forward(self, features: Tensor) -> Tensor:
        """Compute the logits (N, C)."""
        x = F.dropout(features * self.gain + self.shift, self.dropout, self.training)
        return self.out(F.dropout(self.hidden(x).relu(), self.dropout / 2, self.training))
