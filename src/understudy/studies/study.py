"""`study`: the named experiments."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from understudy.errors import UserError
from understudy.studies import stacked_lstm, stacked_lstm_texts
from understudy.studies.results import StudyOptions, StudyResult
from understudy.text.documents import ReadOptions
from understudy.training.monitor import Monitor

STUDIES: dict[str, Callable[[Mapping[str, Path], Path, StudyOptions, ReadOptions, bool, Monitor], StudyResult]] = {
    "stacked-lstm": stacked_lstm.run,
}
ROLES = {"stacked-lstm": stacked_lstm_texts.ROLES}


def study(
    name: str,
    *,
    data: Sequence[str],
    out: str | Path,
    options: StudyOptions = StudyOptions(),
    read: ReadOptions = ReadOptions(),
    resume: bool = False,
    monitor: Monitor | None = None,
) -> StudyResult:
    """Run a named experiment on text that you bring.

    Args:
        name: `stacked-lstm` (which layers of a pretrained character LSTM to retrain on one writer's songs).
        data: where the texts lie, by role: `target=PATH near=PATH far=PATH`.
        out: the folder for runs and results.
        options: size of the experiment.
        read: how all the texts are read.
        resume: go on with the experiment in `out`; what is finished there is not repeated.
        monitor: is told of the progress.

    Raises:
        UserError: no such study, a role that is missing or unknown, or bad text.
    """
    if name not in STUDIES:
        raise UserError(f"There is no study '{name}'; choose one of {', '.join(STUDIES)}.")
    return STUDIES[name](roles(data, ROLES[name]), Path(out), options, read, resume, monitor or Monitor())


def roles(data: Sequence[str], expected: Mapping[str, str]) -> dict[str, Path]:
    """Read `role=path` pairs.

    Args:
        data: the pairs.
        expected: what each role is, by name; all are needed.

    Raises:
        UserError: a pair that is none, an unknown role, or a missing one.
    """
    found: dict[str, Path] = {}
    for pair in data:
        role, equals, path = pair.partition("=")
        if not equals or not path:
            raise UserError(f"--data '{pair}' is not of the form ROLE=PATH, such as {next(iter(expected))}=songs.txt.")
        if role not in expected:
            raise UserError(f"There is no role '{role}' in this study; it takes {', '.join(expected)}.")
        found[role] = Path(path)
    for role, meaning in expected.items():
        if role not in found:
            raise UserError(f"The study needs {role}=PATH after --data: {meaning}.")
    return found
