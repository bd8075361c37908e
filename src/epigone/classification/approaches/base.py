"""The interface of an approach: one way to learn a classifier from labelled texts, and a row of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from epigone.classification.texts import LabelledTexts
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import MachineOptions

Family = Literal["baseline", "n-grams", "states", "network", "blend"]
"""The kind of an approach. The table compares every row with the best one of n-grams; the blend joins that one and the
best network."""


class NoTimeError(Exception):
    """Too few of the minutes are left."""


class NoBaseError(Exception):
    """There is no language model to start from; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Everything that an approach gets beside the labelled texts."""

    folder: Path
    """A folder of its own, which exists, for stages in progress. A run that was killed finds there what it left; it is
    deleted when the command is finished."""
    shared: Path | None = None
    """A folder that all fits of the command share, for what is learned without labels; None is `folder`."""
    unlabelled: Sequence[str] = ()
    """Further texts, without labels. In cross-validation all texts are among them, so that what is learned without
    labels is learned once."""
    base: str = ""
    """The language model to start from: a folder or the name of a bundled model; empty for the approach's default."""
    backward: str = ""
    """The language model that reads backward; empty for none."""
    balance: bool = True
    """Count each class alike, whatever its number of texts (see `text_weights`)."""
    seed: int = 0
    """Of everything that is drawn."""
    minutes: float | None = None
    """Minutes that this fit may take; None for no limit."""
    machine: MachineOptions = MachineOptions()
    """Device, backend and threads."""
    monitor: Monitor = field(default_factory=Monitor)
    """Is told of the progress."""
    notices: list[str] = field(default_factory=list)
    """Gets sentences on what was decided, guessed or left out."""


@runtime_checkable
class Classifier(Protocol):
    """A learned classifier.

    The probabilities of a text are the same alone and in any batch, to 1e-6.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of the probabilities."""

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Compute the probability of every class for each text: (N, C), rows sum to 1."""

    def save(self, folder: Path) -> None:
        """Write its files into an existing folder: safetensors and JSON, never a pickle. config.json is not its own."""


class Approach(Protocol):
    """One way to learn a classifier. It never sees the texts that it is measured on."""

    @property
    def name(self) -> str:
        """The name on the command line and in files."""

    @property
    def title(self) -> str:
        """The name of its row in the table."""

    @property
    def family(self) -> Family:
        """The kind of approach."""

    def fit(self, train: LabelledTexts, setting: Setting) -> Classifier:
        """Learn from labelled texts.

        A class of `train.classes` may have no text; it gets a probability all the same.

        Raises:
            NoTimeError: its minutes are not enough; its row is left out.
            NoBaseError: it has no language model to start from; its row is left out.
            UserError: the texts or the setting do not allow it; the message says what to do.
        """

    def load(self, folder: Path, classes: tuple[str, ...]) -> Classifier:
        """Read a classifier that `Classifier.save` wrote into a folder; it can be saved again.

        Raises:
            UserError: a file is missing or damaged.
        """


def text_weights(codes: NDArray[np.int64], classes: int, balance: bool) -> NDArray[np.float64]:
    """Decide how much each of N texts counts in a loss: (N,), with a mean of 1.

    Args:
        codes: (N,), the classes.
        classes: how many there are.
        balance: let the texts of each class count as much in all as those of another; otherwise each text counts 1.
    """
    if not balance:
        return np.ones(len(codes))
    counts = np.bincount(codes, minlength=classes)
    shares = len(codes) / np.maximum(1, np.count_nonzero(counts) * counts)
    return np.asarray(shares[codes], np.float64)
