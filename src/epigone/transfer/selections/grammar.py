"""The grammar of selections.

    expression = term (("," | "-") term)*        union and difference, from left to right
    term       = "!" term                        complement
               | "(" expression ")"
               | one of FORMS                    such as `layers.2[forget]`
               | one of FUNCTIONS "(" ... ")"    such as `units(layers.2, 0-15)`

A new form is a function and a line in `FORMS`, or in `FUNCTIONS` if it takes arguments.
"""

import re
from collections.abc import Callable

from epigone.arguments import QUOTED, Arguments
from epigone.errors import UserError
from epigone.models.language_model import LanguageModel
from epigone.transfer.selections.names import PATTERN, by_name
from epigone.transfer.selections.scored import by_score
from epigone.transfer.selections.units import by_unit
from epigone.transfer.selections.weights import Context, Evaluate, Masks, Weights, is_start

FORMS: dict[str, Callable[[Weights, re.Match[str]], Masks]] = {PATTERN: by_name}
"""The forms of a term by the regular expression of their text; of those that match the longest text counts."""
FUNCTIONS: dict[str, Callable[[Weights, Arguments, Evaluate], Masks]] = {"units": by_unit, "weights": by_score}
"""The forms with arguments, by the name before the bracket."""


class Parser:
    """Recursive descent over an expression.

    Raises:
        UserError: the expression does not parse (the message points at the place), or a part of it matches nothing.
    """

    def __init__(self, model: LanguageModel, expression: str, context: Context) -> None:
        self.weights, self.text, self.place = Weights(model, expression, context), expression, 0

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
                none = self.weights.none()
                return {name: none[name] if is_start(name) else ~mask for name, mask in self._term().items()}
            case "(":
                self.place += 1
                masks = self._expression()
                if self._next() != ")":
                    raise self._failure("expected ')'")
                self.place += 1
                return masks
            case "" | "," | "-" | ")":
                raise self._failure("expected a name, '!' or '('")
        if (called := self._function()) is not None:
            return called
        found = self._form()
        assert found is not None
        form, text = found
        self.place = text.end()
        return form(self.weights, text)

    def _function(self) -> Masks | None:
        """Evaluate the function at the place, if there is one."""
        match = re.compile(r"([a-z_]+)\(").match(self.text, self.place)
        if match is None or match[1] not in FUNCTIONS:
            return None
        end = self._closing(match.end())
        text, inside = self.text[match.start() : end + 1], self.text[match.end() : end]
        given = Arguments.parse(inside, lambda reason: self.weights.failure(text, reason))
        masks = FUNCTIONS[match[1]](self.weights, given, self._evaluate)
        self.place = end + 1
        return masks

    def _closing(self, place: int) -> int:
        """The place of the bracket that closes the one before `place`; what stands in quotes does not count."""
        depth = 1
        for match in re.compile(rf"{QUOTED}|[()]").finditer(self.text, place):
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth == 0:
                return match.start()
        self.place = len(self.text)
        raise self._failure("expected ')'")

    def _evaluate(self, expression: str) -> Masks:
        """Evaluate a part of the expression by itself."""
        inner = Parser(self.weights.model, expression, self.weights.context)
        masks = inner.parse()
        self.weights.names_head |= inner.weights.names_head
        return masks

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
            "Write for example 'layers.2', 'layers.*.weight_hh', 'layers.1[forget]', 'all - embedding' or '!layers.0'.",
        )
