"""The head of a classifier: pooled outputs of the encoder, one hidden layer, classes (Howard and Ruder 2018, §3.3)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
        total = torch.einsum("nth,nt->nh", outputs, counts.to(outputs.dtype))
        largest = outputs.masked_fill(~counts[:, :, None], -torch.inf).amax(1)
        last = outputs[torch.arange(len(outputs)), (lengths - 1).clamp(min=0)]
        if before is None:
            return cls(last, largest, total)
        ended = (lengths == 0)[:, None]
        return cls(torch.where(ended, before.last, last), torch.maximum(before.largest, largest), before.total + total)

    def features(self, lengths: Tensor) -> Tensor:
        """Concatenate last, largest and mean of texts of so many tokens, 1 or more: (N, 3H)."""
        return torch.cat([self.last, self.largest, self.total / lengths[:, None]], 1)


class PooledClassifier(nn.Module):
    """A hidden layer of rectifiers between normalised features (N, 3H) and the logits (N, C)."""

    def __init__(self, features: int, hidden: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.hidden = nn.Linear(features, hidden)
        self.out = nn.Linear(hidden, classes)
        self.dropout = dropout

    def forward(self, features: Tensor) -> Tensor:
        """Compute the logits (N, C)."""
        x = F.dropout(self.norm(features), self.dropout, self.training)
        return self.out(F.dropout(self.hidden(x).relu(), self.dropout / 2, self.training))
