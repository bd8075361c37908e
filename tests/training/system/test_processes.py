"""Fabric for a command, in one process and in two."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from stopping import left_by

from epigone.errors import UserError
from epigone.training.options import MachineOptions
from epigone.training.system.processes import agreed, average, gathered, launched, make_fabric, on_first


def test_one_process_is_the_first_and_agrees_with_itself():
    with launched(MachineOptions(device="cpu")) as fabric:
        assert (fabric.world_size, fabric.is_global_zero) == (1, True)
        assert on_first(fabric, lambda: 7) == 7
        assert [agreed(fabric, flag) for flag in (True, False)] == [True, False]
        value = torch.tensor([1.5, -0.0])
        assert average(fabric, value[0], 2 * value[0]) == [1.5, 3.0]
        everyone = gathered(fabric, value)
        assert everyone.shape == (1, 2)
        value += 1
        assert everyone.tolist() == [[1.5, 0.0]]


def test_an_error_is_passed_on():
    def fail():
        raise UserError("The disk is full.")

    fabric = make_fabric(MachineOptions(device="cpu"))
    with pytest.raises(UserError, match="disk is full"):
        on_first(fabric, fail)
    with pytest.raises(UserError, match="disk is full"), launched(MachineOptions(device="cpu")):
        fail()


def test_threads_are_set_but_no_more_than_cores(monkeypatch):
    monkeypatch.setattr("epigone.training.system.processes.cores", lambda: 2)
    for asked in (1, 2, 64):
        make_fabric(MachineOptions(device="cpu", threads=asked))
        assert torch.get_num_threads() == min(asked, 2)


def command(text, out, *options):
    shape = ["--hidden-size", "8", "--num-layers", "1", "--output-dropout", "0.2", "--patience", "0"]
    arguments = ["pretrain", text, "--out", out, "--devices", "2", "--device", "cpu", *shape, "--quiet", "--json"]
    return [sys.executable, "-m", "epigone", *map(str, [*arguments, *options])]


def run(*arguments):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300, env=environment)


@pytest.mark.slow
def test_two_processes_make_one_result(song_file, tmp_path):
    done = run(song_file, tmp_path / "a", "--epochs", "6")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)  # one object, though two processes ran
    assert result["outcome"] == "finished"
    rows = left_by(tmp_path / "a")[1]
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"] - 0.3
    assert result["loss"] == min(row["validation_loss"] for row in rows)
    again = run(song_file, tmp_path / "b", "--epochs", "6")
    assert again.returncode == 0
    assert left_by(tmp_path / "a") == left_by(tmp_path / "b")


@pytest.mark.slow
def test_two_processes_say_an_error_once(song_file, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    done = run(song_file, tmp_path, "--epochs", "1")  # found by the first process alone
    assert (done.returncode, done.stdout, done.stderr.count("is not empty")) == (2, "", 1)
    done = run(tmp_path / "missing.txt", tmp_path / "out")  # found by each
    assert (done.returncode, done.stdout, done.stderr.count("missing.txt")) == (2, "", 1)
    done = run(
        song_file,
        tmp_path / "out",
        "--optimizer",
        "sgd",
        "--lr",
        "1e38",
        "--schedule",
        "constant",
        "--summed",
        "--clip",
        "0",
    )
    assert (done.returncode, done.stdout, done.stderr.count("The loss became")) == (2, "", 1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_two_processes_are_interrupted_and_go_on_exactly(song_file, tmp_path):
    length = ["--steps", "300", "--validate-every", "10"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    parts = command(song_file, tmp_path / "parts", *length)
    lines = tmp_path / "parts" / "history.jsonl"
    with subprocess.Popen(parts, stdout=subprocess.PIPE, env=environment, text=True) as program:
        while not lines.exists() or len(lines.read_text().splitlines()) < 3:
            assert program.poll() is None
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)  # to the first process alone: the other must follow
        out, _ = program.communicate(timeout=120)
    assert program.returncode == 130
    assert json.loads(out)["outcome"] == "interrupted"
    assert run(song_file, tmp_path / "parts", *length, "--resume").returncode == 0
    assert run(song_file, tmp_path / "whole", *length).returncode == 0
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="follows a process by its parent")
@pytest.mark.parametrize("seconds", [0.5, 2, 4])
def test_no_helper_outlives_a_first_process_that_is_killed(song_file, tmp_path, seconds):
    program = subprocess.Popen(
        command(song_file, tmp_path / "out", "--steps", "100000"),
        stdout=subprocess.PIPE,  # the helper has its other end: it closes when both have ended
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    program.kill()
    program.communicate(timeout=30)
