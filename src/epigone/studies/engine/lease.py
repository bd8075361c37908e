"""The lease of a run in a shared folder: one worker at a time does it, and another takes it over if that one died.

A lease is a file `.lease-N` that its holder makes, which succeeds for one worker only, and in which it counts on.
Others watch the count by their own clock: the clocks of two machines are never compared. Who takes a lease over makes
the next number, so a holder that was only asleep finds the higher number and gives up.
"""

import json
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from time import monotonic, sleep

BEAT = 5.0  # seconds between two counts of a holder
LEASE = 60.0  # seconds without a new count after which a holder is dead
POLL = 0.2  # seconds between two looks of one who waits
FREE = b"free"
_NAME = ".lease-"


class LeaseLost(Exception):
    """Another worker took the run over, because this one was asleep for too long."""


@contextmanager
def leased(folder: Path, done: Callable[[], bool], asked: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """Hold the lease of a run within the block, after waiting for whoever holds it.

    Args:
        folder: the folder of the run, which exists.
        done: tells if the run is finished, so that no lease is needed any more.
        asked: tells a waiting worker to stop.

    Yields:
        A function that returns True while this worker holds the lease.

    Raises:
        KeyboardInterrupt: the worker was told to stop while it waited.
    """
    number = _acquire(folder, asked)
    over, lost = threading.Event(), threading.Event()
    beating = threading.Thread(target=_beat, args=(folder, number, over, lost), daemon=True)
    beating.start()
    try:
        yield lambda: not lost.is_set()
    finally:
        over.set()
        beating.join()
        with suppress(OSError):  # a folder that was deleted meanwhile
            if done():
                for each in range(1, number + 1):
                    _file(folder, each).unlink(missing_ok=True)
            elif _newest(folder)[0] == number:
                _write(_file(folder, number), FREE)


def is_held(folder: Path) -> bool:
    """Tell if a worker does the run of a folder, as far as that can be told at once."""
    number, content = _newest(folder)
    return bool(number) and content != FREE and not _died_here(content)


def _acquire(folder: Path, asked: Callable[[], bool]) -> int:
    """Take the lease as soon as nobody holds it, and return its number."""
    watched, since = (0, b""), monotonic()
    while True:
        number, _ = found = _newest(folder)
        if found != watched:
            watched, since = found, monotonic()
        dead = monotonic() - since > LEASE
        if (dead or not is_held(folder)) and _make(folder, number + 1):
            return number + 1
        if asked():
            raise KeyboardInterrupt
        sleep(POLL)


def _beat(folder: Path, number: int, over: threading.Event, lost: threading.Event) -> None:
    """Count on in the file of a lease, until it is over or was taken over."""
    count = 0
    while not over.wait(BEAT):
        count += 1
        with suppress(OSError):  # a full disk or a server that is away for a moment
            if _newest(folder)[0] != number:
                lost.set()
                return
            _write(_file(folder, number), _signed(count))


def _file(folder: Path, number: int) -> Path:
    return folder / f"{_NAME}{number}"


def _newest(folder: Path) -> tuple[int, bytes]:
    """The highest number of a lease and what its file holds; 0 if there is none."""
    numbers = [int(end) for path in folder.glob(f"{_NAME}*") if (end := path.name.removeprefix(_NAME)).isdecimal()]
    number = max(numbers, default=0)
    try:
        return number, _file(folder, number).read_bytes() if number else b""
    except FileNotFoundError:  # its run has just ended
        return 0, b""


def _make(folder: Path, number: int) -> bool:
    """Make the file of a lease, which succeeds for one worker only, also over NFS."""
    try:
        handle = os.open(_file(folder, number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with open(handle, "wb") as file:
        file.write(_signed(0))
    return True


def _write(path: Path, data: bytes) -> None:
    """Write into a file that exists; what is read meanwhile may be torn, which is only another content."""
    with open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(data)


def _signed(count: int) -> bytes:
    return json.dumps({"count": count, "host": platform.node(), "place": _place(), "process": os.getpid()}).encode()


def _died_here(content: bytes) -> bool:
    """Tell if the holder was a process of this machine that has ended; another machine's is only watched."""
    try:
        found = json.loads(content)
        if not _place() or found["place"] != _place():
            return False
        os.kill(int(found["process"]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, TypeError, LookupError, OSError):
        pass
    return False


@cache
def _place() -> str:
    """Where numbers of processes mean the same: this start of this machine, in this container; empty if unknown."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
