"""Watching a run: the loop reports, a monitor shows."""

import math
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from understudy.errors import UserError


class Monitor:
    """Told of every step and every validation; this one keeps silent."""

    def begin(self, name: str, step: int, total: int) -> None:
        """A run starts, or goes on, at `step` of `total`."""

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        """A step is done; `loss` is the mean of the epoch so far, in nats per token."""

    def validation(self, row: dict[str, Any]) -> None:
        """A validation is done; `row` is its line of history.jsonl."""

    def end(self) -> None:
        """The run is over, whether finished or not."""

    def jobs(self, title: str, total: int) -> None:
        """A number of whole runs begins."""

    def job(self, name: str, loss: float) -> None:
        """One of them is done, with this validation loss in nats per token."""


class ConsoleMonitor(Monitor):
    """A line for every validation on standard error, and on a terminal a progress bar."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.progress: Progress | None = None

    def begin(self, name: str, step: int, total: int) -> None:
        if not self.console.is_terminal:
            return
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            refresh_per_second=4,
        )
        self.progress.start()
        self.task = self.progress.add_task(name, total=total, completed=step, facts="")

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        if self.progress is not None:
            facts = f"loss {loss:.3f}  {tokens_per_second:,.0f} tokens/s"
            self.progress.update(self.task, completed=step, facts=facts)

    def validation(self, row: dict[str, Any]) -> None:
        train = "" if row["train_loss"] is None else f"train {row['train_loss']:.4f}  "
        mark = "  (best)" if row["best"] else ""
        self.console.print(
            f"epoch {row['epoch']:6.2f}  step {row['step']:6d}  {train}validation {row['validation_loss']:.4f}{mark}",
            highlight=False,
            soft_wrap=True,
        )

    def end(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def jobs(self, title: str, total: int) -> None:
        self.title, self.total, self.done, self.began = title, total, 0, time.monotonic()

    def job(self, name: str, loss: float) -> None:
        self.done += 1
        left = (time.monotonic() - self.began) / self.done * (self.total - self.done)
        remaining = f"  about {left:,.0f} s left" if self.done < self.total else ""
        outcome = f"validation {loss:.4f}" if math.isfinite(loss) else "diverged"
        line = f"{self.title} {self.done}/{self.total}  {outcome}{remaining}  {name}"
        if self.console.is_terminal:  # where a line that is too long is cut, not broken
            self.console.print(line, markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
        else:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class TensorBoardMonitor(Monitor):
    """Writes the losses for TensorBoard; needs the extra `tensorboard`."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(
                "--tensorboard needs the package tensorboard: pip install 'understudy[tensorboard]'."
            ) from error
        self.writer = SummaryWriter(str(folder))

    def validation(self, row: dict[str, Any]) -> None:
        for key in ("train_loss", "validation_loss", "validation_accuracy", "lr"):
            if row[key] is not None:
                self.writer.add_scalar(key, row[key], row["step"])

    def end(self) -> None:
        self.writer.close()
