"""index.html: one file, without a server, in which the units of a model are looked at."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from epigone.markup import clean
from epigone.models.config import ModelConfig
from epigone.models.unit_names import VectorName, vector_names
from epigone.probing.causal import CausalRow
from epigone.probing.measures.measure import Measured
from epigone.probing.measures.ranking import Probed, Ranks, strength
from epigone.probing.page.portrait import Portrait
from epigone.probing.read_text import ReadTexts

MOST_BYTES = 1_950_000
SHOWN_TOKENS = (1_200, 700, 400, 200, 100, 50)  # of the coloured text: the most for which there is room
DEPTH = 7  # shades on either side of none, written as letters
LETTERS = "abcdefghijklmno"
TEMPLATE = Path(__file__).with_name("page.html")


def page(
    title: str,
    facts: Sequence[tuple[str, str]],
    config: ModelConfig,
    probed: Sequence[Probed],
    ranks: Ranks,
    text: ReadTexts,
    tokens: Mapping[int, str],
    portraits: Mapping[VectorName, Portrait],
    curves: Sequence[Mapping[str, Any]],
    causal: Sequence[CausalRow],
) -> str:
    """Write the page; the data are packed, and nothing in them is markup.

    Args:
        title: name of the model.
        facts: names and values to show.
        config: the shape of the model.
        probed: the properties.
        ranks: of all units.
        text: what the portraits are of.
        tokens: what is shown of each token.
        portraits: of each vector.
        curves: rows of `ablation_curves`.
        causal: tests of units; empty if there were none.
    """
    pieces = _pieces(text)
    data: dict[str, Any] = {
        "title": clean(title),
        "facts": [(clean(name), clean(value)) for name, value in facts],
        "sizes": list(config.layer_sizes),
        "kinds": vector_names(config),
        "score": _numbers(ranks.score),
        "high": None if ranks.high is None else _numbers(ranks.high),
        "low": None if ranks.low is None else _numbers(ranks.low),
        "properties": [_property(each, config) for each in probed],
        "pieces": pieces,
        "starts": np.cumsum([0, *map(len, text.lengths)])[:-1].tolist(),
        "tokens": {number: clean(tokens[number]) for number in _named(portraits)},
        "curves": list(curves),
        "causal": [asdict(row) | {"property": clean(row.property)} for row in causal],
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    best = _best(probed)
    for length in SHOWN_TOKENS:
        data["from"] = start = _liveliest(best, portraits, pieces, length)
        shown = slice(start, start + length)
        data["vectors"] = [_vector(vector, portrait, config, shown) for vector, portrait in portraits.items()]
        packed = base64.b64encode(gzip.compress(json.dumps(data, separators=(",", ":")).encode("utf-8"), 6, mtime=0))
        if len(packed) + len(template) < MOST_BYTES:
            break
    return template.replace("%TITLE%", escape(clean(title))).replace("%DATA%", packed.decode("ascii"))


def _best(probed: Sequence[Probed]) -> list[tuple[VectorName, int]]:
    """The best unit of each property."""
    found = []
    for each in probed:
        vector, figures = max(each.vectors.items(), key=lambda pair: float(strength(pair[1]).max()))
        found.append((vector, int(strength(figures).argmax())))
    return found


def _liveliest(
    best: Sequence[tuple[VectorName, int]], portraits: Mapping[VectorName, Portrait], pieces: Sequence[str], length: int
) -> int:
    """The beginning of a line from which on some units vary most over a number of tokens."""
    states = np.stack([portraits[vector].values[:, unit] for vector, unit in best], axis=1).astype(np.float64)
    length = min(length, len(states))
    scaled = (states - states.mean(axis=0)) / (states.std(axis=0) + 1e-6)
    sums, squares = (np.cumsum(np.pad(part, ((1, 0), (0, 0))), axis=0) for part in (scaled, scaled**2))
    mean, square = ((part[length:] - part[:-length]) / length for part in (sums, squares))
    places = np.array([0, *(place + 1 for place, piece in enumerate(pieces) if piece == "\n")])
    places = places[places < len(mean)]
    return int(places[np.sqrt(square - mean**2 + 1e-12).mean(axis=1)[places].argmax()])


def _pieces(text: ReadTexts) -> list[str]:
    """The text of each token in the order of reading."""
    found = []
    for written, lengths in zip(text.texts, text.lengths, strict=True):
        ends = np.cumsum(lengths).tolist()
        own = [clean(written[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]
        found += own[::-1] if text.backward else own
    return found


def _property(each: Probed, config: ModelConfig) -> dict[str, Any]:
    """A property with its figures in each vector."""
    vectors = {}
    for vector, found in each.vectors.items():
        figures: dict[str, Any]
        if isinstance(found, Measured):
            figures = {
                "accuracy": _numbers(found.accuracy.estimate),
                "selectivity": _numbers(found.selectivity),
                "correlation": _numbers(found.correlation.estimate),
                "linear": round(float(found.linear.accuracy.estimate[0]), 4),
                "used": int((found.linear.weights != 0).sum()),
            }
        else:
            figures = {"change": _numbers(found.change.estimate), "half": found.half_life.tolist()}
        vectors[vector.written(config)] = figures
    return {"name": clean(each.name), "level": each.level, "vectors": vectors}


def _named(portraits: Mapping[VectorName, Portrait]) -> list[int]:
    """The tokens that any unit promotes or suppresses."""
    every = [tokens for each in portraits.values() for tokens in (each.promoted, each.suppressed)]
    return np.unique(np.concatenate([tokens.ravel() for tokens in every])).tolist()


def _vector(vector: VectorName, each: Portrait, config: ModelConfig, shown: slice) -> dict[str, Any]:
    """The portraits of the units of a vector."""
    mean = each.values.mean(axis=0)
    scale = np.maximum(np.quantile(np.abs(each.values - mean), 0.995, axis=0), 1e-6)
    shades = np.rint(np.clip((each.values[shown] - mean) / scale, -1, 1) * DEPTH).astype(np.int64) + DEPTH
    letters = np.array(list(LETTERS))[shades.T]
    return {
        "name": vector.written(config),
        "mean": _numbers(mean),
        "scale": _numbers(scale),
        "shades": ["".join(row) for row in letters.tolist()],
        "highest": each.highest.tolist(),
        "lowest": each.lowest.tolist(),
        "promoted": each.promoted.tolist(),
        "suppressed": each.suppressed.tolist(),
        "weights": each.by_weights,
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 3) for value in values.tolist()]
