"""The named experiments: their names, their data by role, and one whole quick run."""

import json
import random
from pathlib import Path

import pytest

from understudy.errors import UserError
from understudy.studies.results import StudyOptions, answer, signed
from understudy.studies.study import roles, study

EXPECTED = {"target": "songs", "near": "more songs"}


def test_roles_are_read_as_pairs():
    found = roles(["target=a=b.txt", "near=folder"], EXPECTED)
    assert found == {"target": Path("a=b.txt"), "near": Path("folder")}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (["target"], "not of the form ROLE=PATH"),
        (["target="], "not of the form ROLE=PATH"),
        (["target=a", "father=b"], "no role 'father'"),
        (["near=a"], "needs target=PATH after --data: songs"),
    ],
)
def test_a_wrong_role_gets_a_sentence(data, sentence):
    with pytest.raises(UserError, match=sentence):
        roles(data, EXPECTED)


def test_an_unknown_study_gets_a_sentence_that_names_those_there_are(tmp_path):
    with pytest.raises(UserError, match=r"no study 'stacked'.*stacked-lstm"):
        study("stacked", data=[], out=tmp_path)


def test_one_seed_shows_no_spread():
    with pytest.raises(UserError, match="at least 2 seeds"):
        StudyOptions(seeds=1)


@pytest.mark.parametrize(
    ("low", "high", "negative", "said"),
    [(-2, -1, True, "yes"), (1, 2, True, "no"), (-1, 1, True, "unclear"), (1, 2, False, "yes"), (-2, -1, False, "no")],
)
def test_an_interval_answers_a_claim(low, high, negative, said):
    assert answer(low, high, negative=negative) == said


def test_a_difference_is_written_with_real_minus_signs():
    assert signed(-0.1234, -0.2, 0.05) == "−0.123 [−0.200, +0.050]"


@pytest.mark.slow
def test_the_quick_run_of_stacked_lstm_leaves_tables_claims_and_a_page(tmp_path):
    generator = random.Random(1)
    words = ["the", "ferry", "goes", "over", "slowly", "and", "comes", "back", "before", "it", "is", "dark"]
    for role, songs in (("target", 30), ("near", 60), ("far", 60)):
        lines = [[" ".join(generator.choices(words, k=5)) for _ in range(12)] for _ in range(songs)]
        text = "\n\n===\n\n".join("\n".join(song) for song in lines)
        (tmp_path / f"{role}.txt").write_text(text)
    data = [f"{role}={tmp_path / role}.txt" for role in ("target", "near", "far")]
    result = study("stacked-lstm", data=data, out=tmp_path / "out", options=StudyOptions(quick=True))
    tables = {name: [row["name"] for row in result.rows if row["table"] == name] for name in ("paper", "better")}
    retrained = {
        name: [row for row in rows if "layers" in row and "scratch" not in row] for name, rows in tables.items()
    }
    assert {name: len(rows) for name, rows in retrained.items()} == {"paper": 2 * 2 * 7, "better": 2 * 7}
    assert len(result.claims) == 13
    assert len(result.samples) == 2 * 5
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A quick trial" in page
    assert all(claim.claim in page for claim in result.claims)
    saved = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(saved["rows"]) == len(result.rows)
    again = study("stacked-lstm", data=data, out=tmp_path / "out", options=StudyOptions(quick=True), resume=True)
    assert [row["loss"] for row in again.rows] == [row["loss"] for row in result.rows]
