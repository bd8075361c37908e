"""Registry of studies, and `study`, which runs one by name."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from epigone.errors import UserError
from epigone.registry import Registry
from epigone.studies.engine.cluster import ExecutorOptions
from epigone.studies.experiment import Experiment, StudyOptions, StudyResult
from epigone.studies.skeleton import run_study
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor

FOLDERS = ("sentiment_sizes", "stacked_lstm", "vanilla_rnn", "which_weights", "word_model")
STUDIES: Registry[Experiment[Any, Any]] = Registry(
    "study", (import_module(f"epigone.studies.{folder}.study").STUDY for folder in FOLDERS)
)


def study(
    name: str,
    *,
    data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = StudyOptions(),
    grid: Any = None,
    read: ReadOptions = ReadOptions(),
    executing: ExecutorOptions = ExecutorOptions(),
    resume: bool = False,
    monitor: Monitor | None = None,
) -> StudyResult:
    """Run a named experiment on text that you bring.

    Args:
        name: the name of a study, such as `stacked-lstm`.
        data: the texts by role, such as `{"target": PATH, "near": PATH, "far": PATH}`, or a list of `role=PATH`.
        out: the folder for runs and results.
        options: the size of the experiment.
        grid: the study's own options, such as `VanillaRnnOptions(sigma=0.2)`; its default grid if None.
        read: options for reading all texts.
        executing: where the runs are done.
        resume: go on with the experiment in `out`; finished runs are not repeated.
        monitor: hears of the progress.

    Raises:
        UserError: there is no such study, a role is missing or unknown, or a text is unsuitable.
    """
    experiment = STUDIES[name]
    own = experiment.options() if grid is None else grid
    if not isinstance(own, experiment.options):
        raise UserError(f"The grid of {name} is given as {experiment.options.__name__}, not {type(own).__name__}.")
    pairs = [f"{role}={path}" for role, path in data.items()] if isinstance(data, Mapping) else data
    texts = roles(pairs, experiment.roles, experiment.optional, free=bool(experiment.further))
    return run_study(experiment, texts, Path(out), options, own, read, executing, resume, monitor or Monitor())


def subcommands() -> dict[str, tuple[Callable[..., StudyResult], str]]:
    """Each study as a function with its own options, for the command line, and its usage."""
    return {
        name: (_typed(experiment), f"--data {experiment.data} [--quick] --out FOLDER [--resume]")
        for name, experiment in STUDIES.items()
    }


def _typed(experiment: Experiment[Any, Any]) -> Callable[..., StudyResult]:
    def run(
        *,
        data: Sequence[str],
        out: str | Path,
        options: StudyOptions = StudyOptions(),
        grid: Any = experiment.options(),
        read: ReadOptions = ReadOptions(),
        executing: ExecutorOptions = ExecutorOptions(),
        resume: bool = False,
        monitor: Monitor | None = None,
    ) -> StudyResult:
        return study(
            experiment.name, data=data, out=out, options=options, grid=grid, read=read, executing=executing,
            resume=resume, monitor=monitor,
        )  # fmt: skip

    run.__annotations__["grid"] = experiment.options
    further = [f"any other name: {experiment.further}"] if experiment.further else []
    named = {**experiment.roles, **experiment.optional}
    meanings = "; ".join([f"{role}: {meaning}" for role, meaning in named.items()] + further)
    _, _, arguments = (study.__doc__ or "").partition("Args:")
    run.__doc__ = f"{experiment.summary} Give --data {experiment.data} ({meanings}).\n\n    Args:{arguments}"
    return run


def roles(
    data: Sequence[str],
    expected: Mapping[str, str],
    optional: Mapping[str, str] = MappingProxyType({}),
    *,
    free: bool = False,
) -> dict[str, Path]:
    """Read `role=path` pairs.

    Args:
        data: the pairs.
        expected: a description of each required role, by name.
        optional: a description of each role that may be left out, by name.
        free: allow other roles too.

    Raises:
        UserError: a pair is malformed, or a role is unknown, missing or given twice.
    """
    found: dict[str, Path] = {}
    for pair in data:
        role, equals, path = pair.partition("=")
        if not role or not equals or not path:
            raise UserError(f"--data '{pair}' is not of the form ROLE=PATH, such as {next(iter(expected))}=songs.txt.")
        if role not in expected and role not in optional and not free:
            raise UserError(f"There is no role '{role}' in this study; it takes {', '.join([*expected, *optional])}.")
        if role in found:
            raise UserError(
                f"--data has two texts for {role}: {found[role]} and {path}; give one, or put both in a folder."
            )
        found[role] = Path(path)
    for role, meaning in expected.items():
        if role not in found:
            raise UserError(f"The study needs {role}=PATH after --data: {meaning}.")
    return found
