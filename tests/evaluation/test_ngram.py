"""The n-gram model against a slow version with dictionaries, and the laws of probability."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.evaluation import ngram
from epigone.evaluation.ngram import Mixture, NgramModel, count_ngrams, fit_mixture_weight, mix, search_order

END = 3
V = 6
MOORE = Path(__file__).parents[3] / "shared/corpora/targets/moore_melodies/moore_melodies.txt"

documents = st.lists(
    st.lists(st.integers(0, V - 1).filter(lambda token: token != END), max_size=12), min_size=1, max_size=5
)


def stream(documents: list[list[int]], dtype: type = np.uint8) -> np.ndarray:
    return np.array([END] + [token for document in documents for token in [*document, END]], dtype)


def fit(tokens: np.ndarray, order: int, vocabulary_size: int, end: int) -> NgramModel:
    return NgramModel.from_counts(count_ngrams(tokens, order, vocabulary_size, end), vocabulary_size, end)


def slow_probability(train, order, discounts, context, target):
    """Interpolated modified Kneser-Ney over tuples in dictionaries, straight from the definition."""
    seen = Counter()
    for document in train:
        padded = [END] * (order - 1) + document + [END]
        for i in range(order - 1, len(padded)):
            seen[tuple(padded[i - order + 1 : i + 1])] += 1
    probability = 1 / V
    for n in range(1, order + 1):
        counts = Counter(seen)
        for length in range(order - 1, n - 1, -1):  # drop the oldest token, counting distinct ones
            counts = Counter(gram[1:] for gram in counts)
            assert all(len(gram) == length for gram in counts)
        by_context = defaultdict(dict)
        for gram, count in counts.items():
            by_context[gram[:-1]][gram[-1]] = count
        following = by_context.get(tuple(context[len(context) - n + 1 :]))
        if following is None:
            continue
        discount = [0.0, *discounts[n - 1]]
        count = following.get(target, 0)
        left = sum(discount[min(c, 3)] for c in following.values())
        probability = (count - discount[min(count, 3)] + left * probability) / sum(following.values())
    return probability


@settings(max_examples=60, deadline=None)
@given(train=documents, test=documents, order=st.integers(1, 5))
def test_equals_the_definition(train, test, order):
    model = fit(stream(train), order, V, END)
    expected = []
    for document in test:
        padded = [END] * (order - 1) + document + [END]
        for i in range(order - 1, len(padded)):
            context, target = padded[i - order + 1 : i], padded[i]
            expected.append(slow_probability(train, order, model.discounts, context, target))
    np.testing.assert_allclose(np.exp(model.log_probs(stream(test))), expected, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(train=documents, history=st.lists(st.integers(0, V - 1), max_size=8), order=st.integers(1, 8))
def test_probabilities_sum_to_one_and_none_is_zero(train, history, order):
    model = fit(stream(train), order, V, END).tuned(stream([[0, 1, 1, 2, 0, 1]]))
    log_probs = [model.log_probs(np.array([END, *history, target]))[-1] for target in range(V)]
    assert np.isfinite(log_probs).all()
    assert np.exp(log_probs).sum() == pytest.approx(1)


def test_closed_form_discounts_are_chen_and_goodmans():
    # 5 symbols once, 3 twice, 2 three times, 1 four times, by hand: Y = 5/11
    counts = np.array([1] * 5 + [2] * 3 + [3] * 2 + [4])
    y = 5 / 11
    expected = [1 - 2 * y * 3 / 5, 2 - 3 * y * 2 / 3, 3 - 4 * y * 1 / 2]
    np.testing.assert_allclose(ngram._closed_form(counts), expected)


def test_closed_form_falls_back_where_counts_are_too_thin():
    np.testing.assert_array_equal(ngram._closed_form(np.array([1, 1, 7])), ngram.FALLBACK)


def test_context_stops_at_the_start_of_the_document():
    model = fit(stream([[0, 1, 2], [2, 1, 0], [0, 1, 1, 2]]), 4, V, END)
    alone = model.log_probs(stream([[0, 1, 2, 4]]))
    after_another = model.log_probs(stream([[2, 2, 5], [0, 1, 2, 4]]))
    np.testing.assert_array_equal(after_another[-len(alone) :], alone)


def test_chunks_do_not_show(monkeypatch):
    rng = np.random.default_rng(0)
    train, test = (stream([list(rng.choice([0, 1, 2, 4, 5], 30)) for _ in range(4)]) for _ in range(2))
    model = fit(train, 5, V, END)
    whole = model.log_probs(test)
    monkeypatch.setattr(ngram, "CHUNK", 7)
    np.testing.assert_array_equal(model.log_probs(test), whole)


def test_large_vocabularies_are_exact():
    rng = np.random.default_rng(0)
    words = rng.choice([0, 1, 2, 4, 5], (20, 15))
    small = fit(stream(words.tolist()), 6, V, END)
    spread = np.array([0, 11_171, 40_000, END, 65_000, 65_535])  # the same text in an alphabet of 65,536
    tokens = spread[stream(words.tolist())].astype(np.uint16)
    large = fit(tokens, 6, 65_536, END)
    np.testing.assert_array_equal(large.levels[-1].counts.sum(), small.levels[-1].counts.sum())
    assert len(large.levels[-1].grams) == len(small.levels[-1].grams)
    np.testing.assert_array_equal(large.discounts, small.discounts)
    assert large.log_probs(tokens).mean() == pytest.approx(small.log_probs(stream(words.tolist())).mean(), abs=0.1)


def test_unseen_symbol_has_finite_loss():
    model = fit(stream([[0] * 50]), 3, V, END)
    assert -10 < model.log_probs(stream([[5]]))[0] < -1


def test_tuning_finds_a_minimum_and_leaves_the_counts_alone():
    rng = np.random.default_rng(1)
    chain = rng.dirichlet(np.full(V - 1, 0.3), size=V)
    symbols = np.array([0, 1, 2, 4, 5])

    def song() -> list[int]:
        verse, last = [], END
        for _ in range(20):
            last = int(rng.choice(symbols, p=chain[last]))
            verse.append(last)
        return verse * 2  # repeats itself like songs, so counts overstate

    train, held_out = stream([song() for _ in range(20)]), stream([song() for _ in range(20)])
    counted = held_out[1:] != END
    closed = fit(train, 4, V, END)
    tuned = closed.tuned(held_out)

    def loss(model: NgramModel) -> float:
        return -model.log_probs(held_out)[counted].mean()

    assert loss(tuned) < loss(closed) - 0.005
    assert tuned.levels is closed.levels
    inside = (tuned.discounts > 0.05) & (tuned.discounts < ngram.MAX_DISCOUNTS - 0.05)
    assert inside.any()
    for place in np.argwhere(inside):
        for step in (-0.04, 0.04):
            moved = tuned.discounts.copy()
            moved[tuple(place)] += step
            neighbour = NgramModel(tuned.levels, moved, V, END)
            assert loss(neighbour) > loss(tuned) - 1e-6


def test_tuning_without_targets_is_refused():
    with pytest.raises(ValueError, match="all end symbols"):
        fit(stream([[0, 1]]), 2, V, END).tuned(stream([[], []]))


@pytest.mark.parametrize(("tokens", "order"), [([END], 2), ([END, 0, END], 0), ([END, V, END], 2)])
def test_impossible_requests_are_refused(tokens, order):
    with pytest.raises(ValueError, match=r"needs order 1|outside a vocabulary"):
        fit(np.array(tokens), order, V, END)


def test_search_finds_the_order_of_the_source():
    rng = np.random.default_rng(2)
    symbols = [0, 1, 2, 4, 5]

    def document() -> list[int]:
        text = list(rng.choice(symbols, 2))
        for _ in range(150):  # the sum of the last two, sometimes anything: an order of 3
            follows = symbols[(symbols.index(text[-1]) + symbols.index(text[-2])) % 5]
            text.append(int(follows if rng.random() < 0.9 else rng.choice(symbols)))
        return text

    train, validation = (stream([document() for _ in range(10)]) for _ in range(2))
    search = search_order(train, validation, V, END, orders=range(1, 6))
    assert search.model.order == 3
    assert min(search.losses, key=search.losses.__getitem__) == 3
    same = fit(train, 3, V, END).tuned(validation)  # counting once for all orders changes nothing
    np.testing.assert_array_equal(search.model.log_probs(validation), same.log_probs(validation))
    counted = validation[1:] != END
    assert search.losses[3] == pytest.approx(-same.log_probs(validation)[counted].mean())


def test_mixture_averages_probabilities():
    tokens = stream([[0, 1, 2], [4, 4, 1]])
    a, b = fit(tokens, 1, V, END), fit(tokens, 3, V, END)
    expected = 0.25 * np.exp(a.log_probs(tokens)) + 0.75 * np.exp(b.log_probs(tokens))
    np.testing.assert_allclose(np.exp(mix([a, b], [0.25, 0.75]).log_probs(tokens)), expected)
    np.testing.assert_allclose(mix([a, b], [0, 1]).log_probs(tokens), b.log_probs(tokens))
    assert mix([a], [1]) == Mixture((a,), (1,))


@pytest.mark.parametrize("weights", [[1.0], [0.5, 0.6], [-0.5, 1.5]])
def test_weights_must_be_a_distribution(weights):
    model = fit(stream([[0, 1]]), 1, V, END)
    with pytest.raises(ValueError, match="adding up to 1"):
        mix([model, model], weights)


def test_mixture_weight_maximises_the_likelihood():
    rng = np.random.default_rng(0)
    a, b = np.log(rng.uniform(0.01, 1, (2, 500)))
    weight = fit_mixture_weight(a, b)

    def likelihood(w: float) -> float:
        return np.log(w * np.exp(a) + (1 - w) * np.exp(b)).sum()

    grid = np.linspace(0.001, 0.999, 999)
    assert weight == pytest.approx(grid[np.argmax([likelihood(w) for w in grid])], abs=0.002)


def test_mixture_weight_of_a_model_that_is_always_better():
    worse = np.full(10, -2000.0)  # far below the range of exp
    assert fit_mixture_weight(np.full(10, -1.0), worse) == pytest.approx(1)
    assert fit_mixture_weight(worse, np.full(10, -1.0)) == pytest.approx(0)


@pytest.mark.corpus
@pytest.mark.skipif(not MOORE.exists(), reason="needs ../shared/corpora/targets/moore_melodies")
def test_moore_is_where_it_was_measured():
    songs = re.split(r"\n\s*===\s*\n", MOORE.read_text(encoding="utf-8"))
    shuffled = [songs[i].strip() + "\n" for i in np.random.default_rng(0).permutation(len(songs))]
    third = len(songs) // 3
    train, validation = (
        stream([list(song.encode("ascii", "ignore")) for song in part])
        for part in (shuffled[:third], shuffled[third : 2 * third])
    )
    model = fit(train, 6, 128, END).tuned(validation)
    counted = validation[1:] != END
    assert -model.log_probs(validation)[counted].mean() == pytest.approx(1.686, abs=0.003)
