"""One worker does a run: the others wait, take it over from a dead one, and leave it alone if it only slept."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from epigone.studies.engine import lease
from epigone.studies.engine.lease import is_held, leased
from epigone.studies.engine.store import folder_of, run_job, stop_file
from epigone.training.system.interruption import interruptions


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for name, seconds in (("BEAT", 0.02), ("LEASE", 0.4), ("POLL", 0.01)):
        monkeypatch.setattr(lease, name, seconds)


@dataclass(frozen=True)
class Run:
    """A run that does what it is told."""

    does: Any

    def settings(self):
        return {}

    def compute(self, folder):
        self.does(folder)
        return {"splits": {}, "seconds": 1.0}


def never():
    return False


def elsewhere(count=0):
    """The file of a holder on another machine."""
    return json.dumps({"count": count, "place": "another machine", "process": 1}).encode()


def test_one_of_many_workers_at_a_time(tmp_path):
    inside, most, done = [], [], threading.Event()

    def work():
        for _ in range(5):
            with leased(tmp_path, done.is_set, never):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == [1] * 30
    done.set()
    with leased(tmp_path, done.is_set, never):
        assert is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []  # of a finished run nothing is left


def test_a_run_is_done_once_and_others_get_its_result(tmp_path):
    made, begun = [], threading.Event()

    def slowly(folder):
        made.append(folder)
        begun.set()
        time.sleep(0.6)  # longer than a lease, which its holder keeps by counting on

    run, found = Run(slowly), []
    other = threading.Thread(target=lambda: found.append(run_job(run, tmp_path)))
    other.start()
    begun.wait()
    found.append(run_job(run, tmp_path))
    other.join()
    assert len(made) == 1
    assert found[0] == found[1]
    assert [path.name for path in made[0].glob(".*")] == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a dead process is only watched")
def test_a_process_that_died_here_is_followed_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LEASE", 600.0)
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom epigone.studies.engine.lease import leased\n"
        "with leased(Path(sys.argv[1]), bool, bool):\n    os._exit(1)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, tmp_path], check=False).returncode == 1
    assert (tmp_path / ".lease-1").read_bytes() != lease.FREE
    with leased(tmp_path, never, never):
        assert is_held(tmp_path)
    assert (tmp_path / ".lease-2").read_bytes() == lease.FREE


def test_a_holder_elsewhere_keeps_its_lease_while_it_counts(tmp_path):
    file, counted = tmp_path / ".lease-7", 40
    file.write_bytes(elsewhere())

    def count():
        for number in range(counted):
            file.write_bytes(elsewhere(number))
            time.sleep(0.03)

    holder, begin = threading.Thread(target=count), time.monotonic()
    holder.start()
    with leased(tmp_path, never, never):
        assert not holder.is_alive()
        assert time.monotonic() - begin > counted * 0.03
        assert (tmp_path / ".lease-8").exists()
    holder.join()


def test_a_holder_that_slept_gives_up_and_takes_the_others_result(tmp_path):
    def overtaken(folder):
        (folder / ".lease-2").write_bytes(elsewhere())
        with interruptions() as asked:
            while not asked():
                time.sleep(0.01)
        raise AssertionError("it was told to save into a folder that is another's")

    run, folder = Run(overtaken), folder_of(Run(None), tmp_path)

    def finish():
        while not (folder / ".lease-2").exists():
            time.sleep(0.01)
        time.sleep(0.1)
        (folder / "result.json").write_text('{"splits": {}, "seconds": 5.0}')
        (folder / ".lease-2").unlink()

    other = threading.Thread(target=finish)
    other.start()
    assert run_job(run, tmp_path).seconds == 5.0
    other.join()


def test_a_run_that_was_taken_over_writes_no_result(tmp_path):
    calls = []

    def overtaken_once(folder):
        assert not (folder / "result.json").exists()
        calls.append(folder)
        if len(calls) == 1:
            (folder / ".lease-2").write_bytes(elsewhere())  # who dies at once
            time.sleep(0.2)

    assert run_job(Run(overtaken_once), tmp_path).seconds == 1.0
    assert len(calls) == 2


def test_the_stop_file_ends_a_run_at_its_next_step_and_lets_no_other_begin(tmp_path):
    saved = []

    def until_asked(folder):
        stop_file(tmp_path).touch()
        with interruptions() as asked:
            while not asked():
                time.sleep(0.01)
        saved.append(folder)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_job(Run(until_asked), tmp_path)
    assert len(saved) == 1
    assert not is_held(saved[0])
    stop_file(tmp_path).unlink()
    assert run_job(Run(saved.append), tmp_path).seconds == 1.0


def test_an_error_frees_the_run(tmp_path):
    def fail(folder):
        raise ValueError("a bug")

    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            run_job(Run(fail), tmp_path)
    assert not is_held(folder_of(Run(fail), tmp_path))


def test_the_function_tells_who_lost_the_lease(tmp_path):
    with leased(tmp_path, never, never) as held:
        assert held()
        (tmp_path / ".lease-2").write_bytes(elsewhere())
        while held():
            time.sleep(0.01)
    assert (tmp_path / ".lease-2").read_bytes() == elsewhere()  # another's is left alone
