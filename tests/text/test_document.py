import ast
import inspect

import pytest

from epigone.errors import UserError
from epigone.text import document as reading
from epigone.text import splitting
from epigone.text.document import ReadOptions, ReadReport, some


@pytest.mark.parametrize(("module", "name"), [(reading, "ReadOptions"), (splitting, "SplitOptions")])
def test_every_option_says_what_it_does(module, name):
    body = next(
        node.body
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    fields = [index for index, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
    assert fields
    for index in fields:
        following = body[index + 1]
        assert isinstance(following, ast.Expr)
        assert isinstance(following.value, ast.Constant)
        assert following.value.value.endswith(".")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": "("}, "--separator.*regular expression.*backslash"),
        ({"separator": "===", "blank_lines": 2}, "only one"),
        ({"blank_lines": 0}, "--blank-lines 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        ReadOptions(**options)


def test_the_report_tells_what_happened_and_nothing_else():
    assert ReadReport().notices() == []
    report = ReadReport({"a": "cp1252"}, 1, 2, 3, 1_000, 1, ["Left out: x."])
    assert report.notices() == [
        "a is not UTF-8 and was read as cp1252; if that is wrong, give --encoding.",
        "1 carriage return turned into newlines.",
        "2 control characters removed.",
        "3 Project Gutenberg headers and footers removed.",
        "1,000 empty documents dropped.",
        "1 exact duplicate of other documents dropped.",
        "Left out: x.",
    ]


def test_duplicates_that_differ_in_their_label_are_told():
    assert ReadReport(duplicates=9, relabelled=3).notices() == [
        "9 exact duplicates of other documents dropped.",
        "3 of the duplicates had another label than the one that was kept.",
    ]


def test_files_of_one_encoding_share_a_sentence():
    report = ReadReport(dict.fromkeys("abcde", "cp1252") | {"k": "cp949"})
    first, second = report.notices()
    assert first.startswith("a, b, c and 2 more are not UTF-8 and were read as cp1252")
    assert second.startswith("k is not")


def test_some_names_stand_for_many():
    assert some([]) == ""
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(list("abcd")) == "a, b, c and 1 more"
