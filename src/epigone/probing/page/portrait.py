"""Portraits of units for the page: where it is high, what comes next then, and its course over a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from epigone.evaluation.activations import Floats, recorded
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.unit_names import VectorName
from epigone.probing.read_text import ReadTexts, read_texts
from epigone.text.tokenizers.direction import in_direction
from epigone.text.tokenizers.pieces import UNKNOWN

NUMBERS = 60_000_000  # states in memory: 240 MB
MOST_TOKENS = 12_000
CANDIDATES = 30  # places of each unit among which passages apart from each other are looked for
APART = 30  # tokens
PASSAGES = 3  # at either end
NEXT = 5  # tokens at either end
TOKENS = 300  # most frequent tokens that may be named
TAIL = 0.125  # share of the places that are high, and of those that are low


@dataclass(frozen=True, eq=False)
class Portrait:
    """The units (H,) of a vector over a text of N tokens."""

    values: Floats
    """(N, H)"""
    highest: NDArray[np.int64]
    """(H, 3) places where a unit is highest, apart from each other."""
    lowest: NDArray[np.int64]
    """(H, 3)"""
    promoted: NDArray[np.int64]
    """(H, 5) tokens whose log-probability is most above the usual when a unit is high."""
    suppressed: NDArray[np.int64]
    """(H, 5)"""
    by_weights: bool
    """True if that is read from the weights of the head, else from what the model predicts."""


def sample_text(source: Checkpoint, texts: Sequence[str], units: int, most: int = MOST_TOKENS) -> ReadTexts:
    """Take the beginning of texts, as much as there is room for.

    Args:
        source: the model.
        texts: the texts.
        units: of all vectors.
        most: characters to take.
    """
    room = min(most, NUMBERS // max(1, units))
    taken = []
    for text in texts:
        taken.append(text[:room])
        room -= len(taken[-1])
        if room <= 0:
            break
    return read_texts(taken, source.tokenizer)


def portraits(source: Checkpoint, text: ReadTexts, vectors: Sequence[VectorName]) -> dict[VectorName, Portrait]:
    """Look at all units of some vectors over a text."""
    model = source.model
    top = VectorName(len(model.layers) - 1, 0)
    values = recorded(model, text.stream, list(dict.fromkeys([*vectors, top])))
    targets = np.asarray(text.stream.targets)
    first = np.isin(np.arange(len(targets)), text.stream.offsets[:-1])
    following = targets[~first].astype(np.int64)  # what comes after each token; the end symbol after the last
    named = _frequent(source, following)
    predicted = _log_probabilities(source, values[top], named)
    found = {}
    for vector in vectors:
        states = values[vector]
        highest, lowest = _apart(states), _apart(-states)
        by_weights = vector == top and source.shape.head.linear
        if by_weights:
            weight = model.head.weight.detach().float().cpu().numpy()[named]
            effect = (weight - weight.mean(axis=0)).T
        else:
            effect = _difference(states, predicted)
        order = np.argsort(-effect, axis=1, kind="stable")
        found[vector] = Portrait(
            states, highest, lowest, named[order[:, :NEXT]], named[order[:, ::-1][:, :NEXT]], by_weights
        )
    return found


def _frequent(source: Checkpoint, following: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent tokens of a text, without the end symbol."""
    counts = np.bincount(following, minlength=len(source.tokenizer.vocabulary))
    counts[source.tokenizer.end] = 0
    order = np.argsort(-counts, kind="stable")[:TOKENS]
    return order[counts[order] > 0]


@torch.no_grad()
def _log_probabilities(source: Checkpoint, outputs: Floats, named: NDArray[np.int64]) -> Floats:
    """The log-probabilities (N, K) of some tokens after each token."""
    parts = []
    for start in range(0, len(outputs), 512):
        logits = source.model.logits(torch.from_numpy(outputs[None, start : start + 512]))[0]
        parts.append(logits.float().log_softmax(-1)[:, named].numpy())
    return np.concatenate(parts)


def _difference(states: Floats, predicted: Floats) -> Floats:
    """The mean log-probabilities when a unit is high, above those when it is low: (H, K)."""
    number = max(1, int(TAIL * len(states)))
    order = np.argpartition(states, (number, len(states) - 1 - number), axis=0)
    marks = np.zeros(states.shape, np.float32)
    np.put_along_axis(marks, order[-number:], 1 / number, axis=0)
    np.put_along_axis(marks, order[:number], -1 / number, axis=0)
    return np.asarray(marks.T @ predicted)


def _apart(states: Floats) -> NDArray[np.int64]:
    """The places (H, 3) of the highest states that are some tokens apart from each other."""
    number = min(len(states), CANDIDATES)
    best = np.argpartition(-states, number - 1, axis=0)[:number]
    order = np.argsort(-np.take_along_axis(states, best, axis=0), axis=0, kind="stable")
    places = np.take_along_axis(best, order, axis=0).T
    found = np.empty((len(places), PASSAGES), np.int64)
    for unit, candidates in enumerate(places.tolist()):
        kept: list[int] = []
        for place in candidates:
            if all(abs(place - other) >= APART for other in kept):
                kept.append(place)
        found[unit] = (kept + kept[-1:] * PASSAGES)[:PASSAGES]
    return found


def token_texts(source: Checkpoint) -> Mapping[int, str]:
    """Write each token as it is shown."""
    codec = in_direction(source.tokenizer, "forward")
    return {number: token if codec.printable[number] else UNKNOWN for number, token in enumerate(codec.vocabulary)}
