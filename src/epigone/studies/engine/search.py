"""The best network from scratch: a search that is run to early stopping, so that the baseline is strong."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.jobs import Text, Training
from epigone.studies.engine.rows import Row, run_rows, validation_mean
from epigone.studies.engine.store import Finished, folder_of, run_job, under_way
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions

STARTUP = 10  # trials drawn at random before the sampler learns from them
AHEAD = 4  # trials that may be under way when the next is proposed: not the number of workers, so that a search repeats


@dataclass(frozen=True)
class SearchOptions:
    """The budget of the search for the best network from scratch."""

    trials: int = 40
    """Networks that are trained from scratch to find the best."""
    finalists: int = 3
    """How many of them are trained with every seed before the best is named."""
    max_hidden: int = 256
    """Most units in a layer."""
    search_epochs: float = 100.0
    """Most passes over the text in a trial, which early stopping may end sooner."""
    search_seed: int = 0
    """Seed of the search."""

    def __post_init__(self) -> None:
        check_options(self, "be greater than 0", lambda value: value > 0, "trials", "finalists", "search_epochs")
        check_options(self, "not be negative", lambda value: value >= 0, "search_seed")
        if self.max_hidden < 8:
            raise UserError(f"The search takes units by the eight; max_hidden {self.max_hidden} is too small.")


def search(
    text: Text,
    tokenizer: str,
    options: SearchOptions,
    pool: Executor,
    store: Path,
    monitor: Monitor,
    network: ModelOptions | None = None,
) -> list[tuple[Training, Finished]]:
    """Search layers, units, dropout of both kinds, learning rate and weight decay with Optuna's TPE sampler.

    With a `network` its layers and units are held, and only the rest is searched.

    The sampler is told the validation losses in the order of the trials, each after the same number of proposals, so
    the same seed gives the same search: one that was killed is asked again, and what is in the run store answers at
    once.

    Returns:
        The trials, each network once, best on validation first; those that diverged come last.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("The search needs Optuna; run: pip install 'epigone[study]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=options.search_seed, n_startup_trials=STARTUP))
    trials: list[tuple[Any, Training]] = []
    runs: dict[Training, Callable[[], Finished]] = {}  # one, where the sampler proposes the same again
    told, began = 0, time.time()
    monitor.jobs(
        "search from scratch",
        options.trials,
        lambda: under_way({folder_of(job, store): describe(job) for job in list(runs)}, began),
    )
    while told < options.trials:
        if len(trials) < options.trials and (len(trials) < STARTUP or len(trials) < told + AHEAD):
            trial = study.ask()
            job = _job(trial, text, tokenizer, options, network)
            trials.append((trial, job))
            if job not in runs:
                runs[job] = pool.submit(run_job, job, store)
        else:
            trial, job = trials[told]
            loss = runs[job]().validation_loss
            study.tell(trial, loss)  # infinite where it diverged, which the sampler learns from too
            monitor.job(describe(job), loss)
            told += 1
    found = [(job, run()) for job, run in runs.items()]
    return sorted(found, key=lambda pair: pair[1].validation_loss)


def best_from_scratch(
    text: Text,
    tokenizer: str,
    options: SearchOptions,
    seeds: Iterable[int],
    pool: Executor,
    store: Path,
    monitor: Monitor,
    network: ModelOptions | None = None,
) -> tuple[Row, list[Finished]]:
    """The best network of a search: the finalists are trained with every seed, the best mean on validation wins.

    With a `network` the search is among networks of that shape.

    Raises:
        UserError: every network diverged, with one seed at least.
    """
    trials = search(text, tokenizer, options, pool, store, monitor, network)
    finalists = [
        Row(f"finalist {place}: {describe(job)}", "scratch", tuple(with_seed(job, seed) for seed in seeds))
        for place, (job, _) in enumerate(trials[: options.finalists], 1)
    ]
    runs = run_rows(finalists, pool, store, monitor, "finalists")
    best = min(finalists, key=lambda row: validation_mean(runs[row.name]))
    if not all(run.losses for run in runs[best.name]):
        raise UserError("Every network of the search diverged; give more of them with --trials or --finalists.")
    note = best.name.partition(": ")[2]
    return replace(best, name=f"scratch, best of {options.trials}", note=note), runs[best.name]


def with_seed(job: Training, seed: int) -> Training:
    """The same run with another seed."""
    return replace(job, training=replace(job.training, seed=seed))


def describe(job: Training) -> str:
    """A network from scratch in a few words."""
    model = job.model
    words = [f"{model.num_layers}x{model.hidden_size}", f"lr {job.training.lr:.1e}"]
    if model.dropout:
        words.append(f"{model.dropout_kind} dropout {model.dropout:.2f}")
    if model.output_dropout:
        words.append(f"output dropout {model.output_dropout:.2f}")
    if job.training.weight_decay:
        words.append(f"weight decay {job.training.weight_decay:.1e}")
    return ", ".join(words)


def _job(
    trial: Any, text: Text, tokenizer: str, options: SearchOptions, network: ModelOptions | None = None
) -> Training:
    if network is None:
        most = options.max_hidden // 8
        layers = trial.suggest_int("num_layers", 1, 3)
        hidden = 8 * trial.suggest_int("eights_of_units", min(4, most), most, log=True)
    else:
        layers, hidden = network.num_layers, network.hidden_size
    return Training(
        text=text,
        tokenizer=tokenizer,
        model=ModelOptions(
            num_layers=layers,
            hidden_size=hidden,
            dropout=round(trial.suggest_float("dropout", 0, 0.6), 3) if layers > 1 else 0.0,
            dropout_kind=trial.suggest_categorical("dropout_kind", ["ordinary", "variational"]),
            output_dropout=round(trial.suggest_float("output_dropout", 0, 0.6), 3),
        ),
        # A rate that is halved where validation stalls needs no guess at how long a run will be. Of what was tried,
        # RMSprop with it came lowest, and in the fewest steps.
        training=TrainingOptions(
            optimizer="rmsprop",
            schedule="plateau",
            clip=5.0,
            lr=float(f"{trial.suggest_float('lr', 2e-3, 2e-2, log=True):.2e}"),
            weight_decay=float(f"{trial.suggest_float('weight_decay', 1e-6, 1e-3, log=True):.2e}"),
            epochs=options.search_epochs,
            patience=8,
            batch_size=16,
            sequence_length=64,
        ),
    )
