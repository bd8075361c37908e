"""Kills a process with SIGKILL right before the n-th change that it makes in a folder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
"""Audit events of Python for system calls that change files; those of `os.replace` and `shutil` are among them."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before(number: int, folder: str, half: bool = False) -> None:
    """End this process before its `number`-th change in a folder, or in the middle of what it writes then."""
    count = 0

    def heed(event: str, arguments: tuple) -> None:
        nonlocal count
        if event not in CHANGES or not str(arguments[0]).startswith(folder):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        count += 1
        if count != number:
            return
        if half and event == "open":
            _break_off()
        else:
            die()

    sys.addaudithook(heed)


def _break_off() -> None:
    """Let the next write of an atomic file be half done, and the last thing that this process does."""
    from epigone import storage

    class Half:
        def __init__(self, path, mode):
            self.file = open(path, mode, buffering=0)  # noqa: SIM115

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            die()

    storage.open = lambda path, mode: (Half if "w" in mode else open)(path, mode)


def killed(call: Callable[[], object]) -> int | None:
    """Make a call in a forked process, and return its exit status, or None if it was killed."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            call()
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return None if status == -signal.SIGKILL else status


def campaign(script: str, *arguments: object) -> Any:
    """Run a script that forks and kills in a process of its own, and return the JSON that it prints."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
