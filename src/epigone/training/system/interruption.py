"""Requests to stop: Ctrl-C, and SIGTERM and SIGHUP, which Slurm and a closed terminal send.

The first asks a run to stop after its step; a second Ctrl-C stops it at once. Another process may ask too.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from epigone.machine import torchrun_processes

TERMINATIONS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

# True if the process that this one works for asks, or whoever else may; bool() is False. A thread has its own.
_elsewhere: ContextVar[Callable[[], bool]] = ContextVar("_elsewhere", default=bool)
_terminated = 0  # the number of the first SIGTERM or SIGHUP; both may come, and the second is no further wish


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP."""


MOMENT = 20.0  # seconds in which the first process reports an error that all processes find


def heed_terminations() -> None:
    """Let SIGTERM and SIGHUP do in this process what Ctrl-C does; one that is ignored, as under nohup, stays ignored.

    It is for programs: in a caller's own, these signals do what the caller decides.
    """
    global _terminated
    _terminated = 0
    for number in TERMINATIONS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)


def exit_status() -> int:
    """The exit status of a program that was stopped, as shells report it: 128 and the number of the signal."""
    return 128 + (_terminated or signal.SIGINT)


def first_reports() -> bool:
    """Wait in a helper with an error; return True if the first process ends the command, since it has the error too.

    torchrun sends SIGTERM to all processes after the first that failed. An error that one process alone finds, as on a
    machine without the text, is its own to report; those of --devices are on one machine and find the same.
    """
    if not torchrun_processes():
        return True
    try:
        time.sleep(0.0 if _terminated else MOMENT)
    except Terminated:
        return True
    return bool(_terminated)


def _terminate(number: int, frame: Any) -> None:
    global _terminated
    if not _terminated:
        _terminated = number
        raise Terminated


def listen_to(elsewhere: Callable[[], bool]) -> None:
    """Let a function stop the runs of this thread: it is called at every step and returns True to stop."""
    _elsewhere.set(elsewhere)


@contextmanager
def stopped_by(asks: Callable[[], bool]) -> Iterator[None]:
    """Let a function stop the runs of this thread within the block, beside what `listen_to` was given."""
    before = _elsewhere.get()
    token = _elsewhere.set(lambda: asks() or before())
    try:
        yield
    finally:
        _elsewhere.reset(token)


@contextmanager
def limited(seconds: float) -> Iterator[Callable[[], bool]]:
    """Stop the runs of this process after some seconds within the block.

    The yielded function tells if that is why a run was stopped. What `listen_to` was given still stops runs.
    """
    before, end = _elsewhere.get(), time.monotonic() + seconds
    stopped = False

    def over() -> bool:
        nonlocal stopped
        stopped = stopped or time.monotonic() >= end
        return stopped

    with stopped_by(over):
        yield lambda: stopped and not before()


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Turn signals into a flag within the block, which the yielded function reads.

    They are Ctrl-C, and those of `heed_terminations`. A second Ctrl-C raises KeyboardInterrupt.
    """
    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        global _terminated
        if number in TERMINATIONS:
            _terminated = _terminated or number
        elif asked:
            raise KeyboardInterrupt
        asked = True

    handled = [signal.SIGINT, *(number for number in TERMINATIONS if signal.getsignal(number) is _terminate)]
    try:
        before = {number: signal.signal(number, handle) for number in handled}
    except ValueError:  # not the main thread, which alone gets signals
        yield lambda: _elsewhere.get()()
        return
    try:
        yield lambda: asked or _elsewhere.get()()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
