"""The files that an expression names, without a model to evaluate it on."""

import pytest

from epigone.arguments import named_paths


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("layers.2, head", []),
        ("units(from=probe.json, top=10%)", ["probe.json"]),
        ("all - units( layers.1 , from = my probe.json , top=3)", ["my probe.json"]),
        ('units(from="a, (b).json", top=1), head["from=c"]', ["a, (b).json"]),
        ("weights(units(from=a.json, top=8), change=1%, from=runs(1)/model)", ["runs(1)/model", "a.json"]),
        ('embedding["("], units(from=a.json, bottom=2)', ["a.json"]),
        ("units(from=a.json", ["a.json"]),
        ('(((("', []),
    ],
)
def test_the_paths_of_an_expression(expression, paths):
    assert named_paths(expression) == paths
