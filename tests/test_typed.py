"""Types of options: refused in a sentence, or converted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.registry import Registry
from epigone.typed import converted, typed

PathLike = str | Path
Colour = Literal["red", "green"]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 3, 3),
        (int, np.int64(3), 3),
        (float, 3, 3),
        (float, np.float32(0.5), 0.5),
        (float | None, None, None),
        (bool, False, False),
        (PathLike, Path("a"), Path("a")),
        (Colour, "red", "red"),
        (tuple[str, ...], "a", ("a",)),
        (tuple[str, ...], ["a", "b"], ("a", "b")),
        (Sequence[PathLike], "a", ("a",)),
        (Iterable[str], iter("ab"), ("a", "b")),
        (Iterable[str], "ab", ("ab",)),
        (tuple[float, float, float] | None, [1, 2, 3], (1, 2, 3)),
        (tuple[float, ...], np.array([1.0, 2.0]), (1.0, 2.0)),
        (Annotated[str, Registry("cell")], "any", "any"),
        (Any, {}, {}),
        (Mapping[str, PathLike] | Sequence[str], {"near": Path("a")}, {"near": Path("a")}),
        (Mapping[str, PathLike] | Sequence[str], ["near=a"], ("near=a",)),
        (Callable[[int], str], str, str),
    ],
)
def test_values_that_fit(kind, value, expected):
    found = converted("size", kind, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (int, "3", "size must be a whole number; '3' was given."),
        (int, True, "size must be a whole number; True was given."),
        (int, 2.0, "size must be a whole number; 2.0 was given."),
        (int, None, "size must be a whole number; None was given."),
        (float, float("nan"), "size must be a number; nan was given."),
        (float | None, "1", "size must be a number or None; '1' was given."),
        (float, 10**400, "size must be a number; 1000000000000000000000000000000000000000… was given."),
        (bool, 1, "size must be True or False; 1 was given."),
        (str, b"a", "size must be a string; b'a' was given."),
        (PathLike, 5, "size must be a path; 5 was given."),
        (
            Mapping[str, PathLike],
            {"a": 5},
            "size must be a dictionary of which each value is a path; {'a': 5} was given.",
        ),
        (
            Mapping[str, PathLike],
            {5: "a"},
            "size must be a dictionary of which each value is a path; {5: 'a'} was given.",
        ),
        (PathLike, "a\0b", r"size must be a path; 'a\x00b' was given."),
        (PathLike | None, 5, "size must be a path or None; 5 was given."),
        (Colour, "blue", "There is no size 'blue'; choose one of red, green."),
        (Colour | None, 1, "size must be one of red, green or None; 1 was given."),
        (tuple[int, ...], [1, "b"], "size must be a list of which each is a whole number; [1, 'b'] was given."),
        (Callable[[int], str], 5, "size must be a function; 5 was given."),
        (Registry, 5, "size must be of the class Registry; 5 was given."),
    ],
)
def test_values_that_are_refused(kind, value, sentence):
    with pytest.raises(UserError) as error:
        converted("size", kind, value)
    assert str(error.value) == sentence


def test_a_whole_number_becomes_a_float_on_request():
    for kind, value, expected in ((float | None, 3, "3.0"), (tuple[float, ...], [1], "(1.0,)"), (int, 3, "3")):
        assert repr(converted("size", kind, value, widen=True)) == expected


@dataclass(frozen=True)
@typed
class Base:
    size: int = 1
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0:
            raise UserError("negative")


@dataclass(frozen=True)
class Further(Base):
    share: float = 0.5


def test_a_dataclass_checks_its_fields_and_those_of_its_subclasses_before_its_own_check():
    assert Further(names=["a"]).names == ("a",)
    with pytest.raises(UserError, match="size must be a whole number"):
        Base(size="-1")
    with pytest.raises(UserError, match="share must be a number"):
        Further(share="much")
    with pytest.raises(UserError, match="negative"):
        Further(-1)
