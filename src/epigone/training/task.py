"""What is to be learned, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import Tokenizer
from epigone.training.batches import Steps


class Diverged(UserError):
    """The loss became infinite or NaN."""


@dataclass(frozen=True)
class Task:
    """What is to be learned: a model whose learning parameters require gradients, and the text.

    `start` is the lowest layer that runs on the batches (above it when they hold the outputs of a frozen prefix);
    `masks` names the parameters of which only a part learns, with True where it does; samples need a `tokenizer`.
    """

    model: LanguageModel
    batches: Steps
    validate: Callable[[], Losses]
    start: int = 0
    masks: dict[str, Tensor] = field(default_factory=dict)
    tokenizer: Tokenizer | None = None


@dataclass(frozen=True)
class Trained:
    """What came of a run; losses in nats per token, `best_step` is that of the weights that were kept."""

    outcome: str
    best_loss: float
    best_step: int
    steps: int
    epochs: float
    history: list[dict[str, Any]]
    seconds: float
