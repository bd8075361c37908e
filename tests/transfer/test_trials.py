"""Short trials that choose a rate and a selection."""

import json
import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from stopping import Stop, stopped_before_save

from epigone import evaluate
from epigone.errors import UserError
from epigone.models.files.card import model_card
from epigone.models.files.checkpoint import load_checkpoint
from epigone.training.options import FinetuneOptions, MachineOptions
from epigone.transfer import finetune as module
from epigone.transfer import trials
from epigone.transfer.trials import MOST, RATES, Trial, next_trial

finetune = partial(module.finetune, machine=MachineOptions(device="cpu", save_every=0.0))
SHORT = FinetuneOptions(steps=16, validate_every=2, batch_size=4, sequence_length=16)


def climbed(loss, selections=("all", "layers.1", "head")):
    """All trials, if their losses are those of a function of rate and selection."""
    done: list[Trial] = []
    while (trial := next_trial(done, selections)) is not None:
        done.append(Trial(trial.lr, trial.selection, loss(trial.lr, trial.selection)))
    return done


@pytest.mark.parametrize("higher", [0, 1, 2])
@pytest.mark.parametrize("selection", ["all", "layers.1", "head"])
@pytest.mark.parametrize("best", range(len(RATES)))
def test_the_best_rate_is_found(best, selection, higher):
    """The smaller a selection, the higher its best rate: by as many places as it is smaller, or by one less."""
    places = {"all": best, "layers.1": best + min(1, higher), "head": best + higher}

    def loss(lr, name):
        return abs(RATES.index(lr) - min(places[name], len(RATES) - 1)) / 10 + (name != selection)

    found = climbed(loss)
    assert len(found) == len({(trial.lr, trial.selection) for trial in found}) <= MOST
    taken = min(found, key=lambda trial: trial.loss)
    assert taken.selection == selection
    assert taken.loss <= 0.1 * (2 - higher if selection == "head" else 0)


def test_the_time_is_bounded_and_nothing_is_tried_twice():
    for loss in (lambda lr, name: lr, lambda lr, name: -lr, lambda lr, name: math.inf):
        found = climbed(loss)
        assert len({(trial.lr, trial.selection) for trial in found}) == len(found) <= MOST
    assert 1 + trials.SHARE * MOST <= 3


def test_a_gentler_run_of_the_whole_length_follows_a_trial_that_overfits():
    """The high rate is past its lowest loss in a quarter of the length; the rate below it was still falling."""
    ends = {1e-3: (1.0, 5), 3e-3: (1.2, 2), 3e-4: (1.1, 10), 1e-4: (1.3, 10)}
    done: list[Trial] = []
    while (trial := next_trial(done, ["all"])) is not None:
        loss, best = ends[trial.lr]
        done.append(replace(trial, loss=loss, best_step=best, steps=10))
    assert done[-1] == Trial(3e-4, "all", 1.1, 10, 10, share=1)
    assert [trial.share for trial in done[:-1]] == [trials.SHARE] * (len(done) - 1)
    falling = [replace(trial, best_step=10) for trial in done[:-1]]
    assert next_trial(falling, ["all"]) is None, "a whole run at the best rate follows anyway"
    over = [replace(trial, best_step=1) for trial in done[:-1]]
    assert next_trial(over, ["all"]) is None, "no rate was still falling"


def test_a_gentler_run_is_the_result_if_it_is_better(make_base, song_file, tmp_path, monkeypatch):
    monkeypatch.setattr(Trial, "settled", property(lambda trial: trial.lr >= 1e-3 or trial.share == 1))
    base = make_base()
    result = finetune(base, song_file, out=tmp_path / "out", training=SHORT)
    *short, whole = result.trials
    best = min(short, key=lambda trial: trial["loss"])
    assert best["lr"] >= 1e-3, "or this test is of nothing"
    assert (whole["share"], whole["selection"], whole["steps"]) == (1, best["selection"], 16)
    assert whole["lr"] < best["lr"]
    taken = min(result.trials, key=lambda trial: trial["loss"])
    assert (result.steps, result.best_step) == (taken["steps"], taken["best_step"])
    assert result.loss == pytest.approx(taken["loss"], abs=1e-6)
    request = json.loads((tmp_path / "out" / "config.json").read_text())["request"]
    assert request["options"]["training"]["lr"] == taken["lr"]


def test_a_run_without_rate_and_selection_chooses_both(make_base, song_file, tmp_path, cli):
    base, out = make_base(), tmp_path / "out"
    words = ("--steps", 16, "--validate-every", 2, "--batch-size", 4, "--sequence-length", 16)
    shown = cli("finetune", base, song_file, "--out", out, *words)
    config = json.loads((out / "config.json").read_text())
    tried = config["trials"]
    best = min(tried, key=lambda trial: trial["loss"])
    assert config["request"]["options"]["training"]["lr"] == best["lr"] > 0
    assert config["request"]["selection"].startswith(best["selection"])
    assert config["result"]["trials"] == tried
    assert config["result"]["loss"] <= best["loss"] + 1e-9, "the result is no worse than a trial"
    assert "Tried" in shown.err
    assert f"rate {best['lr']:g} on {best['selection']}" in shown.out
    assert "Tried" in model_card("mine", config)
    assert not (out / "trials").exists()


