import shlex
from pathlib import Path

import pytest

from epigone.text.corpus import Corpus, ReadOptions
from epigone.text.readers.checks.layout import Layout

VERSE = "We row and row, and row again,\nthe reeds lean over in the rain.\n"
PROSE = "The river was wide that year. They rowed for three days without a rest, and nobody spoke.\n"


def hint(text):
    layout = Layout()
    layout.begin(1)
    layout.see(text)
    layout.begin(2)
    layout.see("of another document")
    hints = list(layout.hints(Path("a.txt")))
    assert len(hints) < 2
    return "".join(hints)


@pytest.mark.parametrize("mark", ["---", "***", "* * *", "~~~~~", "#", "-*-", "•", "___", "=== ", "====", " ==="])
def test_lines_that_may_separate_are_offered(tmp_path, mark):
    text = f"\n{mark}\n".join([VERSE, VERSE.upper(), VERSE.lower()])
    command = shlex.split(hint(text).rstrip("."))
    assert command[-2] == "--separator"
    (tmp_path / "a.txt").write_text(text)
    assert len(Corpus.open(tmp_path / "a.txt", ReadOptions(separator=command[-1]), split=None).names) == 3


@pytest.mark.parametrize(
    "numbers", [["I", "II", "III", "IV"], ["1.", "2.", "3."], ["Chapter 1", "Chapter 2", "CHAPTER 3"]]
)
def test_numbers_and_chapters_are_offered(tmp_path, numbers):
    text = "".join(f"{number}\n\n{VERSE.replace('row', str(k))}\n" for k, number in enumerate(numbers))
    pattern = shlex.split(hint(text).rstrip("."))[-1]
    (tmp_path / "a.txt").write_text(text)
    assert len(Corpus.open(tmp_path / "a.txt", ReadOptions(separator=pattern), split=None).names) == len(numbers)


def test_wide_gaps_are_offered():
    assert hint(f"{VERSE}\n{VERSE}\n\n" * 4).endswith("give --blank-lines 2.")
    assert hint(f"{VERSE}\n" * 4) == ""


@pytest.mark.parametrize(
    "names", [["Ada", "Bo", "Cy", "Di", "Ed"], [f"word{k} and a few more of them" for k in range(6)]]
)
def test_lists_are_offered_as_lines(tmp_path, names):
    assert hint("\n".join(names)).endswith("as in a list of names, give --documents lines.")
    (tmp_path / "a.txt").write_text("\n".join(names))
    corpus = Corpus.open(tmp_path / "a.txt", ReadOptions(documents="lines"), split=None)
    assert list(corpus.texts()) == names


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("id,text\n1,Row on\n2,And on\n", "--column text reads"),
        ("id;lyrics\n1;Row on\n2;And on\n", "--column lyrics reads"),
        ("id\tmy song\n1\tRow on\n2\tAnd on\n", "--column 'my song' reads"),
        ('{"text": "Row on"}\n{"text": "And on"}\n', "--column text reads"),
    ],
)
def test_tables_are_recognised(text, option):
    assert option in hint(text)


@pytest.mark.parametrize("text", ["", "One line", VERSE * 20, PROSE * 50, "Row, row\nand on, on\n", f"{VERSE}\n" * 9])
def test_verse_and_prose_need_no_hint(text):
    assert hint(text) == ""


def test_an_underlined_title_separates_nothing():
    assert hint("A song\n======\n\n" + VERSE) == ""


def test_equals_signs_with_spaces_are_offered_before_lines():
    assert "--separator" in hint("Row on\nand on\n=== \nRow on\nand off\n===\t\nOn")


def test_marked_titles_are_offered():
    text = "".join(f"# Song {number}\n{VERSE}\n" for number in range(3))
    assert "--separator '#{1,4} .*'" in hint(text)


def test_form_feeds_are_offered(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(f"{VERSE}\f{VERSE}on\f{VERSE}off", encoding="utf-8")
    assert Corpus.open(path, split=None).notices == [
        f"{path} has 2 page breaks; --documents pages makes each of its pages a document."
    ]


def test_a_text_with_marks_gets_no_other_hint(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("[00:12.00]Row on\n" * 9, encoding="utf-8")
    [notice] = Corpus.open(path, split=None).notices
    assert "LRC" in notice
