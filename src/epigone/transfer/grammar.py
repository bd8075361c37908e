"""The grammar of selections.

    expression = term (("," | "-") term)*        union and difference, from left to right
    term       = "!" term                        complement
               | "(" expression ")"
               | one of FORMS                    such as `layers.2`

A new form is a function and a line in `FORMS`.
"""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from epigone.errors import UserError
from epigone.models.language_model import LanguageModel

Masks = dict[str, Tensor]
"""True where a weight is selected, by the name of the parameter and in its shape."""


class Weights:
    """The weights that the forms of an expression choose from."""

    def __init__(self, model: LanguageModel, expression: str) -> None:
        self.model, self.expression = model, expression
        self.names_head = False
        """True once a term has named the head or a part of it."""
        self.parameters = dict(model.named_parameters())
        self.aliases = {"embedding.weight": "layers.0.weight_ih"} if model.embedding is None else {}
        if model.config.tied:
            self.aliases["head.weight"] = "embedding.weight"

    def whole(self, names: set[str]) -> Masks:
        """Select these parameters, each as a whole."""
        return {
            name: torch.full(parameter.shape, name in names, dtype=torch.bool)
            for name, parameter in self.parameters.items()
        }

    def choices(self) -> str:
        """List what an expression may name."""
        names = dict.fromkeys(name for layer in self.model.layers for name, _ in layer.named_parameters())
        layers = ", ".join(f"layers.{i}" for i in range(len(self.model.layers)))
        return f"There are: all, embedding, head, {layers}; and in each layer {', '.join(names)}."


def by_name(weights: Weights, match: re.Match[str]) -> Masks:
    """Select `all`, or the parameters and groups whose names match a pattern with `*` and `?`."""
    pattern = match[0]
    weights.names_head |= pattern.split(".")[0] == "head"
    names = {name for name in weights.parameters if pattern == "all" or _matches(name, pattern)}
    names |= {target for alias, target in weights.aliases.items() if _matches(alias, pattern)}
    if not names:
        raise UserError(f"'{pattern}' in the selection '{weights.expression}' matches no weight. {weights.choices()}")
    return weights.whole(names)


def _matches(name: str, pattern: str) -> bool:
    """Match a parameter or a group that it belongs to, as `layers.2` does `layers.2.weight_hh`."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[:size]), pattern) for size in range(1, len(parts) + 1))


FORMS: dict[str, Callable[[Weights, re.Match[str]], Masks]] = {
    r"[A-Za-z0-9_.*?]+": by_name,
}
"""The forms of a term by the regular expression of their text; of those that match the longest text counts."""


class Parser:
    """Recursive descent over an expression.

    Raises:
        UserError: the expression does not parse (the message points at the place), or a part of it matches nothing.
    """

    def __init__(self, model: LanguageModel, expression: str) -> None:
        self.weights, self.text, self.place = Weights(model, expression), expression, 0

    def parse(self) -> Masks:
        """Evaluate the whole expression."""
        masks = self._expression()
        if self._next():
            raise self._failure("expected ',' or '-' or the end")
        return masks

    def _expression(self) -> Masks:
        masks = self._term()
        while (operator := self._next()) in (",", "-"):
            self.place += 1
            other = self._term()
            masks = {
                name: mask | other[name] if operator == "," else mask & ~other[name] for name, mask in masks.items()
            }
        return masks

    def _term(self) -> Masks:
        match self._next():
            case "!":
                self.place += 1
                return {name: ~mask for name, mask in self._term().items()}
            case "(":
                self.place += 1
                masks = self._expression()
                if self._next() != ")":
                    raise self._failure("expected ')'")
                self.place += 1
                return masks
            case "" | "," | "-" | ")":
                raise self._failure("expected a name, '!' or '('")
        found = self._form()
        assert found is not None
        form, text = found
        self.place = text.end()
        return form(self.weights, text)

    def _form(self) -> tuple[Callable[[Weights, re.Match[str]], Masks], re.Match[str]] | None:
        """The form at the place, if there is one."""
        matches = [(form, re.compile(pattern).match(self.text, self.place)) for pattern, form in FORMS.items()]
        found = [(form, match) for form, match in matches if match]
        return max(found, key=lambda pair: pair[1].end(), default=None)

    def _next(self) -> str:
        """The next character after white space, which is skipped; empty at the end."""
        rest = self.text[self.place :]
        self.place += len(rest) - len(rest.lstrip())
        character = self.text[self.place : self.place + 1]
        if character and character not in ",-!()" and self._form() is None:
            raise self._failure("this character has no meaning here")
        return character

    def _failure(self, reason: str) -> UserError:
        return UserError(
            f"The selection does not parse: {reason}.",
            f"    {self.text}",
            f"    {' ' * self.place}^",
            "Write for example 'layers.2', 'layers.*.weight_hh', 'all - embedding' or '!layers.0'.",
        )
