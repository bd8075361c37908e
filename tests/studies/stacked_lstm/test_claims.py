"""The answers to the paper's claims, on made-up losses whose truth is known."""

from pathlib import Path

import pytest

from epigone.studies.engine.rows import labelled, summarise
from epigone.studies.engine.store import Finished
from epigone.studies.stacked_lstm.claims import claims

NO_SAMPLES = "all rows from scratch, of far or of near diverged or are not in the grid"
ENGLISH = {"scratch": [0.7, 0.72, 0.74], "far": [0.8, 0.81, 0.82], "near": [0.9, 0.91, 0.92]}


def found(rows, runs, splits=None, english=ENGLISH):
    if splits is None:
        splits = {"scratch": summarise(rows[1:2], runs) * 5}
    return {claim.claim: claim for claim in claims(rows, runs, splits, english)}


def answers(rows, runs):
    return {name: claim.answer for name, claim in found(rows, runs).items()}


def test_a_world_like_the_papers_says_yes_to_all_but_the_split(world):
    said = answers(*world())
    luck = said.pop("test is harder than validation by luck of the split")
    assert len(said) == 12
    assert set(said.values()) == {"yes"}
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
        ({"near, layers 1, lr 1e-3": (1.3, 1.5, 1.6)}, "near: which layer is retrained matters little"),
        ({"near, untouched": (1.6, 1.9, 2.0)},
         "the untouched near base beats scratch on validation though its loss on the training text is higher"),
        ({"far, untouched": (1.6, 1.6, 1.7)}, "the untouched far base is much worse than scratch"),
        ({"scratch, 2 layers, dropout 0.2": (1.79, 1.7, 1.8)}, "scratch overfits even with dropout"),
    ],
)  # fmt: skip
def test_a_world_in_which_a_claim_fails_says_no(changes, claim, world):
    assert answers(*world(**changes))[claim] == "no"


@pytest.mark.parametrize(
    ("row", "claim"),
    [
        ("near, layers 0, lr 1e-2", "every transferred row beats scratch"),
        ("near, layers 0+1, lr 1e-3", "near: the smaller rate is better"),
        ("far, untouched", "the untouched far base is much worse than scratch"),
        ("scratch, 2 layers, dropout 0.2", "scratch overfits even with dropout"),
    ],
)
def test_a_claim_on_a_row_that_diverged_is_unclear(row, claim, world):
    rows, runs = world()
    runs[f"paper: {row}"][1] = Finished(Path("run"), {})
    diverged = found(rows, runs)[claim]
    assert (diverged.answer, diverged.evidence) == ("unclear", f"row paper: {row} diverged")


def test_a_row_that_diverged_is_not_the_best(world):
    rows, runs = world()
    runs["paper: near, layers 2, lr 1e-3"][0] = Finished(Path("run"), {})
    assert found(rows, runs)["the near source beats the far one"].answer == "yes"


def test_what_diverged_on_another_split_or_leaves_no_sample_is_unclear(world):
    rows, runs = world()
    row = summarise(rows[:1], runs)[0]
    claims_ = found(rows, runs, {"scratch": [row, row, None]}, {"scratch": [0.7, 0.8], "near": [0.9, 0.9]})
    luck = claims_["test is harder than validation by luck of the split"]
    assert (luck.answer, luck.evidence) == ("unclear", "row scratch diverged on split 2")
    *_, english = claims_.values()
    assert (english.answer, english.evidence) == (
        "unclear",
        "all rows from scratch, of far or of near diverged or are not in the grid",
    )


def test_a_claim_on_rows_that_the_grid_does_not_have_is_unclear(world):
    rows, runs = world()
    few = [row for row in rows if row.labels.get("base") != "far" and row.labels.get("rate") != 1e-3]
    claims_ = found(few, runs)
    assert claims_["near: which layer is retrained matters little"].answer == "yes"
    for claim, evidence in {
        "the near source beats the far one": "the grid has no row for this claim",
        "far: two retrained layers beat one": "the grid has no row for this claim",
        "far: which two layers are retrained matters little": "the grid has no row for this claim",
        "the untouched far base is much worse than scratch": "the grid has no row for this claim",
        "near: the smaller rate is better": "the grid has fewer than two rates",
    }.items():
        assert (claims_[claim].answer, claims_[claim].evidence) == ("unclear", evidence)
    bases = labelled(rows, family="base")
    assert {claim.answer for claim in claims(bases, runs, {}, {})} == {"unclear"}
