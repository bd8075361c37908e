"""The training loop on a tiny stream, with given validation losses."""

import json
import math
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stopping import At, history, left_by, press_ctrl_c

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.kernels import engine
from epigone.models import encoder
from epigone.models.config import ModelConfig, ModelOptions
from epigone.models.heads.base import IGNORED
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.characters import CharTokenizer
from epigone.training import loop
from epigone.training.batches import Batches
from epigone.training.language_task import LanguageTask, learning_parameters
from epigone.training.listeners.clock import Clock
from epigone.training.listeners.journal import Journal
from epigone.training.listeners.monitor import Monitor
from epigone.training.listeners.samples import samples
from epigone.training.optimisation import schedules
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.system.processes import make_fabric
from epigone.training.task import Diverged

PER_EPOCH = 10


class Run:
    """A run with given validation losses: one for each validation, the last for all that follow."""

    def __init__(self, folder, *validations, masks=None, save_every=60.0, **options):
        torch.manual_seed(0)
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.model = LanguageModel(ModelConfig(num_layers=1, hidden_size=4, vocabulary_size=5))
        tokens = np.random.default_rng(0).integers(5, size=2 * PER_EPOCH * 3 + 1).astype(np.uint8)
        self.batches = Batches(tokens[:-1], tokens[1:], batch_size=2, sequence_length=3)
        self.validations = list(validations)
        self.seen = []  # the weights at each validation
        self.masks = masks or {}
        self.groups, self.penalise = (), None
        self.machine = MachineOptions(save_every=save_every)
        self.options = TrainingOptions(**{"epochs": 3, "schedule": "constant", "lr": 0.01} | options)

    def validate(self):
        self.seen.append({name: p.detach().clone() for name, p in self.model.named_parameters()})
        loss = self.validations.pop(0) if len(self.validations) > 1 else self.validations[0]
        return Losses(np.array([4 * loss]), np.array([4]), np.array([1]), np.array([0]), np.array([4]))

    def __call__(self, monitor=None):
        task = LanguageTask(
            self.model,
            self.batches,
            self.validate,
            CharTokenizer("\x03abcd"),
            self.groups or learning_parameters(self.model),
            self.masks,
            summed=self.options.summed,
            penalise=self.penalise,
        )
        fabric = make_fabric(self.machine, self.options.precision)
        monitor = monitor or Monitor()
        drawn = samples(task, self.options, monitor)
        listeners = [Clock(), monitor, *drawn, Journal(self.options.trace_every)]
        return loop.train(task, self.folder, self.options, self.machine, fabric, listeners)

    def has_weights(self, expected):
        """Check that the model in memory and the file have these weights."""
        saved = load_file(self.folder / "model.safetensors")
        current = dict(self.model.named_parameters())
        return all(torch.equal(current[n], w) and torch.equal(saved[n], w) for n, w in expected.items())


def test_the_best_weights_are_restored(tmp_path):
    run = Run(tmp_path, 3.0, 2.0, 1.0, 1.5)
    trained = run()
    assert (trained.outcome, trained.steps, trained.epochs) == ("finished", 30, 3.0)
    assert (trained.best_loss, trained.best_step) == (1.0, 20)
    assert [row["best"] for row in trained.history] == [True, True, True, False]
    assert not torch.equal(run.seen[2]["head.weight"], run.seen[3]["head.weight"])
    assert run.has_weights(run.seen[2])


def test_the_last_weights_may_be_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "train", partial(loop.train, keep_last=True))
    run = Run(tmp_path, 3.0, 2.0, 1.0, 1.5)
    trained = run()
    assert (trained.best_loss, trained.best_step) == (1.5, 30)
    assert run.has_weights(run.seen[3])


