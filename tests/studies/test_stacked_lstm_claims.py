"""The answers to the paper's claims, on made-up losses whose truth is known."""

import pytest

from understudy.studies.stacked_lstm_claims import claims

ENGLISH = {"scratch": [0.7, 0.72, 0.74], "far": [0.8, 0.81, 0.82], "near": [0.9, 0.91, 0.92]}


def answers(tables, runs):
    splits = {"paper: scratch": [tables["paper"][0]] * 5}
    return {claim.claim: claim.answer for claim in claims(tables, runs, splits, ENGLISH)}


def test_a_world_like_the_papers_says_yes_to_all_but_the_split(world):
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
def test_a_world_in_which_a_claim_fails_says_no(changes, claim, world):
    assert answers(*world(**changes))[claim] == "no"
