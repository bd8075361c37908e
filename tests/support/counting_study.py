"""A study from outside the package: how often letters occur in a text. Its runs take no time."""

import os
import time
from dataclasses import asdict, dataclass

import numpy as np

from epigone.evaluation.losses import Losses
from epigone.report.page import Report
from epigone.studies.engine.jobs import Text, open_text
from epigone.studies.engine.rows import Labels, Row, summarise
from epigone.studies.engine.tables import results_table
from epigone.studies.experiment import Context, Experiment, Findings

PAUSE = "EPIGONE_TEST_PAUSE"  # a letter whose run never ends, so that it can be killed
done: list[str] = []  # letters that were counted in this process


@dataclass(frozen=True)
class CountingOptions:
    """The grid of the study counting."""

    letters: tuple[str, ...] = ("e", "t", "z")
    """The letters to count."""
    offset: float = 0.0
    """Added to every count."""


@dataclass(frozen=True)
class Count:
    """A run: the share of a letter. A letter that does not occur counts as diverged."""

    text: Text
    letter: str
    offset: float

    def settings(self):
        return {"text": self.text.identity(), "letter": self.letter, "offset": self.offset}

    def compute(self, folder):
        if os.environ.get(PAUSE) == self.letter:
            time.sleep(600)
        words = "".join(open_text(self.text).texts())
        if self.letter not in words:
            return {"splits": {}}
        done.append(self.letter)
        losses = Losses(*map(np.array, ([float(words.count(self.letter))], [len(words)], [], [0], [len(words)])))
        return {"splits": dict.fromkeys(("train", "validation", "test"), losses), "seconds": 1.0}


class LetterLabels(Labels):
    """A row is a letter."""

    @property
    def name(self):
        return f"letter {self['letter']}" + " twice" * bool(self.get("twice"))


@dataclass(frozen=True, kw_only=True)
class CountingFindings(Findings):
    results: list


def rows(context):
    """Count, and count again what was found."""
    text, options = context.texts["text"], context.options
    first = [
        Row(LetterLabels(family="n-gram", letter=letter), (Count(text, letter, options.offset),))
        for letter in options.letters
    ]
    runs = context.run(first)
    found = [row for row in first if runs[row.name][0].losses]
    context.run([Row(LetterLabels(row.labels | {"twice": True}), row.jobs * 2) for row in found], "again")
    return first


def analyse(context):
    results = summarise(context.rows, context.runs)
    twice = [row for row in context.ran if row.labels.get("twice")]
    return CountingFindings(
        rows=[{"table": "letters"} | asdict(row) for row in results],
        extra={"twice": {row.labels["letter"]: len(context.runs[row.name]) for row in twice}},
        pages={"notes.md": "# Notes\n"},
        results=results,
    )


def report(context: Context[CountingOptions], findings: CountingFindings) -> Report:
    return Report("Letters", "Letters were counted.", [results_table(findings.results, "Letters")])


STUDY = Experiment(
    name="counting",
    summary="Count letters.",
    roles={"text": "any text"},
    options=CountingOptions,
    rows=rows,
    analyse=analyse,
    report=report,
)
