"""`classify train`: a classifier, and the table that says which approach is best for the texts."""

import hashlib
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.classification.approaches.base import (
    Classifier,
    NoBaseError,
    NoTimeError,
    Setting,
    text_weights,
)
from epigone.classification.approaches.blend import JOINS, Blended, Join, best_weight, blended, crossed
from epigone.classification.approaches.registry import APPROACHES
from epigone.classification.card import write_result
from epigone.classification.files import open_folder
from epigone.classification.folds import divide
from epigone.classification.options import ClassifierOptions, chosen_rows
from epigone.classification.result import ClassifierTraining
from epigone.classification.stages import FOLDER, Clock, Measurer
from epigone.classification.table import Held, Row, best, compared, criterion
from epigone.classification.texts import UnlabelledTexts, read_labelled, read_unlabelled
from epigone.described import described
from epigone.errors import UserError
from epigone.folder_lock import output_folder
from epigone.report.numbers import NumberStyle, format_value
from epigone.text.document import ReadOptions, counted
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import MachineOptions

log = logging.getLogger("epigone")
SHARED = "shared"  # folder of what all fits share
PERCENT = NumberStyle(notation="percent", digits=1)


def train_classifier(
    *texts: str | Path,
    out: str | Path,
    unlabelled: Sequence[str | Path] = (),
    options: ClassifierOptions = ClassifierOptions(),
    read: ReadOptions = ReadOptions(),
    machine: MachineOptions = MachineOptions(),
    resume: bool = False,
    monitor: Monitor | None = None,
) -> ClassifierTraining:
    """Train a classifier on labelled texts: every approach is measured, and the best one is kept.

    With fewer than 500 texts the rows are measured by cross-validation in five folds, else on a fifth of the texts.
    The winner has the highest accuracy there, or the highest balanced accuracy if classes of unequal size are to count
    alike; of equals, the cheapest wins. Then it learns all labelled texts, unless it is a network that was measured on
    a fifth.

    Args:
        texts: tables with a column of texts and one of labels, or folders with a folder for each class.
        out: the folder for the classifier.
        unlabelled: further texts without labels, for rows that learn from such texts.
        options: the rows, and how they are trained.
        read: options for reading the texts.
        machine: device and threads.
        resume: go on with the interrupted training in `out`.
        monitor: follows the progress.

    Returns:
        The table and the winner.

    Raises:
        UserError: bad input; the message says what to do.
    """
    out, monitor = Path(out), monitor or Monitor()
    names = chosen_rows(options.rows)
    labelled = read_labelled(texts, read)
    further = read_unlabelled(unlabelled, read) if unlabelled else UnlabelledTexts((), (), [])
    free = [*labelled.unlabelled, *further.texts]
    notices = [*labelled.notices, *further.notices]
    request = {
        "command": "classify train",
        "options": described(options),
        "read": read.chosen(),
        "texts": [str(path) for path in texts],
        "corpus": labelled.hash,
        "unlabelled": _hash(free) if free else None,
    }
    with output_folder(out, resume), monitor:
        if (left := open_folder(out, request, labelled.classes)) is not None:
            log.info(f"The training in {out} is finished; there is nothing to resume.")
            return ClassifierTraining.of(left)
        folds = divide(labelled, options.seed)

        def setting(folder: Path, minutes: float | None, told: list[str]) -> Setting:
            return Setting(
                folder=folder,
                shared=out / FOLDER / SHARED,
                unlabelled=free if len(folds) == 1 else [*free, *labelled.texts],
                base=options.base,
                backward=options.backward,
                balance=options.balance,
                seed=options.seed,
                minutes=minutes,
                machine=machine,
                monitor=monitor,
                notices=told,
            )

        clock = Clock(options.minutes)
        measurer = Measurer(labelled, folds, out / FOLDER, clock, setting)
        table = _Table(measurer, criterion(labelled.counts, options.balance), options, notices, monitor)
        networks = [name for name in names if name not in JOINS and APPROACHES[name].family == "network"]
        for name in names:
            networks = [other for other in networks if other != name]  # that follow
            table.add(name, len(networks))
        rows = table.rows()
        winner = best(rows, table.by)
        classifier = table.final(winner.name)
        classifier.save(out)
        result = ClassifierTraining(
            folder=str(out),
            winner=winner.name,
            by=table.by,
            rows=rows,
            measured=_measured(len(folds), len(table.codes), len(labelled)),
            classes=list(labelled.classes),
            examples=labelled.counts.tolist(),
            unlabelled=len(free),
            texts=[str(path) for path in texts],
            corpus=labelled.hash,
            left_out=table.left_out,
            seconds=round(clock.elapsed(), 1),
            notices=notices,
        )
        write_result(out, result, request)
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        return result


