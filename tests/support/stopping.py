"""Stopping a run at a chosen step, and what it must leave all the same."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from epigone.training import loop
from epigone.training.listeners.monitor import Monitor


class Stop(Exception):
    """The end of a run in the middle, as a defect would bring it."""


class At(Monitor):
    """Acts right after one step, before anything of that step is written."""

    def __init__(self, step, action):
        self.at, self.action = step, action

    def step(self, run):
        if run.counters.step == self.at:
            self.action()


def stop():
    raise Stop


@contextmanager
def stopped_before_save(number: int) -> Iterator[None]:
    """Stop what runs in the block right before a run in it saves its state for the `number`-th time."""
    save, saves = loop.save_state, 0

    def counted(*arguments, **options):
        nonlocal saves
        saves += 1
        if saves == number:
            raise Stop
        save(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "save_state", counted)
        with pytest.raises(Stop):
            yield


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def history(folder: Path) -> list[dict]:
    """The lines of history.jsonl without clock times."""
    rows = [json.loads(line) for line in (Path(folder) / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if not key.endswith("seconds")} for row in rows]


def left_by(folder: Path) -> tuple[bytes, list[dict]]:
    """What two runs must have in common, bit for bit."""
    files = [Path(folder) / name for name in ("model.safetensors", "trace.jsonl", "samples.jsonl")]
    return b"".join(path.read_bytes() for path in files if path.exists()), history(folder)
