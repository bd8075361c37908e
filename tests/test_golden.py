"""Models and runs made by version 0.1.0 still load, resume and keep their names."""

import json
import shutil
from pathlib import Path

import pytest

import epigone
from epigone.models.config import ModelOptions
from epigone.models.files.card import model_card
from epigone.studies.engine.jobs import Base, Ngrams, Text, Training, Untouched
from epigone.studies.engine.store import folder_of
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions, TrainingOptions

HERE = Path(__file__).parent / "golden"
GOLDEN = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))
LENGTH = {"steps": 40, "validate_every": 10, "batch_size": 4, "sequence_length": 16}
MACHINE = MachineOptions(backend="torch", threads=1)


@pytest.fixture
def golden(tmp_path, monkeypatch) -> Path:
    """A copy of the folders that may be written to; the current folder, since runs name their texts by path."""
    shutil.copytree(HERE, tmp_path / "golden")
    monkeypatch.chdir(tmp_path / "golden")
    return tmp_path / "golden"


@pytest.mark.parametrize("name", GOLDEN["loss"])
@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_a_model_reads_as_it_did(name, backend):
    engine = epigone.EngineOptions(backend=backend, precision="fp32")
    found = epigone.evaluate(HERE / "models" / name, HERE / "songs.txt", split="all", running=engine)
    assert found.loss == pytest.approx(GOLDEN["loss"][name], abs=1e-4)


@pytest.mark.parametrize("name", GOLDEN["loss"])
def test_a_model_writes_and_has_a_card(name, cli):
    assert cli("generate", HERE / "models" / name, "--tokens", 20).status == 0
    assert cli("info", HERE / "models" / name).status == 0


def test_a_resumed_model_says_which_version_made_it(golden, cli):
    folder = golden / "interrupted" / "pretrain"
    assert "made with understudy 0.1.0" in model_card("pretrain", json.loads((folder / "config.json").read_text()))


def test_an_interrupted_pretraining_goes_on(golden):
    result = epigone.pretrain(
        "songs.txt",
        out="interrupted/pretrain",
        tokenizer="ascii",
        model=ModelOptions(num_layers=2, hidden_size=8, dropout=0.1),
        training=TrainingOptions(optimizer="adamw", trace_every=5, sample_every=20, sample_length=20, **LENGTH),
        machine=MACHINE,
        resume=True,
    )
    _check_resumed(result, "pretrain")


def test_an_interrupted_retraining_goes_on(golden):
    result = epigone.finetune(
        "models/lstm-ascii",
        "songs.txt",
        out="interrupted/finetune",
        train="layers.1.weight_hh",
        training=RetrainingOptions(optimizer="rmsprop", momentum=0.9, **LENGTH),
        machine=MACHINE,
        resume=True,
    )
    _check_resumed(result, "finetune")


def _check_resumed(result, name: str) -> None:
    expected = GOLDEN["resumed"][name]
    assert result.outcome == "finished"
    assert (result.steps, result.best_step) == (expected["steps"], expected["best_step"])
    assert result.loss == pytest.approx(expected["loss"], abs=1e-4)


def test_a_comparison_goes_on_with_the_runs_that_it_has(golden, cli):
    store = golden / "comparison" / "runs"
    before = {path: path.read_bytes() for path in store.glob("*/result.json")}
    size = ("--seeds", 2, "--trials", 2, "--finalists", 1, "--search-epochs", 1, "--max-order", 3)
    what = ("models/lstm-ascii", "--corpus", "songs.txt", "--train", "layers.1", "--train", "all", "--epochs", 1)
    result = cli("compare", *what, *size, "--sample-length", 40, "--workers", 1, "--out", "comparison", "--resume")
    assert result.status == 0, result.err
    assert {path: path.read_bytes() for path in before} == before
    rows = json.loads((golden / "comparison" / "comparison.json").read_text(encoding="utf-8"))["rows"]
    used = {name for row in rows for name in row["folders"]}
    assert {path.parent.name for path in before} <= used


TEXT = Text(("songs.txt",), "0" * 64)
OTHER = Text(("o",), "1" * 64, ReadOptions(), SplitOptions(split_seed=3, fractions=(0.5, 0.25, 0.25)))
BASE = Base("b", "2" * 64)
JOBS = {
    "training from scratch": Training(TEXT, TrainingOptions()),
    "training of words": Training(
        OTHER,
        TrainingOptions(optimizer="adagrad", lr=0.1, minutes=1.5, windows="prefix"),
        machine=MachineOptions(threads=3, backend="torch"),
        display=DisplayOptions(live=True),
        tokenizer="word",
        vocabulary=VocabularyOptions(min_count=2),
        model=ModelOptions(cell="gru", embedding_size=8, one_bias=True),
    ),
    "retraining": Training(TEXT, RetrainingOptions(seed=4), BASE, "(layers.1), head", 0.1, 0.2),
    "untouched": Untouched(TEXT, BASE),
    "n-grams": Ngrams(TEXT),
    "mixed n-grams": Ngrams(TEXT, "char", OTHER, 5),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_run_has_the_name_that_it_had(name):
    assert folder_of(JOBS[name], Path("store")).name == GOLDEN["runs"][name]
