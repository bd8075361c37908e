"""The loss of a model on whole documents, deterministic, with the state reset at each document.

The end symbol is an input and a target of training, but no reported loss counts it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from epigone.evaluation.traversal import Segment, batches, steps, traverse
from epigone.models.backends.choice import choose
from epigone.models.backends.native import dtype_name
from epigone.models.backends.walker import native_walker
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream

LOGITS = 1 << 22  # computed at a time: 16 MB, and some copies
BLOCK = 2_000  # losses are summed by blocks of this many tokens, the units of resampling for a single text


@dataclass(frozen=True)
class Losses:
    """Sums over blocks: a block is a document, or a part of at most 2,000 tokens of a long one.

    `nats`, `tokens` and `correct` predictions are (K,) for K blocks, `document` (K,) is the number of each block's
    document, and `characters` (D,) counts the characters of each document as the tokenizer wrote it. `correct` is empty
    if it is unknown. `spelling` (D,) are the nats that spelling the unknown words of each document takes, which the
    model reads as one and the same token; it is empty if there are none, and counts only in the bits per character.
    """

    nats: np.ndarray
    tokens: np.ndarray
    correct: np.ndarray
    document: np.ndarray
    characters: np.ndarray
    spelling: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def loss(self) -> float:
        """Nats per token."""
        return float(self.nats.sum() / max(1, self.tokens.sum()))

    @property
    def accuracy(self) -> float:
        """Share of tokens that were the likeliest; NaN if unknown."""
        return float(self.correct.sum() / max(1, self.tokens.sum())) if self.correct.size else math.nan

    @property
    def perplexity(self) -> float:
        """exp(loss)."""
        return math.exp(min(700.0, self.loss))

    @property
    def bits_per_char(self) -> float:
        """Bits per character of the text that the model was shown, comparable between tokenizers that change little."""
        return float((self.nats.sum() + self.spelling.sum()) / math.log(2) / max(1, self.characters.sum()))

    def figures(self) -> dict[str, float]:
        """The figures that a history of training holds besides the loss."""
        return {"accuracy": self.accuracy}

    def by_document(self) -> tuple[np.ndarray, np.ndarray]:
        """Sum the nats (D,) and tokens (D,) of each document."""
        size = len(self.characters)
        return (
            np.bincount(self.document, self.nats, size),
            np.bincount(self.document, self.tokens, size),
        )


def document_losses(
    model: LanguageModel, stream: TokenStream, features: np.ndarray | None = None, start: int = 0
) -> Losses:
    """Measure loss and accuracy on every document of a stream, in nats.

    A document longer than 20,000 tokens is read in windows, each after 1,000 uncounted tokens of the one before.
    """
    sums = Sums(stream)
    for block in _scored(model, stream, features, start):
        sums.add(*block)
    return sums.losses()


def token_nats(model: LanguageModel, stream: TokenStream) -> np.ndarray:
    """Measure the loss of each target of a stream (N,), in nats, in the traversal of `document_losses`."""
    found = np.zeros(len(stream))
    for rows, positions, _, nats, _ in _scored(model, stream):
        counted = positions >= np.array([s.start for s in rows])[:, None]
        found[positions[counted]] = nats[counted]
    return found


Scored = tuple[list[Segment], np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Rows of a traversal, positions (rows, steps), the targets there, their losses in nats, if each was the likeliest."""


@torch.no_grad()
def _scored(
    model: LanguageModel, stream: TokenStream, features: np.ndarray | None = None, start: int = 0
) -> Iterator[Scored]:
    """The traversal with the losses of all targets, by the native engine if it can."""
    if features is None and start == 0 and _has_walker(model):
        weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
        walker = native_walker(model.config, weights, "fp32", torch.get_num_threads(), model.clamps)
        yield from _walked(walker, stream)
        return
    for rows, positions, outputs in traverse(model, stream, features, start):
        expected = np.asarray(stream.targets[positions]).astype(np.int64)
        targets = torch.as_tensor(expected, device=outputs.device)
        nats, hits = np.empty(expected.shape), np.empty(expected.shape, bool)
        most = max(1, LOGITS // (len(rows) * model.config.vocabulary_size))
        for begin in range(0, expected.shape[1], most):
            piece = slice(begin, begin + most)
            logits = model.logits(outputs[:, piece]).transpose(0, 1)  # (steps, rows, V), which flattens without a copy
            wanted = targets[:, piece].T
            loss = F.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), reduction="none")
            nats[:, piece] = loss.view(wanted.shape).T.cpu()
            hits[:, piece] = (logits.argmax(-1) == wanted).T.cpu()
        yield rows, positions, expected, nats, hits


