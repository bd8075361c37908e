"""A run that was stopped anywhere and goes on equals the run that never stopped, bit for bit."""

import errno
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stopping import At, Stop, history, left_by, press_ctrl_c, stop

from epigone import folder_lock, storage
from epigone.errors import UserError
from epigone.evaluation.losses import document_losses
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus
from epigone.training import loop
from epigone.training.options import DisplayOptions, MachineOptions, TrainingOptions

STEPS = 30
SHORT = TrainingOptions(steps=STEPS, patience=0, lr=1e-2, validate_every=5)
MACHINE = MachineOptions(save_every=0)
KINDS = {
    "lstm-adamw-cosine": (
        ModelOptions(num_layers=2, hidden_size=8, dropout=0.3),
        replace(SHORT, optimizer="adamw", schedule="cosine", weight_decay=0.01),
    ),
    "gru-rmsprop-plateau": (
        ModelOptions("gru", num_layers=2, hidden_size=8, dropout=0.2, dropout_kind="variational"),
        replace(SHORT, optimizer="rmsprop", schedule="plateau", momentum=0.5, lr=0.05),
    ),
    "rnn-sgd-one-cycle": (
        ModelOptions("rnn", num_layers=1, hidden_size=8, output_dropout=0.2),
        replace(SHORT, optimizer="sgd", schedule="one-cycle", momentum=0.9, lr=0.3),
    ),
    "tied-adagrad-slanted": (
        ModelOptions(num_layers=1, hidden_size=8, embedding_size=8, tied=True),
        replace(SHORT, optimizer="adagrad", schedule="slanted", clip=0.0),
    ),
    "gru-prefixes": (
        ModelOptions("gru", num_layers=1, hidden_size=8),
        replace(SHORT, optimizer="adam", schedule="constant", windows="prefix", batch_size=4, sample_every=6),
    ),
    "lstm-rmsprop-native": (
        ModelOptions(num_layers=2, hidden_size=8),
        replace(SHORT, optimizer="rmsprop", schedule="constant", weight_decay=0.01, trace_every=7),
    ),
    "rnn-adagrad-traced": (
        ModelOptions("rnn_relu", num_layers=1, hidden_size=8, init="normal", one_bias=True),
        replace(
            SHORT,
            optimizer="adagrad",
            clip=0.0,
            clip_value=0.5,
            summed=True,
            shuffle=False,
            trace_every=4,
            sample_every=7,
            sample_length=20,
        ),
    ),
    "awd": (
        ModelOptions(
            num_layers=2,
            hidden_size=8,
            top_size=6,
            embedding_size=6,
            tied=True,
            dropout=0.2,
            dropout_kind="variational",
            output_dropout=0.3,
            embedding_dropout=0.1,
            input_dropout=0.2,
            weight_dropout=0.5,
        ),
        replace(SHORT, optimizer="adam", schedule="constant", activation_penalty=2.0, slowness_penalty=1.0),
    ),
    "lstm-muon-linear-averaged": (
        ModelOptions(num_layers=2, hidden_size=8, dropout=0.1),
        replace(SHORT, optimizer="muon", schedule="linear", weight_decay=0.01, averaged=0.2),
    ),
    "gru-soap": (ModelOptions("gru", num_layers=1, hidden_size=8), replace(SHORT, optimizer="soap", weight_decay=0.01)),
    "lstm-ademamix": (ModelOptions(num_layers=1, hidden_size=8), replace(SHORT, optimizer="ademamix")),
    "lstm-lion": (ModelOptions(num_layers=1, hidden_size=8), replace(SHORT, optimizer="lion", lr=1e-3)),
    "lstm-schedule-free": (
        ModelOptions(num_layers=1, hidden_size=8),
        replace(SHORT, optimizer="schedule-free", schedule="constant", lr=0.02),
    ),
    "bf16-adam-early-stop": (
        ModelOptions(num_layers=2, hidden_size=8, dropout=0.1),
        replace(SHORT, optimizer="adam", schedule="constant", precision="bf16", lr=1.0, patience=2),
    ),
}


