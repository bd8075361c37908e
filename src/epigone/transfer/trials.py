"""Short trials of learning rates and selections, from which `finetune` chooses what it is not told.

A trial is a whole run, with its own warm-up and fall of the rate, of a quarter of the length: runs that are cut short
without a fall favour high rates. First the rate of the first selection climbs to its best; the others are tried at a
rate that is higher by as much as they are smaller; what trials are left go beside the best one. If the best trial was
still falling when it ended, a whole run of it follows. If it was past its lowest loss, a longer run would only overfit;
then one at a lower rate, whose trial was still falling, is tried at whole length, and the better of the two is the
result.

A base may name the rates that were measured for it; then each is one whole run, and nothing else is tried.
"""

import copy
import logging
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors import safe_open
from safetensors.torch import load_file

from epigone.models.files.description import TRIAL
from epigone.models.language_model import LanguageModel
from epigone.storage import atomic_write, read_object, write_json
from epigone.text.document import counted
from epigone.training.language_task import LanguageTask
from epigone.training.listeners.base import Listener, Run
from epigone.training.listeners.clock import Clock
from epigone.training.listeners.journal import FILE as HISTORY
from epigone.training.listeners.journal import Journal
from epigone.training.listeners.monitor import Monitor
from epigone.training.loop import train
from epigone.training.options import EPOCHS, FinetuneOptions, MachineOptions, RetrainingOptions
from epigone.training.run.state import FILE as STATE
from epigone.training.system.processes import on_first
from epigone.training.task import Diverged, Trained

log = logging.getLogger("epigone")

RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
FIRST = RATES.index(3e-4)
"""The rate that a climb begins with, by its place."""
MOST = 7
SHARE = 0.25
"""The length of a trial as a share of the run."""
PATIENCE = 2
MARGIN = 0.005
"""Nats per token by which a whole run at a higher rate must be better than a gentler one, to be taken."""
FOLDER, WEIGHTS = "trials", "model.safetensors"


@dataclass(frozen=True)
class Trial:
    """A rate and a selection, with the lowest validation loss (nats per token) and the step that reached it."""

    lr: float
    selection: str
    loss: float = float("inf")
    best_step: int = 0
    steps: int = 0
    seconds: float = 0.0
    share: float = SHARE
    """Its length as a share of the run."""

    @property
    def settled(self) -> bool:
        """True if a longer one would bring nothing, since it ended past its lowest loss or has the whole length."""
        return self.best_step < self.steps or self.share == 1


def selections_to_try(model: LanguageModel, head: bool) -> list[str]:
    """The selections that trials compare: everything, the uppermost layer, and the head alone if it may learn."""
    layers = len(model.layers)
    top = [f"layers.{layers - 1}"] if layers > 1 else []
    return ["all", *top, *(["head"] if head else [])]


def most_trials(selections: Sequence[str]) -> int:
    """The largest number of trials of these selections: short ones, and one of the whole length."""
    return min(MOST, len(selections) * len(RATES)) + 1


def next_trial(done: Sequence[Trial], selections: Sequence[str]) -> Trial | None:
    """Choose what to try next; None if enough is known."""
    if any(trial.share == 1 for trial in done):
        return None
    first, *others = selections
    of_first = [trial for trial in done if trial.selection == first]
    if not of_first:
        return Trial(RATES[FIRST], first)
    if beside := _beside(_best(of_first), done):
        return beside
    place = RATES.index(_best(of_first).lr)
    for steps, selection in enumerate(others, 1):
        if all(trial.selection != selection for trial in done):
            return Trial(RATES[min(place + steps, len(RATES) - 1)], selection)
    beside = _beside(_best(done), done) if len(done) < MOST else None
    return beside or _gentler(_best(done), done)


def _beside(trial: Trial, done: Sequence[Trial]) -> Trial | None:
    """A rate beside that of a trial, with the same selection, if one is untried; the lower one first."""
    tried, place = {(each.lr, each.selection) for each in done}, RATES.index(trial.lr)
    rates = [RATES[near] for near in (place - 1, place + 1) if 0 <= near < len(RATES)]
    return next((Trial(lr, trial.selection) for lr in rates if (lr, trial.selection) not in tried), None)


