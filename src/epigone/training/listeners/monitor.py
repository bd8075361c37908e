"""The interface through which training and studies report their progress to whoever called them."""

from collections.abc import Callable, Sequence
from typing import Self

from epigone.training.listeners.base import Listener


class Monitor(Listener):
    """Told of a run, or of a number of whole runs; this one keeps silent.

    As a context manager it ends with the block, whatever happens there.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def draw_curves(self) -> None:
        """Draw the losses of the next run as curves.

        Raises:
            UserError: a package that this needs is not installed.
        """

    def jobs(self, title: str, total: int, under_way: Callable[[], Sequence[str]] = tuple) -> None:
        """A number of whole runs begins; `under_way` gives a line on each that is being done, and is asked often."""

    def job(self, name: str, loss: float) -> None:
        """One of them is done, with this validation loss in nats per token."""
