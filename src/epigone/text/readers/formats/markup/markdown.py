"""Markdown: the visible text of a page."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epigone.text.document import UNITS, Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.formats.markup.archive import check_marks, joined
from epigone.text.readers.formats.markup.blocks import with_lines
from epigone.text.readers.formats.markup.page import BLOCKS, CELLS, DROPPED, LINES, NOTE, NOTE_NUMBER, blocks_of_html
from epigone.text.readers.formats.markup.sections import STRUCTURE, documents
from epigone.text.readers.formats.markup.tags import VOID
from epigone.text.readers.formats.plain import read_plain
from epigone.text.readers.optional import needing

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(
    r"\A(?:---[ \t]*\n(?:(?:[\w-]+:|[ \t]|#|- ).*+\n|\n)*+(?:---|\.\.\.)"
    r"|\+\+\+[ \t]*\n(?:(?!\+\+\+).*+\n)*+\+\+\+)[ \t]*(?:\n|\Z)"
)
_NOTE = re.compile(r"^\[\^([^\]\s]{1,100})\]:", re.MULTILINE)
_NOTE_NUMBER = re.compile(r"\[\^([^\]\s]{1,100})\]")
_MARKS = re.compile(r"[*_~`\\\[\]<>&!]")
_PICTURE = re.compile(r"!\[[^\[\]]{0,500}+\]\([^()\s]{0,2000}+(?: +\"[^\"]{0,500}+\")?\)")
_LINK = re.compile(r"\[([^\[\]]{0,500}+)\]\([^()\s]{0,2000}+(?: +\"[^\"]{0,500}+\")?\)")
_BLOCK_MARKS = re.compile(r"^[ \t]*+(?:[>*+#|-][>*+#| \t-]*+|\d{1,9}[.)])", re.MULTILINE)
_BLOCKS_ALLOWED = 100_000, 40  # such marks in every file, and bytes for each further one
_VERSE = re.compile(r"\|[ \t]*|\|.*[^|\s][ \t]*")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]*)")
_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "nobr", "q", "rb", "rtc", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub",
    "sup", "time", "tt", "u", "var",
}  # fmt: skip
_ELEMENTS = DROPPED | BLOCKS | LINES | CELLS | VOID | _INLINE
_DEEPEST = 100  # most quotations and lists inside each other
_MANY, _LONG = 100, 4_000  # brackets and characters of a paragraph above which it is parsed more simply, in parts


def read_markdown(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the text of a file without its markup; lines stay lines.

    It is divided at separators like plain text. Without any it is one document, or one for each section.

    Args:
        path: the file, gzipped or not.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: those of `read_plain`, titles and notes.
        report: counts the changes.

    Raises:
        NotText: the file is not text, or too large.
        UserError: the file cannot be read or decoded.
    """
    with needing("markdown-it-py", path):
        parser = _Parser()
    # The pages of Markdown are not divided by form feeds.
    plain = replace(options, documents=None) if options.documents == "pages" else options
    parts = [(part.name, joined(part.pieces, path)) for part in read_plain(path, name, plain, report)]
    marks = sum(len("".join(match[0].split())) for _, text in parts for match in _BLOCK_MARKS.finditer(text))
    check_marks(marks, path, "marks of lists, quotations, headings and tables", *_BLOCKS_ALLOWED)
    for part_name, text in parts:
        found = _FRONT_MATTER.sub("", text.lstrip("\ufeff\n"), count=1)
        left_out = None if options.notes else report.left_out
        blocks = with_lines(blocks_of_html("".join(parser.render(found, left_out)), left_out))
        yield from documents(blocks, part_name, options, report, is_part=len(parts) > 1)
    if parser.too_deep:
        report.skipped.append(f"Quotations and lists of {path} inside more than {_DEEPEST} others were left out.")


