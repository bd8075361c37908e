"""The answers to the paper's claims, on made-up losses whose truth is known."""

from pathlib import Path

import numpy as np
import pytest

from understudy.evaluation.losses import Losses
from understudy.studies.rows import Row, summarise
from understudy.studies.runs import Finished
from understudy.studies.stacked_lstm import SUBSETS, row_name
from understudy.studies.stacked_lstm_findings import claims, paper_table

DOCUMENTS, TOKENS = 40, 500
ENGLISH = {"scratch": [0.7, 0.72, 0.74], "far": [0.8, 0.81, 0.82], "near": [0.9, 0.91, 0.92]}


def finished(generator, train, validation, test):
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


def world(**changes):
    """All rows of the recipe "paper", true to the paper's claims unless changed.

    Args:
        changes: the level (train, validation, test) of a row, by its name without "paper: " and with _ for ", ".
    """
    generator = np.random.default_rng(0)
    levels = {"scratch, 2 layers, dropout 0.2": (1.4, 1.7, 1.8), "scratch, 3 layers": (1.4, 1.75, 1.85)}
    levels |= {"far, untouched": (2.3, 2.3, 2.4), "near, untouched": (1.6, 1.6, 1.7)}
    for role, level in (("far", 1.65), ("near", 1.4)):
        for rate, cost in (("lr 1e-2", 0.0 if role == "far" else 0.05), ("lr 1e-3", 0.01 if role == "far" else 0.0)):
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
        runs[rows[-1].name] = [finished(generator, *level) for _ in range(2)]
    return {"paper": summarise(rows, runs)}, runs


def answers(tables, runs):
    splits = {"paper: scratch": [tables["paper"][0]] * 5}
    return {claim.claim: claim.answer for claim in claims(tables, runs, splits, ENGLISH)}


def test_a_world_like_the_papers_says_yes_to_all_but_the_split():
    found = answers(*world())
    luck = found.pop("test is harder than validation by luck of the split")
    assert set(found.values()) == {"yes"}
    assert luck == "no"  # test is harder on every one of these splits


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"far, layers 0, lr 1e-2": (1.9, 1.9, 1.95)}, "every transferred row beats scratch"),
        (
            {f"near, layers {s}, lr {r}": (1.6, 1.69, 1.79) for s in ("0", "1", "2", "0+1", "0+2", "1+2", "0+1+2")
             for r in ("1e-2", "1e-3")},
            "the near source beats the far one",
        ),
        (
            {f"far, layers {s}, lr {r}": (1.6, 1.7, 1.79) for s in ("0+1", "0+2", "1+2") for r in ("1e-2", "1e-3")},
            "far: two retrained layers beat one",
        ),
        ({"near, layers 1, lr 1e-3": (1.3, 1.5, 1.6)}, "near: which one matters little"),
        ({"near, untouched": (1.6, 1.9, 2.0)},
         "the untouched near base beats scratch on validation though its loss on the training text is higher"),
        ({"far, untouched": (1.6, 1.6, 1.7)}, "the untouched far base is much worse than scratch"),
        ({"scratch, 2 layers, dropout 0.2": (1.79, 1.7, 1.8)}, "scratch overfits even with dropout"),
    ],
)  # fmt: skip
def test_a_world_in_which_a_claim_fails_says_no(changes, claim):
    assert answers(*world(**changes))[claim] == "no"


def test_the_table_in_the_papers_form_has_a_line_for_each_subset_and_rate():
    tables, _ = world()
    table = paper_table("paper", tables["paper"])
    retrained = [row for row in table.rows if row["family"] == "transfer"]
    assert len(retrained) == 1 + 7 * 2
    line = next(row for row in table.rows if row["layers"] == "layers 0+2, lr 1e-2")
    assert line["far paper"] == "0.954 / 1.090"
    assert line["far test"].mean == pytest.approx(1.75, abs=0.01)
    assert line["near test"].mean == pytest.approx(1.55, abs=0.01)
