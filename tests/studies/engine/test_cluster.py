"""Runs on a Dask cluster and by submitit: the table of local runs digit for digit, whoever dies meanwhile."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import epigone
from epigone.errors import UserError
from epigone.extensions import load
from epigone.studies.engine import cluster as module
from epigone.studies.engine.cluster import ExecutorOptions, opened
from epigone.studies.engine.store import stop_file
from epigone.studies.experiment import StudyOptions

MANY = Path(__file__).parents[2] / "support" / "many_runs.py"
LENGTH = 400  # steps of a run, which takes about a second
LIMIT = 240  # seconds, after which something hangs


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scheduler": "tcp://a:1"}, "--scheduler tcp://a:1 is for --executor dask"),
        ({"executor": "dask", "slurm": ("partition=short",)}, "--slurm partition=short is for --executor submitit"),
        ({"executor": "submitit", "slurm": ("partition",)}, "--slurm 'partition' is not of the form NAME=VALUE"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, sentence):
    with pytest.raises(UserError, match=sentence):
        ExecutorOptions(**options)


@pytest.mark.parametrize(("executor", "package"), [("dask", "distributed"), ("submitit", "submitit")])
def test_a_missing_package_is_named(monkeypatch, tmp_path, executor, package):
    monkeypatch.setitem(sys.modules, package, None)
    with (
        pytest.raises(UserError, match=f"--executor {executor} needs the package {package}"),
        opened(ExecutorOptions(executor), 1, tmp_path),
    ):
        pass


def test_a_parameter_that_slurm_does_not_know_is_refused(tmp_path):
    pytest.importorskip("submitit")
    options = ExecutorOptions("submitit", slurm=("partition=short", "colour=red"))
    with (
        pytest.raises(UserError, match="--slurm partition=short --slurm colour=red is refused"),
        opened(options, 1, tmp_path / "runs"),
    ):
        pass


def test_a_stop_file_of_a_call_before_stops_nothing(tmp_path):
    stop_file(tmp_path).touch()
    with opened(ExecutorOptions(), 1, tmp_path):
        assert not stop_file(tmp_path).exists()


def test_what_a_call_gives_or_raises_arrives(tmp_path, monkeypatch):
    def made(function, *arguments):
        future = module.Future()
        future.set_result(pickle.loads(pickle.dumps(module._call(function, arguments)))())
        return module._result(future, "The cluster")

    monkeypatch.chdir(tmp_path)
    assert made(pow, 2, 5) == 32
    assert Path(made(os.getcwd)) == tmp_path
    with pytest.raises(UserError, match="--seeds"):
        made(_refuse)
    with pytest.raises(KeyboardInterrupt):
        made(signal.raise_signal, signal.SIGINT)
    with pytest.raises(RuntimeError, match=r"a worker failed:\n(.|\n)*invalid literal"):
        made(int, "x")
    call = module._Call(str(tmp_path / "nowhere"), (), pow, (2, 5))
    assert call().kind == "refused"
    assert "start the command in a folder that all machines share" in call().value


def _refuse():
    raise UserError("--seeds is wrong.")


@pytest.fixture
def table(song_file, tmp_path, registries):
    """The rows of the study many without their seconds: made here for a number of runs, or read from a folder."""
    load(MANY)

    def rows(out):
        found = json.loads((out / "result.json").read_text())["rows"]
        return [{key: value for key, value in row.items() if key != "seconds"} for row in found]

    def make(runs):
        from many_runs import ManyOptions

        options = StudyOptions(workers=1)
        epigone.study(
            "many",
            data={"text": song_file},
            out=tmp_path / "local",
            options=options,
            grid=ManyOptions(runs, length=LENGTH),
        )
        return rows(tmp_path / "local")

    yield make, rows
    del sys.modules["many_runs"]  # so that the next test registers it again


def command(song_file, out, runs, *more):
    study = ["study", "many", "--data", f"text={song_file}", "--extension", MANY, "--runs", runs, "--out", out]
    return [sys.executable, "-m", "epigone", *map(str, (*study, *more))]


def results(out):
    return {path: path.stat().st_mtime_ns for path in out.glob("runs/*/result.json")}


def wait_for(number, out, program):
    end = time.monotonic() + LIMIT
    while len(results(out)) < number:
        assert program.poll() is None, "it ended too early"
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_workers_and_the_scheduler_are_killed_and_the_rest_is_done_locally(song_file, tmp_path, table):
    pytest.importorskip("distributed")
    make, rows = table
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, out, runs = f"tcp://127.0.0.1:{port}", tmp_path / "out", 10
    dask, quiet = [sys.executable, "-m", "dask"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    begun = []

    def start(*words):
        begun.append(subprocess.Popen([*dask, *words, "--no-dashboard"], cwd=tmp_path, **quiet))
        return begun[-1]

    def worker():
        return start("worker", address, "--nthreads", "1", "--no-nanny")

    try:
        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        victim, _ = worker(), worker()
        call = command(song_file, out, runs, "--executor", "dask", "--scheduler", address, "--length", LENGTH)
        program = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        begun.append(program)
        for number in (1, 3):
            wait_for(number, out, program)
            victim.kill()
            victim.wait()
            victim = worker()
        wait_for(5, out, program)
        scheduler.kill()
        _, said = program.communicate(timeout=LIMIT)
        assert program.returncode == 2
        assert "Error: The Dask cluster" in said
        assert "Traceback" not in said
        for each in begun[1:]:
            each.wait(LIMIT)  # workers end with their scheduler
    finally:
        for each in begun:
            each.kill()
            each.wait()
    before = results(out)
    assert 5 <= len(before) < runs
    resumed = subprocess.run(
        command(song_file, out, runs, "--workers", 1, "--length", LENGTH, "--resume"), capture_output=True, check=False
    )
    assert resumed.returncode == 0, resumed.stderr
    after = results(out)
    assert len(after) == runs
    assert all(after[path] == before[path] for path in before)  # nothing is done twice
    assert rows(out) == make(runs)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals to a group")
def test_ctrl_c_saves_the_runs_of_local_workers_and_submitit_goes_on(song_file, tmp_path, table):
    pytest.importorskip("distributed")
    pytest.importorskip("submitit")
    make, rows = table
    out, runs = tmp_path / "out", 4
    call = command(song_file, out, runs, "--executor", "dask", "--workers", 2, "--length", LENGTH)
    program = subprocess.Popen(
        call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for(1, out, program)
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does
    _, said = program.communicate(timeout=LIMIT)
    assert program.returncode == 130
    assert "Traceback" not in said
    assert "Stopped; the same command with --resume goes on." in said
    assert stop_file(out / "runs").exists()
    before = results(out)
    more = ("--executor", "submitit", "--workers", 2, "--length", LENGTH, "--resume")
    resumed = subprocess.run(command(song_file, out, runs, *more), capture_output=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert {path: results(out)[path] for path in before} == before
    assert not (out / "submitit").exists()
    assert not stop_file(out / "runs").exists()
    assert rows(out) == make(runs)
