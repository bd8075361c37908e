"""`study`: the named experiments."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.studies.engine.results import StudyOptions, StudyResult
from epigone.studies.stacked_lstm import study as stacked_lstm
from epigone.studies.stacked_lstm import texts as stacked_lstm_texts
from epigone.studies.vanilla_rnn import study as vanilla_rnn
from epigone.studies.vanilla_rnn.study import VanillaRnnOptions
from epigone.studies.word_model import study as word_model
from epigone.studies.word_model.study import WordModelOptions
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor

# A study with options of its own takes them first.
STUDIES: dict[str, Callable[..., StudyResult]] = {
    "stacked-lstm": stacked_lstm.run,
    "vanilla-rnn": vanilla_rnn.run,
    "word-model": word_model.run,
}
ROLES = {"stacked-lstm": stacked_lstm_texts.ROLES, "vanilla-rnn": vanilla_rnn.ROLES, "word-model": word_model.ROLES}
FREE = ("word-model",)  # studies that take further texts, by any name


def study(
    name: str,
    *,
    data: Sequence[str],
    out: str | Path,
    options: StudyOptions = StudyOptions(),
    rnn: VanillaRnnOptions = VanillaRnnOptions(),
    words: WordModelOptions = WordModelOptions(),
    read: ReadOptions = ReadOptions(),
    resume: bool = False,
    monitor: Monitor | None = None,
) -> StudyResult:
    """Run a named experiment on text that you bring.

    Args:
        name: `stacked-lstm` (which layers of a pretrained character LSTM to retrain on one writer's songs),
            `vanilla-rnn` (a character RNN with AdaGrad, and what other cells and optimizers change) or
            `word-model` (words, subwords and characters of a document, a PDF say).
        data: where the texts lie, by role: `target=PATH near=PATH far=PATH`, `book=PATH`, or `paper=PATH` and others.
        out: the folder for runs and results.
        options: size of the experiment.
        rnn: the network of `vanilla-rnn`.
        words: the networks of `word-model`.
        read: how all the texts are read.
        resume: go on with the experiment in `out`; what is finished there is not repeated.
        monitor: is told of the progress.

    Raises:
        UserError: no such study, a role that is missing or unknown, or bad text.
    """
    if name not in STUDIES:
        raise UserError(f"There is no study '{name}'; choose one of {', '.join(STUDIES)}.")
    own: dict[str, Any] = {"vanilla-rnn": rnn, "word-model": words}
    for other, given in own.items():
        for field in fields(given):
            value = getattr(given, field.name)
            if other != name and value != field.default:
                raise UserError(f"{field.name}={value} belongs to the study {other}; leave it out of {name}.")
    run = functools.partial(STUDIES[name], own[name]) if name in own else STUDIES[name]
    return run(roles(data, ROLES[name], name in FREE), Path(out), options, read, resume, monitor or Monitor())


def roles(data: Sequence[str], expected: Mapping[str, str], free: bool = False) -> dict[str, Path]:
    """Read `role=path` pairs.

    Args:
        data: the pairs.
        expected: what each role is, by name; all are needed.
        free: other roles may stand beside them.

    Raises:
        UserError: a pair that is none, an unknown role, or a missing one.
    """
    found: dict[str, Path] = {}
    for pair in data:
        role, equals, path = pair.partition("=")
        if not role or not equals or not path:
            raise UserError(f"--data '{pair}' is not of the form ROLE=PATH, such as {next(iter(expected))}=songs.txt.")
        if role not in expected and not free:
            raise UserError(f"There is no role '{role}' in this study; it takes {', '.join(expected)}.")
        if role in found:
            raise UserError(
                f"--data has two texts for {role}: {found[role]} and {path}; give one, or put both in a folder."
            )
        found[role] = Path(path)
    for role, meaning in expected.items():
        if role not in found:
            raise UserError(f"The study needs {role}=PATH after --data: {meaning}.")
    return found
