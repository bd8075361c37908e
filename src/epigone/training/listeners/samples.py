"""Samples of text while a language model learns."""

from epigone.generation.continuation import continued
from epigone.generation.sampling import SamplingOptions
from epigone.training.language_task import LanguageTask
from epigone.training.listeners.base import Listener, Run
from epigone.training.listeners.journal import write_rows
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions


class Samples(Listener):
    """Writes a sample of `length` tokens to samples.jsonl every `every` steps, and tells a monitor of it.

    A sample continues the first row of the batch. If no state of all layers is carried, it begins a document.
    """

    def __init__(self, task: LanguageTask, every: int, length: int, monitor: Monitor) -> None:
        self.task, self.every, self.length, self.monitor = task, every, length, monitor

    def begin(self, run: Run) -> None:
        write_rows(run.folder / "samples.jsonl", run.counters.samples)

    def step(self, run: Run) -> None:
        counters = run.counters
        if counters.step % self.every == 0:
            row = {"step": counters.step, "epoch": run.epoch, "smoothed_loss": counters.trace.smoothed_loss}
            counters.samples.append(row | {"text": self._text(run)})
            write_rows(run.folder / "samples.jsonl", counters.samples)
            self.monitor.sample(counters.samples[-1])

    def _text(self, run: Run) -> str:
        task, (_, targets) = self.task, run.batch
        if task.start or not task.batches.carried:
            state, token = task.module.initial_state(1), task.tokenizer.end
        else:
            state, token = run.state, int(targets[0, -1])
        sampling = SamplingOptions(temperature=1.0, seed=run.counters.step)
        return continued(task.plain(), task.tokenizer, tuple(s[:, :1] for s in state), token, self.length, sampling)


def samples(task: LanguageTask, options: TrainingOptions, monitor: Monitor | None) -> list[Listener]:
    """Make the listeners for the samples of a recipe."""
    every, length = options.sample_every, options.sample_length
    return [Samples(task, every, length, monitor or Monitor())] if every else []
