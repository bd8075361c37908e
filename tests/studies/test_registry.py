"""The named experiments: their names, their data by role, and one whole quick run."""

import json
import random
import re
from pathlib import Path

import pytest

from epigone.errors import UserError
from epigone.storage import write_json
from epigone.studies.engine.claims import answer, signed
from epigone.studies.engine.jobs import open_text
from epigone.studies.experiment import StudyOptions
from epigone.studies.registry import roles, study
from epigone.studies.stacked_lstm.texts import size_matched
from epigone.text.readers.registry import ReadOptions

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
        (["=a"], "not of the form ROLE=PATH"),
        (["target=a", "target=b"], "two texts for target: a and b"),
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


@pytest.fixture
def texts(tmp_path):
    """Writes texts of a number of songs for all roles, and returns their paths."""
    generator = random.Random(1)
    words = ["the", "ferry", "goes", "over", "slowly", "and", "comes", "back", "before", "it", "is", "café"]

    def write(target=30, near=60, far=60):
        for role, songs in (("target", target), ("near", near), ("far", far)):
            lines = [[" ".join(generator.choices(words, k=5)) for _ in range(12)] for _ in range(songs)]
            (tmp_path / f"{role}.txt").write_text("\n\n===\n\n".join("\n".join(song) for song in lines))
        return {role: tmp_path / f"{role}.txt" for role in ("target", "near", "far")}

    return write


def pairs(data):
    return [f"{role}={path}" for role, path in data.items()]


def test_too_few_documents_are_refused_before_anything_is_run(texts, tmp_path):
    with pytest.raises(UserError, match=r"target\.txt: its \w+ split has [34] documents, .* at least 5.*--separator"):
        study("stacked-lstm", data=pairs(texts(target=12)), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_all_texts_are_read_as_told(tmp_path):
    data = {role: tmp_path / f"{role}.csv" for role in ("target", "near", "far")}
    for role, path in data.items():
        lines = (f"song {number},{role} {number} {'and a ferry over the river ' * 5}" for number in range(6))
        path.write_text("\n".join(["title,lyrics", *lines]))
    with pytest.raises(UserError, match="--column"):
        study("stacked-lstm", data=data, out=tmp_path / "out")
    with pytest.raises(UserError, match=r"has 2 documents"):  # so it was read
        study("stacked-lstm", data=pairs(data), out=tmp_path / "out", read=ReadOptions(column="lyrics"))


def test_sources_are_cut_to_one_size_and_that_is_said(texts):
    data = texts(near=20)
    cut, said = size_matched(data, ReadOptions(), quick=False)
    sizes = {role: int(open_text(text).characters.sum()) for role, text in cut.items()}
    assert sizes["near"] == pytest.approx(sizes["far"], abs=10)
    (sentence,) = said
    assert sentence.startswith("far: of ")
    assert sentence.endswith(
        f" characters the first {sizes['near']:,} are read, so that both sources have the same size."
    )
    assert cut["near"].read.limit == sizes["near"]
    _, said = size_matched(data, ReadOptions(limit=1000), quick=False)
    assert said == []


QUICK = StudyOptions(quick=True)


@pytest.mark.slow
def test_the_quick_run_of_stacked_lstm_leaves_tables_claims_and_a_page(texts, tmp_path):
    data, out = texts(near=50), tmp_path / "out"
    result = study("stacked-lstm", data=pairs(data), out=out, options=QUICK)
    tables = {name: [row["name"] for row in result.rows if row["table"] == name] for name in ("paper", "better")}
    retrained = {
        name: [row for row in rows if "layers" in row and "scratch" not in row] for name, rows in tables.items()
    }
    assert {name: len(rows) for name, rows in retrained.items()} == dict.fromkeys(tables, 2 * 2 * 7)
    assert len(result.claims) == 13
    assert len(result.samples) == 2 * 5
    assert [sample.family for sample in result.samples if sample.from_base is None] == ["scratch"] * 2
    page, markdown = (out / "report.html").read_text(), (out / "report.md").read_text()
    assert "A quick trial" in page
    assert all(claim.claim in page for claim in result.claims)
    for said in ("far: of ", "target: all: the ascii tokenizer does not have all letters ", "still improved"):
        (notice, *_) = (notice for notice in result.notices if said in notice)
        assert notice in markdown
    for fact in (f"path: {data['near']}", "read.limit: ", "pretraining.optimizer: ", "retraining lr 1e-3.lr: "):
        assert f"- {fact}" in markdown
    saved = json.loads((out / "result.json").read_text())
    assert len(saved["rows"]) == len(result.rows)
    again = study("stacked-lstm", data=pairs(data), out=out, options=QUICK, resume=True)
    assert [row["loss"] for row in again.rows] == [row["loss"] for row in result.rows]
    # A base and two rows diverge; the runs of the first stand for it on another split too.
    lost = ["paper: scratch, 2 layers, dropout 0.2", "paper: near, layers 0+2, lr 1e-3"]
    for row in result.rows:
        if row["name"] in lost:
            write_json(out / "runs" / row["folders"][0] / "result.json", {"splits": {}, "details": {"failure": "wild"}})
    jobs = [json.loads(path.read_text()) | {"folder": path.parent} for path in out.glob("runs/*/job.json")]
    base = next(job for job in jobs if job["text"]["split"]["fractions"][0] == 0.9)
    write_json(base["folder"] / "result.json", {"splits": {}, "details": {"failure": "wild"}})
    diverged = study("stacked-lstm", data=pairs(data), out=out, options=QUICK, resume=True)
    assert not {row["name"] for row in diverged.rows} & set(lost)
    for name in lost:
        assert f"“{name}” is left out: with 1 of 2 seeds the loss diverged." in diverged.notices
    assert re.search(r"(paper|better): the loss of the base of (near|far) diverged", "\n".join(diverged.notices))
    assert "diverged" in (out / "report.md").read_text().partition("Recipe “paper”, all figures")[2]
    unclear = {claim.claim: claim.evidence for claim in diverged.claims if "diverged" in claim.evidence}
    assert unclear["near: the smaller rate is better"] == f"row {lost[1]} diverged"
    assert unclear["scratch overfits even with dropout"] == f"row {lost[0]} diverged"
    assert unclear["test is harder than validation by luck of the split"] == f"row {lost[0]} diverged on split 0"
