"""Progress in a notebook: a bar and the last validations or runs, in one output that is updated in place."""

import importlib
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from epigone.markup import one_line
from epigone.training.listeners.base import Run
from epigone.training.listeners.monitor import Monitor

PAUSE = 0.25  # seconds between updates of the bar
LINES = 12  # of the last validations or runs


def in_notebook() -> bool:
    """Tell if this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


class NotebookMonitor(Monitor):
    """Shows a bar while a run goes on, and keeps the lines of its last validations."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.handle: Any = None
        self.drawn = 0.0
        self.bar = ""

    def begin(self, run: Run) -> None:
        self._progress("training", run.counters.step, run.counters.total)

    def step(self, run: Run) -> None:
        if time.monotonic() - self.drawn >= PAUSE:
            facts = f"loss {run.mean_loss:.3f}, {run.characters_per_second:,.0f} characters/s"
            self._progress("training", run.counters.step, run.counters.total, facts)

    def validation(self, run: Run, row: dict[str, Any]) -> None:
        train = "" if row["train_loss"] is None else f"train {row['train_loss']:.4f}  "
        mark = "  (best)" if row["best"] else ""
        self.line(f"epoch {row['epoch']:6.2f}  {train}validation {row['validation_loss']:.4f}{mark}")

    def sample(self, row: Mapping[str, Any]) -> None:
        self.line(f"epoch {row['epoch']:6.2f}  smoothed {row['smoothed_loss']:.4f}  sample:")
        for line in filter(str.strip, row["text"].splitlines()):
            self.line(f"    {line}")

    def jobs(self, title: str, total: int, under_way: Callable[[], Sequence[str]] = tuple) -> None:
        self.title, self.total, self.done = title, total, 0
        self._progress(title, 0, total)

    def job(self, name: str, loss: float) -> None:
        self.done += 1
        outcome = f"validation {loss:.4f}" if math.isfinite(loss) else "diverged"
        self._progress(self.title, self.done, self.total)
        self.line(f"{self.title} {self.done}/{self.total}  {outcome}  {name}")

    def count(self, done: int, total: int) -> None:
        """Show how much of a number is done."""
        if done == total:
            self.end()
        elif time.monotonic() - self.drawn >= PAUSE:
            self._progress("checking", done, total)

    def end(self) -> None:
        self.bar = ""
        if self.handle is not None:
            self._draw()

    def _progress(self, name: str, done: int, total: int, facts: str = "") -> None:
        self.bar = (
            f'<div>{escape(one_line(name))} <progress value="{done}" max="{max(1, total)}"></progress> '
            f"{done:,} of {total:,} {escape(facts)}</div>"
        )
        self._draw()

    def line(self, text: str) -> None:
        self.lines = [*self.lines, one_line(text)][-LINES:]
        self._draw()

    def _draw(self) -> None:
        display = importlib.import_module("IPython.display")
        page = display.HTML(
            f"{self.bar}<pre style='font-family:monospace;white-space:pre'>{escape(chr(10).join(self.lines))}</pre>"
        )
        self.drawn = time.monotonic()
        if self.handle is None:
            self.handle = display.display(page, display_id=True)
        else:
            self.handle.update(page)
