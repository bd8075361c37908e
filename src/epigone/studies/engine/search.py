"""The best network from scratch: a search with early stopping, so that the baseline is strong."""

import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.jobs import Text, Training
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Labels, Row, run_rows, validation_mean
from epigone.studies.engine.store import Finished, folder_of, run_job, under_way
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions
from epigone.typed import typed

MOST_TRIALS = 1_000_000
MOST_SEEDS = 10_000
STARTUP = 10  # trials drawn at random before the sampler learns from them
AHEAD = 4  # trials under way when the next is proposed; independent of the number of workers, so that searches repeat


@dataclass(frozen=True)
@typed
class SearchOptions:
    """The budget of the search for the best network from scratch."""

    trials: int = 40
    """Networks trained from scratch to find the best."""
    finalists: int = 3
    """Best trials that are trained with every seed before one is chosen."""
    max_hidden: int = 256
    """Largest number of units in a layer."""
    search_epochs: float = 100.0
    """Largest number of passes over the text in a trial; early stopping may end it sooner."""
    search_seed: int = 0
    """Seed of the search."""

    def __post_init__(self) -> None:
        check_options(
            self, "be greater than 0", lambda value: value > 0, "trials", "finalists", "search_epochs", most=MOST_TRIALS
        )
        check_options(self, "not be negative", lambda value: value >= 0, "search_seed", most=2**32 - 1)
        check_options(self, "be 8 or more", lambda value: True, "max_hidden")
        if self.max_hidden < 8:
            raise UserError(
                f"--max-hidden {self.max_hidden} is too small: the search tries multiples of 8 units; give 8 or more."
            )


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

    With a `network` its layers and units are fixed, and only the rest is searched.

    The sampler hears the validation losses in the order of the trials, each after the same number of proposals. So the
    same seed gives the same search, and a search that was killed goes on: finished trials come from the run store.

    Returns:
        The trials, each network once, best on validation first, diverged ones last.

    Raises:
        UserError: Optuna is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its progress bars, in a notebook without widgets
            import optuna
    except ImportError as error:
        raise UserError("The search needs Optuna, which is not installed; run: pip install optuna") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=options.search_seed, n_startup_trials=STARTUP))
    trials: list[tuple[Any, Training]] = []
    runs: dict[Training, Callable[[], Finished]] = {}  # the sampler may propose a network twice
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
            study.tell(trial, loss)  # infinite if it diverged; the sampler learns from that too
            monitor.job(describe(job), loss)
            told += 1
    found = [(job, run()) for job, run in runs.items()]
    return sorted(found, key=lambda pair: pair[1].validation_loss)


def typical(text: Text, tokenizer: str, options: SearchOptions, network: ModelOptions | None = None) -> Training:
    """A network in the middle of the search, whose time stands for that of the others."""
    from optuna.trial import FixedTrial

    most = options.max_hidden // 8
    middle = {
        "num_layers": 2, "eights_of_units": round((min(4, most) * most) ** 0.5), "dropout": 0.3,
        "dropout_kind": "ordinary", "output_dropout": 0.3, "lr": 6e-3, "weight_decay": 3e-5,
    }  # fmt: skip
    return _job(FixedTrial(middle), text, tokenizer, options, network)


def search_stages(network: Training, options: SearchOptions, seeds: int) -> list[Stage]:
    """The stages of a search: its trials, and its finalists with every seed."""
    return [
        Stage("search from scratch", options.trials, (network,)),
        Stage("finalists", min(options.finalists, options.trials) * seeds, (network,)),
    ]


class SearchLabels(Labels):
    """The winner of a search, or one of its finalists."""

    @property
    def name(self) -> str:
        if "finalist" in self:
            return f"finalist {self['finalist']}: {self['network']}"
        return f"scratch, best of {self['trials']}"


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
    """Search, train the finalists with every seed, and choose the lowest mean validation loss.

    With a `network` the search is among networks of that shape.

    Raises:
        UserError: every finalist diverged with at least one seed.
    """
    trials = search(text, tokenizer, options, pool, store, monitor, network)
    finalists = [
        Row(SearchLabels(family="scratch", finalist=place, network=describe(job)), with_seeds(job, seeds))
        for place, (job, _) in enumerate(trials[: options.finalists], 1)
    ]
    runs = run_rows(finalists, pool, store, monitor, "finalists")
    best = min(finalists, key=lambda row: validation_mean(runs[row.name]))
    if not all(run.losses for run in runs[best.name]):
        raise UserError("Every network of the search diverged; give more of them with --trials or --finalists.")
    labels = SearchLabels(family="scratch", trials=options.trials)
    return Row(labels, best.jobs, note=best.labels["network"]), runs[best.name]


def with_seed(job: Training, seed: int) -> Training:
    """The same run with another seed."""
    return replace(job, training=replace(job.training, seed=seed))


def with_seeds(job: Training, seeds: Iterable[int]) -> tuple[Training, ...]:
    """The same run with each of these seeds."""
    return tuple(with_seed(job, seed) for seed in seeds)


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
        # A rate that halves when validation stalls needs no guess at the length of a run. Of the optimizers tried,
        # RMSprop with this schedule reached the lowest loss in the fewest steps.
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
