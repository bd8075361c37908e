"""Copied runs: where they are, and which document each is from."""

from types import SimpleNamespace

import pytest

from epigone.errors import UserError
from epigone.evaluation.copied import MOST, CopiedRun, copied_runs, located, measure_copying, passages
from epigone.evaluation.fingerprint_file import FILE, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.text.corpus import Corpus
from epigone.text.tokenizers.characters import CharTokenizer

MILL = "Below the mill the river turns and leaves its silver on the stones."
LAMP = "The lamp is out, and on the stairs\nthe long night comes to count its chairs."
NEW = "Nothing of this was ever there before now."


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "poems.txt"
    path.write_text(f"{MILL}\n===\nAnother line.\n\n{LAMP}\n", encoding="utf-8")
    return Corpus.open(path, split=None)


def tokenizer(*texts):
    return CharTokenizer.train([MILL, LAMP, NEW, *texts])


def test_runs_are_found_after_the_prompt_and_placed_in_their_documents(corpus):
    text = MILL + NEW + LAMP[5:60] + NEW + MILL[10:50]
    own = Fingerprint.build(corpus.texts())
    runs = copied_runs(text, {"training": own, "base training": Fingerprint.build([MILL])}, len(MILL))
    assert {run.source for run in runs} == {"training"}, "a run is told once"
    assert [text[run.start : run.end] for run in runs] == [LAMP[5:60], MILL[10:50]]
    placed = located(runs, text, corpus, tokenizer())
    assert [(run.document, run.line) for run in placed] == [("poems.txt#2", 3), ("poems.txt", 1)]
    said = list(passages(text, placed))
    assert said[0].startswith("“amp is out, and on the stairs / the long night")
    assert said[0].endswith("” is in poems.txt#2, line 3")
    assert list(passages(text, runs))[1].endswith("” is in the training text")


def test_a_run_over_two_documents_is_placed_by_its_beginning(corpus):
    text = MILL[-35:] + "Another line."
    [run] = located([CopiedRun(0, len(text), "given")], text, corpus, tokenizer())
    assert (run.document, run.line) == ("poems.txt", 1)
    [unknown] = located([CopiedRun(0, 40, "given")], NEW, corpus, tokenizer())
    assert (unknown.document, unknown.line) == ("", 0)


def test_only_the_longest_passages_are_listed():
    runs = [CopiedRun(40 * i, 40 * i + 30 + i, "training") for i in range(MOST + 2)]
    said = list(passages("x" * 400, runs))
    assert len(said) == MOST + 1
    assert said[-1] == "and 2 more"
    assert len(said[0]) < 100


def test_copying_is_measured_for_each_training_text(tmp_path, corpus):
    source = SimpleNamespace(folder=tmp_path, tokenizer=tokenizer("?"), config={})
    assert measure_copying(source, [MILL]) == (None, [[]])
    prints = {"base training": Fingerprint.build([LAMP]), "training": Fingerprint.build([MILL])}
    save_fingerprints(tmp_path / FILE, prints)
    copying, copied = measure_copying(source, [NEW + MILL[:40], NEW + "?" * 60], len(NEW))
    assert {name: (each["longest_run"], each["characters"]) for name, each in copying.items()} == {
        "training": (40, 100),
        "base training": (0, 100),
    }
    assert copied == [[CopiedRun(len(NEW), len(NEW) + 40, "training")], []]
    copying, copied = measure_copying(source, [MILL[:40]], corpus=corpus.paths)
    assert list(copying) == ["given", "training", "base training"]
    assert copied == [[CopiedRun(0, 40, "given", "poems.txt", 1)]]
    with pytest.raises(UserError, match="nowhere"):
        measure_copying(source, [MILL], corpus=["nowhere.txt"])