def _gentler(best: Trial, done: Sequence[Trial]) -> Trial | None:
    """The whole run at the highest rate below that of the best trial that was still falling, if that one was not."""
    falling = [
        trial.lr
        for trial in done
        if trial.selection == best.selection and trial.lr < best.lr and not trial.settled and trial.loss < float("inf")
    ]
    return Trial(max(falling), best.selection, share=1.0) if best.settled and falling else None


def _best(trials: Sequence[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.loss)


def taken(trials: Sequence[Trial]) -> Trial:
    """The trial that becomes the result: the best, or among whole runs the gentlest that is nearly as good.

    A short text has a short validation split, on which chance favours a high rate as often as a low one, and on other
    text a high one does more harm.
    """
    best = _best(trials)
    gentler = [
        trial
        for trial in trials
        if trial.share == best.share == 1 and trial.selection == best.selection and trial.loss < best.loss + MARGIN
    ]
    return min(gentler, key=lambda trial: trial.lr, default=best)


def advised(advice: Mapping[str, Any], selection: str | None, characters: int) -> list[Trial]:
    """The whole runs that a base asks for: its rates, on its selection unless another is given.

    Args:
        advice: what was measured for the base.
        selection: the selection that is given.
        characters: how many there are to learn; of many, the last rate is the best without a try.
    """
    sure = characters >= advice.get("sure_from", math.inf)
    rates = advice["rates"][-1:] if sure else advice["rates"]
    return [Trial(rate, selection or advice["train"], share=1.0) for rate in rates]


def recipe_of(trial: Trial, training: FinetuneOptions) -> RetrainingOptions:
    """The recipe of a trial."""
    whole = replace(training.with_rate(trial.lr), trace_every=0, sample_every=0)
    return whole if trial.share == 1 else shortened(whole)


def shortened(training: RetrainingOptions) -> RetrainingOptions:
    """The recipe of a short trial."""
    short = replace(training, patience=PATIENCE, unfreeze_every=SHARE * training.unfreeze_every)
    if training.steps is not None:
        return replace(short, steps=max(1, round(SHARE * training.steps)))
    if training.minutes is not None:
        return replace(short, minutes=SHARE * training.minutes)
    return replace(short, epochs=SHARE * (training.epochs or EPOCHS))


def choose(
    model: LanguageModel,
    selections: Sequence[str],
    task_of: Callable[[LanguageModel, str, RetrainingOptions], LanguageTask],
    folder: Path,
    training: FinetuneOptions,
    machine: MachineOptions,
    fabric: Fabric,
    monitor: Monitor,
    planned: Sequence[Trial] = (),
) -> list[Trial]:
    """Do the trials, or go on with those that a killed run left; the weights of the best one stay in the folder.

    Args:
        model: the base, which stays as it is.
        selections: the selections to try.
        task_of: makes the task of a selection and a recipe on a copy of the base.
        folder: the folder of the run.
        training: the recipe without a rate.
        machine: the machine options.
        fabric: the device and the processes.
        monitor: is told of each trial.
        planned: the trials to do; without any, each is chosen by those before it.

    Returns:
        The trials in their order.

    Raises:
        KeyboardInterrupt: the user stopped a trial, which is saved.
    """
    done: list[Trial] = []
    watch = Watch()

    def tell() -> None:
        on_first(fabric, lambda: monitor.job(watch.name, done[-1].loss))

    def following() -> Trial | None:
        return next(iter(planned[len(done) :]), None) if planned else next_trial(done, selections)

    on_first(fabric, lambda: monitor.jobs("trials", len(planned) or most_trials(selections), watch.under_way))
    while (trial := following()) is not None:
        watch.name = f"rate {trial.lr:g} on {trial.selection}"
        place = folder / FOLDER / str(len(done))
        result = place / "trial.json"
        if result.exists():
            done += read_trials([read_object(result, TRIAL)])
            tell()
            continue
        on_first(fabric, lambda place=place: place.mkdir(parents=True, exist_ok=True))  # type: ignore[misc]
        torch.manual_seed(training.seed)
        recipe = recipe_of(trial, training)
        task = task_of(copy.deepcopy(model), trial.selection, recipe)
        try:
            trained = train(task, place, recipe, machine, fabric, [Clock(), watch, Journal()])
        except Diverged:
            finished = trial
        else:
            if trained.outcome == "interrupted":
                log.info("Stopped during the trials; the same command with --resume goes on.")
                raise KeyboardInterrupt
            finished = replace(
                trial,
                loss=trained.best_loss,
                best_step=trained.best_step,
                steps=trained.steps,
                seconds=round(trained.seconds, 3),
            )
        on_first(fabric, lambda finished=finished, place=place: _finish(finished, place))  # type: ignore[misc]
        done.append(finished)
        tell()
    on_first(fabric, monitor.end)
    return done


class Watch(Listener):
    """Says how far the trial under way has come."""

    name = ""
    run: Run | None = None

    def begin(self, run: Run) -> None:
        self.run = run

    def end(self) -> None:
        self.run = None

    def under_way(self) -> list[str]:
        """A line on the trial under way."""
        run = self.run
        return [] if run is None else [f"{self.name}, step {run.counters.step} of {run.counters.total}"]


def _finish(trial: Trial, place: Path) -> None:
    write_json(place / "trial.json", recorded([trial])[0])
    (place / STATE).unlink(missing_ok=True)


def best_trial(trials: Sequence[Trial], folder: Path) -> tuple[Trial, Path]:
    """The trial that is taken, and the folder of its weights."""
    trial = taken(trials)
    return trial, folder / FOLDER / str(list(trials).index(trial))


def fits(model: LanguageModel, folder: Path) -> bool:
    """Tell if the weights of a trial are those of the model; those of a merged model are others."""
    with safe_open(folder / WEIGHTS, "pt") as file:
        return set(file.keys()) == dict(model.named_parameters()).keys()


def take(trial: Trial, trained: Trained, model: LanguageModel, place: Path, out: Path, epoch: int) -> Trained:
    """Make a trial the result of the run: its weights go into the model, its history into the folder.

    Args:
        trial: the trial.
        trained: the outcome of the run that followed, if one did.
        model: gets the weights.
        place: the folder of the trial.
        out: the folder of the run.
        epoch: steps of an epoch.

    Returns:
        The outcome of the trial.
    """
    weights = load_file(place / WEIGHTS)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    atomic_write(out / HISTORY, (place / HISTORY).read_bytes())
    return replace(
        trained,
        outcome="stopped early" if trial.best_step < trial.steps else "finished",
        best_loss=trial.loss,
        best_step=trial.best_step,
        steps=trial.steps,
        epochs=trial.steps / epoch,
        seconds=trial.seconds,
    )


def remove(folder: Path) -> None:
    """Remove the folders of the trials."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def sentence(trials: Sequence[Trial]) -> str:
    """Say what was tried and what was taken."""
    rates = sorted({trial.lr for trial in trials})
    names = list(dict.fromkeys(trial.selection for trial in trials))
    best = taken(trials)
    short = sum(trial.share < 1 for trial in trials)
    whole = "" if short == len(trials) else " and a whole one"
    tried = f"{short} short runs{whole}" if short else counted(len(trials), "whole run")
    return (
        f"Tried {tried}, with rates from {rates[0]:g} to {rates[-1]:g} on {' / '.join(names)}; took "
        f"{best.lr:g} on {best.selection} (validation {best.loss:.4f})."
    )


def recorded(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The trials as config.json holds them; a loss that diverged is null."""
    return [asdict(trial) | {"loss": trial.loss if trial.loss < float("inf") else None} for trial in trials]


def read_trials(facts: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """The trials of a config.json."""
    return [Trial(**{**fact, "loss": float("inf") if fact["loss"] is None else fact["loss"]}) for fact in facts]