def _hash(texts: Sequence[str]) -> str:
    """Hash texts in their order (sha256)."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode()).digest())
    return whole.hexdigest()


def _measured(folds: int, held: int, number: int) -> str:
    if folds == 1:
        return f"on {held:,} of {counted(number, 'text')}, which the rows did not learn from"
    return f"by cross-validation of {counted(held, 'text')} in {folds} folds"


class _Table:
    """The rows so far."""

    def __init__(
        self, measurer: Measurer, by: str, options: ClassifierOptions, notices: list[str], monitor: Monitor
    ) -> None:
        self.measurer, self.by, self.options, self.notices, self.monitor = measurer, by, options, notices, monitor
        self.codes: NDArray[np.int64] = measurer.labelled.codes[measurer.places]
        self.held: list[Held] = []
        self.left_out: list[str] = []

    def add(self, name: str, later: int) -> None:
        """Measure the row of a name and tell the monitor, or note why it is left out; `later` networks follow."""
        try:
            if name in JOINS:
                held = self._joined(JOINS[name])
            else:
                held = self.measurer.measure(APPROACHES[name], later, self.notices)
        except NoTimeError:
            self.left_out.append(f"{name}: {self.options.minutes:g} minutes are too few")
            return
        except NoBaseError as error:
            self.left_out.append(f"{name}: {error}")
            return
        if held is None:
            self.left_out.append(f"{name}: the rows that it joins are not there")
            return
        self.held.append(held)
        row = held.row(self.codes)
        percent = format_value(getattr(row.figures, self.by), PERCENT)
        self.monitor.line(f"{row.title}: {self.by.replace('_', ' ')} {percent}, {row.seconds:.1f} s")

    def rows(self) -> list[Row]:
        """Compare all rows.

        Raises:
            UserError: there is none.
        """
        if not self.held:
            raise UserError(
                f"No row can be trained in --minutes {self.options.minutes:g}: {'; '.join(self.left_out)}. Give more."
            )
        return compared(self.held, self.codes, self.by)

    def final(self, name: str) -> Classifier:
        """Fit the row of a name on all labelled texts."""
        if name not in JOINS:
            return self.measurer.final(APPROACHES[name], self.notices)
        first, *others = parts = self._parts(JOINS[name])
        weight = JOINS[name].weight
        if weight is None:
            weight = best_weight(first.probabilities, _mean(others), self.codes, self._counted())
        names = tuple(part.name for part in parts)
        return Blended(names, tuple(self.final(name) for name in names), weight)

    def _parts(self, join: Join) -> list[Held]:
        """The rows that a join joins, if they are there."""
        if join.parts:
            return [each for each in self.held if each.name in join.parts]
        networks = [each for each in self.held if each.family == "network"]
        if not networks:
            return []
        winner = best([each.row(self.codes) for each in networks], self.by).name
        grams = [each for each in self.held if each.family == "n-grams"]
        return [*(each for each in networks if each.name == winner), *grams]

    def _joined(self, join: Join) -> Held | None:
        """The row of a join; None if one of its parts is missing."""
        if len(parts := self._parts(join)) < max(2, len(join.parts)):
            return None
        first, rest = parts[0].probabilities, _mean(parts[1:])
        if join.weight is None:
            found = crossed(first, rest, self.codes, self._counted(), self.options.seed)
        else:
            found = blended(first, rest, join.weight)
        seconds, size = sum(part.seconds for part in parts), sum(part.megabytes for part in parts)
        return Held(join.name, join.title, join.family, found, seconds, size)

    def _counted(self) -> NDArray[np.float64]:
        """How much each held-out text counts."""
        return text_weights(self.codes, len(self.measurer.labelled.classes), self.options.balance)


def _mean(rows: Sequence[Held]) -> NDArray[np.float64]:
    """The mean of the probabilities of some rows."""
    return np.asarray(np.mean([row.probabilities for row in rows], axis=0))
