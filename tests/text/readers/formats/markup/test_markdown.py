import gzip
import sys

import pytest

from epigone.errors import UserError

pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py, of the extra `documents`")

MARKDOWN = """---
title: Songs
---
Of the *River*
==============

## Its `name`

Row **on**,
row [on](https://ferry.example).
A line\\
and ~~not~~ another &mdash; end.

- an oar
- a rope
  1. long

| boat  | oars |
|-------|------|
| Otter | 2    |

```python
  row(on)
```

> She said <b>no</b>.

![picture](x.png)
***
"""


def test_markdown_loses_its_marks(text):
    assert text(MARKDOWN, "songs.md").split("\n\n") == [
        "Of the River", "Its name", "Row on,\nrow on.\nA line\nand not another — end.", "an oar\na rope\nlong",
        "boat\toars\nOtter\t2", "  row(on)", "She said no.",
    ]  # fmt: skip


def test_markdown_is_divided_before_its_marks_go(read):
    songs = "# One\n\nRow *on*.\n\n===\n\n# Two\n\nRow _home_.\n===\nThree"
    for name in ("songs.md", "songs.markdown"):
        assert read(songs, name)[0] == [
            (name, "One\n\nRow on."),
            (f"{name}#2", "Two\n\nRow home."),
            (f"{name}#3", "Three"),
        ]
    one, two = read(songs, "songs.md", separator="# .*")[0]
    assert (one[1], two[1]) == ("Row on.\n\n===", "Row home.\n\nThree")
    blank = "*One*\n\n\n\n*Two*\n\nand on"
    assert [text for _, text in read(blank, "songs.md", blank_lines=3)[0]] == ["One", "Two\n\nand on"]


def test_a_rule_at_the_beginning_is_no_front_matter(text):
    assert text("---\n\nRow on.\n\n---\n\nRow home.", "songs.md") == "Row on.\n\nRow home."


def test_packed_pages(text):
    assert text(gzip.compress(b"*Row* on."), "page.md.gz") == "Row on."


def test_without_the_package(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(
        UserError, match=r"Reading .*a\.md needs the package markdown-it-py: pip install markdown-it-py\."
    ):
        read("Row", "a.md")


def test_binary_files_are_refused(read):
    with pytest.raises(UserError, match=r"a\.md is a binary file"):
        read(b"\0\1\2", "a.md")


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("Row on<br>\nrow on<br/>\nrow home\n", "Row on\nrow on\nrow home"),
        ("Row on<br><br>\nrow home\n", "Row on\n\nrow home"),
        ("| Row on\n|   row on\n|\n| row home\n", "Row on\nrow on\n\nrow home"),
        ("| Row on |\n", "| Row on |"),
    ],
)
def test_breaks_and_bars_of_verse(text, markdown, plain):
    assert text(markdown, "a.md") == plain
