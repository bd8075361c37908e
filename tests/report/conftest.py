"""A report of plausible size with made-up numbers."""

import math
import random
from pathlib import Path
from statistics import mean, stdev

import pytest

from epigone.report.numbers import Interval, Spread
from epigone.report.page import Figure, Report, Sample, write_report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.loss_curves import LossCurves
from epigone.report.tables import Column, Table

SCRATCH = "scratch, best of 40 searched"
WINNER = "retrain layers 0+2 + head"
# name, family, best validation loss, loss towards which training falls
ROWS = [
    ("base untouched", "base", 1.298, None),
    ("6-gram, target only", "n-gram", 1.803, None),
    ("6-gram, mixed with the base's source", "n-gram", 1.492, None),
    (SCRATCH, "scratch", 1.741, 1.21),
    ("scratch, 2 × 64 units, dropout 0.2", "scratch", 1.768, 1.35),
    ("retrain head", "transfer", 1.262, 1.22),
    ("retrain layers 0 + head", "transfer", 1.243, 1.13),
    ("retrain layers 1 + head", "transfer", 1.239, 1.12),
    ("retrain layers 2 + head", "transfer", 1.231, 1.10),
    ("retrain layers 0+1 + head", "transfer", 1.226, 1.02),
    (WINNER, "transfer", 1.208, 1.03),
    ("retrain layers 1+2 + head", "transfer", 1.221, 1.01),
    ("retrain layers 0+1+2 + head (everything)", "transfer", 1.224, 0.93),
]
COLUMNS = [
    Column("name", "row", align="left"),
    Column("validation_loss", "validation", "nats/char", best="min"),
    Column("test_loss", "test", "nats/char", best="min"),
    Column("train_loss", "train", "nats/char", optional=True),
    Column("gap", "gap", "test−train", signed=True, optional=True),
    Column("accuracy", "accuracy", "%", digits=1, best="max"),
    Column("bits", "bits/char", optional=True),
    Column("difference", "test, to best scratch", "nats/char [95%]", signed=True),
    Column("p", "p", "Holm", floor=0.001),
    Column("weights", "weights", "trained", optional=True),
    Column("seconds", "time", "s", digits=0, optional=True),
]
HOSTILE = "<script>alert(1)</script> & a ``` fence"
VERSES = {
    SCRATCH: "the moon is on the wander of the sea\n"
    "and all the wind the morning to the tree\n"
    "i wat the ligh the wither of the day\nand sone the river turn the stone away\n\n",
    "base untouched": "The captain said the harbour was too wide\n"
    "For any boat that feared the turning tide;\n"
    "He laughed, and lit the lantern with his hand,\nAnd rowed until he could not see the land.\n\n",
    WINNER: "Oh, bring me the lamp from the window tonight,\nFor the path by the river is wanting a light,\n"
    "And the friend that I wait for is weary and far,\nWith only the rain and the half of a star.\n\n",
}


def history(best: float, floor: float, epochs: int, rng: random.Random) -> list[dict[str, float]]:
    """Losses that fall and, in validation, rise again after about half of the epochs."""
    rows = []
    for epoch in range(1, epochs + 1):
        fall = math.exp(-6 * epoch / epochs)
        rise = 0.10 * max(0.0, epoch / epochs - 0.5) ** 2
        validation = best + 0.9 * fall * best + rise + rng.gauss(0, 0.002)
        train = floor + (1.9 * best - floor) * math.exp(-4 * epoch / epochs) + rng.gauss(0, 0.002)
        rows.append({"epoch": epoch, "train_loss": train, "validation_loss": validation})
    return rows


