"""The plan of an experiment: its stages of runs, and their time by a short measurement."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.jobs import Training, open_text
from epigone.training.batches import Batches

STEPS = 3  # of a measurement, each followed by a validation


class Estimated(Protocol):
    """A job that knows about how long it takes."""

    def expected_seconds(self) -> float:
        """Seconds of the run, from the speed of this machine, which may be measured for a few seconds."""
        ...


@dataclass(frozen=True)
class Stage:
    """Runs that are done together."""

    title: str
    """The title under which a monitor hears of them."""
    runs: int
    examples: tuple[Training | Estimated, ...]
    """Runs that are measured; the mean of their times stands for all."""


def seconds_by_stage(stages: Sequence[Stage], pool: Executor) -> list[float]:
    """The seconds that the runs of each stage take one after the other, at most: early stopping ends many sooner."""
    examples = list(dict.fromkeys(job for stage in stages for job in stage.examples))
    seconds = dict(zip(examples, pool.map(measure, [(job,) for job in examples]), strict=True))
    return [stage.runs * sum(seconds[job] for job in stage.examples) / len(stage.examples) for stage in stages]


def measure(job: Training | Estimated) -> float:
    """The seconds of a run without early stopping, from a few of its steps."""
    if not isinstance(job, Training):
        return job.expected_seconds()
    short = replace(
        job.training, steps=STEPS, minutes=None, validate_every=1, patience=0, trace_every=0, sample_every=0
    )
    with tempfile.TemporaryDirectory(prefix="epigone-", ignore_cleanup_errors=True) as folder:
        begin = time.perf_counter()
        history = replace(job, training=short).compute(Path(folder)).get("history")
        whole = time.perf_counter() - begin
        if not history or not history[-1]["step"]:  # it diverged, or its method takes no step
            return whole
        tokenizer = load_checkpoint(Path(folder) / "model").tokenizer
    steps_per_epoch = Batches.of(open_text(job.text).stream("train", tokenizer), job.training).steps_per_epoch
    last, first = history[-1], history[1]  # the first step is slower than the others
    step = (last["learning_seconds"] - first["learning_seconds"]) / (STEPS - 1)
    validation = max(0.0, last["seconds"] - last["learning_seconds"]) / (STEPS - 1)
    around = max(0.0, whole - last["seconds"])
    if job.training.minutes is not None:
        return 60 * job.training.minutes + around
    steps = job.training.most_steps(steps_per_epoch)
    return around + steps * step + steps / (job.training.validate_every or steps_per_epoch) * validation
