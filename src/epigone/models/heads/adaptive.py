"""The adaptive softmax: of a large vocabulary, rare tokens wait in clusters that are looked into only when needed.

Tokens are best sorted by frequency, as words are; subwords stand in the order in which their pairs were joined, which
is nearly that. The first stand in a short list beside one entry for each cluster of the others; a token of a cluster
has the probability of the cluster times its own within the cluster (Grave et al. 2017; here clusters keep the full
width, so that their weights can be tied to an embedding).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


class Head(nn.Linear):
    """From outputs to logits; with `cutoffs`, the first token of each cluster, to log probabilities."""

    def __init__(self, hidden_size: int, vocabulary_size: int, cutoffs: Sequence[int]) -> None:
        super().__init__(hidden_size, vocabulary_size)
        self.cutoffs = tuple(cutoffs)
        self.clusters = nn.Linear(hidden_size, len(cutoffs)) if cutoffs else None

    def forward(self, x: Tensor) -> Tensor:
        """Logits (..., V) of outputs (..., H): log probabilities where there are clusters."""
        logits = super().forward(x)
        return logits if self.clusters is None else log_probabilities(logits, self.clusters(x), self.cutoffs)


def adaptive_loss(x: Tensor, head: Head, targets: Tensor, loss: Loss) -> Tensor:
    """The mean cross-entropy of targets. Which of them were the likeliest is not known without all clusters.

    Args:
        x: outputs (N, H).
        head: with clusters.
        targets: ids (N,).
        loss: from x, weight, bias and targets to the mean loss and the hits (N,).
    """
    clusters, cutoffs = head.clusters, head.cutoffs
    assert clusters is not None
    short, bounds = cutoffs[0], [*cutoffs, head.out_features]
    place = torch.bucketize(targets, torch.tensor(cutoffs, device=targets.device), right=True)  # 0: the short list
    first = torch.where(place == 0, targets, short + place - 1)
    weight = torch.cat([head.weight[:short], clusters.weight])
    total, _ = loss(x, weight, torch.cat([head.bias[:short], clusters.bias]), first)
    for index, (begin, end) in enumerate(zip(cutoffs, bounds[1:], strict=True), 1):
        here = (place == index).nonzero()[:, 0]
        if len(here):
            mean, _ = loss(x[here], head.weight[begin:end], head.bias[begin:end], targets[here] - begin)
            total = total + mean * (len(here) / len(targets))
    return total


def log_probabilities(logits: Tensor, clusters: Tensor, cutoffs: Sequence[int]) -> Tensor:
    """The log probabilities (..., V) of all tokens.

    Args:
        logits: of all tokens, (..., V).
        clusters: of the clusters, (..., K).
        cutoffs: the first token of each cluster, K of them.
    """
    short, bounds = cutoffs[0], [*cutoffs, logits.shape[-1]]
    top = torch.cat([logits[..., :short], clusters], -1).log_softmax(-1)
    parts = [top[..., :short]]
    for index, (begin, end) in enumerate(zip(cutoffs, bounds[1:], strict=True)):
        parts.append(logits[..., begin:end].log_softmax(-1) + top[..., short + index, None])
    return torch.cat(parts, -1)