class _Parser:
    """Renders Markdown as HTML, in a time that is proportional to its length."""

    def __init__(self) -> None:
        from markdown_it import MarkdownIt
        from markdown_it.common.utils import escapeHtml
        from markdown_it.renderer import RendererHTML
        from markdown_it.rules_block import StateBlock, reference

        def definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
            """Read the target of links; one that begins with ^ is a note."""
            at = state.bMarks[start] + state.tShift[start]
            return not state.src.startswith("[^", at) and reference(state, start, end, silent)

        def tag(self: object, tokens: Sequence["Token"], index: int, *_: object) -> str:
            """Render a tag; one that HTML does not have is text."""
            name = _TAG_NAME.match(content := tokens[index].content)
            return content if not name or name[1].lower() in _ELEMENTS else escapeHtml(content)

        made = [MarkdownIt("commonmark", {"breaks": True, "maxNesting": _DEEPEST}) for _ in range(3)]
        self._blocks, self._inline, self._lean = (parser.enable(["table", "strikethrough"]) for parser in made)
        self._blocks.core.ruler.enableOnly(["normalize", "block"])
        self._blocks.block.ruler.at("reference", definition, {"alt": []})
        self._lean.disable(["link", "image"])

        def newline(self: object, tokens: Sequence["Token"], index: int, *_: object) -> str:
            """Render a newline, which is not another break after a tag for one."""
            after_tag = (
                index and tokens[index - 1].type == "html_inline" and _BREAK.fullmatch(tokens[index - 1].content)
            )
            return "" if after_tag else "<br>"

        for parser in (self._inline, self._lean):
            parser.add_render_rule("html_inline", tag)
            parser.add_render_rule("softbreak", newline)
            parser.add_render_rule("hardbreak", newline)
        self._renderer = RendererHTML()
        self.too_deep = False
        """True if a text had quotations and lists that are inside too many others."""

    def render(self, text: str, left_out: Counter[str] | None) -> Iterator[str]:
        """Yield the HTML of a text, without notes; they are counted unless `left_out` is None."""
        environment: dict[str, Any] = {}
        tokens = self._blocks.parse(text, environment)
        notes = {
            label for token in tokens if token.type == "inline" for label in _NOTE.findall(token.content[:_LONG])
        } if left_out is not None else set()  # fmt: skip

        def without(number: re.Match[str]) -> str:
            return number[0] if number[1] not in notes else ""

        after_note = False
        for index, token in enumerate(tokens):
            self.too_deep = self.too_deep or token.level >= _DEEPEST - 1
            if token.type == "inline":
                content = token.content
                after_note = bool(notes) and _NOTE.match(content) is not None
                if left_out is not None and after_note:
                    left_out[NOTE] += len(_NOTE.findall(content))
                elif left_out is not None and notes:
                    shorter = _NOTE_NUMBER.sub(without, content)
                    left_out[NOTE_NUMBER] += len(_NOTE_NUMBER.findall(content)) - len(_NOTE_NUMBER.findall(shorter))
                    content = shorter
                if after_note:
                    continue
                if all(map(_VERSE.fullmatch, content.split("\n"))):
                    content = "\n".join(line.removeprefix("|").strip() for line in content.split("\n"))  # verse
                if not _MARKS.search(content):
                    yield content.replace("\n", "<br>")
                elif _is_heavy(content):
                    yield from (self._lean.renderInline(part, environment) for part in _parts(content))
                else:
                    yield self._inline.renderInline(content, environment)
            elif token.type == "code_block" and after_note:
                continue  # the further paragraphs of a note are indented
            else:
                render = self._renderer.rules.get(token.type, self._renderer.renderToken)
                yield render(tokens, index, self._blocks.options, environment)


def _is_heavy(content: str) -> bool:
    """True for a paragraph in which the search for the ends of links or tags takes long."""
    return len(content) > _LONG and max(content.count("["), content.count("<")) > _MANY


def _parts(content: str) -> Iterator[str]:
    """Yield the lines of a paragraph, without the targets of links, in parts that are not long."""
    for number, line in enumerate(_LINK.sub(r"\1", _PICTURE.sub("", content)).split("\n")):
        for start in range(0, len(line) or 1, _LONG):
            yield "\n" * (number > 0 and not start) + line[start : start + _LONG]


MARKDOWN = Reader(
    "markdown",
    read_markdown,
    suffixes=(".md", ".markdown"),
    options=("encoding", *STRUCTURE),
    divides=True,
    units=UNITS,
)
