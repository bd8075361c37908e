"""Copying measured with hashes, against a search in the text itself."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.evaluation import passages
from epigone.evaluation.memorisation import Copying, Fingerprint
from epigone.evaluation.passages import LINES, RUNS

POEM = "The lamp was low, the night was long,\nand no one came to learn the song.\n"
RUNS_ALONE = {RUNS: 10**6}


def random_text(seed, length, letters=26):
    return np.random.default_rng(seed).integers(97, 97 + letters, length, np.uint8).tobytes().decode()


def lettered(text):
    """The letters and digits of a text and their places, one by one."""
    found = [(letter, place) for place, sign in enumerate(text) for letter in sign.lower() if letter.isalnum()]
    return "".join(letter for letter, _ in found), [place for _, place in found]


def search(training, texts, run):
    """Longest stretch, covered characters and looked up runs of letters, by a search in the training text."""
    longest = covered = looked_up = 0
    known = [lettered(document)[0] for document in training]
    for text in texts:
        letters, places = lettered(text)
        windows = [
            any(letters[i : i + run] in document for document in known) for i in range(max(0, len(letters) - run + 1))
        ]
        looked_up += len(windows)
        inside = np.zeros(len(text), bool)
        for i in np.flatnonzero(windows):
            inside[places[i] : places[i + run - 1] + 1] = True
        covered += int(inside.sum())
        for begin, row in itertools.groupby(enumerate(windows), lambda each: each[1]):
            if begin:
                numbers = [number for number, _ in row]
                longest = max(longest, places[numbers[-1] + run - 1] + 1 - places[numbers[0]])
    return longest, covered, looked_up


texts_strategy = st.lists(st.text("ab\nB .", max_size=40), max_size=4)


@settings(deadline=None, max_examples=300)
@given(training=texts_strategy, texts=texts_strategy, run=st.integers(1, 7))
def test_runs_of_letters_are_found_as_by_a_search(training, texts, run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "RUN", run)
        found = Fingerprint.build(training, RUNS_ALONE).copied(texts)
    longest, covered, windows = search(training, texts, run)
    characters = sum(map(len, texts))
    assert found.exact
    assert found.longest_run >= longest  # stretches that touch are one
    assert found.share == (covered / characters if characters else 0)
    assert (found.characters, found.lookups) == (characters, windows)


@settings(deadline=None, max_examples=300)
@given(training=texts_strategy, texts=texts_strategy, shortest=st.integers(1, 5))
def test_lines_are_found_as_by_a_search(training, texts, shortest):
    def lines(documents):
        return [
            letters for text in documents for line in text.split("\n") if shortest <= len(letters := lettered(line)[0])
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "SHORTEST", shortest)
        found = Fingerprint.build(training, {LINES: 10**6}).copied(texts)
    known, asked = set(lines(training)), lines(texts)
    assert (found.lookups, found.found) == (len(asked), sum(line in known for line in asked))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.characters(exclude_categories=["Mn", "Cs"]), max_size=30), max_size=5), st.integers(1, 6))
def test_any_script_and_any_pieces(pieces, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "RUN", size)
        patch.setattr(passages, "SHORTEST", size)
        whole, parts = Fingerprint.build(["".join(pieces)]), Fingerprint.build([pieces])
    for one, other in zip(whole.known, parts.known, strict=True):
        np.testing.assert_array_equal(one.hashes, other.hashes)
    assert whole.characters == parts.characters == sum(map(len, pieces))


def test_a_long_line_in_pieces_is_no_line_at_its_end():
    paragraph = " ".join(random_text(seed, 7) for seed in range(2000))
    pieces = [paragraph[begin : begin + 50] for begin in range(0, len(paragraph), 50)]
    lines, _ = Fingerprint.build([[*pieces, "\n" + POEM]]).known
    assert len(lines.hashes) == 2


def test_passages_do_not_reach_into_the_next_document():
    half = POEM.index("\n") // 2
    separate = Fingerprint.build([POEM[:half], POEM[half:]]).copied([POEM])
    together = Fingerprint.build([[POEM[:half], POEM[half:]]]).copied([POEM])
    assert separate.longest_run == len(POEM.rstrip(".\n")) - half
    assert together.longest_run == len(POEM.rstrip(".\n"))


def test_capitals_accents_and_line_breaks_do_not_hide_a_copy():
    found = Fingerprint.build([POEM]).copied
    whole = len(POEM.rstrip(".\n"))
    assert found([POEM.replace("\n", " ")]).longest_run == whole
    assert found([POEM.upper().replace("A", "Á")]).longest_run == whole
    assert found([POEM.replace(",", " -- ")]).share > 0.9
    assert found([POEM.replace("a", "e")]).longest_run == 0


def test_a_single_copied_line_is_found_and_a_short_one_is_not():
    found = Fingerprint.build([POEM]).copied
    line = "and no one came to learn the song"
    assert found([f"Here is one more,\n{line!s},\nand nothing else."]).longest_run == len(line)
    assert found(["Here is one more,\nthe night was long,\nand nothing else."]).longest_run == 0
    assert found([f"Here is one more, {line[:-9]}, within a line of prose that goes on."]).longest_run == 0


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1000), st.integers(1, 300), st.integers(0, 1200))
def test_the_rate_is_the_lowest_that_fits(seed, capacity, length):
    text = random_text(seed, length)
    (every,) = Fingerprint.build([text], RUNS_ALONE).known
    (sketch,) = Fingerprint.build([text], {RUNS: capacity}).known
    assert len(sketch.hashes) <= capacity
    assert np.isin(sketch.hashes, every.hashes).all()
    (lower,) = Fingerprint.build([text], {RUNS: 2 * capacity}).known
    assert lower.rate <= sketch.rate
    assert (sketch.rate == 1) == (len(every.hashes) <= capacity)


def test_the_estimate_is_right_on_average():
    training = random_text(1, 40_000)
    rng = np.random.default_rng(5)
    estimates, truths, lookups, windows = [], [], 0, 0
    sketch = Fingerprint.build([training], {RUNS: 4000})
    exact = Fingerprint.build([training], RUNS_ALONE)
    for seed in range(40):
        starts = rng.integers(0, 39_000, 10)
        text = "".join(random_text(100 + seed, 150) + training[s : s + 120] for s in starts)
        found = sketch.copied([text])
        assert found.share is not None
        assert not found.exact
        assert found.longest_run <= len(text)
        estimates.append(found.share)
        # The true share of copied runs: 89 of every 120 characters.
        truths.append((exact.copied([text]).share * len(text) - 10 * 31) / (len(text) - 31))
        lookups, windows = lookups + found.lookups, windows + len(text) - 31
    assert sketch.known[0].rate == 16
    assert abs(lookups / windows * 16 - 1) < 0.05
    assert abs(np.mean(estimates) - np.mean(truths)) < 0.02


def test_lines_that_are_all_known_count_beside_runs_that_are_sampled():
    verse = "\n".join(random_text(seed, 40) for seed in range(300))
    sketch = Fingerprint.build([verse], {LINES: 1000, RUNS: 100})
    lines, runs = sketch.known
    assert lines.rate == 1 < runs.rate
    single = "\n".join(f"{random_text(1000 + seed, 60)}\n{verse[41 * seed : 41 * seed + 40]}" for seed in range(5))
    found = sketch.copied([single])
    assert found.share >= 200 / len(single)
    assert found.found >= 5
    assert not found.exact


def test_the_estimated_run_lies_within_the_true_one_when_all_is_copied():
    training = random_text(3, 20_000)
    sketch = Fingerprint.build([training], {RUNS: 500})
    found = sketch.copied(["#" * 300 + training[5000:9000] + "#" * 300])
    assert sketch.known[0].rate == 64
    assert 3000 < found.longest_run <= 4000


def test_no_sampled_run_means_no_estimate():
    sketch = Fingerprint.build([random_text(3, 20_000)], {RUNS: 20})
    found = sketch.copied(["too short"])
    assert (found.share, found.longest_run, found.lookups) == (None, 0, 0)


def test_what_was_never_there_is_hardly_ever_found():
    training = (random_text(seed, 40) + "\n" for seed in range(20_000))
    print_ = Fingerprint.build(training)
    found = print_.copied(random_text(10**6 + seed, 40) + "\n" for seed in range(20_000))
    assert found.lookups >= 20_000
    assert found.found == 0


def test_memory_does_not_grow_with_the_text():
    def pieces():
        for seed in range(30):
            yield random_text(seed, 100_000)

    Fingerprint.build([POEM], {RUNS: 10})  # what is imported or set up once is not counted
    tracemalloc.start()
    sketch = Fingerprint.build([pieces()], {LINES: 1000, RUNS: 1000})
    Fingerprint.build((f"{number:032d}" for number in range(20_000)), {LINES: 10, RUNS: 10})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sketch.characters == 3_000_000
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("longest", "exact", "lookups", "said"),
    [
        (50, True, 99, "10.0% in lines or runs of 32 letters, the longest of 50 characters"),
        (50, False, 99, "about 10.0% in lines or runs of 32 letters, the longest of about 50 characters"),
        (0, True, 99, "no line and no run of 32 letters"),
        (0, False, 2, "no line and no run of 32 letters, as far as samples show"),
        (0, False, 0, "too little to tell"),
        (0, True, 0, "too little to tell"),
    ],
)
def test_what_is_said_of_copying_is_no_more_than_is_known(longest, exact, lookups, said):
    assert Copying(longest, 0.1 if longest else None, exact, 1000, lookups).in_words() == said


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 80)), max_size=6))
def test_stretches_are_the_copied_characters(parts):
    print_ = Fingerprint.build([POEM])
    text, copied = "", []
    for number, (stolen, length) in enumerate(parts):
        piece = POEM[:length] if stolen else random_text(number, length)
        if stolen and len(lettered(piece)[0]) >= 32:
            copied.append((len(text), len(text) + len(piece.rstrip(" ,.\n"))))
        text += piece
    found = print_.stretches(text)
    assert all(any(start <= first and last <= end for start, end in found) for first, last in copied)
    covered = round((print_.copied([text]).share or 0) * len(text))
    assert covered <= sum(end - start for start, end in found) <= covered + 4 * len(parts)  # signs between passages
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))
