"""A base that says how to retrain it, as it was measured."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.description import read_config
from epigone.storage import write_json
from epigone.text.readers.registry import ReadOptions
from epigone.training.options import FinetuneOptions, MachineOptions
from epigone.transfer import finetune as module
from epigone.transfer import frozen_prefix, trials
from epigone.transfer.trials import MARGIN, SHARE, Trial, taken

finetune = partial(module.finetune, machine=MachineOptions(device="cpu"))
ADVICE = {"train": "layers.1", "rates": [2e-4, 2e-3], "epochs": 3.0}


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


def tried(out):
    return [(trial["lr"], trial["selection"], trial["share"]) for trial in read_config(out)["trials"]]


def test_a_run_without_rate_tries_what_was_measured_for_the_base(advised, song_file, tmp_path, cli):
    shown = cli("finetune", advised, song_file, "--out", tmp_path / "out")
    assert tried(tmp_path / "out") == [(2e-4, "layers.1", 1), (2e-3, "layers.1", 1)]
    selection, rate, epochs = learned(tmp_path / "out")
    assert (selection, epochs) == ("layers.1, head", 3.0)
    assert rate in ADVICE["rates"]
    said = " ".join(shown.err.split())
    assert "Learning layers.1 for 3 passes at the rates 0.0002 and 0.002, as was measured for" in said
    assert "Tried 2 whole runs" in said
    result = read_config(tmp_path / "out")["result"]
    assert result["epochs"] <= 3
    assert result["loss"] == pytest.approx(min(trial["loss"] for trial in result["trials"]), abs=MARGIN)
    before, after = (dict(load_checkpoint(each).model.named_parameters()) for each in (advised, tmp_path / "out"))
    assert torch.equal(before["layers.0.weight_hh"], after["layers.0.weight_hh"])
    assert not torch.equal(before["layers.1.weight_hh"], after["layers.1.weight_hh"])


def test_a_single_rate_needs_no_trial(advised, song_file, tmp_path, cli):
    config = read_config(advised)
    one = {"train": "layers.1", "rates": [2e-3], "epochs": 1.0, "schedule": "constant"}
    write_json(advised / "config.json", config | {"advice": one})
    shown = cli("finetune", advised, song_file, "--out", tmp_path / "out")
    assert learned(tmp_path / "out") == ("layers.1, head", 2e-3, 1.0)
    assert "trials" not in read_config(tmp_path / "out")
    said = " ".join(shown.err.split())
    assert "Learning layers.1 for 1 pass at the rate 0.002, as was measured for" in said
    assert "Tried" not in said
    rows = [json.loads(line) for line in (tmp_path / "out" / "history.jsonl").read_text().splitlines()]
    assert rows[-1]["lr"] == 2e-3, "the schedule is the one that was measured"
    own = FinetuneOptions(schedule="linear", epochs=2.0)
    finetune(advised, song_file, out=tmp_path / "own", training=own)
    request = json.loads((tmp_path / "own" / "config.json").read_text())["request"]["options"]["training"]
    assert (request["schedule"], request["epochs"], request["lr"]) == ("linear", 2.0, 2e-3)
    again = cli("finetune", advised, song_file, "--out", tmp_path / "out", "--resume")
    assert again.status == 0
    plain = finetune(advised, song_file, out=tmp_path / "rate", training=FinetuneOptions(lr=1e-3, steps=2))
    assert plain.trained_parameters
    request = json.loads((tmp_path / "rate" / "config.json").read_text())["request"]["options"]["training"]
    assert request["schedule"] == "cosine", "what was measured goes with its rates alone"


def test_of_much_text_the_last_rate_is_tried_alone(advised, song_file, tmp_path):
    write_json(advised / "config.json", read_config(advised) | {"advice": ADVICE | {"sure_from": 2000}})
    finetune(advised, song_file, out=tmp_path / "much", training=FinetuneOptions(steps=2))
    assert learned(tmp_path / "much")[1] == 2e-3
    assert "trials" not in read_config(tmp_path / "much")
    finetune(
        advised, song_file, out=tmp_path / "little", training=FinetuneOptions(steps=2), read=ReadOptions(limit=1500)
    )
    assert [trial[0] for trial in tried(tmp_path / "little")] == ADVICE["rates"]


def test_a_higher_rate_is_taken_only_if_it_is_clearly_better():
    low, high = Trial(2e-4, "all", 1.5, share=1), Trial(2e-3, "all", 1.5 - MARGIN, share=1)
    assert taken([low, high]) == high
    assert taken([low, replace(high, loss=1.4999)]) == low
    assert taken([replace(low, share=0.25), replace(high, loss=1.4999)]).lr == 2e-3, "a short run is no rival"
    assert taken([replace(low, selection="head"), replace(high, loss=1.4999)]).lr == 2e-3


def test_what_is_given_comes_before_what_was_measured(advised, song_file, tmp_path):
    finetune(advised, song_file, out=tmp_path / "selection", train="layers.0")
    assert tried(tmp_path / "selection") == [(2e-4, "layers.0", 1), (2e-3, "layers.0", 1)]
    finetune(advised, song_file, out=tmp_path / "epochs", training=FinetuneOptions(epochs=1.0))
    assert learned(tmp_path / "epochs")[2] == 1.0
    finetune(advised, song_file, out=tmp_path / "rate", training=FinetuneOptions(lr=1e-4))
    assert learned(tmp_path / "rate") == ("all", 1e-4, 20.0)
    assert "trials" not in read_config(tmp_path / "rate")
    steps = finetune(advised, song_file, out=tmp_path / "steps", training=FinetuneOptions(steps=2))
    assert [trial["steps"] for trial in steps.trials] == [2, 2]
    assert not any("passes" in notice for notice in steps.notices)


def test_a_search_tries_others(advised, song_file, tmp_path):
    short = FinetuneOptions(steps=8, validate_every=2)
    result = finetune(advised, song_file, out=tmp_path / "out", search=True, training=short)
    assert {trial["share"] for trial in result.trials} >= {SHARE}


def test_advice_is_of_the_base_as_it_was_measured(advised, song_file, tmp_path):
    """With other tokens or in another direction the network is another one, and trials are made."""
    short = FinetuneOptions(steps=4, validate_every=2)
    assert finetune(advised, song_file, out=tmp_path / "tokens", tokenizer="char", training=short).trials
    assert finetune(advised, song_file, out=tmp_path / "turned", direction="backward", training=short).trials
    assert "advice" not in read_config(tmp_path / "tokens")


def test_a_run_goes_on_as_it_began(advised, song_file, tmp_path):
    short = FinetuneOptions(steps=8, validate_every=2)
    first = finetune(advised, song_file, out=tmp_path / "out", training=short)
    again = finetune(advised, song_file, out=tmp_path / "out", training=short, resume=True)
    assert (again.trials, again.loss) == (first.trials, first.loss)


def test_a_run_that_is_stopped_in_its_second_trial_goes_on(advised, song_file, tmp_path, monkeypatch):
    short = FinetuneOptions(steps=8, validate_every=2)
    whole = finetune(advised, song_file, out=tmp_path / "whole", training=short)
    train, calls = trials.train, []

    def stopping(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(trials, "train", stopping)
    with pytest.raises(KeyboardInterrupt):
        finetune(advised, song_file, out=tmp_path / "out", training=short)
    resumed = finetune(advised, song_file, out=tmp_path / "out", training=short, resume=True)
    assert len(calls) == 3, "the first trial is not done again"
    without = [{k: v for k, v in trial.items() if k != "seconds"} for trial in resumed.trials]
    assert without == [{k: v for k, v in trial.items() if k != "seconds"} for trial in whole.trials]
    assert resumed.loss == whole.loss


def test_nothing_is_computed_twice(advised, song_file, tmp_path, monkeypatch):
    """Weights are measured once, those of the base too, and the frozen layer reads each text once."""
    measured, read = [], []
    document_losses, layer_outputs = module.document_losses, frozen_prefix.layer_outputs

    def measure(model, *arguments):
        losses = document_losses(model, *arguments)
        measured.append(losses.loss)
        return losses

    monkeypatch.setattr(module, "document_losses", measure)
    monkeypatch.setattr(frozen_prefix, "layer_outputs", lambda *arguments: read.append(1) or layer_outputs(*arguments))
    found = finetune(advised, song_file, out=tmp_path / "out", training=FinetuneOptions(steps=8, validate_every=4))
    assert len(measured) == len(set(measured)) == 1 + 2 * 2
    assert len(read) == 1
    assert found.loss in measured
    history = [json.loads(line) for line in (tmp_path / "out" / "history.jsonl").read_text().splitlines()]
    assert {row["validation_loss"] for row in history} <= set(measured)
