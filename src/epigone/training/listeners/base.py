"""The interface of listeners, which follow a run while the loop steps."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from epigone.models.cells.base import State
from epigone.training.run.state import Counters
from epigone.training.task import Task


@dataclass
class Run:
    """A run as its listeners see it; the loop keeps it up to date.

    `state` is the recurrent state after the last step, `batch` the batch of that step, and `figures` are those of the
    last validation besides the loss. Listeners may add to the times, the trace and the samples in `counters`.
    """

    task: Task
    folder: Path
    counters: Counters
    state: State = ()
    batch: Any = None
    figures: dict[str, float] = field(default_factory=dict)
    begun: tuple[int, float] = (0, 0.0)
    """Step and seconds at which this process began or resumed the run."""

    @property
    def epoch(self) -> float:
        """Epochs so far."""
        return round(self.counters.step / self.task.batches.steps_per_epoch, 4)

    @property
    def mean_loss(self) -> float:
        """The mean loss of the steps since the last validation, in nats per token."""
        return self.counters.epoch_loss / self.counters.epoch_steps

    @property
    def smoothed_loss(self) -> float:
        """The smoothed loss of the trace, in nats per token."""
        return self.counters.trace.smoothed_loss or self.mean_loss

    @property
    def characters_per_second(self) -> float:
        """The speed since the run began or was resumed."""
        batches, (step, seconds) = self.task.batches, self.begun
        per_step = batches.predicted * batches.characters_per_token / batches.steps_per_epoch
        return per_step * (self.counters.step - step) / (self.counters.seconds - seconds)


class Listener:
    """A follower of a run, in the first process only. Each method does nothing unless a listener overrides it.

    A `UserError` that a listener raises ends the run in every process.
    """

    def begin(self, run: Run) -> None:
        """The run begins or is resumed; before, the initial weights of a new run were validated."""

    def before_step(self, run: Run) -> None:
        """A step is about to be done."""

    def step(self, run: Run) -> None:
        """A step is done."""

    def validation(self, run: Run, row: dict[str, Any]) -> None:
        """A validation is done; `row` is its line of history.jsonl."""

    def flush(self, run: Run) -> None:
        """The run stops before its end: write everything that is not written yet."""

    def end(self) -> None:
        """The run is over, finished or not."""
