"""The interface through which training and studies report their progress to their caller."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from epigone.training.listeners.base import Listener


class Monitor(Listener):
    """A follower of one run, or of many whole runs; this one is silent.

    As a context manager it ends with the block, even after an error.
    """

    plans: ClassVar[bool] = False
    """True if it wants the plan of an experiment, which takes seconds to measure."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def draw_curves(self) -> None:
        """Draw the losses of the next run as curves.

        Raises:
            UserError: a package that this needs is not installed.
        """

    def sample(self, row: Mapping[str, Any]) -> None:
        """A sample of text is drawn; `row` is its line of samples.jsonl."""

    def line(self, text: str) -> None:
        """A part of a command is done; `text` says its outcome in a line."""

    def plan(self, stages: Sequence[tuple[str, int, float]], workers: int) -> None:
        """An experiment begins: the title, the number of runs and the expected seconds of each stage."""

    def jobs(self, title: str, total: int, under_way: Callable[[], Sequence[str]] = tuple) -> None:
        """A number of whole runs begins; `under_way` is called often and gives a line on each that is under way."""

    def job(self, name: str, loss: float) -> None:
        """One of the whole runs is done, with this validation loss in nats per token."""
