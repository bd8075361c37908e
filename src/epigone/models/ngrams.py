"""Hashed n-grams: embeddings of the last few tokens together, added to that of the last one.

Rows of tokens are hashed into a table, so they need neither a vocabulary nor a multiplication (Svenstrup et al. 2017).
"""

import torch
from torch import Tensor, nn

FACTOR = 1_000_003  # of the polynomial hash
SHARE = 0.2
"""Of a sum that is added: optimizers move a row that is seen once as far as others, which would learn it by heart."""
NONE = -1  # the place of a token before the document


class NgramEmbedding(nn.Module):
    """A table with some rows for the n-grams of each length from 2 on.

    Args:
        longest: tokens of the longest n-gram, N.
        buckets: rows for each length.
        width: of a row, E.
        end: the id of the end symbol, which begins a document; n-grams do not reach beyond it.
    """

    def __init__(self, longest: int, buckets: int, width: int, end: int) -> None:
        super().__init__()
        self.longest, self.buckets, self.end = longest, buckets, end
        self.weight = nn.Parameter(torch.empty((longest - 1) * buckets, width))

    def history(self, batch_size: int) -> Tensor:
        """The last tokens before a document: none, (1, B, N - 1) in the form of a state vector."""
        return self.weight.new_full((1, batch_size, self.longest - 1), NONE, dtype=torch.float32)  # holds every id

    def forward(self, ids: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Sum the embeddings of the n-grams that end at each token.

        Args:
            ids: (B, T).
            history: (1, B, N - 1), the tokens before, as numbers of a state vector.

        Returns:
            The sums (B, T, E), and the history after the last token.
        """
        before = self.longest - 1
        tokens = torch.cat([history[0].long(), ids], 1)
        places = torch.arange(tokens.shape[1], device=ids.device)
        begins = torch.where(tokens == self.end, places, NONE).cummax(1).values[:, before:]
        key, rows = torch.zeros_like(ids), []
        for back in range(self.longest):
            stop = tokens.shape[1] - back
            token = tokens[:, before - back : stop]
            inside = places[before - back : stop] >= begins
            key = key * FACTOR + torch.where(inside, token, NONE) + 2
            if back:
                rows.append((key ^ (key >> 17)) % self.buckets + (back - 1) * self.buckets)
        total = nn.functional.embedding(torch.stack(rows), self.weight).sum(0)  # one gradient for all lengths
        return SHARE * total, tokens[:, -before:][None].to(history.dtype)
