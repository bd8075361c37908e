"""Near copies, and text of one split in another."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text import overlap
from epigone.text.corpus import Corpus
from epigone.text.document import Document, ReadReport
from epigone.text.overlap import RUN, leak, line_at, near_copies, overlap_notices, runs_of
from epigone.text.store import PIECE, store

SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "to", "vi", "wen", "dor", "fal", "gan", "hes", "é", "ö")


def song(seed, lines=8):
    """Make a song that no other one resembles."""
    r = random.Random(seed)
    words = ["".join(r.choice(SYLLABLES) for _ in range(r.randint(1, 3))) for _ in range(lines * 6)]
    return "\n".join(" ".join(words[line::lines]) for line in range(lines))


def texts_of(*documents):
    return store((Document(f"d{i}", iter([text])) for i, text in enumerate(documents)), None, ReadReport())[0]


COPIES = {
    "in capitals": str.upper,
    "with a title": lambda text: f"The Song of the River\n\n{text}",
    "with other spaces": lambda text: text.replace(" ", "   ").replace("\n", "\n\n"),
    "in other lines": lambda text: text.replace("\n", " ").replace("b", "\nb"),
    "with punctuation": lambda text: text.replace("\n", ",\n") + "!",
    "with typographic dashes": lambda text: text.replace(" ", " — "),
    "with one line changed": lambda text: "a new beginning of it\n" + text.split("\n", 1)[1],
    "without its end": lambda text: text[: len(text) * 2 // 3],
    "without accents": lambda text: text.replace("é", "e").replace("ö", "o"),
    "in a collection": lambda text: f"{song(91)}\n{text}\n{song(92)}",
    "with the signature of a site": lambda text: f"{text}\nwww.songs.example",
}


@pytest.mark.parametrize("change", COPIES)
def test_near_copies_are_found(change):
    songs = [song(number) for number in range(12)]
    texts = texts_of(*songs, COPIES[change](songs[3]), song(20))
    assert near_copies(runs_of(texts), 14) == [(12, 3)]
    splits = {"train": np.arange(9), "validation": np.array([9, 10, 11]), "test": np.array([12, 13])}
    copies, leaked = overlap_notices(texts, splits)
    assert copies.startswith(
        "1 of 14 documents is nearly a copy of another, but for spaces, capitals or a few lines: '"
    )
    assert "in d12 and d3" in copies
    assert "of the test text is in the training text too" in leaked
    assert "validation" not in leaked


@pytest.mark.parametrize("change", COPIES)
def test_the_line_that_is_shown_is_in_both(change):
    songs = [song(number) for number in range(3)]
    copied = COPIES[change](songs[1])
    texts = texts_of(*songs, copied)
    [notice] = overlap_notices(texts, {"train": np.arange(4), "validation": np.arange(0), "test": np.arange(0)})
    line = eval(notice.split("few lines: ", 1)[1].split(" in d3", 1)[0]).removesuffix("…")
    assert line.strip() in copied


def test_other_songs_are_no_copies():
    texts = texts_of(*(song(number) for number in range(300)))
    splits = {"train": np.arange(100), "validation": np.arange(100, 200), "test": np.arange(200, 300)}
    assert list(overlap_notices(texts, splits)) == []


def test_a_refrain_makes_no_copy_but_is_counted_as_shared():
    refrain = song(99, 2)
    texts = texts_of(*(f"{song(number)}\n{refrain}" for number in range(30)))
    runs = runs_of(texts)
    assert near_copies(runs, 30) == []
    share, pairs = leak(runs, np.arange(15), np.arange(15, 30))
    assert 0.1 < share < 0.3
    assert pairs[0][0] == 15
    assert pairs[0][1] < 15
    [notice] = overlap_notices(
        texts, {"train": np.arange(15), "validation": np.arange(15, 20), "test": np.arange(20, 30)}
    )
    assert "of the validation text and " in notice
    assert "test text are in the training text too" in notice


def test_documents_without_letters_or_with_few_have_no_runs():
    texts = texts_of("---", "♪ ♪", "Ada", "Bo", "a" * (RUN - 1), "b" * RUN)
    runs = runs_of(texts)
    assert runs.documents.tolist() == [5]
    assert (
        list(overlap_notices(texts, {"train": np.arange(3), "validation": np.array([3, 4]), "test": np.array([5])}))
        == []
    )


def brute_force(documents):
    found = {}
    for number, text in enumerate(documents):
        letters = "".join(c for c in text.lower() if c.isalnum())
        for place in range(len(letters) - RUN + 1):
            found[number, place] = letters[place : place + RUN]
    return found


@given(
    st.lists(st.text(st.sampled_from("ab1 \n.É우"), max_size=150), min_size=1, max_size=5),
    st.sampled_from([40, 70, 1 << 16]),
)
def test_runs_are_those_of_the_letters(documents, block):
    expected = brute_force(documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "BLOCK", block)
        documents = [f"{number}\n{text}" for number, text in enumerate(documents)]  # no two are equal
        expected = brute_force(documents)
        runs = runs_of(texts_of(*documents))
    found = {(int(d), int(p)): int(h) for d, p, h in zip(runs.documents, runs.places, runs.hashes, strict=True)}
    assert found.keys() == expected.keys()
    by_text: dict[str, set[int]] = {}
    for place, text in expected.items():
        by_text.setdefault(text, set()).add(found[place])
    assert all(len(hashes) == 1 for hashes in by_text.values())
    assert len({min(hashes) for hashes in by_text.values()}) == len(by_text)


def test_a_document_of_many_pieces_has_the_runs_of_one():
    line = song(1, 40)
    text = "\n".join(f"{number} {line}" for number in range(2 * PIECE // len(line)))
    runs = runs_of(texts_of(text))
    assert runs.rate > 1
    letters = "".join(c for c in text.lower() if c.isalnum())
    places = runs.places[::997]
    alone = runs_of(texts_of(*(f"{letters[place : place + RUN]}" for place in places)))
    assert set(alone.hashes) == set(runs.hashes[::997])


def test_copies_are_found_in_a_text_of_which_few_runs_are_kept(monkeypatch):
    monkeypatch.setattr(overlap, "CAPACITY", 2_000)
    songs = [song(number, 12) for number in range(100)]
    texts = texts_of(*songs, *(text.upper() for text in songs[:50]))
    runs = runs_of(texts)
    assert runs.rate > 4
    copies = near_copies(runs, 150)
    assert len(copies) > 45
    assert all(copy - original == 100 for copy, original in copies)
    told = list(
        overlap_notices(texts, {"train": np.arange(50), "validation": np.arange(50, 100), "test": np.arange(100, 150)})
    )
    assert "About 100% of the test text" in told[1]


def test_lines_are_found_by_the_letters_before_them():
    texts = texts_of("One, two.\n\n  Three – four!\nfive")
    assert line_at(texts, 0, 0) == "One, two."
    assert line_at(texts, 0, 6) == "Three – four!"
    assert line_at(texts, 0, 6, longest=5) == "Three…"
    assert line_at(texts, 0, 15) == "five"


def test_every_command_that_divides_a_text_warns(tmp_path, caplog, cli):
    songs = [song(number) for number in range(12)]
    path = tmp_path / "twice.txt"
    path.write_text("\n===\n".join([*songs, *(text.upper() for text in songs)]), encoding="utf-8")
    corpus = Corpus.open(path)
    assert "12 of 24 documents are nearly copies of others" in corpus.notices[0]
    assert "in the training text too" in corpus.notices[1]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    result = cli("info", path, "--quiet")
    assert "12 of 24 documents are nearly copies of others" in " ".join(result.err.split())
    shape = ("--num-layers", 1, "--hidden-size", 8, "--steps", 2, "--quiet", "--out")
    assert "nearly copies" in cli("pretrain", path, *shape, tmp_path / "a").err


MEASURE = """
import sys
from epigone.text.corpus import Corpus
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
before = peak()
corpus = Corpus.open([sys.argv[1]])
print(peak() - before, len(corpus.names))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_large_text_is_compared_in_little_memory(tmp_path):
    with open(tmp_path / "a.txt", "w") as file:
        file.writelines(f"{number} the reeds lean over and the boat comes home\n===\n" for number in range(150_000))
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "a.txt"],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    memory, documents = map(int, result.stdout.split())
    assert documents == 150_000
    assert memory < 75e6


def test_the_parts_of_one_document_are_no_copies_of_each_other(tmp_path):
    (tmp_path / "a.txt").write_text((song(1) + "\n") * 12, encoding="utf-8")
    notices = Corpus.open(tmp_path / "a.txt").notices
    assert not any("nearly" in notice for notice in notices)
    assert any("in the training text too, but for spaces" in notice for notice in notices)
