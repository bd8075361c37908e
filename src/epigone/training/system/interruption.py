"""Ctrl-C: the first asks a run to stop after its step, the second stops it at once. Another process may ask too."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_elsewhere: Callable[[], bool] = bool  # true if the process that this one works for asks; bool() is False


def listen_to(elsewhere: Callable[[], bool]) -> None:
    """Let a function stop the runs of this process: it is called at every step and returns True to stop."""
    global _elsewhere
    _elsewhere = elsewhere


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C into a flag within the block, which the yielded function reads; a second raises KeyboardInterrupt."""
    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not the main thread, which alone gets signals
        yield lambda: False
        return
    try:
        yield lambda: asked or _elsewhere()
    finally:
        signal.signal(signal.SIGINT, before)
