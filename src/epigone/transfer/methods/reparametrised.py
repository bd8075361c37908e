"""Weights that a method computes from the base's and from a few of its own, and their way back into a plain model."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from epigone.models.config import weight_shapes
from epigone.models.language_model import LanguageModel


def compute(model: LanguageModel, name: str, function: nn.Module) -> str:
    """Let a module compute a weight from what it was; the parameter itself learns no more.

    Args:
        model: the model.
        name: the weight, such as `layers.1.weight_hh`.
        function: takes the weight and returns one of the same shape.

    Returns:
        The name of the function's place in the model, before the names of its own parameters.
    """
    room, _, leaf = name.rpartition(".")
    module: Any = model.get_submodule(room)
    before = len(module.parametrizations[leaf]) if parametrize.is_parametrized(module, leaf) else 0
    parametrize.register_parametrization(module, leaf, function)
    module.parametrizations[leaf].original.requires_grad_(False)
    return f"{room}.parametrizations.{leaf}.{before}"


@torch.no_grad()
def merged(model: LanguageModel) -> LanguageModel:
    """The plain model with the weights that a model computes."""
    plain = LanguageModel(model.config, model.backend, drawn=False)
    for name, weight in computed(model):
        plain.get_parameter(name).copy_(weight)
    return plain.to(model.weight.device).train(model.training)


def computed(model: LanguageModel) -> Iterator[tuple[str, Tensor]]:
    """The weights of a model by the names of a plain one."""
    for name in weight_shapes(model.config):
        room, _, leaf = name.rpartition(".")
        yield name, getattr(model.get_submodule(room), leaf)
