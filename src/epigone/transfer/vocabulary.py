"""The move of a model to another vocabulary: rows follow their token, new tokens start from the mean row."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from epigone.described import added, described
from epigone.errors import UserError
from epigone.models.config import BY_OPTIONS, HEADS, HeadName
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus
from epigone.text.document import some
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Adaptable, Tokenizer, VocabularyOptions
from epigone.text.tokenizers.characters import CharTokenizer
from epigone.text.tokenizers.direction import in_direction
from epigone.text.tokenizers.registry import check_vocabulary
from epigone.typed import typed

log = logging.getLogger("epigone")


@dataclass(frozen=True)
@typed
class RetrainedVocabulary(VocabularyOptions):
    """Vocabulary of a base on another text."""

    vocabulary: Literal["auto", "base", "both", "text"] = "auto"
    """Tokens of the new model: those of the base, those of the text, or both. Rows are carried over by token; new
    tokens start from the mean row. auto is both, unless the base has the same tokens for every text. Without a
    vocabulary_size, both adds no more words or subwords than the base has; with one, frequent words of the text come
    before rare ones of the base."""
    softmax: HeadName = added("auto")
    """Full, or adaptive, which learns many tokens in half the time, but evaluation and generation then run on PyTorch;
    auto keeps that of the base."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.softmax != "auto":
            HEADS[self.softmax]  # raises if there is none


@dataclass(frozen=True)
class Coverage:
    """The tokens that two vocabularies share, and those that only one has."""

    kept: int
    new: list[str]
    dropped: list[str]

    def sentence(self) -> str:
        """Say what was carried over, and what is new."""
        new = f"; new, started from the mean row: {some(list(map(repr, self.new)), 10)}" if self.new else ""
        before = self.kept + len(self.dropped)
        return f"{self.kept} of {self.kept + len(self.new)} tokens were carried over from the base's {before}{new}."


def remap_vocabulary(
    model: LanguageModel, old: list[str], new: list[str], softmax: HeadName = "auto"
) -> tuple[LanguageModel, Coverage]:
    """Copy a model for another vocabulary.

    Rows of the embedding (columns of layer 0 for one-hot models) and of the head are copied by token; those of a token
    the model has never seen start from the mean of all old rows. Howard and Ruder (2018) do the same for words.

    Args:
        model: a model over `old`.
        old, new: tokens by id (V,).
        softmax: the kind of softmax; auto keeps that of the model. A new adaptive one starts with clusters alike.

    Raises:
        UserError: tokens that n-grams are made of would change places, or a layer of the head would come or go.
    """
    index = {token: i for i, token in enumerate(old)}
    rows = [index.get(token, -1) for token in new]
    if model.config.ngrams and any(row != place for place, row in enumerate(rows) if row >= 0):
        raise UserError(
            "This base reads n-grams of its tokens by their numbers, so another vocabulary may add tokens, but must "
            "keep the places of those that there are; leave out --vocabulary and --tokenizer."
        )
    if softmax not in ("auto", model.config.softmax) and "adapted" in (softmax, model.config.softmax):
        raise UserError(
            "The layer of an adapted softmax is learned together with the base, so it can be neither added nor left "
            "out afterwards; leave out --softmax."
        )
    with torch.random.fork_rng(devices=[]):
        shape = replace(model.config, vocabulary_size=len(new), cutoffs=_cutoffs(model.config.cutoffs, rows))
        if softmax != "auto":
            shape = replace(shape, softmax=softmax, cutoffs=BY_OPTIONS)
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
            elif name in target:  # a full softmax, or a vocabulary that is too small for clusters, lacks their weights
                target[name].copy_(weight)
        for name in target.keys() - dict(model.named_parameters()).keys():
            target[name].zero_()
    names = set(new)
    added = [token for token in new if token not in index]
    return changed.train(model.training), Coverage(
        len(new) - len(added), added, [token for token in old if token not in names]
    )


def _cutoffs(cutoffs: tuple[int, ...], rows: list[int]) -> tuple[int, ...]:
    """Move the first tokens of clusters so that each cluster keeps its tokens, with new ones in the last.

    Where tokens are in another order the weights of clusters mean nothing, so the cutoffs may stay. Without a token for
    each cluster there are none.
    """
    kept = sorted(row for row in rows if row >= 0)
    if rows[: len(kept)] == kept:
        cutoffs = tuple(int(place) for place in np.searchsorted(kept, cutoffs))
    return cutoffs if all(a < b for a, b in pairwise([0, *cutoffs, len(rows)])) else ()


