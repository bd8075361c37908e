"""Observations: states of a network at some tokens of a text, or their means over passages, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.evaluation.activations import Floats, activations
from epigone.models.encoder import Encoder
from epigone.models.unit_names import VectorName
from epigone.probing.read_text import ReadTexts, word_types


@dataclass(frozen=True, eq=False)
class Observations:
    """N observations of the units of each vector."""

    states: Mapping[VectorName, Floats]
    """(N, H) of each vector."""
    documents: NDArray[np.int64]
    """(N,): what is held out and resampled as a whole."""
    types: NDArray[np.int64] | None
    """(N,): the word as far as it is read, each of which a control task gives a label; None for passages, of which each
    is a type of its own, so that nothing can be memorised."""


def at_tokens(
    model: Encoder,
    text: ReadTexts,
    documents: NDArray[np.int64],
    vectors: Sequence[VectorName],
    number: int,
    seed: int,
) -> tuple[Observations, NDArray[np.int64]]:
    """Observe states at tokens that are drawn from a whole text.

    Args:
        model: the network.
        text: P parts of documents, with M tokens.
        documents: (P,) the document of each part.
        vectors: what to observe.
        number: tokens to draw, at most.
        seed: of the draw.

    Returns:
        The observations, and their places among the M tokens.
    """
    owner = text.documents
    total = len(owner)
    places = np.sort(np.random.default_rng(seed).choice(total, min(number, total), replace=False))
    row = np.full(total, -1)
    row[places] = np.arange(len(places))
    sizes = model.config.layer_sizes
    states = {vector: np.zeros((len(places), sizes[vector.layer]), np.float32) for vector in vectors}
    for vector, here, values in activations(model, text.stream, vectors):
        rows = row[here]
        states[vector][rows[rows >= 0]] = values[rows >= 0]
    return Observations(states, documents[owner[places]], text.at_tokens(word_types).astype(np.int64)[places]), places


def over_passages(
    model: Encoder, text: ReadTexts, vectors: Sequence[VectorName], documents: NDArray[np.int64]
) -> Observations:
    """Observe the mean state over each passage.

    Args:
        model: the network.
        text: N passages, each read from the zero state.
        vectors: what to observe.
        documents: (N,) the document that each passage is from.
    """
    owner = text.documents
    tokens = np.maximum(1, np.bincount(owner, minlength=len(text.texts)))[:, None]
    sizes = model.config.layer_sizes
    sums = {vector: np.zeros((len(text.texts), sizes[vector.layer])) for vector in vectors}
    for vector, here, values in activations(model, text.stream, vectors):
        present, inverse = np.unique(owner[here], return_inverse=True)
        of_each = np.zeros((len(present), len(here)), np.float32)
        of_each[inverse, np.arange(len(here))] = 1
        sums[vector][present] += of_each @ values
    means = {vector: (total / tokens).astype(np.float32) for vector, total in sums.items()}
    return Observations(means, documents, None)
