"""LoRA for recurrent weights: each selected matrix learns a product of two thin ones, which is added to it."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from epigone.errors import UserError, check_options
from epigone.models.language_model import LanguageModel
from epigone.training.task import ParameterGroup
from epigone.transfer.methods.base import Adaptation, Method
from epigone.transfer.methods.reparametrised import compute, merged
from epigone.transfer.selections.selection import Selection
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class LoRA(Method):
    """Low-rank adaptation of the selected matrices; vectors stay as they are.

    W + alpha / rank * L R, with L (rows, rank) zero at first and R (rank, columns) random. Hu et al. (2022), LoRA:
    Low-Rank Adaptation of Large Language Models, section 4.1. All gates of a matrix share R.
    """

    name: ClassVar[str] = "lora"

    rank: int = 8
    """Columns of the left matrix and rows of the right one."""
    alpha: float = 16.0
    """Weight of the product; it is divided by the rank."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "rank")
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, "alpha")

    def prepare(self, model: LanguageModel, selection: Selection) -> Adaptation:
        learning: list[nn.Parameter] = []
        masks: dict[str, Tensor] = {}
        for name, parameter in list(model.named_parameters()):
            parameter.requires_grad_(False)
            mask = selection.masks[name]
            if parameter.ndim != 2 or not mask.any():
                continue
            if name == "embedding.weight" and model.config.tied:
                raise UserError(
                    "The embedding is also the head's weight, so a product cannot be added to it; leave it and the "
                    "head out of the selection, for example with 'all - embedding' and --no-head."
                )
            rows = mask.any(1)
            if not torch.equal(rows, mask.all(1)):
                raise UserError(
                    f"The selection takes single columns or weights of {name}, and method lora learns whole rows; "
                    "select layers, gates, units without their readers, or rows of the head."
                )
            product = LowRank(parameter, self.rank, self.alpha / self.rank)
            place = compute(model, name, product)
            learning += [product.left, product.right]
            if not rows.all():
                masks[f"{place}.left"] = rows[:, None].expand_as(product.left)
        if not learning:
            raise UserError(
                f"The selection '{selection.expression}' has no matrix, and method lora learns nothing else."
            )
        return Adaptation((ParameterGroup(tuple(learning)),), masks)

    def merge(self, model: LanguageModel) -> LanguageModel:
        return merged(model)

    def adapter(self, model: LanguageModel) -> dict[str, Tensor]:
        found = {}
        for name, module in model.named_modules():
            if isinstance(module, LowRank):
                weight = name.replace(".parametrizations", "").rpartition(".")[0]
                found[f"{weight}.left"] = (module.scale * module.left).detach()
                found[f"{weight}.right"] = module.right.detach()
        return found


class LowRank(nn.Module):
    """Adds scale * left right to a matrix."""

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.scale = scale
        self.left = nn.Parameter(weight.new_zeros(rows, rank))
        self.right = nn.Parameter(torch.empty(rank, columns, dtype=weight.dtype, device=weight.device))
        nn.init.kaiming_uniform_(self.right, math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):  # bf16 would round the weight, and lose the product
            return torch.addmm(weight, self.left, self.right, alpha=self.scale)
