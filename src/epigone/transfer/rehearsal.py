"""Rehearsal: text like the base's own is learned beside the new text, so that less of it is forgotten.

Robins (1995), Catastrophic Forgetting, Rehearsal and Pseudorehearsal.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from epigone.errors import UserError, check_options
from epigone.text.corpus import Corpus
from epigone.text.readers.registry import ReadOptions
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class RehearsalOptions:
    """Text like the base's own that is learned beside the new text."""

    rehearse: tuple[str, ...] = ()
    """Files or folders of text like the base's own, of which some is learned beside the new text; validation reads the
    new text alone."""
    rehearse_share: float = 0.5
    """Share of what is learned in an epoch that is such text."""

    def __post_init__(self) -> None:
        check_options(self, "be greater than 0 and less than 1", lambda value: 0 < value < 1, "rehearse_share")

    def described(self, corpus: Corpus) -> dict[str, Any]:
        """What determines a run: the share, and the hash of the text, without its place."""
        return {"share": self.rehearse_share, "hash": corpus.hash}

    def corpus(self) -> Corpus | None:
        """The text that is rehearsed; None if there is none."""
        return Corpus.open([Path(path) for path in self.rehearse], ReadOptions(), None) if self.rehearse else None


def rehearsed(stream: TokenStream, other: Corpus, tokenizer: Tokenizer, share: float, seed: int | None) -> TokenStream:
    """Mix documents of another text into a stream.

    Args:
        stream: what is learned.
        other: the other text; its documents are drawn until they have their share, each at most once.
        tokenizer: encodes it.
        share: the share of the mixture that is other text.
        seed: of the draw and of the order; None takes the documents in their order, and puts them first.

    Raises:
        UserError: there is too little other text.
    """
    wanted = len(stream) * share / (1 - share)
    drawn = other.stream("all", tokenizer, seed)
    if len(drawn) < wanted:
        raise UserError(
            f"A share of {share:g} of rehearsed text asks for {round(wanted):,} tokens beside the {len(stream):,} of "
            f"the text, and there are {len(drawn):,}. Give more text to --rehearse, or a smaller --rehearse-share."
        )
    taken = int(np.searchsorted(drawn.offsets, wanted, "left"))  # whole documents, the last of which may reach beyond
    documents = [*_documents(drawn)[:taken], *_documents(stream)]
    order = np.arange(len(documents)) if seed is None else np.random.default_rng(seed).permutation(len(documents))
    characters = np.concatenate([drawn.characters[:taken], stream.characters])
    spelling = np.concatenate([drawn.spelling[:taken], stream.spelling])
    sizes = np.array([len(document) for document in documents])
    return replace(
        stream,
        tokens=np.concatenate([stream.tokens[:1], *(documents[i] for i in order)]),
        offsets=np.concatenate([[0], np.cumsum(sizes[order])]),
        characters=characters[order],
        spelling=spelling[order],
    )


def _documents(stream: TokenStream) -> list[np.ndarray]:
    """The targets of each document, its end symbol last."""
    return [np.asarray(stream.targets[i:j]) for i, j in zip(stream.offsets[:-1], stream.offsets[1:], strict=True)]
