"""Fixtures for the tests of studies: made-up runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from epigone.evaluation.losses import Losses
from epigone.studies.engine.rows import Row
from epigone.studies.engine.store import Finished
from epigone.studies.stacked_lstm.grid import SOURCES, StackedLabels, StackedLstmOptions, selections

DOCUMENTS, TOKENS = 40, 500  # of the runs of `world`


@pytest.fixture
def make_losses():
    """Losses (nats per token) of documents of equal length, by default one block each."""

    def make(loss, documents=12, blocks=1, tokens=100, known=True) -> Losses:
        size = documents * blocks
        nats = np.broadcast_to(np.asarray(loss, float), size) * tokens
        correct = np.full(size, tokens // 2) if known else np.zeros(0, np.int64)
        owner = np.repeat(np.arange(documents), blocks)
        return Losses(nats, np.full(size, tokens), correct, owner, np.full(documents, blocks * tokens))

    return make


@pytest.fixture
def make_finished(make_losses):
    """A finished run with these losses on validation, test and train; without losses it diverged."""

    def make(validation=None, test=None, train=1.0, name="run", **options) -> Finished:
        if validation is None:
            return Finished(Path(name), {})
        losses = {"train": train, "validation": validation, "test": test}
        return Finished(
            Path(name), {k: make_losses(v, **options) for k, v in losses.items()}, seconds=2.0, trained_parameters=10
        )

    return make


@pytest.fixture
def numbered():
    """A kind of run that only notes its number in `done`."""

    @dataclass(frozen=True)
    class Numbered:
        number: int
        done: ClassVar[list[int]] = []

        def settings(self):
            return {"number": self.number}

        def compute(self, folder):
            self.done.append(self.number)
            return {"splits": {}, "seconds": float(self.number)}

    return Numbered


@pytest.fixture
def world():
    """The study `stacked-lstm` as it might end: rows and runs of the recipe "paper"."""

    def make(**changes):
        """All rows of the recipe, true to the paper's claims unless changed.

        Args:
            changes: the level (train, validation, test) of a row, by its name without "paper: ".
        """
        generator = np.random.default_rng(0)
        labels = [
            {"family": "scratch", "num_layers": 2, "dropout": 0.2},
            {"family": "scratch", "num_layers": 3, "dropout": 0.0},
            *({"family": "base", "base": role} for role in SOURCES),
            *(
                {"family": "transfer", "base": role, **part, "rate": rate}
                for role in SOURCES
                for rate in (1e-2, 1e-3)
                for part in selections(StackedLstmOptions())
            ),
        ]
        rows = [Row(StackedLabels(each, recipe="paper"), ()) for each in labels]
        levels = {row.labels.words: _level(**row.labels) for row in rows}
        assert not changes.keys() - levels.keys()
        runs = {row.name: [run_at(generator, *(levels | changes)[row.labels.words]) for _ in range(2)] for row in rows}
        return rows, runs

    return make


def _level(family, base="", num_layers=0, layers=(), rate=0.0, **others):
    """Losses on train, validation and test."""
    if family == "scratch":
        return (1.4, 1.7, 1.8) if num_layers == 2 else (1.4, 1.75, 1.85)
    if family == "base":
        return (2.3, 2.3, 2.4) if base == "far" else (1.6, 1.6, 1.7)
    if base == "far":
        loss = 1.65 + (0.0 if rate == 1e-2 else 0.01) + 0.03 * (len(layers) == 1)
        return 1.55, loss, loss + 0.1
    loss = 1.4 + (0.05 if rate == 1e-2 else 0.0)
    return 1.3, loss, loss + 0.1


def run_at(generator, train, validation, test):
    """A run with these losses per token, which differ a little from document to document."""
    splits = {}
    for name, level in (("train", train), ("validation", validation), ("test", test)):
        nats = (level + 0.002 * generator.standard_normal(DOCUMENTS)) * TOKENS
        counts = np.full(DOCUMENTS, TOKENS)
        splits[name] = Losses(nats, counts, counts // 2, np.arange(DOCUMENTS), counts)
    history = [
        {"epoch": 1.0, "validation_loss": validation, "train_loss": 2.0},
        {"epoch": 2.0, "validation_loss": validation + 0.2, "train_loss": 1.0},
    ]
    return Finished(Path("run"), splits, 1.0, 100, history)
