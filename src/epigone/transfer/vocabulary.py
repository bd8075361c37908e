"""The move of a model to another vocabulary: rows follow their token, new tokens start from the mean row."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from epigone.models.language_model import LanguageModel


@dataclass(frozen=True)
class Coverage:
    """The tokens that two vocabularies share, and those that only one has."""

    kept: int
    new: list[str]
    dropped: list[str]


def remap_vocabulary(model: LanguageModel, old: list[str], new: list[str]) -> tuple[LanguageModel, Coverage]:
    """Copy a model for another vocabulary.

    Rows of the embedding (columns of layer 0 for one-hot models) and of the head are copied by token; those of a token
    the model has never seen start from the mean of all old rows. Howard and Ruder (2018) do the same for words.

    Args:
        model: a model over `old`.
        old, new: tokens by id (V,).
    """
    index = {token: i for i, token in enumerate(old)}
    rows = [index.get(token, -1) for token in new]
    with torch.random.fork_rng(devices=[]):
        # The clusters keep their cutoffs, so that their weights keep their meaning; new tokens are in the last.
        cutoffs = model.config.cutoffs
        shape = replace(
            model.config, vocabulary_size=len(new), cutoffs=cutoffs if max(cutoffs, default=0) < len(new) else ()
        )
        changed = LanguageModel(shape, model.backend, drawn=False)
    target = dict(changed.named_parameters())
    by_column = model.embedding is None
    of_tokens = {"embedding.weight", *(f"head.{name}" for name in model.config.head.by_token)}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if by_column and name == "layers.0.weight_ih":
                target[name].copy_(_gather(weight.T, rows).T)
            elif name in of_tokens:
                target[name].copy_(_gather(weight, rows))
            elif name in target:  # a vocabulary that is too small for clusters lacks their weights
                target[name].copy_(weight)
    names = set(new)
    added = [token for token in new if token not in index]
    return changed.train(model.training), Coverage(
        len(new) - len(added), added, [token for token in old if token not in names]
    )


def _gather(weight: Tensor, rows: list[int]) -> Tensor:
    """Gather rows by index; -1 is the mean row."""
    extended = torch.cat([weight, weight.mean(0, keepdim=True)])
    return extended[torch.tensor(rows)]