def _gather(weight: Tensor, rows: list[int]) -> Tensor:
    """Gather rows by index; -1 is the mean row."""
    extended = torch.cat([weight, weight.mean(0, keepdim=True)])
    return extended[torch.tensor(rows)]


def fit_tokenizer(
    source: Checkpoint,
    corpus: Corpus,
    tokenizer: str | None,
    notices: list[str],
    vocabulary: RetrainedVocabulary = RetrainedVocabulary(),
) -> tuple[LanguageModel, Tokenizer]:
    """Fit the base's network and tokenizer to a corpus; `notices` gets a sentence on what is new.

    The tokenizer gives ids in the order of the text, whatever the direction of the base.

    Args:
        source: the base.
        corpus: the text.
        tokenizer: the name of another tokenizer than the base's, which is learned from the text.
        notices: gets the sentence.
        vocabulary: the choice of the tokens.

    Raises:
        UserError: the options do not fit the tokenizer or the text.
    """
    base = in_direction(source.tokenizer, "forward")
    codec = _adapted(base, corpus, tokenizer or base.name, settled(base, tokenizer, vocabulary))
    if codec is base and vocabulary.softmax == "auto":
        return source.model, codec
    model, coverage = remap_vocabulary(source.model, base.vocabulary, codec.vocabulary, vocabulary.softmax)
    if codec is base:
        return model, codec
    notices.append(coverage.sentence())
    log.info(notices[-1])
    return model, codec


def settled(
    base: Tokenizer, tokenizer: str | None, vocabulary: RetrainedVocabulary, before: Mapping[str, Any] = {}
) -> RetrainedVocabulary:
    """Make a choice of tokens that was left open.

    Args:
        base: the base's tokenizer.
        tokenizer: the name of another one, which is learned from the text.
        vocabulary: the choice.
        before: the request of the run that is resumed, if one is.
    """
    if vocabulary.vocabulary != "auto":
        return vocabulary
    if "options" in before and "vocabulary" not in before["options"]:
        return replace(vocabulary, vocabulary=_of_version_1(base, tokenizer))
    if tokenizer not in (None, base.name):
        return replace(vocabulary, vocabulary="text")
    return replace(vocabulary, vocabulary="both" if isinstance(base, Adaptable) else "base")


def requested(base: Tokenizer, tokenizer: str | None, vocabulary: RetrainedVocabulary) -> dict[str, Any]:
    """Write a settled choice as the options of a request hold it: without what version 0.1.0 did."""
    usual = RetrainedVocabulary(vocabulary=_of_version_1(base, tokenizer))
    return {} if vocabulary == usual else {"vocabulary": described(vocabulary)}


def _of_version_1(base: Tokenizer, tokenizer: str | None) -> Literal["base", "both", "text"]:
    """The tokens in version 0.1.0, which learned new characters but no new words."""
    if tokenizer not in (None, base.name):
        return "text"
    return "both" if isinstance(base, CharTokenizer) else "base"


def _adapted(base: Tokenizer, corpus: Corpus, name: str, vocabulary: RetrainedVocabulary) -> Tokenizer:
    """Give a tokenizer the tokens of a corpus, or make another one, unless the base keeps its own."""
    options = VocabularyOptions(**{field.name: getattr(vocabulary, field.name) for field in fields(VocabularyOptions)})
    choice = vocabulary.vocabulary
    if name != base.name:
        if choice != "text":
            raise UserError(
                f"--vocabulary {choice} keeps the tokens of the base, which its tokenizer {base.name} makes; leave out "
                f"--tokenizer {name}, or --vocabulary."
            )
        return corpus.tokenizer(name, options)
    check_vocabulary(name, options)
    if choice == "base":
        if options != VocabularyOptions():
            raise UserError(
                "The base keeps its own tokens, so the options of the vocabulary have no effect; leave them out, or "
                "give --vocabulary both or --vocabulary text."
            )
        return base
    if not isinstance(base, Adaptable):
        raise UserError(
            f"The tokenizer {name} of the base has the same tokens for every text; leave out --vocabulary {choice}, or "
            "choose another tokenizer with --tokenizer."
        )
    learned = "train" if "train" in corpus.splits else "all"
    found = base.adapted(corpus.texts(learned), options, corpus.texts(), choice == "both")
    return base if found.to_dict() == base.to_dict() else found


def on_coverage(stream: TokenStream, codec: Tokenizer, base: Tokenizer) -> str:
    """Say how much of a text is in tokens that the base has."""
    known = set(base.vocabulary)
    carried = np.array([token in known for token in codec.vocabulary])
    counts = np.bincount(stream.tokens, minlength=len(carried))
    return f"The tokens that were carried over make up {counts[carried].sum() / counts.sum():.1%} of the training text."
