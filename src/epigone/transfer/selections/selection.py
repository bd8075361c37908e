"""Selections: the weights that learn, as data.

A selection is a mask over the named parameters of a model, written as a short expression:

    all    head    embedding    layers.2    layers.*.weight_hh    a name of a parameter, with * and ?
    layers.1[forget]    layers.1[0-15]    head["e"]    embedding[new]    gates, units and tokens of such a part
    units(layers.2, 0-15, readers=yes)    units(from=probe.json, top=10%)    units(random=10%, seed=3)
    weights(random=1%, seed=3)    weights(fisher=1%)    weights(gradient=1%)    weights(change=1%, from=MODEL)
    A, B   union                A - B       difference, from left to right
    !A     complement           ( ... )     grouping

The state that documents begin in, of a model that has one of its own, is `start`; it is selected only by that name, for
it learns from the beginnings of documents alone.

For one-hot models `embedding` means the input columns of layer 0, which are `layers.0.weight_ih`. A tied weight is one
parameter under both of its names.
"""

import hashlib
import re
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from torch import Tensor

from epigone.arguments import QUOTED
from epigone.errors import UserError
from epigone.models.config import START
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import Tokenizer
from epigone.transfer.selections.grammar import Parser
from epigone.transfer.selections.scores import placeholders
from epigone.transfer.selections.weights import Context, Masks, Weights


@dataclass(frozen=True)
class Selection:
    """Masks by parameter name: True where a weight learns. Each mask has the shape of its parameter."""

    expression: str
    masks: Masks
    names_head: bool = False
    """True if the expression names the head or a part of it."""

    def count(self) -> int:
        """Count the selected weights."""
        return sum(int(mask.sum()) for mask in self.masks.values())

    def partial(self) -> dict[str, Tensor]:
        """The masks of parameters of which some weights learn and others do not."""
        return {name: mask for name, mask in self.masks.items() if mask.any() and not mask.all()}

    def digest(self) -> str:
        """A hash (sha256) of the masks, which says if two selections are the same weights."""
        found = hashlib.sha256()
        for name, mask in sorted(self.masks.items()):
            found.update(name.encode() + np.packbits(mask.numpy()).tobytes())
        return found.hexdigest()

    def lowest_layer(self, model: LanguageModel) -> int:
        """The lowest layer with a learning weight; the number of layers if only the head learns.

        A learning embedding counts as layer 0, and so does the state that documents begin in.
        """
        learning = {id(model.get_parameter(name)) for name, mask in self.masks.items() if mask.any()}
        if self.selects_start:
            return 0
        below = [] if model.embedding is None else [model.embedding.weight]
        below += [] if model.ngrams is None else [model.ngrams.weight]
        if any(id(weight) in learning for weight in below):
            return 0
        for number, layer in enumerate(model.layers):
            if any(id(parameter) in learning for parameter in layer.parameters()):
                return number
        return len(model.layers)

    @property
    def selects_start(self) -> bool:
        """True if the state that documents begin in learns."""
        return any(mask.any() for name, mask in self.masks.items() if name.startswith(f"{START}."))

    def apply(self, model: LanguageModel) -> None:
        """Let exactly the parameters with a selected weight require gradients."""
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(bool(self.masks[name].any()))


def select(model: LanguageModel, expression: str, context: Context = Context()) -> Selection:
    """Evaluate a selection expression on a model.

    Args:
        model: the model.
        expression: the selection.
        context: what it may refer to besides the model: tokens, and scores on a text.

    Raises:
        UserError: the expression does not parse (the message points at the place), or a part or the whole matches
            nothing.
    """
    expression = _on_one_line(expression)
    try:
        parser = Parser(model, expression, context)
        selection = Selection(expression, parser.parse(), parser.weights.names_head)
    except RecursionError as error:
        raise UserError("The selection is nested too deeply; write it with fewer '(' and '!'.") from error
    if selection.count() == 0:
        choices = Weights(model, expression, context).choices()
        raise UserError(f"The selection '{expression}' selects no weight at all. {choices}")
    return selection


def checked(model: LanguageModel, expression: str, tokenizer: Tokenizer) -> Selection:
    """Evaluate an expression before there is a text: what scores would choose is arbitrary, but as much.

    Raises:
        UserError: as for `select`.
    """
    return select(model, expression, Context(tokenizer.vocabulary, (0,), placeholders(model)))


def _on_one_line(expression: str) -> str:
    """Write each run of white space as one space, so that a message can point at a place; quoted text stays."""
    parts = re.split(rf"({QUOTED})", expression)
    parts[::2] = [re.sub(r"\s+", " ", part) for part in parts[::2]]
    return "".join(parts).strip()


def with_head(model: LanguageModel, expression: str, context: Context = Context()) -> Selection:
    """Evaluate a selection expression and add the head, unless the expression says itself what of the head learns.

    Raises:
        UserError: as for `select`.
    """
    selection = select(model, expression, context)
    if selection.names_head:
        return selection
    more = select(model, f"{expression}, head", context)
    return more if more.count() > selection.count() else selection


def layer_subsets(layers: int) -> list[str]:
    """Every non-empty set of layers as a selection, small sets first."""
    numbers = range(layers)
    sets = [chosen for size in numbers for chosen in combinations(numbers, size + 1)]
    return [", ".join(f"layers.{i}" for i in chosen) for chosen in sets]