@pytest.mark.parametrize(
    ("patience", "validations", "steps", "best_step"),
    [
        (2, [3, 2, 2.5, 2.4, 1], 30, 10),  # stopped before the loss would have fallen again
        (2, [3, 2, 2.5, 1, 1.5, 1.5], 50, 30),  # an improvement starts the count anew
        (1, [3, 3], 10, 0),  # equal is no improvement, and the start counts as a candidate
        (2, [3, 4, 5], 20, 0),
        (0, [3, 4, 5], 60, 0),
    ],
)
def test_early_stopping(tmp_path, patience, validations, steps, best_step):
    run = Run(tmp_path, *validations, patience=patience, epochs=6)
    trained = run()
    assert (trained.steps, trained.best_step) == (steps, best_step)
    assert trained.outcome == ("stopped early" if steps < 60 else "finished")
    assert run.has_weights(run.seen[best_step // PER_EPOCH])


def test_history_is_a_line_for_each_validation(tmp_path):
    losses = []

    class Listener(Monitor):
        def step(self, run):
            losses.append(run.mean_loss)

    run = Run(tmp_path, 3.0, 2.0, 2.5, 1.0, validate_every=4, steps=10, weight_decay=0.1)
    trained = run(Listener())
    rows = history(tmp_path)
    assert [row["step"] for row in rows] == [0, 4, 8, 10]
    assert [row["epoch"] for row in rows] == [0.0, 0.4, 0.8, 1.0]
    assert [row["validation_loss"] for row in rows] == [3.0, 2.0, 2.5, 1.0]
    assert [row["validation_accuracy"] for row in rows] == [0.25] * 4
    # The monitor sees the mean since the last validation at each step.
    assert [row["train_loss"] for row in rows] == [None, losses[3], losses[7], losses[9]]
    assert [{k: v for k, v in row.items() if not k.endswith("seconds")} for row in trained.history] == rows
    seconds = [row["seconds"] for row in trained.history]
    assert seconds == sorted(seconds)
    assert all(0 <= row["learning_seconds"] <= row["seconds"] for row in trained.history)


def test_what_validations_take_is_not_counted_as_learning(tmp_path):
    run = Run(tmp_path, 1.0, epochs=2)
    measure, pause = run.validate, 0.1

    def validate():
        time.sleep(pause)
        return measure()

    run.validate = validate
    _, *between, last = run().history
    assert len(between) == 1  # the time of a validation is counted after it
    assert 0 < between[0]["learning_seconds"] < last["learning_seconds"]
    assert last["seconds"] - last["learning_seconds"] >= pause


def test_the_recurrent_state_is_carried_within_an_epoch_and_zero_at_its_start(tmp_path):
    run = Run(tmp_path, 3.0, epochs=2)
    calls = []
    encode = run.model.encode

    def noted(inputs, state, start):
        outputs, after = encode(inputs, state, start)
        calls.append((state, after))
        return outputs, after

    run.model.encode = noted
    run()
    assert len(calls) == 2 * PER_EPOCH
    for step, (before, _) in enumerate(calls):
        if step % PER_EPOCH == 0:
            assert not any(s.any() for s in before)
        else:
            assert all(torch.equal(a, b) for a, b in zip(before, calls[step - 1][1], strict=True))
            assert not any(s.requires_grad for s in before)


@pytest.mark.parametrize("schedule", get_args(get_type_hints(TrainingOptions)["schedule"]))
def test_the_learning_rate_follows_the_schedule(tmp_path, monkeypatch, schedule):
    made, rates = [], []
    make = loop.make_optimizer
    monkeypatch.setattr(loop, "make_optimizer", lambda *arguments: made.append(make(*arguments)) or made[0])

    class Listener(Monitor):
        def step(self, run):
            rates.append(made[0].param_groups[0]["lr"])

    validations = [3.0, 4.0, 5.0, 6.0]  # the rate of plateau is halved after the second that is worse
    Run(tmp_path, *validations, schedule=schedule, lr=0.5)(Listener())
    assert rates == [0.5 * schedules.multiplier(schedule, s, 30, validations[: 1 + s // 10]) for s in range(30)]
    assert len(set(rates)) >= {"constant": 1, "plateau": 2}.get(schedule, 29)
    assert [row["lr"] for row in history(tmp_path)][1:] == rates[9::10]


def test_one_seed_is_one_result(train, tmp_path):
    """Whole commands, by the fixture."""
    first, again, other = (train(tmp_path / name, seed=seed) for name, seed in [("a", 3), ("b", 3), ("c", 4)])
    assert left_by(first.folder) == left_by(again.folder)
    assert left_by(first.folder) != left_by(other.folder)


def test_steps_are_reported_with_the_speed(tmp_path):
    told = []

    class Listener(Monitor):
        def begin(self, run):
            told.append(("begin", run.counters.step, run.counters.total))

        def step(self, run):
            assert run.characters_per_second > 0
            told.append(run.counters.step)

        def validation(self, run, row):
            told.append(f"validation {row['step']}")

        def end(self):
            told.append("end")

    Run(tmp_path, 3.0, steps=3, validate_every=2)(Listener())
    assert told == ["validation 0", ("begin", 0, 3), 1, 2, "validation 2", 3, "validation 3", "end"]
    told.clear()
    with pytest.raises(Diverged):
        Run(tmp_path / "nan", 3.0, math.nan, steps=3, validate_every=2)(Listener())
    assert told == ["validation 0", ("begin", 0, 3), 1, 2, "end"]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_validation_that_fails_keeps_the_last_good_weights(tmp_path, loss):
    run = Run(tmp_path, 3.0, 2.0, loss)
    with pytest.raises(Diverged, match=rf"The loss became {loss} .* of step 10, are in {tmp_path}"):
        run()
    assert run.has_weights(run.seen[1])


def test_a_loss_that_is_infinite_from_the_start_has_no_good_weights(tmp_path):
    run = Run(tmp_path, math.nan)
    with pytest.raises(Diverged, match="smaller --lr") as caught:
        run()
    assert "best weights" not in str(caught.value)
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path, clip):
    run = Run(tmp_path, 3.0, 2.0, clip=clip)

    def spoil():
        with torch.no_grad():
            run.model.head.bias[0] = math.inf

    with pytest.raises(Diverged, match=r"became nan .* at step 15\. Try .* --lr \(it was 0\.01\).* of step 10, are in"):
        run(At(14, spoil))
    assert run.has_weights(run.seen[1])


def test_a_rate_that_is_too_large_diverges_with_a_sentence(train, tmp_path):
    kind = {"lr": 1e38, "optimizer": "sgd", "schedule": "constant", "clip": 0.0}
    with pytest.raises(Diverged, match=r"a smaller --lr \(it was 1e\+38\), a --clip of 1 or less \(it was off\)"):
        train(tmp_path / "out", **kind)
    weights = load_file(tmp_path / "out" / "model.safetensors")
    assert all(weight.isfinite().all() for weight in weights.values())


def test_what_a_mask_holds_is_bit_identical_and_does_not_count_for_clipping(tmp_path):
    mask = torch.zeros(5, dtype=torch.bool)
    mask[2] = True
    run = Run(tmp_path, 3.0, 2.0, masks={"head.bias": mask}, optimizer="sgd", lr=1.0, clip=1e-4, steps=1)
    for name, parameter in run.model.named_parameters():
        parameter.requires_grad = name == "head.bias"
    run()
    before, after = (seen["head.bias"] for seen in run.seen)
    assert torch.equal(before[~mask], after[~mask])
    # The gradient's norm is clipped to 1e-4, all of it in the one weight that learns.
    assert (after - before)[2].abs().item() == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize("optimizer", get_args(get_type_hints(TrainingOptions)["optimizer"]))
def test_what_a_mask_holds_does_not_decay(tmp_path, optimizer):
    mask = torch.rand(16, 4) < 0.5
    name = "layers.0.weight_hh"
    run = Run(tmp_path, 3.0, 2.0, 1.0, masks={name: mask}, optimizer=optimizer, weight_decay=0.1)
    run()
    before, after = run.seen[0][name], run.seen[-1][name]
    assert torch.equal(before[~mask], after[~mask])
    assert (before[mask] != after[mask]).all()


def test_weights_that_an_interruption_lent_are_taken_back(tmp_path):
    """At the interruption the loss is lower than at any validation of the run."""
    undisturbed = Run(tmp_path / "whole", 3.0, 2.0, 2.5, 2.5)
    undisturbed()
    interrupted = Run(tmp_path / "parts", 3.0, 2.0, 1.0)
    trained = interrupted(At(15, press_ctrl_c))
    assert (trained.outcome, trained.best_loss, trained.best_step) == ("interrupted", 1.0, 15)
    assert interrupted.has_weights(interrupted.seen[-1])
    rest = Run(tmp_path / "parts", 2.5)
    assert rest().best_step == 10
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")
    assert rest.has_weights(undisturbed.seen[1])


def test_an_interruption_at_the_end_is_none(tmp_path):
    assert Run(tmp_path / "a", 3.0)(At(30, press_ctrl_c)).outcome == "finished"
    assert Run(tmp_path / "b", 3.0, patience=1)(At(10, press_ctrl_c)).outcome == "stopped early"


@pytest.mark.parametrize("length", [{"steps": 7}, {"epochs": 0.7}, {"steps": 7, "epochs": 9}])
def test_the_length_of_a_run(tmp_path, length):
    assert Run(tmp_path, 3.0, **length)().steps == 7


def test_the_state_of_another_run_is_refused(tmp_path):
    Run(tmp_path, 3.0)(At(5, press_ctrl_c))
    other = Run(tmp_path, 3.0)
    other.model = LanguageModel(ModelConfig(num_layers=1, hidden_size=6, vocabulary_size=5))
    with pytest.raises(UserError, match=r"trainer\.safetensors belongs to a model of another shape"):
        other()
    path = Path(tmp_path / "trainer.safetensors")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"trainer\.safetensors is damaged .*Delete it"):
        Run(tmp_path, 3.0)()


@pytest.mark.parametrize("backend", ["auto", "torch"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_bf16_trains_every_cell_and_keeps_its_weights_in_fp32(train, cell, backend):
    model, machine = ModelOptions(cell, num_layers=2, hidden_size=8, dropout=0.1), MachineOptions(backend=backend)
    result = train(model=model, precision="bf16", epochs=6, machine=machine)
    rows = history(result.folder)
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"] - 0.2
    weights = load_file(Path(result.folder) / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}


def test_bf16_is_the_precision_of_the_products_but_not_of_the_state(tmp_path):
    trained = {}
    for precision in ("fp32", "bf16"):
        run = Run(tmp_path / precision, 3.0, 2.0, steps=5, precision=precision)
        dtypes = set()

        class Listener(Monitor):
            def step(self, run, dtypes=dtypes):
                dtypes.update(tensor.dtype for tensor in run.state)

        run(Listener())
        assert dtypes == {torch.float32}
        trained[precision] = run.seen[-1]["head.weight"]
    assert not torch.equal(trained["fp32"], trained["bf16"])
    torch.testing.assert_close(trained["fp32"], trained["bf16"], rtol=0.1, atol=0.02)


@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
def test_bf16_steps_run_in_the_native_engine_from_a_state_that_is_not_rounded(tmp_path, monkeypatch):
    seen = set()

    def run_stack(cell, inputs, state, weights, masks, backend, sizes, held):
        seen.update((each.dtype, backend) for each in state)
        return stack(cell, inputs, state, weights, masks, backend, sizes, held)

    stack = encoder.run_stack
    monkeypatch.setattr(encoder, "run_stack", run_stack)
    Run(tmp_path, 3.0, steps=3, precision="bf16")()
    assert seen == {(torch.float32, "native")}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_trace_has_smoothed_losses_and_the_norms_of_gradients(tmp_path):
    told, norms = [], []

    class Listener(Monitor):
        def step(self, run):
            told.append((run.mean_loss, run.smoothed_loss))
            norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in run.task.module.parameters())))

    Run(tmp_path, 3.0, 2.0, steps=7, validate_every=1, trace_every=3, clip=0.0)(Listener())
    rows, losses = lines(tmp_path / "trace.jsonl"), [loss for loss, _ in told]
    assert [row["step"] for row in rows] == [3, 6]
    for step, (_, shown) in enumerate(told, 1):
        smoothed = np.average(losses[:step], weights=0.999 ** np.arange(step)[::-1])
        assert shown == pytest.approx(smoothed)
        if step in (3, 6):
            row, part = rows[step // 3 - 1], slice(step - 3, step)
            assert row["smoothed_loss"] == pytest.approx(smoothed)
            assert row["loss"] == pytest.approx(np.mean(losses[part]))
            assert row["gradient_norm"] == pytest.approx(np.mean(norms[part]), rel=1e-5)
            assert row["largest_gradient_norm"] == pytest.approx(max(norms[part]), rel=1e-5)
    assert history(tmp_path)[-1]["smoothed_loss"] == pytest.approx(smoothed)


def test_samples_are_drawn_now_and_then_and_change_nothing(tmp_path):
    with_samples = Run(tmp_path / "with", 3.0, 2.0, steps=10, sample_every=4, sample_length=30)
    told = []
    monitor = Monitor()
    monitor.sample = told.append
    with_samples(monitor)
    Run(tmp_path / "without", 3.0, 2.0, steps=10)()
    weights = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("with", "without")]
    assert weights[0] == weights[1]
    assert history(tmp_path / "with") == history(tmp_path / "without")
    samples = lines(tmp_path / "with" / "samples.jsonl")
    assert [sample["step"] for sample in samples] == [4, 8]
    assert told == samples
    for sample in samples:
        assert len(sample["text"].replace("\n\n", " ")) == 30
        assert set(sample["text"]) <= set("abcd\n")
    assert samples[0]["text"] != samples[1]["text"]


def test_numbers_of_the_gradient_are_cut_one_by_one(tmp_path):
    run = Run(tmp_path, 3.0, steps=1, clip=0.0, clip_value=1e-3, optimizer="sgd", lr=1.0)
    run()
    before, after = run.seen[0], run.seen[-1]
    moved = torch.cat([(after[name] - before[name]).abs().flatten() for name in before])
    assert moved.max() <= 1.001e-3
    assert (moved > 0.99e-3).sum() > 5


def test_the_loss_may_be_summed_over_a_sequence(tmp_path):
    moved = []
    for summed in (False, True):
        run = Run(tmp_path / str(summed), 3.0, steps=1, clip=0.0, optimizer="sgd", lr=1e-3, summed=summed)
        run()
        moved.append(run.seen[-1]["head.bias"] - run.seen[0]["head.bias"])
    torch.testing.assert_close(moved[1], 3 * moved[0], rtol=1e-3, atol=1e-7)  # of sequences of 3 tokens
    means = [history(tmp_path / str(summed))[-1]["train_loss"] for summed in (False, True)]
    assert means[0] == pytest.approx(means[1])


def test_what_is_traced_is_there_after_ctrl_c_and_gone_with_the_steps_that_are_lost(tmp_path):
    options = {"steps": 20, "trace_every": 1, "sample_every": 4, "validate_every": 100, "save_every": 1e9}
    run = Run(tmp_path, 3.0, 2.0, **options)
    run(At(9, press_ctrl_c))
    assert len(lines(tmp_path / "trace.jsonl")) == 9
    assert len(lines(tmp_path / "samples.jsonl")) == 2
    (tmp_path / "trainer.safetensors").unlink()

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):  # saved at step 0 only
        Run(tmp_path, 3.0, 2.0, **options)(At(12, fail))
    again = Run(tmp_path, 3.0, 2.0, **options)
    again(At(1, press_ctrl_c))
    assert [row["step"] for row in lines(tmp_path / "trace.jsonl")] == [1]
    assert not (tmp_path / "samples.jsonl").exists()


def test_the_sum_over_a_sequence_does_not_count_padding(tmp_path):
    moved = []
    for padding in (0, 4):
        run = Run(tmp_path / str(padding), 3.0, steps=1, clip=0.0, optimizer="sgd", lr=1e-3, summed=True)
        inputs, targets = run.batches.batch(0)
        row = torch.full((2, padding), 1), torch.full((2, padding), IGNORED)
        given = torch.cat([inputs, row[0]], 1), torch.cat([targets, row[1]], 1)
        run.batches = SimpleNamespace(
            batch=lambda *_, given=given: given, batch_size=2, steps_per_epoch=1, predicted=6, characters_per_token=1.0,
            carried=False,
        )  # fmt: skip
        run()
        moved.append(run.seen[-1]["head.bias"] - run.seen[0]["head.bias"])
    torch.testing.assert_close(moved[0], moved[1])
