import inspect
import math
from dataclasses import dataclass, fields, is_dataclass
from typing import get_type_hints

import pytest

import epigone
from epigone.errors import UserError, check_options


@dataclass
class Sizes:
    width: float = 1.0
    height: float | None = 2.0


def check(sizes: Sizes) -> None:
    check_options(sizes, "be greater than 0", lambda value: value > 0, "width", "height")


def test_good_and_unset_options_pass():
    check(Sizes())
    check(Sizes(height=None))


@pytest.mark.parametrize("value", [0, -1.5, math.nan])
def test_the_first_bad_option_gets_a_sentence(value):
    with pytest.raises(UserError) as failure:
        check(Sizes(height=value))
    assert str(failure.value) == f"height must be greater than 0; {value} was given."


@pytest.mark.parametrize(
    ("value", "most", "limit"),
    [(2**31, None, "2,147,483,647"), (10**30, 9, "9"), (9.5, 9, "9"), (1e39, None, "1e+38"), (math.inf, 9, "9")],
)
def test_a_number_that_is_too_large_gets_a_sentence(value, most, limit):
    with pytest.raises(UserError) as failure:
        check_options(Sizes(width=value), "be above 0", lambda value: value > 0, "width", most=most)
    assert str(failure.value) == f"width must be at most {limit}; {value} was given."


def test_only_whole_numbers_are_bounded_by_default():
    check(Sizes(width=2**31 - 1, height=1e12))


KINDS = [
    kind
    for function in map(epigone.__getattr__, ("pretrain", "finetune", "compare", "evaluate", "generate", "gradcheck"))
    for parameter in inspect.signature(function).parameters.values()
    if is_dataclass(kind := parameter.annotation)
] + [epigone.StudyOptions, epigone.SamplingOptions, epigone.GenerateOptions, epigone.EngineOptions]
WHOLE = sorted(
    {
        (kind, field.name)
        for kind in KINDS
        for field in fields(kind)
        if get_type_hints(kind)[field.name] in (int, int | None)
    },
    key=str,
)


@pytest.mark.parametrize(("kind", "name"), WHOLE)
def test_no_whole_number_of_any_command_is_unbounded(kind, name):
    for value in (2**63, 10**30):
        with pytest.raises(UserError, match=rf"{name} must .*be at most"):
            kind(**{name: value})
