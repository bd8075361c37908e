import re

import pytest

from epigone.errors import UserError
from epigone.text.corpus import Corpus, ReadOptions
from epigone.text.document import Document, ReadReport
from epigone.text.readers.division import divided, divided_further


def texts(text, **options):
    report = ReadReport()
    documents = divided([text], "a", ReadOptions(**options), report)
    return ["".join(document.pieces).strip() for document in documents], report.separated


@pytest.mark.parametrize(
    ("options", "expected", "separated"),
    [
        ({}, ["one\n\n\ntwo\n--\nthree", "four"], 0),
        ({"separator": "--"}, ["one\n\n\ntwo", "three\n===\nfour"], 1),
        ({"blank_lines": 2}, ["one", "two\n--\nthree\n===\nfour"], 1),
        ({"documents": "lines"}, ["one", "two", "--", "three", "===", "four"], 0),
        ({"separator": "x"}, ["one\n\n\ntwo\n--\nthree\n===\nfour"], 0),
    ],
)
@pytest.mark.parametrize("gutenberg", [True, False])
def test_a_text_is_divided_as_the_options_say(options, expected, separated, gutenberg):
    found, number = texts("one\n\n\ntwo\n--\nthree\n===\nfour\n", gutenberg=gutenberg, **options)
    assert (found, number) == (expected, separated)


def test_line_ends_of_mainframes_end_lines():
    assert texts("one\x85===\x85two")[0] == ["one", "two"]


def test_parts_keep_name_and_label():
    document = Document("a.csv#2", iter(["one\n===\ntwo"]), "good")
    parts = [
        (part.name, "".join(part.pieces).strip(), part.label)
        for part in divided_further(document, ReadOptions(), ReadReport())
    ]
    assert parts == [("a.csv#2", "one", "good"), ("a.csv#2#2", "two", "good")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,y\n"One\n--\nTwo\n\n\nThree",1\n'),
        ("a.jsonl", '{"text": "One\\n--\\nTwo\\n\\n\\nThree"}\n'),
        ("a.html", "<pre>One\n--\nTwo\n\n\nThree</pre>"),
        ("a.txt", "One\n--\nTwo\n\n\nThree"),
        ("lines", "L1 +++$+++ u0 +++$+++ m0 +++$+++ A +++$+++ One\nL2 +++$+++ u0 +++$+++ m0 +++$+++ A +++$+++ --\n"
         "L3 +++$+++ u0 +++$+++ m0 +++$+++ A +++$+++ Two\nL4 +++$+++ u0 +++$+++ m0 +++$+++ A +++$+++ Three\n"),
    ],
)  # fmt: skip
def test_options_divide_the_texts_of_every_format(tmp_path, name, content):
    (tmp_path / name).write_text(content)

    def read(**options):
        corpus = Corpus.open(tmp_path / name, ReadOptions(**options), split=None)
        return ["".join(text.split()) for text in corpus.texts()]

    assert read(separator="--") == ["One", "TwoThree"]
    assert read(documents="lines") == ["One", "--", "Two", "Three"]
    if name != "lines":
        assert read(blank_lines=2) == ["One--Two", "Three"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"separator": "x+"}, r"--separator 'x\+' matches no line"),
        ({"separator": r"\n\n"}, "matches no line, .* To divide at blank lines, give --blank-lines 1 or 2."),
        ({"blank_lines": 5}, "--blank-lines 5 divides nothing"),
    ],
)
def test_an_option_that_divides_nothing_is_told(tmp_path, options, told):
    for name, text in {"a.txt": "One.\n\n\nTwo.\n", "b.txt": "Three.\n"}.items():
        (tmp_path / name).write_text(text)
    [notice] = Corpus.open(tmp_path, ReadOptions(**options), split=None).notices
    assert re.search(told, notice)
    if options["separator" if "separator" in options else "blank_lines"] != r"\n\n":
        (tmp_path / "c.txt").write_text("Four.\n\n\n\n\n\nx\nFive.\n")
        assert Corpus.open(tmp_path, ReadOptions(**options), split=None).notices == []


def test_a_separator_that_takes_everything_or_nearly_is_told(tmp_path):
    (tmp_path / "a.txt").write_text("Row on.\n" * 50 + "12\n")
    with pytest.raises(UserError, match=r"no text in .*a\.txt but for the lines that --separator '\.\*' matches"):
        Corpus.open(tmp_path / "a.txt", ReadOptions(separator=".*"), split=None)
    empty, notice = Corpus.open(tmp_path / "a.txt", ReadOptions(separator="R.*"), split=None).notices
    assert empty == "50 empty documents dropped."
    assert "a.txt is read, 2 of 403 characters: --separator 'R.*' matches the other lines" in notice
    assert notice.startswith("Only 0% of")
