"""A last training on all of a text, held-out documents included, once the length of a run is known."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightning_fabric import Fabric

from epigone.training.listeners.base import Listener
from epigone.training.loop import train
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.system.processes import on_first
from epigone.training.task import Task

log = logging.getLogger("epigone")

FOLDER = "final"


def refit(
    task: Task,
    training: TrainingOptions,
    stop: int,
    out: Path,
    machine: MachineOptions,
    fabric: Fabric,
    listeners: Sequence[Listener],
) -> bool:
    """Train anew on the whole text, and save the last weights in the folder of the run.

    The schedule is that of the run, but the training stops where the run had its best weights. Nothing measures the new
    weights, because no text is left for that.

    Args:
        task: that of the whole text, with the weights that the run began with.
        training: the recipe of the run, with the length of its schedule in steps.
        stop: the step where the run had its best weights.
        out: the folder of the run.
        machine: the machine options.
        fabric: the device and the processes.
        listeners: follow the training.

    Returns:
        False, and the folder stays as it is, if the weights became worse even on text that they learned.

    Raises:
        KeyboardInterrupt: the user stopped the training, which is saved.
    """
    log.info("Learning all of the text, validation and test included.")
    place = out / FOLDER
    on_first(fabric, lambda: place.mkdir(exist_ok=True))
    recipe = replace(training, patience=0, validate_every=stop, trace_every=0, sample_every=0)
    trained = train(task, place, recipe, machine, fabric, listeners, stop=stop)
    if trained.outcome == "interrupted":
        log.info("Stopped while all of the text was learned; the same command with --resume goes on.")
        raise KeyboardInterrupt
    if trained.best_step:
        on_first(fabric, lambda: task.save(out))
    return trained.best_step > 0


def remove(out: Path) -> None:
    """Remove what the training on the whole text left besides the weights."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)
