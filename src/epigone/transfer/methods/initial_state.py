"""A learned initial state: the state that documents begin in learns, and every weight of the base stays as it is."""

from dataclasses import dataclass
from typing import ClassVar

from epigone.models.config import START
from epigone.models.language_model import LanguageModel
from epigone.training.task import ParameterGroup
from epigone.transfer.methods.base import Adaptation
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import Selection

RATE = 30.0
"""The rate of the state as a multiple of the recipe's: numbers of about 1 move further than weights of a hundredth."""


@dataclass(frozen=True)
class InitialState(Retrain):
    """Learning of the state that documents begin in; at first it is the base's, which for most is zero.

    It learns from the beginning of each document, as long as a sequence, and costs nothing when the model is used.
    Forcada and Carrasco (1995), Learning the Initial State of a Second-Order Recurrent Neural Network during
    Regular-Language Inference.
    """

    name: ClassVar[str] = "initial-state"
    selects: ClassVar[str] = START
    beginnings: ClassVar[bool] = True

    def extend(self, model: LanguageModel) -> None:
        model.add_start_state()

    def prepare(self, model: LanguageModel, selection: Selection) -> Adaptation:
        adaptation = super().prepare(model, selection)
        (group,) = adaptation.groups
        return Adaptation((ParameterGroup(group.parameters, RATE),), adaptation.masks)
