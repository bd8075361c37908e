"""Watching a run: the loop reports, a monitor shows."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from epigone.errors import UserError
from epigone.text.document import counted

LOOK_ON_TERMINAL, LOOK_ELSEWHERE = 1.0, 300.0  # seconds between looks at the runs under way
AT_ONCE = 0.5  # seconds within which only a run comes that was finished before
WIDEST, CURVE_LINES = 120, 16  # of curves in the terminal, in characters
ENOUGH = 3  # runs that tell how long the others take


class Monitor:
    """Told of every step and every validation, or of whole runs; this one keeps silent.

    As a context manager it ends with the block, whatever happens there.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def begin(self, name: str, step: int, total: int) -> None:
        """A run starts, or goes on, at `step` of `total`."""

    def step(self, step: int, loss: float, smoothed_loss: float, characters_per_second: float) -> None:
        """A step is done; losses in nats per token: mean of the epoch so far, and as in `tracing.Trace`."""

    def validation(self, row: dict[str, Any]) -> None:
        """A validation is done; `row` is its line of history.jsonl."""

    def draw(self, history: Sequence[dict[str, Any]]) -> None:
        """Show the rows of a history, which grows, as curves from now on."""

    def end(self) -> None:
        """The run is over, or all runs are, whether finished or not."""

    def jobs(self, title: str, total: int, under_way: Callable[[], Sequence[str]] = tuple) -> None:
        """A number of whole runs begins; `under_way` gives a line on each that is being done, and is asked often."""

    def job(self, name: str, loss: float) -> None:
        """One of them is done, with this validation loss in nats per token."""


class ConsoleMonitor(Monitor):
    """A line for every validation or run on standard error, and on a terminal a bar with what is under way."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.live: Live | None = None
        self.history: Sequence[dict[str, Any]] | None = None  # what is drawn
        self.over = threading.Event()

    def begin(self, name: str, step: int, total: int) -> None:
        if self.console.is_terminal:
            self._show_bar(name, step, total, TimeRemainingColumn())

    def step(self, step: int, loss: float, smoothed_loss: float, characters_per_second: float) -> None:
        if self.live is not None:
            facts = f"loss {loss:.3f}  smoothed {smoothed_loss:.3f}  {characters_per_second:,.0f} characters/s"
            self.progress.update(self.task, completed=step, facts=facts)

    def validation(self, row: dict[str, Any]) -> None:
        train = "" if row["train_loss"] is None else f"train {row['train_loss']:.4f}  "
        mark = "  (best)" if row["best"] else ""
        self._say(
            f"epoch {row['epoch']:6.2f}  step {row['step']:6d}  {train}validation {row['validation_loss']:.4f}{mark}"
        )

        self._redraw()

    def draw(self, history: Sequence[dict[str, Any]]) -> None:
        self.history = history
        self._redraw()

    def _redraw(self) -> None:
        if self.history is not None and self.live is not None:
            drawn = Text.from_ansi(curves(self.history, self.console.width))
            self.live.update(Group(drawn, self.progress), refresh=True)

    def end(self) -> None:
        self.over.set()
        if self.live is not None:
            self.live.stop()
            self.live = None
        if self.history is not None:
            self.console.print(Text.from_ansi(curves(self.history, self.console.width)))
            self.history = None

    def jobs(self, title: str, total: int, under_way: Callable[[], Sequence[str]] = tuple) -> None:
        self.end()
        self.title, self.total, self.done, self.measured, self.began = title, total, 0, 0, time.monotonic()
        if self.console.is_terminal:
            self._show_bar(title, 0, total, TimeElapsedColumn())
        else:
            self._say(f"{title}: {counted(total, 'run')}")
        self.over = threading.Event()
        threading.Thread(target=self._look, args=(under_way, self.live, self.over), daemon=True).start()

    def job(self, name: str, loss: float) -> None:
        self.done += 1
        left = self._time_left()
        outcome = f"validation {loss:.4f}" if math.isfinite(loss) else "diverged"
        line = f"{self.title} {self.done}/{self.total}  {outcome}  {left}{'  ' * bool(left)}{name}"
        if self.live is not None:  # where a line that is too long is cut, not broken
            self.progress.update(self.task, completed=self.done, facts=left)
            self.console.print(line, markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
        else:
            self._say(line)
        if self.done == self.total:
            self.end()

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

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
        """Show what is under way again and again: below the bar, or where there is none as lines of their own."""
        while not over.wait(LOOK_ELSEWHERE if live is None else LOOK_ON_TERMINAL):
            lines = [f"  {line}" for line in under_way()]
            if live is None:
                for line in lines:
                    self._say(line)
            else:
                cut = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines]
                live.update(Group(self.progress, *cut))

    def _time_left(self) -> str:
        """In words, once it is known: what was finished by an earlier call and comes at once tells nothing of it."""
        now = time.monotonic()
        if not self.measured and now - self.began < AT_ONCE:
            self.began = now
            return ""
        self.measured += 1
        left = (now - self.began) / self.measured * (self.total - self.done)
        return f"about {duration(left)} left" if self.measured >= ENOUGH and self.done < self.total else ""


def curves(history: Sequence[dict[str, Any]], width: int) -> str:
    """Loss and accuracy of training and validation against the epoch, side by side, in characters.

    Raises:
        UserError: plotext is not installed.
    """
    try:
        import plotext
    except ImportError as error:
        raise UserError("--live needs the package plotext: pip install 'epigone[live]'.") from error
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


def duration(seconds: float) -> str:
    """About how long something takes, such as `40 s`, `12 min` or `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class TensorBoardMonitor(Monitor):
    """Writes the losses for TensorBoard; needs the extra `tensorboard`."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(
                "--tensorboard needs the package tensorboard: pip install 'epigone[tensorboard]'."
            ) from error
        self.writer = SummaryWriter(str(folder))

    def validation(self, row: dict[str, Any]) -> None:
        for key in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr"):
            if row[key] is not None:
                self.writer.add_scalar(key, row[key], row["step"])

    def end(self) -> None:
        self.writer.close()
