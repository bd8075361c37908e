"""The skeleton that training commands share: open a folder, describe, run, measure, finish."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric

from epigone.errors import UserError
from epigone.folder_lock import output_folder
from epigone.training.listeners.base import Listener
from epigone.training.listeners.clock import Clock
from epigone.training.listeners.journal import Journal
from epigone.training.listeners.monitor import Monitor
from epigone.training.listeners.tensorboard import TensorBoard
from epigone.training.loop import train
from epigone.training.options import DisplayOptions, MachineOptions, TrainingOptions
from epigone.training.refit import refit
from epigone.training.refit import remove as remove_refit
from epigone.training.run.folder import digest, finish, open_folder
from epigone.training.system.processes import agreed, on_first
from epigone.training.task import Task, Trained

log = logging.getLogger("epigone")

R = TypeVar("R", bound=Any)


@dataclass(frozen=True)
class Work(Generic[R]):
    """The part of a training command that is its own.

    Args:
        task: what learns.
        describe: writes what the folder says of the model, config.json among it.
        result: measures the kept weights and returns the command's result, a dataclass.
        listeners: further listeners of the run.
        training: the recipe, if it was settled only now.
        stop: the step after which the run is over, if before the end of its schedule.
        everything: makes the task of a recipe on all of the text, which is then learned at the end; gives also the
            length of the schedule that led to the kept weights, in steps of the run.
    """

    task: Task
    describe: Callable[[], None]
    result: Callable[[Trained], R]
    listeners: Sequence[Listener] = ()
    training: TrainingOptions | None = None
    stop: int | None = None
    everything: Callable[[Trained, TrainingOptions], tuple[Task, int]] | None = None


def run_in_folder(
    out: Path,
    request: dict[str, Any],
    result: type[R],
    begin: Callable[[], Work[R]],
    *,
    training: TrainingOptions,
    machine: MachineOptions,
    display: DisplayOptions,
    fabric: Fabric,
    notices: list[str],
    resume: bool = False,
    monitor: Monitor | None = None,
) -> R:
    """Train in a folder.

    Args:
        out: the folder; made if it is missing.
        request: everything that determines the run.
        result: the class of the result.
        begin: makes the work, once the folder is known to hold no other run and the seed is set.
        training: the recipe.
        machine: what the run is done on.
        display: what is shown of it.
        fabric: the device and the processes.
        notices: gets a sentence if the run may differ from one without a break.
        resume: go on with the run in the folder.
        monitor: is told of the progress.

    Returns:
        The result; if the run in the folder is finished already, the result that it left.

    Raises:
        UserError: the folder holds something else, a package is missing, the loss diverged, the disk is full, or the
            processes were not asked for the same run.
    """
    monitor = monitor or Monitor()
    if display.live:
        monitor.draw_curves()  # before anything is written, because a package may be missing
    own = digest(request)
    if agreed(fabric, own != on_first(fabric, lambda: own)):
        raise UserError(
            f"The {fabric.world_size} processes have read different texts or options, so they cannot share a run in "
            f"{out}. Give every machine the same files and the same command."
        )
    with ExitStack() as held:  # in the first process alone
        on_first(fabric, lambda: held.enter_context(output_folder(out, resume)))
        left = on_first(fabric, lambda: open_folder(out, request, machine, notices))
        if left is not None:
            on_first(fabric, lambda: remove_refit(out))  # it is left if the run was killed right after the result
            log.info(f"The run in {out} is finished; there is nothing to resume.")
            try:
                return result(**left)
            except TypeError as error:
                raise UserError(
                    f"The result in {out / 'config.json'} is damaged, or another version wrote it ({error}). Restore "
                    "the file from a copy."
                ) from error
        torch.manual_seed(training.seed)
        work = begin()
        training = work.training or training
        on_first(fabric, work.describe)
        listeners: list[Listener] = []
        if fabric.is_global_zero:
            shown = [TensorBoard(out / "tensorboard")] if display.tensorboard else []
            # The journal comes last: a run that a listener stops at a step leaves nothing of that step.
            listeners = [Clock(), monitor, *shown, *work.listeners, Journal(training.trace_every)]
        trained = train(work.task, out, training, machine, fabric, listeners, digest(request), work.stop)
        measured = on_first(fabric, lambda: work.result(trained))
        if work.everything and measured.best_step and trained.outcome != "interrupted":
            torch.manual_seed(training.seed)
            # In batches of as many rows, so that a step still moves the weights as far.
            recipe = replace(training, batch_size=work.task.batches.batch_size)
            task, length = work.everything(trained, recipe)
            longer = task.batches.steps_per_epoch / work.task.batches.steps_per_epoch
            recipe = replace(recipe, steps=max(1, round(longer * length)), epochs=None, minutes=None)
            stop = max(1, round(longer * measured.best_step))
            if refit(task, recipe, stop, out, machine, fabric, [Clock(), monitor]):
                measured = replace(measured, refit=True)
        finished = on_first(fabric, lambda: finish(out, measured, trained.outcome))
        on_first(fabric, lambda: remove_refit(out))
        return finished
