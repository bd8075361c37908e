"""L2-SP: retraining with a penalty on the distance from the base."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from epigone.errors import check_options
from epigone.models.language_model import LanguageModel
from epigone.transfer.methods.base import Adaptation
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import Selection
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class L2ToBase(Retrain):
    """Retraining with an L2 penalty towards the base.

    The penalty is strength * |w - w_base|^2 over the selected weights. Li, Grandvalet and Davoine (2018), Explicit
    Inductive Bias for Transfer Learning with Convolutional Networks, eq. 3, whose alpha is twice the strength.
    """

    name: ClassVar[str] = "l2-to-base"

    strength: float = 0.01
    """Weight of the squared distance from the base's weights, in nats."""

    def __post_init__(self) -> None:
        check_options(self, "not be negative", lambda value: 0 <= value < math.inf, "strength")

    def prepare(self, model: LanguageModel, selection: Selection) -> Adaptation:
        adaptation = super().prepare(model, selection)
        learning = [parameter for group in adaptation.groups for parameter in group.parameters]
        return replace(adaptation, penalty=Distance(learning, self.strength))


class Distance:
    """The squared distance of parameters from where they are now, times a strength.

    Weights that a mask holds do not move, so they add nothing.
    """

    def __init__(self, parameters: list[nn.Parameter], strength: float) -> None:
        self.parameters, self.strength = parameters, strength
        self.starts = [parameter.detach().clone() for parameter in parameters]

    def __call__(self) -> Tensor:
        # The parameters may have moved to another device since.
        self.starts = [start.to(p.device) for start, p in zip(self.starts, self.parameters, strict=True)]
        squares = [(p - start).square().sum() for p, start in zip(self.parameters, self.starts, strict=True)]
        return self.strength * torch.stack(squares).sum()
