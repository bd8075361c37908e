"""`corpus stats` on small texts."""

import json
import random

import pytest
import torch

import epigone
from epigone.app.html import as_html
from epigone.corpora.measures import duration as durations
from epigone.corpora.measures.sample import beginnings, passages
from epigone.corpora.stats import bases
from epigone.errors import UserError
from epigone.text.corpus import Corpus


@pytest.fixture
def base(make_base):
    torch.set_num_threads(1)
    return str(make_base("base"))


@pytest.fixture
def texts(tmp_path):
    """Four documents: one with letters beyond ASCII, an exact copy, and one that is nearly a copy."""
    folder = tmp_path / "texts"
    folder.mkdir()
    line = "The ferry goes over to the landing in the morning, and she has a lamp for the night.\n"
    (folder / "a.txt").write_text(line * 3 + "Rêve — naïve café.\n" * 5, encoding="utf-8")
    other = "It was late when he came back with the oars and all of the bread that they had for her.\r\n" * 6
    (folder / "b.txt").write_text(other, encoding="utf-8", newline="")
    (folder / "c.txt").write_text(other, encoding="utf-8", newline="")
    (folder / "d.txt").write_text(other.upper() + "And on it goes.\n", encoding="utf-8", newline="")
    return folder


def test_a_corpus_is_described(cli, base, texts):
    found = epigone.corpus_stats(texts, base=base, timing=False, progress=False)
    assert (found.documents, found.duplicates) == (3, 1)
    assert found.near_copies == [("d.txt", "b.txt")]
    assert found.characters == sum(map(len, Corpus.open(texts, split=None).texts()))
    assert found.words == sum(len(text.split()) for text in Corpus.open(texts, split=None).texts())
    assert found.beyond_ascii == {"ê": 5, "—": 5, "ï": 5, "é": 5}
    assert found.lengths[0] <= found.lengths[1] <= found.lengths[2]
    assert next(iter(found.languages)) == "English"
    assert 0.6 < found.kept < 1
    assert found.learned == round(0.8 * found.characters)
    assert found.durations == []
    shown = cli("corpus", "stats", texts, "--base", base, "--no-timing")
    assert shown.status == 0, shown.err
    for part in ("1, left out", "d.txt like b.txt", "4 beyond ASCII: ê 5", "English", "bits/char", "enough"):
        assert part in shown.out, part
    assert "<table" in as_html(found)
    assert json.loads(cli("corpus", "stats", texts, "--base", base, "--no-timing", "--json").out)["documents"] == 3


def test_the_bits_of_a_whole_text_are_those_of_evaluate(base, song_file):
    found = epigone.corpus_stats(song_file, base=base, timing=False, sample=100_000, progress=False)
    measured = epigone.evaluate(base, song_file)
    assert found.sample == found.characters
    assert found.rows[0].bits_per_char == pytest.approx(measured.bits_per_char, rel=1e-6)


def test_a_base_that_knows_no_letter_has_no_figure(base, tmp_path):
    (tmp_path / "a.txt").write_text("강을 건너는 배\n" * 60, encoding="utf-8")
    found = epigone.corpus_stats(tmp_path / "a.txt", base=base, timing=False, progress=False)
    assert list(found.languages) == ["Korean"]
    assert 0 <= found.rows[0].dropped <= 1
    assert "Korean" in str(found)


def test_the_time_of_finetune_is_measured(base, song_file, monkeypatch):
    monkeypatch.setattr(durations, "STEPS", 2)
    found = epigone.corpus_stats(song_file, base=base, progress=False)
    (time,) = found.durations
    assert 0 < time.epoch < time.most
    assert time.most / time.epoch == pytest.approx(20 * (1 + 7 / 4))
    assert "finetune" in str(found)  # the heading is broken on a narrow terminal


def test_a_sample_is_the_same_for_the_same_texts_and_from_all_over(tmp_path):
    generator = random.Random(0)
    lines = [f"{i} {' '.join(generator.choices(('oar', 'gull', 'lamp'), k=5))}" for i in range(4_000)]
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "b.txt").write_text("\n===\n".join(lines[:500]), encoding="utf-8")
    one = Corpus.open(tmp_path / "a.txt", split=None)
    (passage,) = passages(one, 5_000)
    assert 2_500 <= len(passage) <= 5_000
    assert f"\n{passage}" in one.text(0), "it begins with a line"
    assert passages(one, 5_000) == [passage]
    many = Corpus.open(tmp_path / "b.txt", split=None)
    found = passages(many, 5_000)
    assert sum(map(len, found)) == 5_000
    assert len(found) > 100
    assert sum(map(len, passages(many, 10**6))) == many.characters.sum()
    assert beginnings(many, 3, 4) == [many.text(i)[:4] for i in (0, 249, 499)]


def test_the_bases_are_those_that_read_forward():
    assert "english-tiny" in bases()
    assert "english-backward" not in bases()


def test_a_wrong_base_or_sample_is_refused_before_the_text_is_read(texts):
    with pytest.raises(UserError, match="no bundled model of that name"):
        epigone.corpus_stats(texts, base="english-tinny", progress=False)
    with pytest.raises(UserError, match="sample must be 1,000 or more"):
        epigone.corpus_stats(texts, sample=10, progress=False)
    with pytest.raises(UserError, match="No text was given"):
        epigone.corpus_stats(progress=False)
