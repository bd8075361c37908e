"""Copying measured with hashes, against a search in the text itself."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.evaluation import memorisation
from epigone.evaluation.memorisation import Copying, Fingerprint, load_fingerprints, save_fingerprints

POEM = "The lamp was low, the night was long,\nand no one came to learn the song.\n"


def random_text(seed, length, letters=26):
    return np.random.default_rng(seed).integers(97, 97 + letters, length, np.uint8).tobytes().decode()


def search(training, texts, run):
    """Longest run, covered characters and copied windows, by a search in the training text."""
    longest = covered = 0
    copied = []
    for text in texts:
        windows = [any(text[i : i + run] in document for document in training) for i in range(len(text) - run + 1)]
        inside = [any(windows[max(0, i - run + 1) : i + 1]) for i in range(len(text))]
        covered += sum(inside)
        copied += windows
        for i in range(len(windows)):
            n = 0
            while i + n < len(windows) and windows[i + n]:
                n += 1
            longest = max(longest, n + run - 1 if n else 0)
    return longest, covered, copied


def test_documents_of_which_nothing_is_sampled_leave_nothing():
    Fingerprint.build([POEM], capacity=10)  # what is imported or set up once is not counted
    tracemalloc.start()
    Fingerprint.build((f"{number:030d}" for number in range(20_000)), capacity=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


texts_strategy = st.lists(st.text("ab\n", max_size=40), max_size=4)


@settings(deadline=None, max_examples=300)
@given(training=texts_strategy, texts=texts_strategy, run=st.integers(1, 7))
def test_exact_measure_equals_a_search(training, texts, run):
    found = Fingerprint.build(training, run).copied(texts)
    longest, covered, windows = search(training, texts, run)
    characters = sum(map(len, texts))
    assert found.exact
    assert found.longest_run == longest
    assert found.share == (covered / characters if characters else 0)
    assert (found.characters, found.lookups) == (characters, len(windows))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=30), max_size=5), st.integers(1, 6))
def test_any_script_and_any_pieces(pieces, run):
    whole, parts = Fingerprint.build(["".join(pieces)], run), Fingerprint.build([pieces], run)
    np.testing.assert_array_equal(whole.hashes, parts.hashes)
    assert whole.characters == parts.characters == sum(map(len, pieces))
    assert len(whole.hashes) == len({"".join(pieces)[i:][:run] for i in range(whole.characters - run + 1)})


def test_blocks_join_without_a_gap(monkeypatch):
    text = random_text(1, 1000)
    whole = Fingerprint.build([text])
    monkeypatch.setattr(memorisation, "BLOCK", 64)
    np.testing.assert_array_equal(Fingerprint.build([text]).hashes, whole.hashes)
    assert Fingerprint.build([text]).copied([text]).longest_run == 1000


def test_runs_do_not_reach_into_the_next_document():
    half = len(POEM) // 2
    separate = Fingerprint.build([POEM[:half], POEM[half:]]).copied([POEM])
    together = Fingerprint.build([[POEM[:half], POEM[half:]]]).copied([POEM])
    assert separate.longest_run == len(POEM) - half
    assert together.longest_run == len(POEM)


def test_texts_are_compared_exactly():
    found = Fingerprint.build([POEM]).copied
    assert found([POEM.replace("\n", " ")]).longest_run == len("The lamp was low, the night was long,")
    assert found([POEM.upper()]).longest_run == 0


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1000), st.integers(1, 300), st.integers(0, 1200))
def test_the_rate_is_the_lowest_that_fits(seed, capacity, length):
    text = random_text(seed, length, 3)
    every = Fingerprint.build([text], run=6, capacity=10**6)
    sketch = Fingerprint.build([text], run=6, capacity=capacity)
    assert len(sketch.hashes) <= capacity
    np.testing.assert_array_equal(sketch.hashes, every.hashes[every.hashes % np.uint64(sketch.rate) == 0])
    if sketch.rate > 1:
        assert (every.hashes % np.uint64(sketch.rate // 2) == 0).sum() > capacity


@pytest.mark.parametrize("capacity", [50, 500, 100_000])
def test_merging_equals_building_from_both(capacity):
    one, two = random_text(1, 3000), random_text(2, 300) + POEM
    merged = Fingerprint.build([one], capacity=capacity).merge(Fingerprint.build([two], capacity=capacity), capacity)
    both = Fingerprint.build([one, two], capacity=capacity)
    np.testing.assert_array_equal(merged.hashes, both.hashes)
    assert (merged.rate, merged.characters) == (both.rate, both.characters)


def test_runs_of_different_lengths_do_not_merge():
    with pytest.raises(ValueError, match="runs of 30 and 20"):
        Fingerprint.build([POEM]).merge(Fingerprint.build([POEM], run=20))


def test_the_estimate_is_right_on_average():
    training = random_text(1, 40_000)
    rng = np.random.default_rng(5)
    estimates, truths, lookups, windows = [], [], 0, 0
    sketch = Fingerprint.build([training], capacity=4000)
    exact = Fingerprint.build([training], capacity=10**6)
    for seed in range(40):
        starts = rng.integers(0, 39_000, 10)
        text = "".join(random_text(100 + seed, 150) + training[s : s + 120] for s in starts)
        found = sketch.copied([text])
        assert found.share is not None
        assert not found.exact
        assert found.longest_run <= len(text)
        estimates.append(found.share)
        # The true share of copied runs: 91 of every 120 characters.
        truths.append((exact.copied([text]).share * len(text) - 10 * 29) / (len(text) - 29))
        lookups, windows = lookups + found.lookups, windows + len(text) - 29
    assert sketch.rate == 16
    assert abs(lookups / windows * sketch.rate - 1) < 0.05
    assert abs(np.mean(estimates) - np.mean(truths)) < 0.02


def test_the_estimated_run_lies_within_the_true_one_when_all_is_copied():
    training = random_text(3, 20_000)
    sketch = Fingerprint.build([training], capacity=500)
    found = sketch.copied(["#" * 300 + training[5000:9000] + "#" * 300])
    assert sketch.rate == 64
    assert 3000 < found.longest_run <= 4000


def test_no_sampled_run_means_no_estimate():
    sketch = Fingerprint.build([random_text(3, 20_000)], capacity=20)
    found = sketch.copied(["too short"])
    assert (found.share, found.longest_run, found.lookups) == (None, 0, 0)


def test_memory_does_not_grow_with_the_text():
    def pieces():
        for seed in range(30):
            yield random_text(seed, 100_000)

    tracemalloc.start()
    sketch = Fingerprint.build([pieces()], capacity=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sketch.characters == 3_000_000
    assert peak < 8_000_000


def test_files_hold_several_sources_and_no_text(tmp_path):
    path = tmp_path / "fingerprint.safetensors"
    written = {
        "target": Fingerprint.build([POEM]),
        "base": Fingerprint.build([random_text(1, 5000)], run=20, capacity=100),
        "nothing": Fingerprint.build([]),
    }
    save_fingerprints(path, written)
    assert b"lamp" not in path.read_bytes()
    read = load_fingerprints(path)
    assert read.keys() == written.keys()
    for name, fingerprint in read.items():
        np.testing.assert_array_equal(fingerprint.hashes, written[name].hashes)
        assert (fingerprint.run, fingerprint.rate) == (written[name].run, written[name].rate)
        assert fingerprint.characters == written[name].characters
    assert read["target"].copied([POEM[:40]]).share == 1
    assert read["nothing"].copied([POEM]).share == 0


def test_a_bases_text_comes_last(tmp_path):
    path = tmp_path / "fingerprint.safetensors"
    save_fingerprints(path, {name: Fingerprint.build([POEM]) for name in ("base training", "target", "training")})
    assert list(load_fingerprints(path)) == ["target", "training", "base training"]


@pytest.mark.parametrize(
    ("longest", "exact", "lookups", "said"),
    [
        (50, True, 99, "10.0% in runs of 30 characters or more, the longest of 50"),
        (50, False, 99, "about 10.0% in runs of 30 characters or more, the longest of about 50"),
        (0, True, 99, "none of 30 characters or more"),
        (0, False, 2, "none of 30 characters or more, as far as samples show"),
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
        if stolen and length >= 30:
            copied.append((len(text), len(text) + len(piece)))
        text += piece
    found = print_.stretches(text)
    assert all(print_.copied([text[start:end]]).share == 1 for start, end in found)
    assert all(any(start <= first and last <= end for start, end in found) for first, last in copied)
    assert sum(end - start for start, end in found) == round((print_.copied([text]).share or 0) * len(text))
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))


def test_a_damaged_file_gets_a_sentence(tmp_path):
    path = tmp_path / "fingerprint.safetensors"
    with pytest.raises(UserError, match=r"fingerprint\.safetensors cannot be read"):
        load_fingerprints(path)
    save_fingerprints(path, {"target": Fingerprint.build([POEM])})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="delete it"):
        load_fingerprints(path)


def test_a_file_of_fingerprints_is_the_same_byte_for_byte_whenever_it_is_written(tmp_path):
    names = ["training", *(f"base {number}" for number in range(6)), "é"]
    prints = {name: Fingerprint.build([name * 40]) for name in names}
    for number in range(4):
        save_fingerprints(tmp_path / str(number), prints)
    assert len({(tmp_path / str(number)).read_bytes() for number in range(4)}) == 1
    assert list(load_fingerprints(tmp_path / "0")) == ["training", "é", *sorted(names)[:6]]
