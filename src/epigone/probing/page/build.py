"""The page of a probed model: portraits of its units and ablation curves, measured and written."""

from collections.abc import Sequence

import numpy as np

from epigone.evaluation.activations import recorded
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.unit_names import VectorName, matching_vectors
from epigone.probing.ablation import ablation_curves
from epigone.probing.causal import CausalRow
from epigone.probing.measures.ranking import Probed, Ranks
from epigone.probing.page.page import page
from epigone.probing.page.portrait import portraits, sample_text, token_texts
from epigone.probing.read_text import parts_of

ABLATED, SHORT = 3_000, 150  # characters on which the loss without units is measured, and of each text among them


def portray(
    title: str,
    facts: Sequence[tuple[str, str]],
    source: Checkpoint,
    probed: Sequence[Probed],
    ranks: Ranks,
    vectors: Sequence[VectorName],
    texts: Sequence[str],
    causal: Sequence[CausalRow],
) -> str:
    """Write the page.

    Args:
        title: name of the model.
        facts: names and values to show.
        source: the model.
        probed: what was measured.
        ranks: of all units.
        vectors: what to show of which layer.
        texts: where passages are taken from.
        causal: tests of units; empty if there were none.
    """
    shape = source.shape
    text = sample_text(source, texts, sum(shape.layer_sizes[vector.layer] for vector in vectors))
    part = sample_text(source, [part for text in texts for part in parts_of(text, SHORT)], 1, ABLATED)
    hidden = recorded(source.model, part.stream, matching_vectors(["layers.*"], shape))
    means = {vector.layer: values.mean(axis=0) for vector, values in hidden.items()}
    curves = ablation_curves(source.model, part.stream, np.argsort(-ranks.score, kind="stable"), means)
    found = portraits(source, text, vectors)
    return page(title, facts, shape, probed, ranks, text, token_texts(source), found, curves, causal)
