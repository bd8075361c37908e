"""Ctrl-C: the first asks a run to finish its step, the second insists. Another process may ask too."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_elsewhere: Callable[[], bool] = bool  # whether the process that this one works for asks; bool() is False


def listen_to(elsewhere: Callable[[], bool]) -> None:
    """From now on a run in this process ends too when this says so: it is asked at every step."""
    global _elsewhere
    _elsewhere = elsewhere


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Within the block Ctrl-C only sets a flag, which the function tells; a second one raises KeyboardInterrupt."""
    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not the main thread: interruption is somebody else's concern
        yield lambda: False
        return
    try:
        yield lambda: asked or _elsewhere()
    finally:
        signal.signal(signal.SIGINT, before)
