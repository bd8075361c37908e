"""Progress in the terminal: bars, lines and curves."""

import math
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from epigone.app.notebook import NotebookMonitor, in_notebook
from epigone.app.terminal import SteadyConsole
from epigone.errors import UserError
from epigone.machine import is_helper
from epigone.markup import one_line
from epigone.report.numbers import duration
from epigone.text.document import counted
from epigone.training.listeners.base import Run
from epigone.training.listeners.monitor import Monitor

LOOK_ON_TERMINAL, LOOK_ELSEWHERE = 1.0, 300.0  # seconds between looks at the runs under way
AT_ONCE = 0.5  # seconds; only a run that was finished before comes sooner
WIDEST, CURVE_LINES = 120, 16  # of curves in the terminal, in characters
ENOUGH = 3  # runs before the time left is estimated
STEPS_FIRST, SECONDS_FIRST, LONG = 10, 10.0, 60.0  # steps and seconds before an estimate; seconds that need one
SAMPLE_LINES = 8  # that are shown of a sample


class ConsoleMonitor(Monitor):
    """Prints a line for each validation or run on standard error, and on a terminal a bar with what is under way."""

    plans = True

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or SteadyConsole(stderr=True)
        self.live: Live | None = None
        self.drawing = False
        self.history: Sequence[dict[str, Any]] = ()
        self.over = threading.Event()
        self.planned: list[tuple[str, int, float]] = []
        self.expected = 0.0

    def begin(self, run: Run) -> None:
        self.estimated = False
        if self.console.is_terminal:
            self._show_bar("training", run.counters.step, run.counters.total, TimeRemainingColumn())
        self._redraw(run)

    def step(self, run: Run) -> None:
        self._estimate(run)
        if self.live is not None:
            losses = f"loss {run.mean_loss:.3f}  smoothed {run.smoothed_loss:.3f}"
            facts = f"{losses}  {run.characters_per_second:,.0f} characters/s"
            self.progress.update(self.task, completed=run.counters.step, facts=facts)

    def validation(self, run: Run, row: dict[str, Any]) -> None:
        train = "" if row["train_loss"] is None else f"train {row['train_loss']:.4f}  "
        mark = "  (best)" if row["best"] else ""
        self.line(
            f"epoch {row['epoch']:6.2f}  step {row['step']:6d}  {train}validation {row['validation_loss']:.4f}{mark}"
        )
        self._redraw(run)

    def sample(self, row: Mapping[str, Any]) -> None:
        self.line(f"epoch {row['epoch']:6.2f}  step {row['step']:6d}  smoothed {row['smoothed_loss']:.4f}  sample:")
        lines = [line for line in row["text"].splitlines() if line.strip()]
        if self.console.is_terminal:
            lines = [part for line in lines for part in textwrap.wrap(line, max(20, self.console.width - 6))]
        for line in lines[:SAMPLE_LINES]:
            self.line(f"  | {line}")
        if len(lines) > SAMPLE_LINES:
            self.line("  | …")

    def draw_curves(self) -> None:
        curves([], WIDEST)  # fail early if plotext is missing
        self.drawing = True

    def _redraw(self, run: Run) -> None:
        self.history = run.counters.history
        if self.drawing and self.live is not None:
            drawn = Text.from_ansi(curves(self.history, self.console.width))
            self.live.update(Group(drawn, self.progress), refresh=True)

    def end(self) -> None:
        self.over.set()
        if self.live is not None:
            self.live.stop()
            self.live = None
        if self.drawing:
            self.console.print(Text.from_ansi(curves(self.history, self.console.width)))
            self.drawing = False

    def plan(self, stages: Sequence[tuple[str, int, float]], workers: int) -> None:
        self.planned = list(stages)
        runs, seconds = sum(number for _, number, _ in stages), sum(seconds for *_, seconds in stages)
        self.line(
            f"About {duration(seconds)} on {counted(workers, 'core')} ({counted(runs, 'run')}); less if runs stop "
            "early, more if the machine is busy. Ctrl-C stops, and --resume goes on."
        )

    def jobs(self, title: str, total: int, under_way: Callable[[], Sequence[str]] = tuple) -> None:
        self.end()
        self.title, self.total, self.done, self.measured, self.began = title, total, 0, 0, time.monotonic()
        self.expected = 0.0
        if title in [stage for stage, *_ in self.planned]:
            while (stage := self.planned.pop(0))[0] != title:
                pass
            self.expected = stage[2] / max(1, stage[1])
        if self.console.is_terminal:
            self._show_bar(one_line(title), 0, total, TimeElapsedColumn())
        else:
            self.line(f"{title}: {counted(total, 'run')}")
        self.over = threading.Event()
        threading.Thread(target=self._look, args=(under_way, self.live, self.over), daemon=True).start()

    def job(self, name: str, loss: float) -> None:
        self.done += 1
        left = self._time_left()
        outcome = f"validation {loss:.4f}" if math.isfinite(loss) else "diverged"
        line = f"{self.title} {self.done}/{self.total}  {outcome}  {left}{'  ' * bool(left)}{name}"
        if self.live is not None:  # a line that is too long is cut, not broken
            self.progress.update(self.task, completed=self.done, facts=left)
            self.console.print(one_line(line), markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
        else:
            self.line(line)
        if self.done == self.total:
            self.end()

    def line(self, text: str) -> None:
        self.console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)

    def _show_bar(self, name: str, done: int, total: int, clock: ProgressColumn) -> None:
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            clock,
            TextColumn("{task.fields[facts]}"),
        )
        self.task = self.progress.add_task(name, total=total, completed=done, facts="")
        self.live = Live(self.progress, console=self.console, transient=True, refresh_per_second=4)
        self.live.start(refresh=True)

    def _look(self, under_way: Callable[[], Sequence[str]], live: Live | None, over: threading.Event) -> None:
        """Show what is under way again and again: below the bar, or without a bar as lines of their own."""
        while not over.wait(LOOK_ELSEWHERE if live is None else LOOK_ON_TERMINAL):
            lines = [f"  {one_line(line)}" for line in under_way()]
            if live is None:
                for line in lines:
                    self.line(line)
            else:
                cut = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines]
                live.update(Group(self.progress, *cut))

    def _time_left(self) -> str:
        """The time left in words, once known; runs that an earlier call finished come at once and do not count."""
        now = time.monotonic()
        if not self.measured and now - self.began < AT_ONCE:
            self.began = now
            return ""
        self.measured += 1
        if self.measured < ENOUGH or not (self.planned or self.done < self.total):
            return ""
        pace = (now - self.began) / self.measured
        later = sum(seconds for _, _, seconds in self.planned)
        left = pace * (self.total - self.done) + (later * pace / self.expected if self.expected else 0.0)
        return f"about {duration(left)} left"

    def _estimate(self, run: Run) -> None:
        """Say once, after some steps, how long a long run takes."""
        step, seconds = run.begun
        done, took = run.counters.step - step, run.counters.seconds - seconds
        if self.estimated or done < STEPS_FIRST or took < SECONDS_FIRST:
            return
        self.estimated = True
        left = took / done * (run.counters.total - run.counters.step)
        if left > LONG:
            steps = run.counters.total - run.counters.step
            self.line(f"about {duration(left)} left for {steps:,} more steps, less if it stops early")


