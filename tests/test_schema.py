"""Schemas find the first fault and say where it is."""

import math

import pytest

from epigone.schema import any_of, by_name, each, flag, integer, mapping, number, optional, record, text, whole

SHAPE = record(
    {"name": text, "layers": each(record({"size": whole(1, 9)}, "size"), 2), "rate": optional(number(0, 1))}, "name"
)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"name": "a", "layers": [{"size": 1}], "rate": None, "more": [1]}, None),
        ([], ": a list instead of an object"),
        ({}, ".name is missing"),
        ({"name": 1}, ".name: 1 instead of a text"),
        ({"name": "a", "layers": {}}, ".layers: an object instead of a list"),
        ({"name": "a", "layers": [{"size": 1}, {"size": True}]},
         ".layers[1].size: True instead of a whole number from 1 to 9"),
        ({"name": "a", "layers": [{"size": 1}, {}]}, ".layers[1].size is missing"),
        ({"name": "a", "layers": [0] * 3}, ".layers: 3 values instead of 2 at most"),
        ({"name": "a", "rate": math.nan}, ".rate: nan instead of a number from 0 to 1"),
        ({"name": "a", "rate": 10**400}, f".rate: 1{'0' * 39}… instead of a number from 0 to 1"),
    ],
)  # fmt: skip
def test_the_first_fault_is_named(value, fault):
    assert SHAPE(value) == fault


def test_simple_kinds():
    assert number()(math.inf) is None, "the loss of a run that diverged"
    assert number()(True) is not None
    assert whole()(2**63) is not None
    assert flag(1) is not None
    assert mapping({}) is None
    assert by_name(flag)({"a": True, "b": 0}) == ".b: 0 instead of true or false"


def test_alternatives_and_lists_of_a_length():
    schema = any_of(each(integer, 2, 2), text)
    assert [schema(value) for value in ([1, -2], "a")] == [None, None]
    assert schema(3) == ": 3 instead of a list of 2"
    assert schema([1]) == ": a list of 1 instead of a list of 2"
    assert schema([1, True]) == "[1]: True instead of a whole number"
