"""Samples: drawn from a seed, and measured for copying."""

from types import SimpleNamespace

import pytest

from epigone.evaluation.memorisation import Copying, Fingerprint
from epigone.studies.engine import samples as module
from epigone.studies.engine.jobs import open_text
from epigone.studies.engine.samples import SampleText, sample_text


def test_a_sample_is_drawn_from_a_seed_and_measured(run):
    text, finished = run
    sample, again = (sample_text("a", "transfer", finished.folder / "model", text, 300, 0.8) for _ in range(2))
    assert sample == again
    assert len(sample.text) == 300
    assert 0 <= sample.english_share <= 1
    assert 0 <= sample.distinct_words <= 1
    assert (sample.longest_copied, sample.copied_share) == (0, 0.0)
    assert sample.from_base is None
    assert sample.measures[1:] == [
        f"{sample.distinct_words:.1%} of the pairs of words distinct",
        "longest run copied from the corpus: none of 30 characters",
    ]


def test_a_copied_sample_is_found_out(run, monkeypatch):
    text, finished = run
    stolen = next(open_text(text).texts("train"))
    monkeypatch.setattr(module, "generate", lambda *arguments: SimpleNamespace(texts=[stolen]))
    of_base = [Fingerprint.build([stolen[:50]]), Fingerprint.build(["something else altogether " * 9])]
    sample = sample_text("a", "transfer", finished.folder / "model", text, 300, 0.8, of_base)
    assert (sample.longest_copied, sample.copied_share) == (len(stolen), 1.0)
    assert sample.from_base.longest_run == 50
    assert sample.measures[2:] == [
        f"longest run copied from the corpus: {len(stolen)} characters (100.0% of the text in such runs)",
        f"from the base's text: 50 characters ({50 / len(stolen):.1%} of the text in such runs)",
    ]


@pytest.mark.parametrize(
    ("longest", "exact", "lookups", "said"),
    [
        (50, True, 99, "50 characters (10.0% of the text in such runs)"),
        (50, False, 99, "about 50 characters (about 10.0% of the text in such runs)"),
        (0, True, 99, "none of 30 characters"),
        (0, False, 2, "none of 30 characters was found"),
        (0, False, 0, "too little was written to tell"),
    ],
)
def test_what_a_sampled_fingerprint_says_is_no_more_than_it_knows(longest, exact, lookups, said):
    copying = Copying(longest, 0.1 if longest else None, exact, 1000, lookups)
    sample = SampleText("a", "base", "text", 0, 0.0, 0.5, 0.5, copying)
    assert sample.measures[3] == f"from the base's text: {said}"