def counting(console: Console) -> Callable[[int, int], None]:
    """Make a function that shows how much of a number is done, as a bar which goes when all is."""
    bar = Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console)
    bar.live.transient = True

    def tell(done: int, total: int) -> None:
        if not bar.tasks:
            bar.add_task("checking", total=total)
            bar.start()
        bar.update(bar.task_ids[0], completed=done)
        if done == total:
            bar.stop()

    return tell


def metered(console: Console) -> Callable[[str, int, int | None], None]:
    """Make a function that shows how much of a file has come, as a bar which goes when all has."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    bar.live.transient = True

    def tell(name: str, done: int, total: int | None) -> None:
        if not bar.tasks:
            bar.add_task(one_line(name), total=total)
            bar.start()
        bar.update(bar.task_ids[0], completed=done, total=total)
        if done == total:
            bar.remove_task(bar.task_ids[0])
            bar.stop()

    return tell


def monitor_of_caller() -> Monitor | None:
    """The monitor of a call from Python: bars in a terminal or a notebook, and None elsewhere."""
    if is_helper():
        return None
    if in_notebook():
        return NotebookMonitor()
    return ConsoleMonitor() if sys.stderr is not None and sys.stderr.isatty() else None


def counting_of_caller() -> Callable[[int, int], None] | None:
    """The same for a call that tells how much of a number is done."""
    match monitor_of_caller():
        case NotebookMonitor() as monitor:
            return monitor.count
        case ConsoleMonitor() as monitor:
            return counting(monitor.console)
    return None


def meter_of_caller() -> Callable[[str, int, int | None], None] | None:
    """The same for a call that fetches files."""
    match monitor_of_caller():
        case NotebookMonitor() as notebook:
            return lambda name, done, total: notebook.count(done, total or done + 1)
        case ConsoleMonitor() as monitor:
            return metered(monitor.console)
    return None


def curves(history: Sequence[dict[str, Any]], width: int) -> str:
    """Draw loss and accuracy of training and validation against the epoch, side by side, in characters.

    Raises:
        UserError: plotext is not installed.
    """
    try:
        import plotext
    except ImportError as error:
        raise UserError("--live needs the package plotext: pip install plotext") from error
    figure = plotext.figure
    figure.clear()
    figure.subplots(1, 2).plot_size(min(width, WIDEST), CURVE_LINES)
    for column, kind in enumerate(("loss", "accuracy"), 1):
        panel = figure.subplot(1, column).theme("colorless").title(f"{kind}: train ···, validation ───").label("epoch")
        for part, marker in (("train", "·"), ("validation", "braille")):
            rows = [row for row in history if row.get(f"{part}_{kind}") is not None]
            if rows:
                points = [row["epoch"] for row in rows], [row[f"{part}_{kind}"] for row in rows]
                panel.draw(panel.signal(*points, marker=marker).lines())
    return str(figure.build().string())
