"""A base that says how to retrain it, as it was measured."""

import json
from functools import partial

import pytest
import torch

from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.description import read_config
from epigone.storage import write_json
from epigone.training.options import FinetuneOptions, MachineOptions
from epigone.transfer import finetune as module

finetune = partial(module.finetune, machine=MachineOptions(device="cpu"))
ADVICE = {"train": "layers.1", "lr": 2e-3, "epochs": 3.0}


@pytest.fixture
def advised(make_base):
    """A base of two layers that carries advice."""
    base = make_base()
    write_json(base / "config.json", read_config(base) | {"advice": ADVICE})
    return base


def learned(out):
    request = json.loads((out / "config.json").read_text())["request"]
    training = request["options"]["training"]
    return request["selection"], training["lr"], training["epochs"]


def test_a_run_without_rate_takes_what_was_measured_for_the_base(advised, song_file, tmp_path, cli):
    shown = cli("finetune", advised, song_file, "--out", tmp_path / "out")
    assert learned(tmp_path / "out") == ("layers.1, head", 2e-3, 3.0)
    assert "Learning layers.1 at rate 0.002 for 3 passes at most, as was measured for" in " ".join(shown.err.split())
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert "trials" not in config
    assert config["result"]["epochs"] <= 3
    before, after = (dict(load_checkpoint(each).model.named_parameters()) for each in (advised, tmp_path / "out"))
    assert torch.equal(before["layers.0.weight_hh"], after["layers.0.weight_hh"])
    assert not torch.equal(before["layers.1.weight_hh"], after["layers.1.weight_hh"])


def test_what_is_given_comes_before_what_was_measured(advised, song_file, tmp_path):
    finetune(advised, song_file, out=tmp_path / "selection", train="layers.0")
    assert learned(tmp_path / "selection") == ("layers.0, head", 2e-3, 3.0)
    finetune(advised, song_file, out=tmp_path / "epochs", training=FinetuneOptions(epochs=1.0))
    assert learned(tmp_path / "epochs") == ("layers.1, head", 2e-3, 1.0)
    finetune(advised, song_file, out=tmp_path / "rate", training=FinetuneOptions(lr=1e-4))
    assert learned(tmp_path / "rate") == ("all", 1e-4, 20.0)
    steps = finetune(advised, song_file, out=tmp_path / "steps", training=FinetuneOptions(steps=2))
    assert (steps.steps, steps.trials) == (2, [])
    assert not any("passes" in notice for notice in steps.notices)


def test_a_search_tries_others(advised, song_file, tmp_path):
    short = FinetuneOptions(steps=8, validate_every=2)
    result = finetune(advised, song_file, out=tmp_path / "out", search=True, training=short)
    assert len(result.trials) > 1
    assert "trials" in read_config(tmp_path / "out")


def test_advice_is_of_the_base_as_it_was_measured(advised, song_file, tmp_path):
    """With other tokens or in another direction the network is another one, and trials are made."""
    short = FinetuneOptions(steps=4, validate_every=2)
    assert finetune(advised, song_file, out=tmp_path / "tokens", tokenizer="char", training=short).trials
    assert finetune(advised, song_file, out=tmp_path / "turned", direction="backward", training=short).trials
    assert "advice" not in read_config(tmp_path / "tokens")


def test_a_run_goes_on_as_it_began(advised, song_file, tmp_path):
    short = FinetuneOptions(steps=8, validate_every=2)
    searched = finetune(advised, song_file, out=tmp_path / "out", search=True, training=short)
    again = finetune(advised, song_file, out=tmp_path / "out", training=short, resume=True)
    assert [trial["lr"] for trial in again.trials] == [trial["lr"] for trial in searched.trials]
    finetune(advised, song_file, out=tmp_path / "alone", training=short)
    with pytest.raises(UserError, match=r"lr was 0\.002"):
        finetune(advised, song_file, out=tmp_path / "alone", training=short, search=True, resume=True)
