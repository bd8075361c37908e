"""Written lists and the arguments of a form: what it chooses from, then `name=value`, as in `layers.1, random=1%`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from epigone.errors import UserError

QUOTED = r'"(?:[^"\\]|\\.)*"'
_PIECE = re.compile(rf"{QUOTED}|.", re.DOTALL)
_NAMED = re.compile(r"\s*([a-z]+)\s*=\s*(.*)", re.DOTALL)


def items(text: str) -> list[str]:
    """Split a text at the commas outside of quotes and brackets, without the white space around each item."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece in ("(", "[")) - (piece in (")", "]"))
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


@dataclass(frozen=True)
class Arguments:
    """The arguments of a form.

    Args:
        scope: the arguments without a name.
        named: the others, as text.
        failure: makes an error about the form of a reason, which begins with a verb.
    """

    scope: tuple[str, ...]
    named: dict[str, str]
    failure: Callable[[str], UserError]

    @classmethod
    def parse(cls, inside: str, failure: Callable[[str], UserError]) -> "Arguments":
        """Read the text between the brackets of a form.

        Raises:
            UserError: an argument is empty, is given twice, or stands behind one with a name.
        """
        scope: list[str] = []
        named: dict[str, str] = {}
        for item in items(inside) if inside.strip() else []:
            if not item:
                raise failure("has an empty argument.")
            if (match := _NAMED.fullmatch(item)) is not None:
                if match[1] in named:
                    raise failure(f"gives {match[1]}= twice.")
                named[match[1]] = match[2].strip()
            elif named:
                raise failure(f"has '{item}' behind {next(iter(named))}=; write it first.")
            else:
                scope.append(item)
        if not all(named.values()):
            raise failure("has an argument without a value.")
        return cls(tuple(scope), named, failure)

    def only(self, *known: str) -> None:
        """Refuse arguments that have no meaning here."""
        for name in self.named:
            if name not in known:
                raise self.failure(f"has {name}=, which means nothing there; {_listed(known)}.")

    def one_of(self, *names: str) -> str:
        """The one argument that is given of these, which exclude each other."""
        given = [name for name in names if name in self.named]
        if len(given) != 1:
            says = f"gives {' and '.join(f'{name}=' for name in given)}" if given else "says not which it takes"
            raise self.failure(f"{says}; {_listed(names, 'give one of')}.")
        return given[0]

    def share(self, name: str, of: int) -> int:
        """A share in percent, or a number, of so many things; at least 1."""
        match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)\s*(%?)", self.named[name])
        number = float(match[1]) if match else 0.0
        whole = match is not None and (match[2] or "." not in match[1])
        if not whole or number == 0 or number > (100 if match is not None and match[2] else of):
            raise self.failure(
                f"has {name}={self.named[name]}; write a share such as 10%, or a number from 1 to {of:,}."
            )
        return max(1, round(number / 100 * of)) if match is not None and match[2] else int(number)

    def flag(self, name: str) -> bool:
        """An argument that is yes or no; no if it is not given."""
        value = self.named.get(name, "no")
        if value not in ("yes", "no"):
            raise self.failure(f"has {name}={value}; write yes or no.")
        return value == "yes"

    def random(self) -> np.random.Generator:
        """The generator of the argument `seed`, which is 0 if it is not given."""
        seed = self.named.get("seed", "0")
        if not re.fullmatch(r"\d{1,18}", seed):
            raise self.failure(f"has seed={seed}; write a whole number.")
        return np.random.default_rng(int(seed))

    def path(self, name: str) -> str:
        """A path, with or without quotes."""
        return _unquoted(self.named[name])


def named_paths(expression: str) -> list[str]:
    """The paths that an expression names with from=, in their order; it need not parse."""
    found = []
    for bracket in re.finditer(rf"{QUOTED}|\(", expression):
        if bracket[0] == "(":
            arguments = map(_NAMED.fullmatch, items(_inside(expression, bracket.end())))
            found += [_unquoted(each[2].strip()) for each in arguments if each and each[1] == "from"]
    return found


def _inside(expression: str, place: int) -> str:
    """The text up to the bracket that closes the one before a place."""
    depth = 1
    for match in re.compile(rf"{QUOTED}|[()]").finditer(expression, place):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return expression[place : match.start()]
    return expression[place:]


def _unquoted(value: str) -> str:
    return value[1:-1] if re.fullmatch(QUOTED, value) else value


def _listed(names: tuple[str, ...], before: str = "there are") -> str:
    return f"{before} {', '.join(f'{name}=' for name in names)}"