@pytest.fixture(scope="session")
def train(train):
    """Run `pretrain`, saving after each step unless told otherwise."""
    return lambda *arguments, machine=MACHINE, **options: train(*arguments, machine=machine, **options)


@settings(max_examples=6)
@given(
    name=st.sampled_from(sorted(KINDS)),
    stops=st.lists(st.integers(1, STEPS), min_size=1, max_size=3),
    save_every=st.sampled_from([0.0, 0.0, 0.01, 1e9]),
)
def test_stopped_at_any_step(train, undisturbed, tmp_path_factory, name, stops, save_every):
    model, training = KINDS[name]
    out = tmp_path_factory.mktemp("stopped") / "out"
    kind = {"model": model, "training": training, "machine": MachineOptions(save_every=save_every), "resume": True}
    for step in stops:
        try:
            train(out, **kind, monitor=At(step, stop))
        except Stop:
            assert (out / "trainer.safetensors").exists()
    train(out, **kind)
    assert left_by(out) == undisturbed(model, training)
    assert not (out / "trainer.safetensors").exists()


def test_the_kinds_of_run_differ_and_one_stops_early(undisturbed):
    left = {name: undisturbed(*kind) for name, kind in KINDS.items()}
    assert len({weights for weights, _ in left.values()}) == len(KINDS)
    assert left["bf16-adam-early-stop"][1][-1]["step"] < STEPS
    assert all(rows[-1]["step"] == STEPS for name, (_, rows) in left.items() if "early" not in name)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *zip(sorted(KINDS), [7, 1, 4, 5, 9, 13, 17, 21, 25, 3, 11, 15, 19, 23], strict=True),
        ("lstm-adamw-cosine", STEPS - 1),
    ],
)
def test_ctrl_c_leaves_a_usable_checkpoint_and_no_trace(train, undisturbed, tmp_path, song_file, name, step):
    model, training = KINDS[name]
    kind = {"model": model, "training": training}
    result = train(tmp_path / "out", **kind, monitor=At(step, press_ctrl_c))
    _, expected = undisturbed(**kind)
    assert (result.outcome, result.steps) == ("interrupted", step)
    # The weights are the best known: those of this moment, though no validation was due, or those of an earlier one.
    rows = history(tmp_path / "out")
    assert rows == expected[: len(rows)]
    assert result.loss <= min(row["validation_loss"] for row in rows)
    assert result.best_step in [step, *(row["step"] for row in rows if row["best"])]
    saved = load_checkpoint(tmp_path / "out")
    validation = Corpus.open(song_file).stream("validation", saved.tokenizer)
    assert document_losses(saved.model, validation).loss == result.loss
    card = (tmp_path / "out" / "README.md").read_text()
    assert "interrupted" in card
    assert "result" not in json.loads((tmp_path / "out" / "config.json").read_text())

    done = train(tmp_path / "out", **kind, resume=True)
    assert done.outcome in ("finished", "stopped early")
    assert left_by(tmp_path / "out") == undisturbed(**kind)


def test_ctrl_c_between_validations_keeps_what_was_learned(train, tmp_path):
    result = train(tmp_path / "out", steps=STEPS, validate_every=STEPS, monitor=At(20, press_ctrl_c))
    assert result.best_step == 20
    assert [row["step"] for row in history(tmp_path / "out")] == [0]
    assert result.loss < history(tmp_path / "out")[0]["validation_loss"]


