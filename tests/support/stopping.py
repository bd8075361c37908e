"""Stopping a run at a chosen step, and what it must leave all the same."""

import json
import signal
from pathlib import Path

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
