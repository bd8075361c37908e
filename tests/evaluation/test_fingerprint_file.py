"""The file with the fingerprints of what a model learned."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from epigone.errors import UserError
from epigone.evaluation.fingerprint_file import FILE, load_fingerprints, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.evaluation.passages import LINES, RUNS
from epigone.text.shingles import hash_runs
from epigone.text.tokenizers.base import code_points

POEM = "The lamp was low, the night was long,\nand no one came to learn the song.\n"


def test_files_hold_several_sources_and_no_text(tmp_path):
    path = tmp_path / FILE
    written = {
        "target": Fingerprint.build([POEM]),
        "base": Fingerprint.build([POEM * 3, "".join(map(str, range(2000)))], {LINES: 50, RUNS: 100}),
        "nothing": Fingerprint.build([]),
    }
    save_fingerprints(path, written)
    assert b"lamp" not in path.read_bytes()
    read = load_fingerprints(path)
    assert read.keys() == written.keys()
    for name, fingerprint in read.items():
        for one, other in zip(fingerprint.known, written[name].known, strict=True):
            np.testing.assert_array_equal(one.hashes, other.hashes)
            assert (one.kind, one.rate, one.bits) == (other.kind, other.rate, other.bits)
        assert fingerprint.characters == written[name].characters
    assert read["target"].copied([POEM]).found == read["target"].copied([POEM]).lookups > 0
    assert read["nothing"].copied([POEM]).share == 0


def test_four_bytes_a_hash(tmp_path):
    print_ = Fingerprint.build("".join(f"{number:025d}\n" for number in range(2000)))
    save_fingerprints(tmp_path / FILE, {"training": print_})
    hashes = sum(len(each.hashes) for each in print_.known)
    assert (tmp_path / FILE).stat().st_size < 4 * hashes + 4000


def test_a_bases_text_comes_last(tmp_path):
    path = tmp_path / FILE
    save_fingerprints(path, {name: Fingerprint.build([POEM]) for name in ("base training", "target", "training")})
    assert list(load_fingerprints(path)) == ["target", "training", "base training"]


def earlier(text, rate=1):
    """A fingerprint as version 0.2 wrote it: hashes of 64 bits of runs of 30 characters."""
    hashes = np.unique(hash_runs(code_points(text).astype(np.uint64), 30))
    return hashes[hashes % np.uint64(rate) == 0], {"run": 30, "rate": rate, "characters": len(text)}


def test_fingerprints_of_earlier_versions_are_read_and_written_again(tmp_path):
    hashes, facts = earlier(POEM)
    save_file({"training": hashes}, tmp_path / FILE, metadata={"training": json.dumps(facts)})
    print_ = load_fingerprints(tmp_path / FILE)["training"]
    assert print_.copied([POEM[10:50]]).longest_run == 40
    assert print_.copied([POEM.upper()]).longest_run == 0  # they compare exactly
    assert print_.copied([POEM[10:35]]).in_words() == "too little to tell"
    save_fingerprints(tmp_path / "again", {"base training": print_, "training": Fingerprint.build([POEM])})
    again = load_fingerprints(tmp_path / "again")
    np.testing.assert_array_equal(again["base training"].known[0].hashes, hashes)
    assert again["base training"].copied([POEM]) == print_.copied([POEM])


def test_a_damaged_file_gets_a_sentence(tmp_path):
    path = tmp_path / FILE
    with pytest.raises(UserError, match=r"fingerprint\.safetensors cannot be read"):
        load_fingerprints(path)
    save_fingerprints(path, {"target": Fingerprint.build([POEM])})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="delete it"):
        load_fingerprints(path)


@pytest.mark.parametrize(
    ("facts", "tensors", "said"),
    [
        ({"rates": {"lines": 3}, "characters": 1}, {}, "rate: 3 instead of a power of two"),
        ({"rates": {"words": 1}, "characters": 1}, {}, "'words' is no kind of passage"),
        ({"rates": {"lines": 1}}, {}, "characters is missing"),
        ({"rates": {"lines": 2**70}, "characters": 1}, {}, "rates.lines"),
        ({"run": 20, "rate": 1, "characters": 1}, {}, "run"),
        ([], {}, "instead of"),
        ({"rates": {"runs": 1}, "characters": 1}, {"x/lines": np.zeros(2, np.uint32)}, "x/runs"),
        ({"rates": {"lines": 1}, "characters": 1}, {"x/lines": np.zeros(2, np.int64)}, "no list of whole numbers"),
        ({"rates": {"lines": 1}, "characters": 1}, {"x/lines": np.array([5, 4], np.uint32)}, "not in order"),
        ({"rates": {"lines": 1}, "characters": 1}, {"x/lines/counts": np.ones(3, np.uint32)}, "do not fit"),
        ({"rates": {"lines": 1}, "characters": 1}, {"x/lines/counts": np.ones(256, np.uint32)}, "do not fit"),
    ],
)
def test_what_could_not_have_been_built_is_refused(facts, tensors, said, tmp_path):
    counts = np.zeros(256, np.uint32)
    counts[0] = 2
    whole = {"x": np.zeros(0, np.uint64), "x/lines": np.array([4, 5], np.uint32), "x/lines/counts": counts} | tensors
    save_file(whole, tmp_path / FILE, metadata={"x": json.dumps(facts)})
    with pytest.raises(UserError, match=said):
        load_fingerprints(tmp_path / FILE)


def test_a_file_of_fingerprints_is_the_same_byte_for_byte_whenever_it_is_written(tmp_path):
    names = ["training", *(f"base {number}" for number in range(6)), "é"]
    prints = {name: Fingerprint.build([name * 40]) for name in names}
    for number in range(4):
        save_fingerprints(tmp_path / str(number), prints)
    assert len({(tmp_path / str(number)).read_bytes() for number in range(4)}) == 1
    assert list(load_fingerprints(tmp_path / "0")) == ["training", "é", *sorted(names)[:6]]
