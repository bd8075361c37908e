"""Figures, intervals, joined rows and differences, beside computations by hand and by scikit-learn."""

import numpy as np
import pytest

from epigone.evaluation.classification import accuracy_interval
from epigone.studies.sentiment_sizes.bootstrap import interval
from epigone.studies.sentiment_sizes.results import Run, blend, both, gaps, passing, result

N = 300


def made(share, seed, names=("validation", "test", "other")):
    """Codes, and probabilities of two classes that are right about a share of the texts."""
    codes = {name: np.arange(N) % 2 for name in names}
    generator = np.random.default_rng(seed)
    found = {}
    for name, true in codes.items():
        of_true = np.where(generator.random(N) < share, 0.5 + 0.5 * generator.random(N), 0.5 * generator.random(N))
        found[name] = np.where(true[:, None] == np.arange(2), of_true[:, None], 1 - of_true[:, None])
    return codes, found


@pytest.fixture
def runs():
    """Runs of some rows with two seeds each."""
    shares = {"nb-svm": 0.8, "tfidf": 0.7, "scratch": 0.6, "forward": 0.85, "backward": 0.85}
    return {
        row: [
            Run(made(share, 10 * place + seed)[1], seconds=10.0 + place, language_model_seconds=5.0) for seed in (0, 1)
        ]
        for place, (row, share) in enumerate(shares.items())
    }


@pytest.fixture
def codes():
    return made(0.5, 0)[0]


def test_figures_are_those_of_scikit_learn(runs, codes):
    metrics = pytest.importorskip("sklearn.metrics")
    found = result("nb-svm", 50, runs["nb-svm"], codes)
    predicted = [run.probabilities["test"].argmax(axis=1) for run in runs["nb-svm"]]
    true = codes["test"]
    assert found.accuracy.estimate == pytest.approx(np.mean([metrics.accuracy_score(true, p) for p in predicted]))
    assert found.test.balanced_accuracy == pytest.approx(
        np.mean([metrics.balanced_accuracy_score(true, p) for p in predicted])
    )
    assert found.test.macro_f1 == pytest.approx(
        np.mean([metrics.f1_score(true, p, average="macro") for p in predicted])
    )
    losses = [metrics.log_loss(true, run.probabilities["test"]) for run in runs["nb-svm"]]
    assert found.test.log_loss == pytest.approx(np.mean(losses))
    assert found.accuracy_deviation == pytest.approx(
        np.std([metrics.accuracy_score(true, p) for p in predicted], ddof=1)
    )
    assert list(found.further) == ["other"]
    assert (found.seeds, found.seconds, found.test.texts) == (2, 10.0, N)


def test_the_interval_of_one_seed_is_that_of_its_texts():
    scores = np.zeros((1, 1000))
    scores[0, :800] = 1
    found, wilson = interval(scores), accuracy_interval(800, 1000)
    assert found.estimate == 0.8
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=0.004)


def test_seeds_that_differ_widen_the_interval_and_pairs_narrow_it():
    generator = np.random.default_rng(0)
    scores = (generator.random(1000) < 0.8).astype(float)
    same, differ = np.stack([scores, scores]), np.stack([scores, 1 - scores])
    widths = [found.high - found.low for found in map(interval, (same, differ))]
    assert widths[0] == pytest.approx(interval(scores[None]).high - interval(scores[None]).low)
    assert widths[1] > 3 * widths[0]
    worse = scores.copy()
    worse[:20] = 0
    paired = interval((scores - worse)[None])
    assert paired.low > 0
    assert paired.high - paired.low < widths[0]


def test_both_directions_are_averaged_by_seed(runs):
    first, _ = both(runs["forward"], runs["backward"])
    mean = (runs["forward"][0].probabilities["test"] + runs["backward"][0].probabilities["test"]) / 2
    assert np.array_equal(first.probabilities["test"], mean)
    assert (first.seconds, first.language_model_seconds) == (27.0, 10.0)


def test_the_blend_joins_the_best_on_validation_with_a_weight_of_validation(runs, codes):
    found = {row: result(row, 50, each, codes) for row, each in runs.items()}
    joined, names = blend(runs, found, codes)
    assert names[1:] == ("tfidf", "nb-svm")
    assert names[0] == max(("forward", "backward"), key=lambda row: found[row].validation_accuracy)
    first, *others = (runs[name][0].probabilities["test"] for name in names)
    weight = joined[0].weight
    assert 0 < weight < 1
    assert np.allclose(joined[0].probabilities["test"], weight * first + (1 - weight) * sum(others) / 2)
    assert result("blend", 50, joined, codes).accuracy.estimate > found["nb-svm"].accuracy.estimate
    # Other test texts choose neither rows nor weight.
    flipped = codes | {"test": 1 - codes["test"]}
    again = {row: result(row, 50, each, flipped) for row, each in runs.items()}
    assert blend(runs, again, flipped)[1] == names
    assert blend(runs, again, flipped)[0][0].weight == weight
    assert blend({}, {}, codes) is None


def test_gaps_are_paired_differences_of_accuracies(runs, codes):
    found = {row: result(row, 50, each, codes) for row, each in runs.items()}
    by_pair = {(gap.row, gap.minus): gap.difference for gap in gaps(50, runs, found, codes["test"])}
    assert ("forward", "scratch") in by_pair
    gap = by_pair["forward", "scratch"]
    expected = found["forward"].accuracy.estimate - found["scratch"].accuracy.estimate
    assert gap.estimate == pytest.approx(expected)
    assert gap.low < gap.estimate < gap.high
    assert any(minus == "nb-svm" for _, minus in by_pair)
    assert ("own", "scratch") not in by_pair


def test_the_cheapest_transfer_that_passes_scratch(runs, codes):
    results = [result(row, size, each, codes) for row, each in runs.items() for size in (50, 500)]
    found = passing(results)
    assert (found.scratch.row, found.transfer.row) == ("scratch", "forward")
    assert passing([each for each in results if each.family != "transfer"]) is None
    assert passing([each for each in results if each.row != "scratch"]) is None
