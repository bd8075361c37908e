"""Retraining: the selected weights learn as they did before."""

from dataclasses import dataclass
from typing import ClassVar

from epigone.models.language_model import LanguageModel
from epigone.training.language_task import learning_parameters
from epigone.transfer.methods.base import Adaptation, Method
from epigone.transfer.selections.selection import Selection


@dataclass(frozen=True)
class Retrain(Method):
    """Retraining of the selected weights, with nothing added."""

    name: ClassVar[str] = "retrain"

    def prepare(self, model: LanguageModel, selection: Selection) -> Adaptation:
        selection.apply(model)
        return Adaptation(learning_parameters(model), selection.partial())
