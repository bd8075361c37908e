"""Packing a run into the package."""

import importlib.util
import json
from pathlib import Path

import pytest

import epigone
from epigone.evaluation.fingerprint_file import FILE, load_fingerprints
from epigone.models.files.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
TINY = epigone.ModelOptions(num_layers=1, hidden_size=8)


@pytest.fixture
def bundle(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("bundle", ROOT / "tools" / "bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BUNDLED", tmp_path / "bundled")
    return module


def test_two_stages_become_one_model(bundle, song_file, tmp_path, capsys):
    """It loads, holds no path of the machine, knows what both read, and names both stages and their recipes."""
    first, second = tmp_path / "first", tmp_path / "second"
    epigone.pretrain(song_file, out=first, model=TINY, training=epigone.TrainingOptions(steps=2))
    epigone.finetune(first, song_file, out=second, training=epigone.RetrainingOptions(steps=2))
    packed = tmp_path / "bundled" / "english-mini"
    packed.mkdir(parents=True)
    (packed / "recipe.toml").write_text("# english-mini: one small layer.\n")
    bundle.main("english-mini", first, second)

    assert "english-mini: " in capsys.readouterr().out
    model = load_checkpoint(packed)
    assert model.model.num_parameters() == load_checkpoint(second).model.num_parameters()
    assert load_fingerprints(packed / FILE).keys() == {"training", "stage 1"}
    config = json.loads((packed / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert len(config["stages"]) == 1
    assert config["request"]["base"]["name"] == "english-mini, stage 1"
    card = (packed / "README.md").read_text()
    assert "- `recipe.toml`: english-mini: one small layer." in card
    for file in packed.glob("*"):
        assert str(tmp_path).encode() not in file.read_bytes(), file.name
