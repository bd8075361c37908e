"""The protocol between what learns and the training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from epigone.errors import UserError
from epigone.models.cells.base import State
from epigone.training.batches import Steps


class Diverged(UserError):
    """The loss became infinite or NaN."""


@dataclass(frozen=True, eq=False)
class ParameterGroup:
    """Parameters that learn alike.

    `rate` is multiplied with the learning rate of the recipe. Before step `first_step`, counted from 0, the parameters
    stay as they are, bit for bit: gradual unfreezing, as in Howard and Ruder (2018).
    """

    parameters: tuple[nn.Parameter, ...]
    rate: float = 1.0
    first_step: int = 0


class StepLoss(NamedTuple):
    """The loss of a batch: the `objective` to minimise, and the mean loss and the accuracy to report.

    All are scalars; the accuracy is NaN if it is not known.
    """

    objective: Tensor
    loss: Tensor
    accuracy: Tensor


class Measurement(Protocol):
    """The outcome of a validation."""

    @property
    def loss(self) -> float:
        """The loss that decides which weights are kept."""

    def figures(self) -> Mapping[str, float]:
        """Further figures by name, for the history."""


class Task(Protocol):
    """All that the training loop knows of what learns."""

    @property
    def module(self) -> nn.Module:
        """The module whose parameters learn; those outside all groups must not require gradients."""

    @property
    def batches(self) -> Steps:
        """The batches of an epoch."""

    @property
    def groups(self) -> Sequence[ParameterGroup]:
        """The learning parameters."""

    @property
    def masks(self) -> Mapping[str, Tensor]:
        """Masks of the parameters that learn in part, by name: True where a weight learns."""

    def initial_state(self, rows: int) -> State:
        """Make the recurrent state that a number of rows begins with."""

    def loss(self, batch: Any, state: State) -> tuple[StepLoss, State]:
        """Score a batch with `module`.

        Args:
            batch: a batch of `batches`, on the device.
            state: the recurrent state before the batch.

        Returns:
            The loss, and the state after the batch.
        """

    def penalty(self) -> Tensor | None:
        """Compute a term to add to the objective of each step, if there is one; it is never reported as loss."""

    def validate(self) -> Measurement:
        """Measure the module on held-out data."""

    def save(self, folder: Path) -> None:
        """Write the weights of the module as they are now."""


@dataclass(frozen=True)
class Trained:
    """The outcome of a run; losses in nats per token, `best_step` is that of the kept weights.

    `total` is the length of the schedule in steps.
    """

    outcome: str
    best_loss: float
    best_step: int
    steps: int
    epochs: float
    history: list[dict[str, Any]]
    seconds: float
    total: int
