"""Rates and first steps by depth: which group learns when, and how fast."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.training import command
from epigone.training.listeners.monitor import Monitor
from epigone.training.loop import Loop, train
from epigone.training.options import FinetuneOptions, MachineOptions, RetrainingOptions
from epigone.training.task import ParameterGroup
from epigone.transfer import finetune as module
from epigone.transfer.depth import by_depth
from epigone.transfer.methods.l2_to_base import L2ToBase
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import select

DECAY = RetrainingOptions(rate_decay=2.6)
BRIEF = FinetuneOptions(lr=1e-2, steps=8, validate_every=4, batch_size=4, sequence_length=16, schedule="slanted")
finetune = partial(module.finetune, machine=MachineOptions(device="cpu"))


def groups_of(base, expression, training=DECAY, method=Retrain()):
    """The depth groups of a selection: names of parameters, rates, first steps."""
    model = load_checkpoint(base).model
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = by_depth(model, method.prepare(model, select(model, expression)).groups, training, 10)
    return [({names[id(p)] for p in group.parameters}, group.rate, group.first_step) for group in found]


LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def layer(number):
    return {f"layers.{number}.{name}" for name in LSTM}


def test_each_group_learns_slower_than_the_one_above(make_base):
    base = make_base(num_layers=3, embedding_size=4)
    expected = [{"head.weight", "head.bias"}, layer(2), layer(1), layer(0), {"embedding.weight"}]
    for method in (Retrain(), L2ToBase()):
        found = groups_of(base, "all", method=method)
        assert [names for names, _, _ in found] == expected
        assert [rate for _, rate, _ in found] == pytest.approx([2.6**-n for n in range(5)])
        assert [first for _, _, first in found] == [0] * 5


def test_groups_that_do_not_learn_do_not_count(make_base):
    base = make_base(num_layers=3, embedding_size=4)
    found = groups_of(base, "layers.0, layers.2.weight_hh", replace(DECAY, unfreeze_every=0.5))
    assert found == [({"layers.2.weight_hh"}, 1.0, 0), (layer(0), 1 / 2.6, 5)]


def test_a_tied_embedding_goes_with_the_head(make_base):
    found = groups_of(make_base(embedding_size=8, tied=True), "all")
    assert [names for names, _, _ in found] == [{"embedding.weight", "head.bias"}, layer(1), layer(0)]


def test_groups_of_a_method_keep_their_own_rates(make_base):
    model = load_checkpoint(make_base()).model
    parameters = dict(model.named_parameters())
    own = [
        ParameterGroup((parameters["head.bias"], parameters["layers.1.weight_hh"]), 0.5, 3),
        ParameterGroup((parameters["layers.1.bias_hh"],), 2.0),
    ]
    found = by_depth(model, own, replace(DECAY, unfreeze_every=1), 10)
    assert [(group.rate, group.first_step) for group in found] == [(0.5, 3), (0.5 / 2.6, 10), (2 / 2.6, 10)]
    assert by_depth(model, own, RetrainingOptions(), 10) == tuple(own)


def test_the_rates_at_each_step(make_base, song_file, tmp_path, monkeypatch):
    seen, step = [], Loop._step

    def noted(self, state):
        result = step(self, state)
        seen.append([group["lr"] for group in self.optimizer.param_groups])
        return result

    monkeypatch.setattr(Loop, "_step", noted)
    finetune(make_base(), song_file, out=tmp_path / "plain", train="all", training=BRIEF)
    plain, seen[:] = list(seen), []
    finetune(make_base(), song_file, out=tmp_path / "decay", train="all", training=replace(BRIEF, rate_decay=2.6))
    assert len(plain) == len(seen) == 8
    assert len(set(map(tuple, plain))) > 2  # the schedule moves
    for (whole,), rates in zip(plain, seen, strict=True):
        assert rates == pytest.approx([whole, whole / 2.6, whole / 2.6**2])


class Weights(Monitor):
    """Keeps the weights before the first step and after each."""

    def __init__(self):
        self.kept = []

    def before_step(self, run):
        if not self.kept:
            self.keep(run)

    def step(self, run):
        self.keep(run)

    def keep(self, run):
        self.kept.append({name: p.detach().clone() for name, p in run.task.module.named_parameters()})


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "sgd"])
def test_a_group_is_frozen_bit_by_bit_until_its_step(optimizer, make_base, song_file, tmp_path, monkeypatch):
    tasks = []
    monkeypatch.setattr(command, "train", lambda task, *rest: tasks.append(task) or train(task, *rest))
    training = replace(BRIEF, optimizer=optimizer, lr=0.1, weight_decay=0.1, momentum=0.9, rate_decay=2.0)
    monitor = Weights()
    base = make_base(embedding_size=4)
    finetune(base, song_file, out=tmp_path / "first", train="all", training=training)
    per_epoch = tasks[0].batches.steps_per_epoch
    training = replace(training, unfreeze_every=2 / per_epoch)
    finetune(base, song_file, out=tmp_path / "out", train="all", training=training, monitor=monitor)
    first = {"head": 0, "layers.1": 2, "layers.0": 4, "embedding": 6}
    assert len(monitor.kept) == 9
    for step, (before, after) in enumerate(zip(monitor.kept[:-1], monitor.kept[1:], strict=True)):
        for name in before:
            begins = next(begin for group, begin in first.items() if name.startswith(group))
            assert torch.equal(before[name], after[name]) == (step < begins), (step, name)


def test_an_unfreezing_run_resumes_exactly(make_base, song_file, tmp_path):
    class Until(Monitor):
        def step(self, run):
            if run.counters.step == 5:
                raise RuntimeError("killed")

    base, out = make_base(), tmp_path / "killed"
    training = replace(BRIEF, rate_decay=2.6, unfreeze_every=0.05)
    run = partial(module.finetune, base, song_file, train="all", training=training)
    run(out=tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        run(out=out, machine=MachineOptions(device="cpu", save_every=0.0), monitor=Until())
    run(out=out, resume=True)
    for mine, theirs in zip(
        load_checkpoint(out).model.parameters(), load_checkpoint(tmp_path / "whole").model.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_the_command_takes_both_and_old_requests_stay(make_base, song_file, tmp_path, cli):
    length = ("--train", "all", "--lr", 0.01, "--steps", 6)
    options = ("--rate-decay", 2.6, "--unfreeze-every", 0.04)
    assert cli("finetune", make_base(), song_file, *length, *options, "--out", tmp_path / "out").status == 0
    recipe = json.loads((tmp_path / "out/config.json").read_text())["request"]["options"]["training"]
    assert (recipe["rate_decay"], recipe["unfreeze_every"]) == (2.6, 0.04)
    assert cli("finetune", make_base(), song_file, *length, "--out", tmp_path / "plain").status == 0
    recipe = json.loads((tmp_path / "plain/config.json").read_text())["request"]["options"]["training"]
    assert not {"rate_decay", "unfreeze_every"} & recipe.keys()


def test_trials_and_a_last_training_on_everything_heed_them(make_base, song_file, tmp_path, monkeypatch):
    found = []

    def noted(model, groups, training, steps_per_epoch):
        divided = by_depth(model, groups, training, steps_per_epoch)
        found.append((training.steps, training.unfreeze_every, [group.rate for group in divided]))
        return divided

    monkeypatch.setattr(module, "by_depth", noted)
    training = FinetuneOptions(
        steps=40, unfreeze_every=0.2, rate_decay=2.0, validate_every=10, batch_size=4, sequence_length=16
    )
    finetune(make_base(), song_file, out=tmp_path / "out", train="all", training=training, final=True)
    trials = [each for each in found if each[0] == 10]
    assert len(trials) >= 3
    assert all(each == (10, 0.05, [1.0, 0.5, 0.25]) for each in trials)
    whole = [each[1:] for each in found if each[0] != 10]
    assert len(whole) >= 2
    assert all(each == (0.2, [1.0, 0.5, 0.25]) for each in whole)


def test_a_run_that_ends_too_early_is_refused(make_base, song_file, tmp_path):
    with pytest.raises(UserError, match="the lowest of 3 groups would learn from step"):
        finetune(make_base(), song_file, out=tmp_path / "out", train="all", training=replace(BRIEF, unfreeze_every=9))


@pytest.mark.parametrize("options", [{"rate_decay": 0.0}, {"rate_decay": -1.0}, {"unfreeze_every": -1.0}])
def test_options_out_of_range_are_refused(options):
    for kind in (RetrainingOptions, FinetuneOptions):
        with pytest.raises(UserError, match=f"{next(iter(options))} must"):
            kind(**options)
