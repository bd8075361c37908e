"""`classify predict`: labels and probabilities for texts."""

import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from epigone.classification.files import load_classifier, with_columns_of
from epigone.classification.predictions import predictions
from epigone.classification.reading.inputs import STDIN, Inputs, read_inputs
from epigone.results import Shown
from epigone.text.document import ReadOptions


@dataclass(frozen=True)
class Classification(Shown):
    """Labels and probabilities of texts, in their order."""

    model: str
    classes: list[str]
    texts: list[str]
    """The texts, cleaned; an empty one has no label."""
    names: list[str]
    """Source of each text, such as `more.csv#17`."""
    labels: list[str | None]
    """The most probable class of each text; None for an empty text."""
    probabilities: list[list[float] | None]
    """The probability of every class for each text; None for an empty text."""
    rows: list[dict[str, Any]]
    """Given columns of each text, its label, and its probabilities by class."""
    out: str | None
    """The file that was written."""
    notices: list[str]
    """Sentences on what was guessed, and on texts that have no label."""

    def figures(self) -> dict[str, Any]:
        """The result for JSON, where each text is in its row only."""
        return {key: getattr(self, key) for key in ("model", "classes", "rows", "out", "notices")}


def classify(
    model: str | Path, *texts: str | Path, out: str | Path | None = None, read: ReadOptions = ReadOptions()
) -> Classification:
    """Give texts the label that a classifier thinks most probable, and the probability of every class.

    Args:
        model: the folder of a classifier.
        texts: texts, or files: a table with a column of texts, whose other columns are kept, a file with one text, or a
            folder of these; `-` is the standard input.
        out: a file for all rows, CSV or JSON Lines by its suffix.
        read: options for reading the texts; the column is by default that of the training.

    Raises:
        UserError: bad input; the message says what to do.
    """
    loaded = load_classifier(model)
    stdin = BytesIO(sys.stdin.buffer.read()) if STDIN in texts else None  # it may have to be read twice

    def reading(options: ReadOptions) -> Inputs:
        if stdin is not None:
            stdin.seek(0)
        return read_inputs(texts, options, stdin)

    inputs = with_columns_of(loaded.config, read, reading)
    found = predictions(inputs, loaded.classifier.classes, loaded.classifier.probabilities)
    if out is not None:
        found.write(Path(out))
    labels = found.labels
    shares = found.probabilities.tolist()
    return Classification(
        model=str(model),
        classes=list(found.classes),
        texts=list(inputs.texts),
        names=list(inputs.names),
        labels=labels,
        probabilities=[None if label is None else row for label, row in zip(labels, shares, strict=True)],
        rows=list(found.rows()),
        out=None if out is None else str(out),
        notices=list(inputs.notices),
    )
