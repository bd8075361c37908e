import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from epigone.app.display import as_json, show
from epigone.evaluation.quality import text_quality
from epigone.generation.generate import GenerateOptions, Generation
from epigone.generation.next_token import NextToken
from epigone.generation.sampling import SamplingOptions
from epigone.report.page import Sample
from epigone.report.tables import Column, Table
from epigone.studies.engine.claims import Claim
from epigone.studies.experiment import StudyResult


@dataclass(frozen=True)
class Oddities:
    loss: float
    paths: tuple[Path, ...]
    counts: np.ndarray
    share: np.float32
    text: str


def test_numbers_that_are_not_finite_become_null_in_json():
    odd = Oddities(float("nan"), (Path("a"),), np.array([1.0, np.inf]), np.float32(0.5), "é\n")
    text = as_json(odd)
    assert json.loads(text, parse_constant=pytest.fail) == {
        "loss": None, "paths": ["a"], "counts": [1.0, None], "share": 0.5, "text": "é\n"
    }  # fmt: skip
    assert "\n" not in text


def test_a_study_is_shown_with_its_claims_notices_and_report(capsys):
    claim = Claim("near beats far", "unclear", "row near diverged")
    result = StudyResult("stacked-lstm", "out", "out/report.html", [], [claim], ["“near” is left out."], [], 1.0)
    show(result)
    assert capsys.readouterr().out.splitlines() == [
        "unclear   near beats far", "          row near diverged", "", "notice  “near” is left out.", "",
        "report  out/report.html",
    ]  # fmt: skip
    result.tables.append(Table("Losses", [Column("name", "row"), Column("loss", "test", "nats")], [{"name": "near"}]))
    show(result)
    assert "Losses" in capsys.readouterr().out
    result.texts.append(Sample("step 50", "of the river", measures=["none copied"]))
    show(result)
    assert capsys.readouterr().out.splitlines()[:5] == ["── step 50", "", "of the river", "", "   none copied"]
    assert not {"tables", "texts"} & json.loads(as_json(result)).keys()


def test_next_tokens_are_shown_with_the_remaining_probability(capsys):
    likely = [NextToken("\n", 0.5), NextToken("the", 0.25)]
    made = Generation([], [], 0, 0, 0.0, text_quality([]), None, GenerateOptions(), SamplingOptions(), likely)
    show(made)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["token", "probability"], ["(newline)", "50.00%"], ["the", "25.00%"], ["(anything", "else)", "25.00%"]
    ]  # fmt: skip
