"""Whole runs on every core: the same results in one process or in several, and no workers left behind."""

import logging
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from epigone.errors import UserError
from epigone.studies.engine.executor import executor
from epigone.training.system.interruption import TERMINATIONS


@pytest.fixture(scope="module")
def pool():
    with executor(2) as found:
        yield found


def test_results_come_in_the_order_of_the_calls(pool):
    told = {}
    with executor(1) as here:
        for used in (pool, here):
            assert used.map(pow, [(2, n) for n in range(8)], told.__setitem__) == [2**n for n in range(8)]
            assert told == {n: 2**n for n in range(8)}
            told.clear()


def test_submitted_calls_are_made_once(pool):
    assert pool.submit(pow, 3, 2)() == 9
    made = []
    with executor(1) as here:
        wait = here.submit(made.append, 1)
        assert made == []  # nothing runs before it is waited for
        wait()
        wait()
    assert made == [1]


def test_errors_of_calls_arrive(pool):
    with executor(1) as here:
        for used in (pool, here):
            with pytest.raises(ValueError, match="invalid literal"):
                used.map(int, [("1",), ("x",)])
            with pytest.raises(ValueError, match="invalid literal"):
                used.submit(int, "x")()


def test_workers_are_other_processes_with_one_thread_that_are_deaf_to_ctrl_c(pool):
    assert os.getpid() not in pool.map(os.getpid, [(), ()])
    assert pool.map(torch.get_num_threads, [()]) == [1]
    pool.map(signal.raise_signal, [(signal.SIGINT,)])  # would be a KeyboardInterrupt


def test_a_single_worker_is_this_process_silent_and_with_one_thread():
    log = logging.getLogger("epigone")
    torch.set_num_threads(2)
    level = log.level
    with executor(1) as here:
        assert here.map(os.getpid, [()]) == [os.getpid()]
        assert torch.get_num_threads() == 1
        assert not log.isEnabledFor(logging.INFO)
    assert torch.get_num_threads() == 2
    assert log.level == level


@pytest.mark.slow
def test_a_worker_that_is_killed_is_a_sentence():
    with executor(2) as used, pytest.raises(UserError, match="worker process was killed"):
        used.map(os._exit, [(1,)])


INTERRUPTED = """
import sys, time
from pathlib import Path
from epigone.studies.engine.executor import executor
def call(number):
    Path(sys.argv[1], str(number)).touch()
    time.sleep(float(sys.argv[2]))
if __name__ == "__main__":
    with executor(2) as pool:
        pool.map(call, [(number,) for number in range(10)])
"""


def interrupted(folder, seconds):
    """Start ten calls of so many seconds, each of which leaves a file in `begun`, and press Ctrl-C in the first."""
    begun = folder / "begun"
    begun.mkdir()
    (folder / "script.py").write_text(INTERRUPTED)
    command = [sys.executable, folder / "script.py", begun, str(seconds)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while len(list(begun.iterdir())) < 2:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    return process


@pytest.mark.slow
def test_no_call_begins_after_ctrl_c(tmp_path):
    _, said = interrupted(tmp_path, seconds=1).communicate()
    assert len(list((tmp_path / "begun").iterdir())) == 2
    assert said.count("Traceback") == 1  # that of the script, which catches nothing


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(tmp_path):
    process = interrupted(tmp_path, seconds=600)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("a second Ctrl-C was not heard")


TRAINING = """
import sys, time
from pathlib import Path
from epigone.studies.engine.executor import executor
from epigone.training.system.interruption import interruptions
def call(number):
    with interruptions() as asked:
        Path(sys.argv[1], str(number)).touch()
        while not asked():
            time.sleep(0.01)
    Path(sys.argv[1], f"{number} saved").touch()
    raise KeyboardInterrupt
if __name__ == "__main__":
    with executor(2) as pool:
        pool.map(call, [(number,) for number in range(10)])
"""


@pytest.mark.slow
@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", TERMINATIONS)
def test_workers_save_and_stop_at_a_termination(tmp_path, number, send):
    script = TRAINING.replace('__main__":\n', '__main__":\n    heed_terminations()\n')
    (tmp_path / "script.py").write_text(
        script.replace("import interruptions", "import heed_terminations, interruptions")
    )
    (begun := tmp_path / "begun").mkdir()
    process = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", begun], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while len(list(begun.iterdir())) < 2:
        time.sleep(0.01)
    send(process.pid, number)
    _, said = process.communicate(timeout=60)  # the pipe closes when the workers have ended too
    assert {path.name for path in begun.iterdir()} == {"0", "0 saved", "1", "1 saved"}
    assert said.count("Traceback") == 1  # that of the script, which catches nothing
    assert said.endswith("Terminated\n")


@pytest.mark.slow
def test_workers_save_and_stop_when_only_their_parent_is_interrupted(tmp_path):
    (tmp_path / "script.py").write_text(TRAINING)
    (begun := tmp_path / "begun").mkdir()
    command = [sys.executable, tmp_path / "script.py", begun]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while len(list(begun.iterdir())) < 2:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("the workers were not told")
    assert len(list(begun.glob("* saved"))) == 2


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed():
    script = (
        "import os, time\n"
        "from epigone.studies.engine.executor import executor\n"
        "if __name__ == '__main__':\n"
        "    with executor(2) as pool:\n"
        "        print(pool.submit(os.getpid)(), flush=True)\n"
        "        pool.map(time.sleep, [(600,), (600,)])\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    try:
        parent.communicate(timeout=60)  # the workers hold the other end: it is closed when the last of them ends
    except subprocess.TimeoutExpired:
        os.kill(worker, signal.SIGKILL)
        pytest.fail("the workers outlived their parent")