def test_a_rate_that_is_given_is_taken(make_base, song_file, tmp_path):
    result = finetune(make_base(), song_file, out=tmp_path / "out", training=FinetuneOptions(lr=0.01, steps=2))
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert "trials" not in config
    assert result.trials == []
    request = config["request"]
    assert (request["options"]["training"]["lr"], request["selection"]) == (0.01, "all")


def test_a_selection_that_is_given_is_tried_with_several_rates(make_base, song_file, tmp_path):
    result = finetune(make_base(), song_file, out=tmp_path / "out", train="layers.0", training=SHORT)
    request = json.loads((tmp_path / "out" / "config.json").read_text())["request"]
    assert {trial["selection"] for trial in result.trials} == {"layers.0"}
    assert len({trial["lr"] for trial in result.trials}) == len(result.trials) > 1
    best = min(result.trials, key=lambda trial: trial["loss"])
    assert (request["options"]["training"]["lr"], request["selection"]) == (best["lr"], "layers.0, head")


def test_a_choice_is_repeated_by_its_words(make_base, song_file, tmp_path):
    """The trials leave no trace in the run that follows them, unless one of them was better."""
    base = make_base()
    chosen = finetune(base, song_file, out=tmp_path / "chosen", training=SHORT)
    best = min(chosen.trials, key=lambda trial: trial["loss"])
    options = FinetuneOptions(lr=best["lr"], steps=16, validate_every=2, batch_size=4, sequence_length=16)
    named = finetune(base, song_file, out=tmp_path / "named", train=best["selection"], training=options)
    assert chosen.loss == pytest.approx(min(named.loss, best["loss"]), abs=1e-6)


def without_times(result):
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in result.trials]


def test_a_trial_that_passed_its_lowest_loss_is_the_result(make_base, song_file, tmp_path, monkeypatch):
    """A longer run would only overfit."""
    monkeypatch.setattr(Trial, "settled", property(lambda trial: True))
    result = finetune(make_base(), song_file, out=tmp_path / "out", training=SHORT)
    best = min(result.trials, key=lambda trial: trial["loss"])
    assert (result.steps, result.best_step) == (best["steps"], best["best_step"]) == (4, 4)
    assert result.loss == pytest.approx(best["loss"], abs=1e-6)
    history = [json.loads(line) for line in (tmp_path / "out" / "history.jsonl").read_text().splitlines()]
    assert [row["step"] for row in history] == [0, 2, 4]
    assert evaluate(tmp_path / "out", song_file, split="validation").loss == pytest.approx(result.loss, abs=1e-6)


def test_samples_and_traces_that_were_asked_for_are_made(make_base, song_file, tmp_path, monkeypatch):
    """Trials make none, so a whole run follows even one that passed its lowest loss."""
    monkeypatch.setattr(Trial, "settled", property(lambda trial: True))
    recipe = replace(SHORT, sample_every=8, trace_every=8)
    result = finetune(make_base(), song_file, out=tmp_path / "out", training=recipe)
    for name in ("samples.jsonl", "trace.jsonl"):
        rows = (tmp_path / "out" / name).read_text().splitlines()
        assert [json.loads(row)["step"] for row in rows] == [8, 16], name
    best = min(trial["loss"] for trial in result.trials)
    assert result.loss <= best + 1e-6, "the better of the two is kept"


@pytest.mark.parametrize(("best", "settled"), [(0, True), (3, True), (4, False)])
def test_a_trial_is_settled_if_it_passed_its_lowest_loss(best, settled):
    assert Trial(1e-3, "all", 1.0, best, 4).settled == settled


@pytest.mark.parametrize("killed", [1, 5, 14, 30])
def test_a_run_that_is_killed_during_its_trials_ends_alike(killed, make_base, song_file, tmp_path):
    base = make_base()
    whole = finetune(base, song_file, out=tmp_path / "whole", training=SHORT)
    with stopped_before_save(killed):
        finetune(base, song_file, out=tmp_path / "out", training=SHORT)
    result = finetune(base, song_file, out=tmp_path / "out", training=SHORT, resume=True)
    assert (without_times(result), result.loss, result.best_step) == (
        without_times(whole),
        whole.loss,
        whole.best_step,
    )
    ours, theirs = (load_checkpoint(tmp_path / name).model for name in ("out", "whole"))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_damaged_trial_is_named(make_base, song_file, tmp_path, monkeypatch):
    base, out = make_base(), tmp_path / "out"

    def stopped(*arguments, **options):
        raise Stop

    monkeypatch.setattr(module, "adaptation_task", stopped)
    with pytest.raises(Stop):
        finetune(base, song_file, out=out, training=SHORT)
    monkeypatch.undo()
    (out / "trials" / "0").mkdir(parents=True, exist_ok=True)
    (out / "trials" / "0" / "trial.json").write_text('{"lr": "much", "selection": "all", "loss": 1.0, "best_step": 1}')
    with pytest.raises(UserError, match=r"trial\.json.*lr: 'much' instead of a number"):
        finetune(base, song_file, out=out, training=SHORT, resume=True)
