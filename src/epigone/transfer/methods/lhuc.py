"""LHUC: each selected unit learns how loud its output is; nothing else learns."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from epigone.errors import UserError
from epigone.models.language_model import LanguageModel
from epigone.training.task import ParameterGroup
from epigone.transfer.methods.base import Adaptation, Method
from epigone.transfer.methods.reparametrised import compute, merged
from epigone.transfer.selections.selection import Selection
from epigone.transfer.selections.units import readers
from epigone.transfer.selections.weights import Context, Weights
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class Lhuc(Method):
    """A factor for the output of each unit of which a weight is selected.

    The factor is 2 sigmoid(a), 1 at first. It goes into the columns that read the unit, so the model that is saved is a
    plain one. Swietojanski and Renals (2014), Learning Hidden Unit Contributions for Unsupervised Speaker Adaptation.
    """

    name: ClassVar[str] = "lhuc"

    def prepare(self, model: LanguageModel, selection: Selection) -> Adaptation:
        weights = Weights(model, selection.expression, Context())
        chosen = {
            layer: units for layer in range(len(model.layers)) if (units := _units(weights, selection, layer)).any()
        }
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        if not chosen:
            raise UserError(
                f"The selection '{selection.expression}' has no unit of a layer, and method lhuc learns those."
            )
        learning, masks = [], {}
        for layer, units in chosen.items():
            reading = readers(weights, layer)
            if "embedding.weight" in reading:
                raise UserError(
                    "The embedding is also the head's weight, so the outputs of the top layer cannot be scaled there; "
                    "leave the top layer out of the selection."
                )
            factor = Factor(len(units), model.weight)
            places = [compute(model, name, factor) for name in reading]
            learning.append(factor.raw)
            if not units.all():
                masks[f"{places[0]}.raw"] = units
        return Adaptation((ParameterGroup(tuple(learning)),), masks)

    def merge(self, model: LanguageModel) -> LanguageModel:
        return merged(model)

    def adapter(self, model: LanguageModel) -> dict[str, Tensor]:
        found = {}
        for name, module in model.named_modules(remove_duplicate=False):
            if isinstance(module, Factor):
                weight = name.replace(".parametrizations", "").rpartition(".")[0]
                found[f"{weight}.columns"] = module.factor().detach()
        return found


class Factor(nn.Module):
    """Multiplies the columns of a matrix."""

    def __init__(self, units: int, like: Tensor) -> None:
        super().__init__()
        self.raw = nn.Parameter(like.new_zeros(units))

    def factor(self) -> Tensor:
        """The factors (H,), between 0 and 2."""
        return 2 * torch.sigmoid(self.raw)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor()


def _units(weights: Weights, selection: Selection, layer: int) -> Tensor:
    """The units (H,) of a layer of which a row of any gate is selected."""
    units = torch.zeros(weights.model.config.layer_sizes[layer], dtype=torch.bool)
    for name, mask in selection.masks.items():
        if name.startswith(f"layers.{layer}.") and (blocks := weights.rows(name)) is not None:
            units |= mask.reshape(*blocks, -1).any(2).any(0)
    return units
