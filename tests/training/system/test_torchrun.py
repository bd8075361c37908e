"""A training whose processes torchrun starts, on one machine and as if on two."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache

import pytest
from stopping import history, left_by

from epigone.errors import UserError
from epigone.training.options import MachineOptions
from epigone.training.system import interruption
from epigone.training.system.processes import make_fabric

SHAPE = ("--hidden-size", 8, "--num-layers", 1, "--patience", 0, "--validate-every", 10, "--json")
LENGTH = ("--steps", 60, "--output-dropout", 0.2, "--save-every", 0)
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
LIMIT = 600  # seconds, after which something hangs


def command(*arguments, launch=("--nproc-per-node", 2)):
    return [sys.executable, "-m", "torch.distributed.run", *map(str, (*launch, "-m", "epigone", *arguments))]


def run(*arguments, **options):
    call = command(*arguments, **options)
    return subprocess.run(call, capture_output=True, text=True, timeout=LIMIT, env=ENVIRONMENT, check=False)


def ours(stderr):
    """The lines of our own program among those of PyTorch: torchrun reports a failure with a stack trace of its own."""
    assert "epigone/" not in stderr.replace("\\", "/"), stderr  # no stack trace of ours
    lines = stderr.split("Traceback")[0].splitlines()
    return [line for line in lines if line.strip() and not re.match(r"\[?[WE]\d{4} |\[rank", line)]


@pytest.fixture
def as_torchrun(monkeypatch):
    """Set the environment of one of several processes."""

    def pretend(rank, processes, here=None):
        values = {"RANK": rank, "WORLD_SIZE": processes, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": here or processes}
        for name, value in (values | {"TORCHELASTIC_RUN_ID": "none"}).items():
            monkeypatch.setenv(name, str(value))

    return pretend


@pytest.mark.parametrize(("started", "asked"), [(2, 3), (2, 1), (1, 2)])
def test_another_number_of_devices_is_refused(as_torchrun, started, asked):
    as_torchrun(0, started)
    with pytest.raises(UserError, match=rf"started {started} processes, and --devices {asked} .*--nproc-per-node"):
        make_fabric(MachineOptions(device="cpu", devices=asked))


def test_machines_with_different_numbers_of_processes_are_refused(as_torchrun):
    as_torchrun(0, 3, here=2)
    with pytest.raises(UserError, match="started 2 of 3 processes on this machine"):
        make_fabric(MachineOptions(device="cpu"))


@pytest.mark.parametrize("asked", [None, 1])
def test_one_process_trains_alone(as_torchrun, asked):
    as_torchrun(0, 1)
    assert make_fabric(MachineOptions(device="cpu", devices=asked)).world_size == 1


@pytest.mark.parametrize("name", ["evaluate", "generate", "compare", "classify", "study", "info"])
def test_a_command_that_shares_no_batches_is_refused(as_torchrun, cli, monkeypatch, name):
    as_torchrun(0, 2)
    done = cli(name, "model", "songs.txt")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"Error: torchrun started 2 processes, but {name} uses only one; run it without torchrun.\n"
    as_torchrun(0, 1)
    assert "torchrun" not in cli(name, "model", "songs.txt").err


def test_a_helper_leaves_an_error_to_the_first_process_or_reports_it_after_a_moment(as_torchrun, cli, monkeypatch):
    as_torchrun(1, 2)
    monkeypatch.setattr(interruption, "MOMENT", 0.0)
    assert "run it without torchrun" in cli("generate", "model").err
    assert "sideways" in cli("pretrain", "songs.txt", "--out", "new", "--direction", "sideways").err

    def terminated(seconds):
        raise interruption.Terminated

    monkeypatch.setattr(interruption.time, "sleep", terminated)
    assert cli("generate", "model") == (0, "", "")
    assert cli("pretrain", "songs.txt", "--out", "new", "--direction", "sideways") == (0, "", "")


@pytest.fixture(scope="module")
def whole(song_file, tmp_path_factory):
    """Undisturbed runs by the number of their processes; each is made once."""

    @cache
    def make(processes):
        out = tmp_path_factory.mktemp("whole") / "out"
        done = run("pretrain", song_file, "--out", out, *SHAPE, *LENGTH, launch=("--nproc-per-node", processes))
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)  # one object, though several processes ran
        assert (result["outcome"], result["steps"]) == ("finished", 60)
        assert json.loads((out / "config.json").read_text())["machine"]["devices"] == processes
        assert sum(line.startswith("epoch") for line in ours(done.stderr)) == len(history(out))
        return out

    return make


@pytest.mark.slow
def test_two_processes_equal_one_with_the_same_batches(song_file, tmp_path, cli):
    batch = ("--batch-size", 4, "--sequence-length", 32)
    length = ("--steps", 40, "--lr", 0.01, "--trace-every", 5, *batch)
    assert cli("pretrain", song_file, "--out", tmp_path / "one", *SHAPE, *length).status == 0
    done = run("pretrain", song_file, "--out", tmp_path / "two", *SHAPE, *length)
    assert done.returncode == 0, done.stderr
    retrained = ("--train", "layers.0", "--lr", 0.01, "--epochs", 1, "--json", *batch)
    assert cli("finetune", tmp_path / "one", song_file, "--out", tmp_path / "one-2", *retrained).status == 0
    done = run("finetune", tmp_path / "one", song_file, "--out", tmp_path / "two-2", *retrained)
    assert done.returncode == 0, done.stderr
    for one, two in (("one", "two"), ("one-2", "two-2")):
        expected, found = ([row["validation_loss"] for row in history(tmp_path / name)] for name in (one, two))
        assert expected[-1] < expected[0] - 0.01
        assert found == pytest.approx(expected, rel=1e-5)
    files = [tmp_path / name / "trace.jsonl" for name in ("one", "two")]
    rows = [[json.loads(line) for line in path.read_text().splitlines()] for path in files]
    for row, other in zip(*rows, strict=True):
        assert row == pytest.approx(other, rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize(("processes", "ended"), [(3, "first process"), (2, "second process"), (2, "torchrun")])
def test_a_run_that_is_ended_anywhere_goes_on_exactly(song_file, tmp_path, whole, processes, ended, children, cli):
    launch = ("--nproc-per-node", processes)
    call = ("pretrain", song_file, "--out", tmp_path / "parts", *SHAPE, *LENGTH)
    lines = tmp_path / "parts" / "history.jsonl"
    with subprocess.Popen(
        command(*call, launch=launch), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
    ) as program:
        while not lines.exists() or len(lines.read_text().splitlines()) < 3:
            assert program.poll() is None
            time.sleep(0.01)
        if ended == "torchrun":
            program.send_signal(signal.SIGTERM)
        else:
            os.kill(children(program.pid)[int(ended == "second process")], signal.SIGKILL)
        out, err = program.communicate(timeout=LIMIT)
    assert program.returncode == 1
    said = [line for line in ours(err) if not line.startswith(("epoch", "Learning"))]
    assert len(lines.read_text().splitlines()) < len(history(whole(processes)))
    if ended == "torchrun":
        assert (json.loads(out)["outcome"], said) == ("interrupted", [])
    else:
        assert out == ""
        stopped = ["Stopped."] if ended == "second process" else []  # torchrun ends the first, which speaks
        assert [line for line in said if "--resume goes on" not in line and line not in stopped] == []
    alone = cli(*call, "--resume")
    assert alone.status == 2
    assert f"with {processes} processes; go on with as many, not 1" in alone.err
    done = run(*call, "--resume", launch=launch)
    assert done.returncode == 0, done.stderr
    assert left_by(tmp_path / "parts") == left_by(whole(processes))


@pytest.fixture
def children():
    """The numbers of the processes that a process started, by rank."""

    def find(parent):
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return sorted(process for process, its_parent in pairs if its_parent == parent)

    return find


@pytest.mark.slow
def test_an_error_that_all_processes_find_is_said_once(song_file, tmp_path):
    done = run("pretrain", tmp_path / "missing.txt", "--out", tmp_path / "out", *SHAPE)
    (line,) = ours(done.stderr)
    assert "missing.txt" in line
    assert (done.returncode, done.stdout) == (1, "")


@pytest.fixture
def two_machines(song_file, tmp_path):
    """Run a command on two machines, each of which is a folder here with a text and one process."""

    def call(first, second, *arguments):
        programs = []
        for rank, text in enumerate((first, second)):
            place = tmp_path / str(rank)
            place.mkdir()
            if text is not None:
                shutil.copy(text, place / "songs.txt")
            launch = ("--nnodes", 2, "--node-rank", rank, "--nproc-per-node", 1)
            launch += ("--master-addr", "127.0.0.1", "--master-port", 29533)
            programs.append(
                subprocess.Popen(
                    command("pretrain", "songs.txt", "--out", "out", *arguments, launch=launch),
                    cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True,
                )
            )  # fmt: skip
        said = [program.communicate(timeout=LIMIT) for program in programs]
        return [(program.returncode, *each) for program, each in zip(programs, said, strict=True)]

    return call


@pytest.mark.slow
def test_two_machines_make_the_run_of_two_processes_in_the_folder_of_the_first(
    song_file, tmp_path, whole, two_machines
):
    (first, out, err), (second, other, _) = two_machines(song_file, song_file, *SHAPE, *LENGTH)
    assert (first, second) == (0, 0), err
    assert json.loads(out)["outcome"] == "finished"
    assert other == ""
    assert left_by(tmp_path / "0" / "out") == left_by(whole(2))
    assert not (tmp_path / "1" / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["other", "missing"])
def test_machines_with_different_texts_are_refused(song_file, tmp_path, two_machines, text):
    other = tmp_path / "other.txt"
    other.write_text(song_file.read_text().replace("river", "brook"))
    found = two_machines(song_file, other if text == "other" else None, *SHAPE, *LENGTH)
    assert [status for status, *_ in found] == [1, 1]
    (_, _, err), (_, _, others) = found
    if text == "other":
        assert "Give every machine the same files" in " ".join(ours(err))
    else:
        assert "songs.txt" in " ".join(ours(others))
        assert "has ended or cannot be reached" in " ".join(ours(err))
