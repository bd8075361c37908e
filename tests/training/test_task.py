"""Tasks in the loop: groups with a rate and a first step, a penalty, a validation of any kind."""

import json
from dataclasses import dataclass, replace
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from stopping import At, Stop, history, left_by, stop

from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.characters import CharTokenizer
from epigone.training.batches import Batches
from epigone.training.language_task import LanguageTask, learning_parameters
from epigone.training.listeners.clock import Clock
from epigone.training.listeners.journal import Journal
from epigone.training.listeners.monitor import Monitor
from epigone.training.listeners.tensorboard import TensorBoard
from epigone.training.loop import train
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.system.processes import make_fabric
from epigone.training.task import ParameterGroup

OPTIMIZERS = get_args(get_type_hints(TrainingOptions)["optimizer"])
MACHINE = MachineOptions(device="cpu", save_every=0.0)


@dataclass(frozen=True)
class Plain:
    """A measurement with a loss and a figure of its own."""

    loss: float
    f1: float = 0.25

    def figures(self):
        return {"f1": self.f1}


class Weights(Monitor):
    """Notes the weights after each step."""

    def __init__(self):
        self.seen = []

    def begin(self, run):
        self.step(run)

    def step(self, run):
        self.seen.append({name: p.detach().clone() for name, p in run.task.module.named_parameters()})


def make_task(groups=None, **options):
    """Make the task of a small network; `groups` makes its groups from the network."""
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(num_layers=2, hidden_size=4, vocabulary_size=5))
    tokens = np.random.default_rng(0).integers(5, size=61).astype(np.uint8)
    batches = Batches(tokens[:-1], tokens[1:], batch_size=2, sequence_length=3)
    made = groups(model) if groups else learning_parameters(model)
    return LanguageTask(model, batches, lambda: Plain(1.0), CharTokenizer("\x03abcd"), made, **options)


def run(task, folder, *listeners, **options):
    folder.mkdir(exist_ok=True)
    options = TrainingOptions(**{"steps": 12, "schedule": "constant", "lr": 0.01, "validate_every": 4} | options)
    return train(task, folder, options, MACHINE, make_fabric(MACHINE), [Clock(), *listeners, Journal()])


def upper_first(model, rate=1.0, first_step=7):
    """The head and the upper layer, then the lower layer with a rate and a first step of its own."""
    upper = [p for name, p in model.named_parameters() if not name.startswith("layers.0")]
    return ParameterGroup(tuple(upper)), ParameterGroup(tuple(model.layers[0].parameters()), rate, first_step)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_group_stays_as_it_is_until_its_first_step(optimizer, tmp_path):
    weights = Weights()
    run(make_task(upper_first), tmp_path / "out", weights, optimizer=optimizer, weight_decay=0.1, momentum=0.9)
    first, *later = weights.seen
    for name in first:
        begins = 7 if name.startswith("layers.0") else 0
        assert all(torch.equal(seen[name], first[name]) for seen in later[:begins])
        moved = begins + (optimizer == "soap")  # the first step of soap sets it up
        assert not torch.equal(later[moved][name], first[name])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("step", [3, 7, 9])
def test_resume_is_exact_before_and_after_the_first_step_of_a_group(optimizer, step, tmp_path):
    options = {"optimizer": optimizer, "momentum": 0.5, "schedule": "one-cycle"}
    run(make_task(upper_first), tmp_path / "whole", **options)
    with pytest.raises(Stop):
        run(make_task(upper_first), tmp_path / "parts", At(step, stop), **options)
    run(make_task(upper_first), tmp_path / "parts", **options)
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")


def test_a_group_moves_by_its_share_of_the_rate(tmp_path):
    moved = {}
    for rate in (1.0, 0.25):
        weights = Weights()
        task = make_task(lambda model, rate=rate: upper_first(model, rate, 0))
        run(task, tmp_path / str(rate), weights, optimizer="sgd", lr=1.0, clip=0.0, steps=1)
        before, after = weights.seen
        moved[rate] = {name: after[name] - before[name] for name in before}
    for name in moved[1.0]:
        share = 0.25 if name.startswith("layers.0") else 1.0
        torch.testing.assert_close(moved[0.25][name], share * moved[1.0][name], rtol=1e-3, atol=1e-6)
    rows = [history(tmp_path / str(rate))[-1] for rate in moved]
    assert rows[0]["lr"] == rows[1]["lr"] == 1.0  # the recipe's, whatever the groups'


def test_what_does_not_learn_yet_does_not_count_for_clipping(tmp_path):
    weights = Weights()
    run(make_task(upper_first), tmp_path / "out", weights, optimizer="sgd", lr=1.0, clip=1e-3, steps=1)
    before, after = weights.seen
    moved = torch.cat([(after[name] - before[name]).flatten() for name in before])
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_a_penalty_is_minimised_too_and_not_reported(tmp_path):
    """The penalty 0.5 |w|^2 of the head, whose gradient is w."""
    steps, losses = {}, {}
    for name in ("without", "with"):
        task, weights = make_task(), Weights()
        if name == "with":
            task = replace(task, penalise=lambda head=task.module.head.weight: 0.5 * head.square().sum())
        run(task, tmp_path / name, weights, optimizer="sgd", lr=0.1, clip=0.0, steps=1)
        steps[name] = weights.seen
        losses[name] = history(tmp_path / name)[-1]["train_loss"]
    (start, free), (_, penalised) = steps["without"], steps["with"]
    for weight in start:
        gradient = start[weight] if weight == "head.weight" else torch.zeros_like(start[weight])
        torch.testing.assert_close(penalised[weight] - free[weight], -0.1 * gradient, rtol=1e-3, atol=1e-7)
    assert losses["with"] == losses["without"]


def test_a_validation_may_have_other_figures_than_accuracy(tmp_path):
    trained = run(make_task(), tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out" / "history.jsonl").read_text().splitlines()]
    assert [row["validation_f1"] for row in rows] == [0.25] * 4
    assert all("validation_accuracy" not in row for row in rows)
    assert trained.best_loss == 1.0


def test_tensorboard_gets_the_figures_that_there_are(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(make_task(), tmp_path / "out", TensorBoard(tmp_path / "tensorboard"))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == ["lr", "train_loss", "validation_f1", "validation_loss"]