def test_tensorboard_and_threads_may_be_asked_for_later(train, undisturbed, tmp_path, caplog):
    caplog.set_level("INFO", "epigone")
    training = KINDS["rnn-sgd-one-cycle"][1]
    with pytest.raises(Stop):
        train(tmp_path / "out", training=training, machine=replace(MACHINE, threads=1), monitor=At(12, stop))
    result = train(tmp_path / "out", training=training, display=DisplayOptions(tensorboard=True), resume=True)
    assert list((tmp_path / "out" / "tensorboard").iterdir())
    (notice,) = (notice for notice in result.notices if "--threads 1" in notice)
    assert notice in caplog.messages
    assert notice in (tmp_path / "out" / "README.md").read_text()
    assert left_by(tmp_path / "out") == undisturbed(training=training)


def test_a_second_ctrl_c_stops_at_once(train, undisturbed, tmp_path):
    def twice():
        press_ctrl_c()
        press_ctrl_c()

    training = KINDS["lstm-adamw-cosine"][1]
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "out", training=training, monitor=At(12, twice))
    train(tmp_path / "out", training=training, resume=True)
    assert left_by(tmp_path / "out") == undisturbed(training=training)


def test_a_run_that_is_killed_right_after_its_result_is_finished(train, undisturbed, tmp_path, monkeypatch):
    training, out = KINDS["rnn-sgd-one-cycle"][1], tmp_path / "out"

    def killed(path, missing_ok=False):
        if path.name == "trainer.safetensors":
            raise Stop
        unlink(path, missing_ok)

    unlink = Path.unlink
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(Stop):
            train(out, training=training)
    assert (out / "trainer.safetensors").exists()
    assert train(out, training=training, resume=True).outcome == "finished"
    assert not (out / "trainer.safetensors").exists()
    assert left_by(out) == undisturbed(training=training)


def test_the_state_of_another_run_is_refused(train, tmp_path):
    for name, seed in (("mine", 0), ("yours", 1)):
        with pytest.raises(Stop):
            train(tmp_path / name, steps=STEPS, seed=seed, monitor=At(3, stop))
    shutil.copy(tmp_path / "yours" / "trainer.safetensors", tmp_path / "mine")
    with pytest.raises(UserError, match="belongs to another run"):
        train(tmp_path / "mine", steps=STEPS, seed=0, resume=True)


def test_a_living_run_is_not_resumed_and_loses_nothing(train, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "GRACE", 0.0)
    training, out = KINDS["rnn-sgd-one-cycle"][1], tmp_path / "out"
    refused = []

    def meddle():
        for options in ({"resume": True}, {"resume": False}, {"resume": True, "seed": 7}):
            with pytest.raises(UserError) as failure:
                train(out, training=replace(training, seed=options.pop("seed", 0)), **options)
            refused.append("Another command" in str(failure.value) or "is not empty" in str(failure.value))

    train(out, training=training, monitor=At(7, meddle))
    assert refused == [True, True, True]
    assert left_by(out) == undisturbed(training=training)


def test_minutes_become_steps_once_and_the_trial_leaves_no_trace(train, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "TIMING_SECONDS", 0.05)
    totals = []

    class Note(At):
        def begin(self, run):
            totals.append(run.counters.total)

    model, training = KINDS["lstm-adamw-cosine"]
    training = replace(training, steps=None, minutes=0.004)
    with pytest.raises(Stop):
        train(tmp_path / "out", model=model, training=training, monitor=Note(1, stop))
    monkeypatch.setattr(loop, "TIMING_SECONDS", -1.0)  # a second measurement would fail
    result = train(tmp_path / "out", model=model, training=training, resume=True, monitor=Note(0, stop))
    assert totals == [result.steps, result.steps]
    assert left_by(tmp_path / "out") == undisturbed(model, replace(training, steps=result.steps, minutes=None))


