"""The names of bases, their common tokenizer, and the notices on them."""

from pathlib import Path

import pytest

from epigone.errors import UserError
from epigone.evaluation.fingerprint_file import FILE, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.evaluation.passages import RUNS
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.compare.bases import common_tokenizer, names_of, notices_on
from epigone.text.corpus import Corpus
from epigone.text.tokenizers.characters import ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.words import WordTokenizer


def test_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names_of(["english-small"]) == {"english-small": "english-small"}
    assert names_of(["runs/a/", Path("runs/a")]) == {"a": "runs/a"}
    assert names_of(["runs/a/model", "runs/b/model", "c"]) == {
        "runs/a/model": "runs/a/model",
        "runs/b/model": "runs/b/model",
        "c": "c",
    }
    assert names_of(["."]) == {tmp_path.name: "."}


def test_one_kind_of_tokenizer_is_needed(make_base):
    a, b = (load_checkpoint(make_base(name, tokenizer=CharTokenizer("\x03" + name))) for name in ("ab", "cd"))
    other = load_checkpoint(make_base("other", tokenizer=ByteTokenizer()))
    assert common_tokenizer({"a": a, "b": b}) == "char"  # the letters that one lacks are carried over
    with pytest.raises(UserError, match=r"different tokenizers \(byte, char\)"):
        common_tokenizer({"a": a, "other": other})
    words = load_checkpoint(make_base("words", tokenizer=WordTokenizer.train(["a b a b"])))
    with pytest.raises(UserError, match="words has the tokenizer word, whose tokens differ from text to text"):
        common_tokenizer({"words": words})
    with pytest.raises(UserError, match="at least one base"):
        common_tokenizer({})


def test_nothing_is_said_of_a_base_that_fits_and_is_new_to_the_text(make_base, song_file):
    base = make_base()
    save_fingerprints(base / FILE, {"training": Fingerprint.build(["something else altogether " * 9])})
    assert notices_on({"base": load_checkpoint(base)}, Corpus.open(song_file)) == []


def test_what_the_vocabulary_lacks_is_said_of_each_base(make_base, song_file):
    checkpoints = {
        name: load_checkpoint(make_base(name, tokenizer=CharTokenizer("\x03\n " + letters)))
        for name, letters in {"a": "abc", "b": "xyz"}.items()
    }
    first, second = notices_on(checkpoints, Corpus.open(song_file))
    assert first.startswith("a: 6 of ")
    assert second.startswith("b: ")
    assert "carried over" in first


@pytest.mark.parametrize("name", ["training", "base training"])
def test_a_base_that_has_read_the_test_documents_is_found_out(name, make_base, song_file):
    base, corpus = make_base(), Corpus.open(song_file)
    save_fingerprints(base / FILE, {"x": Fingerprint.build(["x" * 40]), name: Fingerprint.build(corpus.texts("train"))})
    assert notices_on({"base": load_checkpoint(base)}, corpus) == []
    save_fingerprints(base / FILE, {"x": Fingerprint.build(["x" * 40]), name: Fingerprint.build(corpus.texts("test"))})
    (notice,) = notices_on({"base": load_checkpoint(base)}, corpus)
    assert notice.startswith("base: about 100% of the test documents stands in what the base was trained on")


def test_a_run_or_two_of_a_sampled_fingerprint_prove_nothing(make_base, song_file):
    base, corpus = make_base(), Corpus.open(song_file)
    few = Fingerprint.build(corpus.texts("test"), {RUNS: 2})
    assert few.copied(corpus.texts("test")).share == 1.0
    save_fingerprints(base / FILE, {"training": few})
    assert notices_on({"base": load_checkpoint(base)}, corpus) == []
