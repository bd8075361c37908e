"""Perturbations: how much a small change of the text changes each unit, and for how long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.evaluation.activations import Floats, recorded
from epigone.models.encoder import Encoder
from epigone.models.unit_names import VectorName
from epigone.probing.measures.statistics import Estimates, mean_estimates
from epigone.probing.properties.base import Pairs, Property
from epigone.probing.read_text import read_texts
from epigone.text.tokenizers.base import Tokenizer

PASSAGE = 240  # characters, of which the middle third may change
REACH = 64  # tokens after the change that are compared
SOON = 8  # of these, whose difference is the change of a unit
AT_ONCE = 32  # passages that are in memory
FEWEST = 5  # passages


@dataclass(frozen=True)
class Perturbed:
    """The response of the units (H,) of a vector."""

    change: Estimates
    """Mean size of the difference over the first 8 tokens after the change, in standard deviations of the unit."""
    half_life: NDArray[np.int64]
    """Tokens from the largest mean difference until it is below half of that; 64 if it is longer."""
    passages: int


def passages_of(texts: Sequence[str], number: int, seed: int) -> list[str]:
    """Draw passages of 240 characters, or whole texts of a quarter of that, that begin with a word."""
    generator = np.random.default_rng(seed)
    places = [
        (i, start)
        for i, text in enumerate(texts)
        for start in range(0, max(1, len(text) - PASSAGE + 1), PASSAGE)
        if len(text) >= PASSAGE // 4
    ]
    chosen = generator.permutation(len(places))[: 4 * number]  # some have no place for the change
    cut = [(start, texts[i][start : start + PASSAGE]) for i, start in (places[c] for c in chosen.tolist())]
    return [passage[passage.find(" ") + 1 :] if start else passage for start, passage in cut]


def perturbed(
    model: Encoder,
    codec: Tokenizer,
    texts: Sequence[str],
    change: Property,
    vectors: Sequence[VectorName],
    pairs: Pairs,
    number: int = 200,
    seed: int = 0,
) -> dict[VectorName, Perturbed]:
    """Read passages with and without a change, and compare the states after it, token by token.

    Args:
        model: the network, which must read forward.
        codec: its tokenizer.
        texts: where passages are drawn from.
        change: the property with the edit.
        vectors: what is compared.
        pairs: the list that the edit may need.
        number: passages to read at most.
        seed: of all draws.

    Raises:
        UserError: fewer than five passages offer a place for the change.
    """
    found = list(_changed(texts, change, pairs, number, seed))
    if len(found) < FEWEST:
        raise UserError(
            f"Only {len(found)} passages of {PASSAGE} characters have a place for the property {change.name} "
            f"({change.description}), and {FEWEST} are needed. Give more text with --text"
            + (", or a longer list with --pairs." if change.needs_pairs else ".")
        )
    sums = {vector: _Sums(model.config.layer_sizes[vector.layer]) for vector in vectors}
    for first in range(0, len(found), AT_ONCE):
        both = [text for pair in found[first : first + AT_ONCE] for text in pair]
        text = read_texts(both, codec)
        ends = (text.stream.offsets - np.arange(len(text.stream.offsets))).tolist()
        ids = [
            np.asarray(text.stream.targets[text.stream.offsets[i] :][: ends[i + 1] - ends[i]]) for i in range(len(both))
        ]
        tails = [_common_end(ids[i], ids[i + 1]) for i in range(0, len(both), 2)]
        for vector, values in recorded(model, text.stream, vectors).items():
            for place, tail in enumerate(tails):
                plain, changed = (values[ends[i + 1] - tail : ends[i + 1]][:REACH] for i in (2 * place, 2 * place + 1))
                sums[vector].add(values[ends[2 * place] : ends[2 * place + 1]], np.abs(changed - plain))
    return {vector: each.result(seed) for vector, each in sums.items()}


def _changed(texts: Sequence[str], change: Property, pairs: Pairs, number: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield passages and what the change makes of them."""
    assert change.edit is not None
    generator = np.random.default_rng(seed)
    left = number
    for passage in passages_of(texts, number, seed):
        edit = change.edit(passage, generator, pairs)
        if edit is not None and left:
            left -= 1
            yield passage, passage[: edit.start] + edit.new + passage[edit.stop :]


def _common_end(one: NDArray[np.generic], other: NDArray[np.generic]) -> int:
    """Count the tokens at the end of two texts that are the same."""
    short = min(len(one), len(other))
    same = one[len(one) - short :] == other[len(other) - short :]
    return short - int(np.flatnonzero(~same)[-1]) - 1 if not same.all() else short


class _Sums:
    """Sums over passages of what units (H,) do."""

    def __init__(self, size: int) -> None:
        self.soon: list[Floats] = []
        self.course, self.read = np.zeros((REACH, size)), np.zeros((REACH, 1))
        self.tokens, self.total, self.squares = 0, np.zeros(size), np.zeros(size)

    def add(self, states: Floats, difference: Floats) -> None:
        """Add the states (T, H) of a passage, and their difference (C, H) after the change."""
        if len(difference):
            self.soon.append(difference[:SOON].mean(axis=0))
            self.course[: len(difference)] += difference
            self.read[: len(difference)] += 1
        self.tokens += len(states)
        self.total += states.sum(axis=0)
        self.squares += (states.astype(np.float64) ** 2).sum(axis=0)

    def result(self, seed: int) -> Perturbed:
        """Relate the changes to the standard deviation of each unit."""
        mean = self.total / self.tokens
        deviation = np.sqrt(np.maximum(self.squares / self.tokens - mean**2, 0)) + 1e-6
        course = self.course / np.maximum(1, self.read)
        largest = course.argmax(axis=0)
        below = (course < course.max(axis=0) / 2) & (np.arange(REACH)[:, None] > largest)
        half = np.where(below.any(axis=0), below.argmax(axis=0) - largest, REACH)
        return Perturbed(
            mean_estimates((np.array(self.soon) / deviation).astype(np.float32), seed), half, len(self.soon)
        )
