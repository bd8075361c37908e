"""The figures of each row at each size, from the probabilities of its runs; the test texts decide nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.classification.approaches.base import text_weights
from epigone.classification.approaches.blend import best_weight, blended, crossed
from epigone.evaluation.classification import Figures, figures
from epigone.evaluation.intervals import Interval
from epigone.studies.engine.rows import deviation
from epigone.studies.sentiment_sizes.bootstrap import interval, right
from epigone.studies.sentiment_sizes.grid import FAMILIES, NGRAMS, SCRATCH, UNLABELLED
from epigone.studies.sentiment_sizes.measured import TEST, VALIDATION

Codes = Mapping[str, NDArray[np.int64]]
"""The true classes (N,) of the texts of each set."""

PAIRS = (("own", "scratch"), ("forward", "scratch"), ("forward", "scratch-longer"), ("both", "scratch-longer"))
"""Rows whose difference is shown: the first minus the second."""


@dataclass(frozen=True)
class Run:
    """The probabilities (N, C) that one seed of a row gave for each set, and its cost in seconds."""

    probabilities: Mapping[str, NDArray[np.float64]]
    seconds: float = 0.0
    """Of learning the labels."""
    language_model_seconds: float = 0.0
    """Of the language models that this began with; other runs may share them."""
    weight: float | None = None
    """Of a blend: the weight of the network."""


@dataclass(frozen=True)
class SizeResult:
    """The figures of a row at a size: means over its seeds."""

    row: str
    family: str
    size: int
    seeds: int
    validation_accuracy: float
    test: Figures
    accuracy: Interval
    """On the test texts, with its 95 % interval over texts and seeds."""
    accuracy_deviation: float | None
    """Standard deviation over seeds; None for one."""
    further: dict[str, float]
    """Accuracy on misspelt and on other texts, by the name of the set."""
    seconds: float
    language_model_seconds: float
    weight: float | None = None
    """Of a blend: the weight of the network."""
    joined: tuple[str, ...] = ()
    """The rows that a blend joins."""


@dataclass(frozen=True)
class Gap:
    """The accuracy of a row minus that of another at the same size, on the same texts and subsets."""

    size: int
    row: str
    minus: str
    difference: Interval


@dataclass(frozen=True)
class Passing:
    """The cheapest network by transfer that is better on validation than every network from scratch."""

    transfer: SizeResult
    scratch: SizeResult
    """The best network from scratch on validation, of any size."""


def result(row: str, size: int, runs: Sequence[Run], codes: Codes) -> SizeResult:
    """Measure the runs of a row, one a seed."""
    accuracies = {
        name: [float(right(run.probabilities[name], true).mean()) for run in runs] for name, true in codes.items()
    }
    of_test = [figures(run.probabilities[TEST], codes[TEST]) for run in runs]
    means: dict[str, Any] = {
        each.name: float(np.mean([getattr(one, each.name) for one in of_test])) for each in fields(Figures)
    }
    weights = [run.weight for run in runs if run.weight is not None]
    return SizeResult(
        row=row,
        family=FAMILIES[row],
        size=size,
        seeds=len(runs),
        validation_accuracy=float(np.mean(accuracies[VALIDATION])),
        test=Figures(**means | {"texts": len(codes[TEST])}),
        accuracy=interval(scores(runs, codes[TEST])),
        accuracy_deviation=deviation(accuracies[TEST]),
        further={name: float(np.mean(found)) for name, found in accuracies.items() if name not in (VALIDATION, TEST)},
        seconds=float(np.mean([run.seconds for run in runs])),
        language_model_seconds=float(np.mean([run.language_model_seconds for run in runs])),
        weight=float(np.mean(weights)) if weights else None,
    )


def scores(runs: Sequence[Run], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 for each seed and test text whose most probable class is its own, else 0: (S, N)."""
    return np.stack([right(run.probabilities[TEST], codes) for run in runs])


def both(forward: Sequence[Run], backward: Sequence[Run]) -> list[Run]:
    """Average the probabilities of two rows, seed by seed."""
    return [
        Run(
            {name: (one + two.probabilities[name]) / 2 for name, one in first.probabilities.items()},
            first.seconds + two.seconds,
            first.language_model_seconds + two.language_model_seconds,
        )
        for first, two in zip(forward, backward, strict=True)
    ]


def best_of(rows: Sequence[str], found: Mapping[str, SizeResult]) -> str | None:
    """The row with the highest accuracy on validation, the first of equals; None if there is none of them."""
    known = [row for row in rows if row in found]
    return max(known, key=lambda row: found[row].validation_accuracy, default=None)


def blend(
    runs: Mapping[str, Sequence[Run]], found: Mapping[str, SizeResult], codes: Codes
) -> tuple[list[Run], tuple[str, ...]] | None:
    """Join the best network and the mean of the rows of n-grams; None if one is missing.

    The weight is chosen on validation; there, each half is joined with the weight of the other half.
    """
    network, grams = best_of(UNLABELLED, found), [row for row in NGRAMS if row in found]
    if network is None or not grams:
        return None
    true, joined = codes[VALIDATION], []
    for seed, (first, *others) in enumerate(zip(runs[network], *(runs[row] for row in grams), strict=True)):
        one = first.probabilities
        two = {name: np.mean([each.probabilities[name] for each in others], axis=0) for name in one}
        counted = text_weights(true, one[VALIDATION].shape[1], balance=True)
        weight = best_weight(one[VALIDATION], two[VALIDATION], true, counted)
        mixed = {name: blended(one[name], two[name], weight) for name in one}
        mixed[VALIDATION] = crossed(one[VALIDATION], two[VALIDATION], true, counted, seed)
        seconds = first.seconds + sum(each.seconds for each in others)
        joined.append(Run(mixed, seconds, first.language_model_seconds, weight))
    return joined, (network, *grams)


def gaps(
    size: int, runs: Mapping[str, Sequence[Run]], found: Mapping[str, SizeResult], codes: NDArray[np.int64]
) -> list[Gap]:
    """The differences of `PAIRS`, and of the best network and the best row of n-grams."""
    network, grams = best_of(UNLABELLED, found), best_of(NGRAMS, found)
    pairs = [(row, minus) for row, minus in PAIRS if row in runs and minus in runs]
    if network is not None and grams is not None:
        pairs.append((network, grams))
    return [
        Gap(size, row, minus, interval(scores(runs[row], codes) - scores(runs[minus], codes))) for row, minus in pairs
    ]


def passing(results: Sequence[SizeResult]) -> Passing | None:
    """Find the cheapest network by transfer that passes the best one from scratch; None if there is none.

    Both are judged on validation. The cost is that of learning the labels.
    """
    scratch = [each for each in results if each.row in SCRATCH]
    if not scratch:
        return None
    best = max(scratch, key=lambda each: each.validation_accuracy)
    better = [
        each for each in results if each.family == "transfer" and each.validation_accuracy > best.validation_accuracy
    ]
    return Passing(min(better, key=lambda each: each.seconds), best) if better else None


def named_blend(found: SizeResult, joined: tuple[str, ...]) -> SizeResult:
    """The figures of a blend with the rows that it joins."""
    return replace(found, joined=joined)
