"""What the tests of studies share: runs that were never run."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from epigone.evaluation.losses import Losses
from epigone.studies.engine.rows import Row, summarise
from epigone.studies.engine.store import Finished
from epigone.studies.stacked_lstm.study import SUBSETS, row_name

DOCUMENTS, TOKENS = 40, 500  # of the runs of `world`


@pytest.fixture
def make_losses():
    """Losses (nats per token) of documents of equal length, a block each unless more are asked for."""

    def make(loss, documents=12, blocks=1, tokens=100, known=True) -> Losses:
        size = documents * blocks
        nats = np.broadcast_to(np.asarray(loss, float), size) * tokens
        correct = np.full(size, tokens // 2) if known else np.zeros(0, np.int64)
        owner = np.repeat(np.arange(documents), blocks)
        return Losses(nats, np.full(size, tokens), correct, owner, np.full(documents, blocks * tokens))

    return make


@pytest.fixture
def make_finished(make_losses):
    """A finished run with these losses on validation, test and train; one that diverged without."""

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
    """A kind of run that only notes, in `done`, that it was done."""

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
    """The study `stacked-lstm` as it might end: its recipe's rows in a table, and the runs behind them."""

    def make(**changes):
        """All rows of the recipe "paper", true to the paper's claims unless changed.

        Args:
            changes: the level (train, validation, test) of a row, by its name without "paper: " and with _ for ", ".
        """
        generator = np.random.default_rng(0)
        levels = {"scratch, 2 layers, dropout 0.2": (1.4, 1.7, 1.8), "scratch, 3 layers": (1.4, 1.75, 1.85)}
        levels |= {"far, untouched": (2.3, 2.3, 2.4), "near, untouched": (1.6, 1.6, 1.7)}
        for role, level in (("far", 1.65), ("near", 1.4)):
            for rate, cost in (
                ("lr 1e-2", 0.0 if role == "far" else 0.05),
                ("lr 1e-3", 0.01 if role == "far" else 0.0),
            ):
                for selection in SUBSETS:
                    extra = 0.03 if role == "far" and "," not in selection else 0.0
                    name = row_name("paper", role, selection, rate).removeprefix("paper: ")
                    levels[name] = (level - 0.1, level + cost + extra, level + cost + extra + 0.1)
        unknown = changes.keys() - levels.keys()
        assert not unknown
        runs, rows = {}, []
        for name, level in (levels | changes).items():
            family = "scratch" if name.startswith("scratch") else "base" if "untouched" in name else "transfer"
            rows.append(Row(f"paper: {name}", family, ()))
            runs[rows[-1].name] = [run_at(generator, *level) for _ in range(2)]
        return {"paper": summarise(rows, runs)}, runs

    return make


def run_at(generator, train, validation, test):
    """A run whose losses per token are these, give or take a little for each document."""
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
