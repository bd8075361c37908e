"""Watching a run: the loop reports, a monitor shows."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


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
    """A progress bar on standard error, and a line for every validation."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.progress: Progress | None = None

    def begin(self, name: str, step: int, total: int) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}  {task.fields[speed]:,.0f} chars/s"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            refresh_per_second=4,
        )
        self.progress.start()
        self.task = self.progress.add_task(name, total=total, completed=step, loss=float("nan"), speed=0.0)

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        if self.progress is not None:
            self.progress.update(self.task, completed=step, loss=loss, speed=tokens_per_second)

    def validation(self, row: dict[str, Any]) -> None:
        train = "" if row["train_loss"] is None else f"train {row['train_loss']:.4f}  "
        mark = "  (best)" if row["best"] else ""
        self.console.print(
            f"epoch {row['epoch']:6.2f}  step {row['step']:6d}  {train}validation {row['validation_loss']:.4f}{mark}",
            highlight=False,
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
        remaining = f"  about {left:.0f} s left" if self.done < self.total else ""
        self.console.print(
            f"{self.title} {self.done}/{self.total}  validation {loss:.4f}  {name}{remaining}", highlight=False
        )


class TensorBoardMonitor(Monitor):
    """Writes the losses for TensorBoard; needs the extra `tensorboard`."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def validation(self, row: dict[str, Any]) -> None:
        for key in ("train_loss", "validation_loss", "validation_accuracy", "lr"):
            if row[key] is not None:
                self.writer.add_scalar(key, row[key], row["step"])

    def end(self) -> None:
        self.writer.close()
