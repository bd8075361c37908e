"""Selections: which weights learn, as data.

A selection is a mask over the named parameters of a model, written as a short expression:

    all    head    embedding    layers.2    layers.*.weight_hh    a name of a parameter, with * and ?
    A, B   union                A - B       difference, from left to right
    !A     complement           ( ... )     grouping

For one-hot models `embedding` means the input columns of layer 0, which are `layers.0.weight_ih`. A tied weight is one
parameter under both of its names.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations

import torch
from torch import Tensor

from epigone.errors import UserError
from epigone.models.language_model import LanguageModel

TOKEN = re.compile(r"\s*([A-Za-z0-9_.*?]+|[,!()-])")


@dataclass(frozen=True)
class Selection:
    """Masks by parameter name: True where a weight learns. Each mask has the shape of its parameter."""

    expression: str
    masks: dict[str, Tensor]

    def count(self) -> int:
        """How many weights are selected."""
        return sum(int(mask.sum()) for mask in self.masks.values())

    def partial(self) -> dict[str, Tensor]:
        """The masks of parameters of which some weights learn and others do not."""
        return {name: mask for name, mask in self.masks.items() if mask.any() and not mask.all()}

    def lowest_layer(self, model: LanguageModel) -> int:
        """The lowest layer with a learning weight; the number of layers where only the head learns.

        A learning embedding counts as layer 0.
        """
        learning = {name for name, mask in self.masks.items() if mask.any()}
        if "embedding.weight" in learning:
            return 0
        layers = [int(name.split(".")[1]) for name in learning if name.startswith("layers.")]
        return min(layers, default=len(model.layers))

    def apply(self, model: LanguageModel) -> None:
        """Let exactly the parameters with a selected weight require gradients."""
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(bool(self.masks[name].any()))


def select(model: LanguageModel, expression: str) -> Selection:
    """Evaluate a selection expression on a model.

    Raises:
        UserError: the expression does not parse (the place is pointed at), or a part or the whole matches nothing.
    """
    expression = " ".join(expression.split())  # on one line, so that a place in it can be pointed at
    try:
        selection = Selection(expression, Parser(model, expression).parse())
    except RecursionError as error:
        raise UserError("The selection is nested too deeply; write it with fewer '(' and '!'.") from error
    if selection.count() == 0:
        raise UserError(f"The selection '{expression}' selects no weight at all. {_what_exists(model)}")
    return selection


class Parser:
    """Recursive descent over: expression = term (("," | "-") term)*; term = "!" term | "(" expression ")" | name."""

    def __init__(self, model: LanguageModel, text: str) -> None:
        self.model, self.text, self.place = model, text, 0
        self.parameters = dict(model.named_parameters())
        self.aliases = {"embedding.weight": "layers.0.weight_ih"} if model.embedding is None else {}
        if model.config.tied:
            self.aliases["head.weight"] = "embedding.weight"

    def parse(self) -> dict[str, Tensor]:
        masks = self._expression()
        if self._peek() is not None:
            raise self._failure("expected ',' or '-' or the end")
        return masks

    def _expression(self) -> dict[str, Tensor]:
        masks = self._term()
        while (operator := self._peek()) in (",", "-"):
            self._next()
            other = self._term()
            masks = {
                name: mask | other[name] if operator == "," else mask & ~other[name] for name, mask in masks.items()
            }
        return masks

    def _term(self) -> dict[str, Tensor]:
        token = self._peek()
        if token == "!":
            self._next()
            return {name: ~mask for name, mask in self._term().items()}
        if token == "(":
            self._next()
            masks = self._expression()
            if self._peek() != ")":
                raise self._failure("expected ')'")
            self._next()
            return masks
        if token is None or token in ",-)":
            raise self._failure("expected a name, '!' or '('")
        return self._name(self._next())

    def _name(self, pattern: str) -> dict[str, Tensor]:
        chosen = {name for name in self.parameters if pattern == "all" or _matches(name, pattern)}
        chosen |= {target for alias, target in self.aliases.items() if _matches(alias, pattern)}
        if not chosen:
            raise UserError(f"'{pattern}' in the selection '{self.text}' matches no weight. {_what_exists(self.model)}")
        return {
            name: torch.full(parameter.shape, name in chosen, dtype=torch.bool)
            for name, parameter in self.parameters.items()
        }

    def _peek(self) -> str | None:
        if not self.text[self.place :].strip():
            return None
        match = TOKEN.match(self.text, self.place)
        if match is None:
            raise self._failure("this character has no meaning here")
        return match[1]

    def _next(self) -> str:
        match = TOKEN.match(self.text, self.place)
        assert match is not None
        self.place = match.end()
        return match[1]

    def _failure(self, reason: str) -> UserError:
        rest = self.text[self.place :]
        column = self.place + len(rest) - len(rest.lstrip())
        return UserError(
            f"The selection does not parse: {reason}.\n    {self.text}\n    {' ' * column}^\n"
            "Write for example 'layers.2', 'layers.*.weight_hh', 'all - embedding' or '!layers.0'."
        )


def _matches(name: str, pattern: str) -> bool:
    """Whether a pattern names a parameter or a group that it belongs to, as `layers.2` does `layers.2.weight_hh`."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[:size]), pattern) for size in range(1, len(parts) + 1))


def _what_exists(model: LanguageModel) -> str:
    names = list(dict.fromkeys(name.split(".")[-1] for name, _ in model.named_parameters() if "layers" in name))
    layers = ", ".join(f"layers.{i}" for i in range(len(model.layers)))
    return f"There are: all, embedding, head, {layers}; and in each layer {', '.join(names)}."


def layer_subsets(layers: int) -> list[str]:
    """Every non-empty set of layers as a selection, small sets first."""
    numbers = range(layers)
    sets = [chosen for size in numbers for chosen in combinations(numbers, size + 1)]
    return [", ".join(f"layers.{i}" for i in chosen) for chosen in sets]