def walker_losses(walker: Any, stream: TokenStream) -> Losses:
    """Measure the same by a native walker (`models/backends/walker.py`), in its precision."""
    sums = Sums(stream)
    for block in _walked(walker, stream):
        sums.add(*block)
    return sums.losses()


def _walked(walker: Any, stream: TokenStream) -> Iterator[Scored]:
    for batch in batches(stream):
        walker.start(len(batch))
        for rows, positions in steps(batch):
            walker.keep(len(rows))
            inputs, expected = (
                np.ascontiguousarray(np.asarray(ids[positions]).astype(np.int64).T)
                for ids in (stream.inputs, stream.targets)
            )
            nats, hits = walker.score(inputs, expected)
            yield rows, positions, expected.T, nats.T, hits.T.astype(bool)


def _has_walker(model: LanguageModel) -> bool:
    # A model may train natively and yet have no walker, as one with an adaptive softmax.
    wanted = "auto" if model.backend == "native" else model.backend
    weight = model.weight
    return choose(wanted, model.config, weight.device.type, dtype_name(weight), "walker") == "native"


class Sums:
    """Sums over blocks of measurements at positions."""

    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream
        self._first_block, self._owner = _blocks(stream)
        total = len(self._owner)
        self._nats, self._tokens, self._correct = np.zeros(total), np.zeros(total, np.int64), np.zeros(total, np.int64)

    def add(
        self, rows: list[Segment], positions: np.ndarray, expected: np.ndarray, nats: np.ndarray, hits: np.ndarray
    ) -> None:
        """Add the targets that count at `positions` (rows, steps); the other arrays have the same shape."""
        stream, total = self._stream, len(self._owner)
        counted = (expected != stream.end) & (positions >= np.array([s.start for s in rows])[:, None])
        document = np.array([s.document for s in rows])[:, None]
        block = self._first_block[document] + (positions - stream.offsets[document]) // BLOCK
        index = block[counted]
        self._nats += np.bincount(index, nats[counted], total)
        self._tokens += np.bincount(index, minlength=total)
        self._correct += np.bincount(block[counted & hits], minlength=total)

    def losses(self) -> Losses:
        """Return the sums so far."""
        stream = self._stream
        return Losses(self._nats, self._tokens, self._correct, self._owner, stream.characters, _spelling(stream))


def sum_losses(stream: TokenStream, nats: np.ndarray) -> Losses:
    """Sum a loss (N,) that is known for every target over blocks; the correct predictions stay unknown."""
    first_block, owner = _blocks(stream)
    document = np.repeat(np.arange(len(stream.characters)), np.diff(stream.offsets))
    block = first_block[document] + (np.arange(len(stream)) - stream.offsets[document]) // BLOCK
    counted = np.asarray(stream.targets) != stream.end
    return Losses(
        np.bincount(block[counted], nats[counted], len(owner)),
        np.bincount(block[counted], minlength=len(owner)),
        np.zeros(0, np.int64),
        owner,
        stream.characters,
        _spelling(stream),
    )


def _spelling(stream: TokenStream) -> np.ndarray:
    return stream.spelling if stream.spelling.any() else np.zeros(0)


def _blocks(stream: TokenStream) -> tuple[np.ndarray, np.ndarray]:
    """Number the blocks: the first of each document (D + 1,), and the document of each (K,)."""
    blocks = np.maximum(1, -(-np.diff(stream.offsets) // BLOCK))
    return np.concatenate([[0], np.cumsum(blocks)]), np.repeat(np.arange(len(blocks)), blocks)
