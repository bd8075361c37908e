"""docs/reference/files.md describes every file that a small run of each command leaves, its fields, and no other."""

import csv
import fnmatch
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import epigone

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
NAMES = re.compile(r"`([^`]+)`")
TINY = {"steps": 4, "validate_every": 2, "batch_size": 4, "sequence_length": 16}


def first_cells(section: str) -> set[str]:
    """The names in the first column of the tables of a section."""
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
    return {name for cell in cells for name in NAMES.findall(cell)}


SECTIONS = {
    title: (first_cells(top), {NAMES.sub(r"\1", t): first_cells(body) for t, body in parts})
    for title, top, parts in (
        (part.split("\n", 1)[0], part.split("\n### ", 1)[0], re.findall(r"^### (.*)\n([^#]*)", part, re.MULTILINE))
        for part in PAGE.split("\n## ")[1:]
    )
}
MODEL, MODEL_FIELDS = SECTIONS["A model"]
STUDY, STUDY_FIELDS = SECTIONS["A comparison or a study"]


@pytest.fixture(scope="module")
def folders(song_file, tmp_path_factory):
    """Folders that the commands leave: the folders of models, and those of studies."""
    root = tmp_path_factory.mktemp("files")
    shutil.copy(song_file, root / "songs.txt")
    songs = root / "songs.txt"
    training = epigone.TrainingOptions(**TINY, trace_every=2, sample_every=2, sample_length=5)
    epigone.pretrain(
        songs, out=root / "base", tokenizer="char", model=epigone.ModelOptions(num_layers=1, hidden_size=8),
        training=training, display=epigone.DisplayOptions(tensorboard=True), final=True,
    )  # fmt: skip
    recipe = epigone.RetrainingOptions(**TINY)
    tuned = epigone.FinetuneOptions(**TINY, lr=1e-3)
    epigone.finetune(root / "base", songs, out=root / "tuned", train="head", method=epigone.L2ToBase(), training=tuned)
    epigone.quantize(root / "tuned", songs, out=root / "small")
    size = epigone.CompareOptions(seeds=2, workers=1, max_order=2, sample_length=20)
    search = epigone.SearchOptions(trials=1, finalists=1, max_hidden=8, search_epochs=0.1)
    epigone.compare(
        root / "base", corpus=[songs], source=[songs], out=root / "comparison", train=["head"],
        method=epigone.L2ToBase(), options=size, searching=search, training=recipe,
    )  # fmt: skip
    book = root / "book.txt"
    book.write_text("The ferry goes over slowly and comes back before noon.\n" * 150, encoding="utf-8")
    quick = epigone.StudyOptions(quick=True, workers=1)
    grids = {
        "vanilla-rnn": (
            "book",
            epigone.VanillaRnnOptions(hidden_size=8, cells=(), rates=(1e-3,), optimizers=("adam",)),
        ),
        "word-model": ("paper", epigone.WordModelOptions(weights=20_000, min_count=3, tokenizers=("char", "word"))),
    }
    for name, (role, grid) in grids.items():
        epigone.study(name, data=[f"{role}={book}"], out=root / name, options=quick, grid=grid)
    return {
        "models": [root / name for name in ("base", "tuned", "small")],
        "studies": [root / name for name in ("comparison", *grids)],
    }


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def unmatched(names: set[str], patterns: set[str]) -> set[str]:
    return {name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)}


def check(found: set[str], described: set[str], missing: set[str] = frozenset()) -> None:
    assert unmatched(found, described) == set(), "files.md lacks these"
    unused = {pattern for pattern in described if not any(fnmatch.fnmatchcase(name, pattern) for name in found)}
    assert unused == missing, "files.md describes files that nothing leaves"


def test_files_of_models(folders):
    check(set().union(*map(files, folders["models"])), MODEL, {"trainer.safetensors"})
    assert "trainer.safetensors" in files(ROOT / "tests" / "golden" / "interrupted" / "pretrain")


OF_SENTIMENT_SIZES = {"runs.csv", "runs/*/stages.json"}  # whose own tests find them


def test_files_of_studies(folders):
    check(set().union(*map(files, folders["studies"])), STUDY, OF_SENTIMENT_SIZES)
    for folder in folders["studies"]:
        inner = {name for path in files(folder) for name in re.findall(r"^(?:runs/[^/]+/)?model/(.*)", path)}
        assert unmatched(inner, MODEL) == set()


def fields(paths: list[Path]) -> set[str]:
    """The names of the fields of JSON, JSON Lines and CSV files."""
    found: set[str] = set()
    for path in paths:
        text = path.read_text(encoding="utf-8")
        match path.suffix:
            case ".csv":
                found |= set(next(csv.reader(text.splitlines())))
            case ".jsonl":
                found |= {key for line in text.splitlines() for key in json.loads(line)}
            case _:
                found |= set(json.loads(text))
    assert found
    return found


@pytest.mark.parametrize("name", list(MODEL_FIELDS))
def test_fields_of_models(name, folders):
    found = fields([folder / name for folder in folders["models"] if (folder / name).exists()])
    assert found == first_cells(PAGE.split(f"### `{name}`")[1].split("\n##")[0])


@pytest.mark.parametrize(
    ("title", "paths", "others"),
    [
        ("losses.csv", "losses.csv", set()),
        ("blocks.csv", "blocks.csv", set()),
        ("study.json", "study.json", set()),
        ("comparison.json", "comparison.json", set()),
        ("result.json", "result.json", set()),
        ("job.json", "runs/*/job.json", {"Training", "Untouched", "Ngrams"}),
        ("runs/*/result.json", "runs/*/result.json", set()),
    ],
)
def test_fields_of_studies(title, paths, others, folders):
    found = fields([path for folder in folders["studies"] for path in folder.glob(paths)])
    described = STUDY_FIELDS[title]
    assert found == described - others


def test_rows_of_a_comparison(folders):
    rows = json.loads((folders["studies"][0] / "comparison.json").read_text(encoding="utf-8"))["rows"]
    assert {key for row in rows for key in row} == STUDY_FIELDS["A row of comparison.json"] - {
        "low", "estimate", "high", "p_value",
    }  # fmt: skip


def test_columns_of_tables(folders):
    (header, *lines) = csv.reader((folders["studies"][0] / "table.csv").read_text(encoding="utf-8").splitlines())
    assert header[:3] == ["name", "family", "mark"]
    assert {"loss", "loss_sd", "difference", "difference_low", "difference_high"} <= set(header)
    assert {line[2] for line in lines} == {"winner", "baseline", ""}


def test_the_program_computes_the_interval_of_the_report(folders):
    ((program,),) = [re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
    scope: dict = {}
    exec(program, scope)
    rows = json.loads((folders["studies"][0] / "comparison.json").read_text(encoding="utf-8"))["rows"]
    for row in rows:
        found = scope["interval"](str(folders["studies"][0] / "losses.csv"), row["name"])
        assert [found.low, found.estimate, found.high] == list(row["interval"].values())
        assert np.isfinite(found.low)