@pytest.mark.parametrize("when", ["write", "fsync", "replace"])
def test_a_full_disk_keeps_the_old_files_and_the_run_goes_on_later(train, undisturbed, tmp_path, monkeypatch, when):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    class FullFile:
        """A file that takes half of its data."""

        def __init__(self, path, mode):
            self.file = open(path, mode)  # noqa: SIM115

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            full()

    def fill():
        if when == "write":
            monkeypatch.setattr(storage, "open", FullFile, raising=False)
        else:
            monkeypatch.setattr(storage.os, when, full)

    model, training = KINDS["rnn-sgd-one-cycle"]
    with pytest.raises(UserError, match=r"Could not write .*: No space left on device\. .*untouched.* free some space"):
        train(tmp_path / "out", model=model, training=training, monitor=At(17, fill))
    monkeypatch.undo()
    assert not list((tmp_path / "out").glob(".*"))
    expected = undisturbed(model, training)
    rows = history(tmp_path / "out")
    assert [row["step"] for row in rows] == [0, 5, 10, 15]
    assert rows == expected[1][:4]
    load_checkpoint(tmp_path / "out")
    train(tmp_path / "out", model=model, training=training, resume=True)
    assert left_by(tmp_path / "out") == expected


KILLS = """
# Make one run although it is killed again and again; print the number of kills of each kind.
import json, os, random, signal, sys, time
import torch
from epigone import folder_lock, storage
from epigone.models.config import ModelOptions
from epigone.text.corpus import SplitOptions
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain

text, out, model, training, seed, wanted = sys.argv[1:]
generator = random.Random(int(seed))
torch.set_num_threads(1)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class AtStep(Monitor):
    def __init__(self, steps):
        self.left = steps

    def step(self, run):
        self.left -= 1
        if self.left == 0:
            die()


def die_in_write(place, number):
    # Die in, before or after the number-th write of this process.
    open_, fsync, replace, writes = open, os.fsync, os.replace, 0

    class Half:
        def __init__(self, path, mode):
            self.file = open_(path, mode)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def fileno(self):
            return self.file.fileno()

        def flush(self):
            self.file.flush()

        def read(self, *size):
            return self.file.read(*size)

        def write(self, data):
            nonlocal writes
            writes += 1
            if writes == number and place == "half":
                self.file.write(data[: len(data) // 2])
                self.file.flush()
                die()
            self.file.write(data)

    def moved(source, target):
        if writes == number and place == "before":
            die()
        replace(source, target)
        if writes == number and place == "after":
            die()

    storage.open, os.replace = Half, moved


def attempt(kind):
    pid = os.fork()
    if pid == 0:
        try:
            monitor = AtStep(generator.randint(1, 8)) if kind == "step" else None
            if kind == "write":
                die_in_write(generator.choice(["half", "before", "after"]), generator.randint(1, 16))
            pretrain(
                text, out=out, resume=True, monitor=monitor, machine=MachineOptions(save_every=0),
                model=ModelOptions(**json.loads(model)), training=TrainingOptions(**json.loads(training)),
                split=SplitOptions((1 / 3, 1 / 3, 1 / 3)),
            )
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if kind == "time":
        time.sleep(generator.uniform(0.0, 0.3))
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


counts = {"step": 0, "write": 0, "time": 0}
while True:
    generator.random()  # a child draws from its copy of the generator, so its parent must move on
    enough = sum(counts.values()) >= int(wanted)
    kind = "" if enough else min(counts, key=counts.get)
    status = attempt(kind)
    if status == 0:
        break
    assert status == -signal.SIGKILL, status
    counts[kind] += 1
print(json.dumps(counts))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
@pytest.mark.parametrize("seed", range(len(KINDS)))
def test_kill_minus_nine_at_random_moments(undisturbed, song_file, tmp_path, seed):
    model, training = list(KINDS.values())[seed]
    training = replace(training, steps=700, validate_every=20, patience=0)
    arguments = [json.dumps(asdict(model)), json.dumps(asdict(training)), str(seed), "3"]
    command = [sys.executable, "-c", KILLS, song_file, tmp_path / "out", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    kills = json.loads(done.stdout)
    assert kills == {"step": 1, "write": 1, "time": 1}
    assert left_by(tmp_path / "out") == undisturbed(model, training)
    assert not list((tmp_path / "out").glob(".*"))
