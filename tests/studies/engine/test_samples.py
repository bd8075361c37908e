"""Samples: drawn from a seed, and measured for copying."""

from types import SimpleNamespace

from epigone.evaluation.copied import ADVICE
from epigone.evaluation.memorisation import Fingerprint
from epigone.studies.engine import samples as module
from epigone.studies.engine.jobs import open_text
from epigone.studies.engine.samples import sample_text, samples_of


def test_a_sample_is_drawn_from_a_seed_and_measured(run):
    text, finished = run
    sample, again = (sample_text("a", "transfer", finished.folder / "model", text, 300, 0.8) for _ in range(2))
    assert sample == again
    assert len(sample.text) == 300
    assert 0 <= sample.english_share <= 1
    assert 0 <= sample.distinct_words <= 1
    assert (sample.from_corpus.longest_run, sample.from_corpus.share) == (0, 0.0)
    assert sample.from_base is None
    assert sample.measures[1:] == [
        f"{sample.distinct_words:.1%} of the pairs of words distinct",
        "copied from the corpus: no line and no run of 32 letters",
    ]


def test_a_copied_sample_is_found_out(run, monkeypatch):
    text, finished = run
    stolen = next(open_text(text).texts("train"))
    monkeypatch.setattr(module, "generate", lambda *arguments: SimpleNamespace(texts=[stolen]))
    of_base = [Fingerprint.build([stolen[:50]]), Fingerprint.build(["something else altogether " * 9])]
    sample = sample_text("a", "transfer", finished.folder / "model", text, 300, 0.8, of_base)
    assert 0 <= len(stolen) - sample.from_corpus.longest_run <= 2  # of the signs around the letters
    assert sample.from_corpus.share > 0.98
    assert 0 <= 50 - sample.from_base.longest_run <= 2
    [copied] = sample.copied
    assert (copied.start, copied.end - copied.start, copied.line) == (0, sample.from_corpus.longest_run, 1)
    assert copied.document in open_text(text).names
    assert sample.measures[2].startswith(f"copied from the corpus: {sample.from_corpus.share:.1%} in lines or runs")
    assert sample.measures[2].endswith(f"the longest of {copied.end:,} characters")
    assert sample.measures[3].startswith("copied from the base's text: ")
    assert sample.measures[4].endswith(f" is in {copied.document}, line 1")
    assert sample.measures[5] == ADVICE
    [shown] = samples_of([sample], "seed 0")
    assert next(shown.parts()) == (stolen[: copied.end], True)