def make_report() -> Report:
    """The report of a comparison on a small corpus."""
    rng = random.Random(0)
    rows, bars, curves, families = [], [], {}, {}
    for name, family, best, floor in ROWS:
        spread = None
        if floor:
            length = 46 if family == "scratch" else 22
            runs = [history(best + rng.gauss(0, 0.006), floor, length + rng.randrange(8), rng) for _ in range(5)]
            curves[name], families[name] = runs, family
            losses = [min(epoch["validation_loss"] for epoch in run) for run in runs]
            best, spread = mean(losses), stdev(losses)
        test = best + rng.gauss(0.012, 0.004)
        baseline = name == SCRATCH
        gain = test - 1.773
        rows.append(
            {
                "name": name,
                "family": family,
                "validation_loss": Spread(best, spread),
                "test_loss": Spread(test, spread and spread * 1.2),
                "train_loss": floor,
                "gap": test - floor if floor else None,
                "accuracy": 100 * math.exp(-test * 0.47),
                "bits": test / math.log(2),
                "difference": None if baseline else Interval(gain, gain - 0.021, gain + 0.019),
                "p": None if baseline else 0.0004 if abs(gain) > 0.1 else 0.31,
                "weights": 0 if family in ("base", "n-gram") else round(1e6 * (3 - floor)),
                "seconds": 4.2 if not floor else 900 * floor,
            }
        )
        bars.append(IntervalRow(name, test, test - 0.03, test + 0.03, family))
    table = Table(
        "Every row on the same split of the corpus, mean ± standard deviation over 5 seeds",
        COLUMNS,
        rows,
        note="Best validation epoch of each run; the winner is chosen on validation. Intervals: paired "
        "bootstrap over 21 test documents, 10,000 resamples.",
        winner=WINNER,
        baseline=SCRATCH,
        group="family",
    )
    samples = [
        Sample(name, 4 * text + HOSTILE, family, "temperature 0.8", measures)
        for (name, text), family, measures in zip(
            VERSES.items(),
            ("scratch", "base", "transfer"),
            (
                ["71.3% of the words English", "nothing copied"],
                ["96.2% of the words English", "nothing copied"],
                ["94.8% of the words English", "longest copied run: 31 characters"],
            ),
            strict=True,
        )
    ]  # fmt: skip
    return Report(
        title="harbour songs: scratch against transfer",
        summary="Retraining layers 0+2 and the head of english-small reaches 1.221 nats per character on "
        "validation; the best of 40 networks trained from scratch reaches 1.760. On the test songs the "
        "gain is 0.54 nats [0.52, 0.56], and it holds for every subset of the layers.",
        tables=[table],
        figures=[
            Figure(
                "Loss on the test documents",
                IntervalBars(bars, "test loss (nats per character)", 1.773, "best from scratch", WINNER),
                "Mean over seeds with the 95% bootstrap interval over documents. Left is better.",
            ),
            Figure(
                "Loss against epoch",
                LossCurves(curves, families, SCRATCH, "best from scratch", WINNER),
                "Mean over 5 seeds; the band is one standard deviation. All panels share the vertical scale.",
            ),
        ],
        samples=samples,
        facts={
            "corpus": "examples/harbour_songs (64 documents, 38,214 characters)",
            "hash": "3f9a61c0d2b84e7795a1c6d0e8f2b4137c5d9e60a1b2c3d4e5f60718293a4b5c",
            "split": {"seed": 0, "train": 22, "validation": 21, "test": 21},
            "options": {
                "optimizer": "adamw",
                "lr": 0.003,
                "schedule": "cosine",
                "dropout": {"ordinary": 0.2},
            },
            "seeds": [0, 1, 2, 3, 4],
            "machine": {"processor": "x86_64, 2 cores", "seconds": 1284.2, "torch": "2.13.0"},
        },
        notices=[
            "2 duplicate documents were dropped.",
            "The test split has 21 documents: intervals over documents are wide, and rightly so.",
        ],
    )


@pytest.fixture(scope="session")
def example() -> Report:
    return make_report()


@pytest.fixture(scope="session")
def written(example: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the example's report."""
    return write_report(tmp_path_factory.mktemp("report"), example).parent
