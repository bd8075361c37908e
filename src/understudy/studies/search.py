"""The best network from scratch: a search that is run to early stopping, so that the baseline is strong."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from understudy.errors import UserError
from understudy.models.language_model import ModelOptions
from understudy.studies.executor import Executor
from understudy.studies.runs import Finished, Text, Training, run_job
from understudy.training.monitor import Monitor
from understudy.training.options import TrainingOptions

BATCH = 4  # trials between two looks at what was learned; independent of the number of workers, so that it repeats


@dataclass(frozen=True)
class SearchOptions:
    """The budget of the search for the best network from scratch."""

    trials: int = 40
    """Networks that are trained from scratch to find the best."""
    finalists: int = 3
    """How many of them are trained with every seed before the best is named."""
    max_hidden: int = 256
    """Most units in a layer."""
    search_epochs: float = 60.0
    """Most passes over the text in a trial; early stopping ends most of them sooner."""
    search_seed: int = 0
    """Seed of the search."""

    def __post_init__(self) -> None:
        if self.trials < 1 or self.finalists < 1:
            raise UserError("The search needs at least one trial and one finalist.")


def search(
    text: Text, tokenizer: str, options: SearchOptions, pool: Executor, store: Path, monitor: Monitor
) -> list[tuple[Training, Finished]]:
    """Search layers, units, dropout of both kinds, learning rate and weight decay with Optuna's TPE sampler.

    The sampler is asked for a few trials at a time and told their validation losses in order, so the same seed gives
    the same search: a search that was killed is asked again, and what is in the run store answers at once.

    Returns:
        The trials, best on validation first.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("The search needs Optuna; run: pip install 'understudy[study]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=options.search_seed, n_startup_trials=min(10, options.trials))
    study = optuna.create_study(sampler=sampler)
    found: list[tuple[Training, Finished]] = []
    monitor.jobs("search from scratch", options.trials)
    while len(found) < options.trials:
        trials = [study.ask() for _ in range(min(BATCH, options.trials - len(found)))]
        jobs = [_job(trial, text, tokenizer, options) for trial in trials]
        names = [describe(job) for job in jobs]
        results = pool.map(run_job, [(job, store) for job in jobs], partial(_tell, monitor, names))
        for trial, result in zip(trials, results, strict=True):
            if result.losses:
                study.tell(trial, result.validation_loss)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
        found += zip(jobs, results, strict=True)
    return sorted(found, key=lambda pair: pair[1].validation_loss)


def _tell(monitor: Monitor, names: list[str], index: int, finished: Finished) -> None:
    monitor.job(names[index], finished.validation_loss)


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


def _job(trial: Any, text: Text, tokenizer: str, options: SearchOptions) -> Training:
    layers = trial.suggest_int("num_layers", 1, 3)
    return Training(
        text=text,
        tokenizer=tokenizer,
        model=ModelOptions(
            num_layers=layers,
            hidden_size=trial.suggest_int("hidden_size", 32, options.max_hidden, log=True) // 8 * 8,
            dropout=round(trial.suggest_float("dropout", 0, 0.6), 3) if layers > 1 else 0.0,
            dropout_kind=trial.suggest_categorical("dropout_kind", ["ordinary", "variational"]),
            output_dropout=round(trial.suggest_float("output_dropout", 0, 0.6), 3),
        ),
        training=TrainingOptions(
            optimizer="adamw",
            lr=float(f"{trial.suggest_float('lr', 1e-3, 3e-2, log=True):.2e}"),
            weight_decay=float(f"{trial.suggest_float('weight_decay', 1e-4, 1, log=True):.2e}"),
            epochs=options.search_epochs,
            patience=6,
            batch_size=16,
            sequence_length=100,
        ),
    )
