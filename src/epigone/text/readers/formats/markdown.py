"""Markdown: the visible text of a page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.formats.html import text_of_html
from epigone.text.readers.formats.plain import PLAIN, read_plain
from epigone.text.readers.optional import needing

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(?:[\w-]+:|[ \t]|#|- ).*\n|\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")


def read_markdown(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the documents of a file, divided like plain text, without their markup; lines stay lines.

    Args:
        path: the file, gzipped or not.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: those of `read_plain`.
        report: counts the changes.

    Raises:
        NotText: the file is not text.
        UserError: the file cannot be read or decoded.
    """
    with needing("markdown-it-py", path):
        from markdown_it import MarkdownIt
    text_of_html("", path)  # a missing package must be an error before the first document
    parser = MarkdownIt("commonmark", {"breaks": True}).enable(["table", "strikethrough"])

    def without_marks(pieces: Iterator[str]) -> Iterator[str]:
        text = "".join(pieces).lstrip("\ufeff\n")
        yield from text_of_html(parser.render(_FRONT_MATTER.sub("", text, count=1)), path)

    for document in read_plain(path, name, options, report):
        yield replace(document, pieces=without_marks(document.pieces))


MARKDOWN = Reader("markdown", read_markdown, suffixes=(".md", ".markdown"), options=PLAIN.options)
