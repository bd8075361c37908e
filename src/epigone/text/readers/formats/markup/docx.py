"""Word documents: a zip archive with a body of paragraphs and tables."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from xml.parsers.expat import ExpatError, ParserCreate

from epigone.text.document import UNITS, Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.checks.kinds import holds
from epigone.text.readers.decoding import NotText, first_bytes
from epigone.text.readers.formats.markup.archive import DAMAGE, Archive, TooLarge, unpacking
from epigone.text.readers.formats.markup.blocks import LONGEST_TITLE, Block, Opening, with_lines
from epigone.text.readers.formats.markup.contents import CONTENTS
from epigone.text.readers.formats.markup.page import NOTE
from epigone.text.readers.formats.markup.sections import STRUCTURE, documents

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of old Word files and of encrypted new ones
_SPACES = ("/wordprocessingml/2006/main", "/wordprocessingml/main", "/officeDocument/2006/math", "/officeDocument/math")
_OF_WORDS = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-"}
_UNSEEN = {"Fallback", "del", "moveFrom", "pPrChange", "rPrChange", "sectPrChange"}
_NO_SPACE, _STANZA = 40, 100  # twentieths of a point between lines at most, and between stanzas at least
_LAYOUT = 3  # lines of a cell that is no cell of a table of data
_HEADING = re.compile(
    r"(?:heading|überschrift|berschrift|titre|título|titolo|kop|заголовок)[ _-]?([1-9])", re.IGNORECASE
)


def read_docx(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the paragraphs and tables of a Word file, without headers, footers, notes and deleted text.

    It is one document, or one for each section or page. If it is damaged, it is read up to the damage.

    Args:
        path: the file.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the units of documents, titles and notes.
        report: counts the changes.

    Raises:
        NotText: the file is of another format, encrypted, too large, or damaged as a whole.
    """
    if first_bytes(path).startswith(_OLE):
        raise NotText(
            f"{path} is encrypted or an old Word file (.doc). Open it in a word processor and save it as .docx "
            "without a password."
        )
    with Archive(path, "Word document", ".docx") as archive, unpacking(path, "Word document", ".docx"):
        body = _Body(_styles(archive), keeps=options.notes)
        try:
            _parse(archive, _body_of(archive), body)
        except TooLarge:
            raise
        except DAMAGE as error:
            if not body.blocks:
                raise
            report.skipped.append(
                f"{path} is damaged: what follows {body.blocks[-1].text[-40:]!r} left out "
                f"({type(error).__name__}: {error}); fetch it again."
            )
        if options.notes:
            for part in ("word/footnotes.xml", "word/endnotes.xml"):
                if part in archive.names:
                    _parse(archive, part, body)
        else:
            report.left_out.update(body.left_out)
    report.skipped += archive.told()
    blocks = with_lines(_with_stanzas(body.blocks, body.gaps), typed=True, keep_blank=options.blank_lines is not None)
    yield from documents(blocks, name, options, report)


def _body_of(archive: Archive) -> str:
    """Return the name of the part with the text; some programs number it."""
    names = [name for name in archive.names if re.fullmatch(r"word/document\d*\.xml", name)]
    return names[0] if names else "word/document.xml"


def _parse(archive: Archive, part: str, handler: "_Body | _Styles") -> None:
    """Parse a part of XML; elements outside the namespaces of Word keep the namespace in their name."""
    parser = ParserCreate(namespace_separator=" ")

    def local(name: str) -> str:
        space, _, short = name.rpartition(" ")
        return short if space.endswith(_SPACES) or short in ("AlternateContent", "Choice", "Fallback") else name

    names: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        handler.start(names.get(name) or names.setdefault(name, local(name)), attributes)

    def entity(*_: object) -> None:
        raise ValueError("it declares entities, which no word processor writes")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: handler.end(names[name])
    parser.CharacterDataHandler = handler.text
    parser.EntityDeclHandler = entity
    parser.buffer_text = True
    try:
        for data in archive.chunks(part):
            parser.Parse(data, False)
        parser.Parse(b"", True)
    except ExpatError as error:
        raise SyntaxError(str(error)) from error


def _value(attributes: dict[str, str], name: str = "val") -> str:
    """Return an attribute, whatever its namespace."""
    for key, value in attributes.items():
        if key.rpartition(" ")[2] == name:
            return value
    return ""


def _is_on(attributes: dict[str, str]) -> bool:
    return _value(attributes) not in ("0", "false", "off", "none")


@dataclass
class _Style:
    """Properties of a paragraph that decide its role."""

    name: str = ""
    based_on: str = ""
    outline: int = 0
    opens_page: bool = False
    bold: bool = False
    spacing: tuple[int | None, int | None] = (None, None)
    """Space before and after, in twentieths of a point; None if it is inherited."""


class _Styles:
    """The styles of a document, by their identifiers."""

    def __init__(self) -> None:
        self._found: dict[str, _Style] = {}
        self._current = self._default = _Style()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        style = self._current
        if tag == "style":
            style = self._current = self._found.setdefault(_value(attributes, "styleId"), _Style())
        elif tag == "name":
            style.name = _value(attributes)
        elif tag == "basedOn":
            style.based_on = _value(attributes)
        elif tag == "outlineLvl":
            style.outline = _outline(attributes)
        elif tag == "pageBreakBefore":
            style.opens_page = _is_on(attributes)
        elif tag == "b":
            style.bold = _is_on(attributes)
        elif tag == "spacing":
            style.spacing = _spacing(attributes, style.spacing)

    def end(self, tag: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass

    def of(self, identifier: str) -> _Style:
        """Return a style with what it inherits."""
        style = self._found.get(identifier, _Style())
        merged = _Style(style.name or identifier, "", style.outline, style.opens_page, style.bold, style.spacing)
        for _ in range(20):  # styles may be based on each other in a circle
            if not style.based_on:
                break
            style = self._found.get(style.based_on, _Style())
            merged.outline = merged.outline or style.outline
            merged.opens_page = merged.opens_page or style.opens_page
            merged.bold = merged.bold or style.bold
            merged.spacing = _inherited(merged.spacing, style.spacing)
        merged.spacing = _inherited(merged.spacing, self._default.spacing)
        return merged

    def usual(self) -> _Style:
        """Return the style of a paragraph that names none."""
        return _Style(spacing=self._default.spacing)


def _styles(archive: Archive) -> _Styles:
    styles = _Styles()
    if "word/styles.xml" in archive.names:
        try:
            _parse(archive, "word/styles.xml", styles)
        except TooLarge:
            raise
        except DAMAGE:
            pass  # the names of styles are enough without their properties
    return styles


def _level(name: str) -> int:
    """Return the level of a heading by the name of its style; the title of a document is above all others."""
    match = _HEADING.match(name)
    return int(match[1]) + 1 if match else int(name in ("title", "titel"))


def _outline(attributes: dict[str, str]) -> int:
    """Return the level of a heading by its level in the outline; 0 for body text."""
    level = _value(attributes)
    return int(level) + 2 if level.isdigit() and int(level) < 9 else 0


def _spacing(attributes: dict[str, str], usual: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    """Return the space before and after a paragraph; what is not given is as usual."""
    given = [_value(attributes, name) for name in ("before", "after")]
    before, after = (int(value) if value.isdigit() else None for value in given)
    return _inherited((before, after), usual)


def _inherited(
    spacing: tuple[int | None, int | None], usual: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    before, after = (mine if mine is not None else other for mine, other in zip(spacing, usual, strict=True))
    return before, after


def _with_stanzas(blocks: Sequence[Block], gaps: Sequence[int]) -> list[Block]:
    """Put an empty paragraph where a wide space divides paragraphs that have hardly any between others.

    Args:
        blocks: the blocks of a document.
        gaps: the space above each, in twentieths of a point.
    """
    follow = [
        gap
        for gap, block, last in zip(gaps[1:], blocks[1:], blocks, strict=False)
        if block.is_paragraph and last.is_paragraph and block.text and last.text
    ]
    if not follow or median(follow) > _NO_SPACE or max(follow) < _STANZA:
        return list(blocks)
    found = list(blocks[:1])
    for gap, block in zip(gaps[1:], blocks[1:], strict=True):
        if gap >= _STANZA and block.is_paragraph and found[-1].is_paragraph and block.text and found[-1].text:
            found.append(Block("", is_paragraph=True))
        found.append(block)
    return found


@dataclass
class _Paragraph:
    """An open paragraph."""

    style: _Style
    words: list[str] = field(default_factory=list)
    frames: list[Block] = field(default_factory=list)
    opens: Opening = ""
    outline: int = 0
    is_item: bool = False
    is_plain: bool = False
    """True if a part of its text is not bold."""
    ends_section: bool = False
    spacing: tuple[int | None, int | None] = (None, None)
    is_centred: bool = False


class _Body:
    """The blocks of a document, made from the tags of its body."""

    def __init__(self, styles: _Styles, keeps: bool) -> None:
        self.blocks: list[Block] = []
        self.gaps: list[int] = []
        """The space above each block, in twentieths of a point."""
        self._space = 0  # below the last one
        self.left_out: Counter[str] = Counter()
        self._styles = styles
        self._keeps = keeps
        self._lists: list[list[Block]] = [self.blocks]  # of the body, and of the open cells and frames in it
        self._rows: list[list[list[list[Block]]]] = []  # of the open tables: their cells
        self._paragraphs: list[_Paragraph] = []
        self._skipped = 0  # depth inside an element without visible text
        self._in_text = False
        self._settings = 0  # depth inside those of a paragraph or of a run
        self._bold = self._hidden = False
        self._is_contents: list[bool] = []  # of the open content controls
        self._opens: Opening = ""
        self._in_contents = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if self._skipped or tag in _UNSEEN:
            self._skipped += 1
            return
        paragraph = self._paragraphs[-1] if self._paragraphs else None
        if tag == "sdtContent" and self._is_contents and self._is_contents[-1] and not self._keeps:
            self.left_out[CONTENTS] += 1
            self._skipped += 1
        elif tag == "sdt":
            self._is_contents.append(False)
        elif tag == "docPartGallery" and self._is_contents:
            self._is_contents[-1] = _value(attributes).startswith("Table of Contents")
        elif tag == "p":
            self._paragraphs.append(_Paragraph(style := self._styles.usual(), spacing=style.spacing))
        elif tag == "tbl":
            self._rows.append([])
        elif tag == "tr" and self._rows:
            self._rows[-1].append([])
        elif tag in ("tc", "txbxContent"):
            self._lists.append([])
        elif paragraph is None:
            return
        elif tag == "t":
            self._in_text = True
        elif tag == "r":
            self._bold, self._hidden = paragraph.style.bold, False
        elif tag in ("pPr", "rPr"):
            self._settings += 1
        elif tag == "br":
            self._break(paragraph, _value(attributes, "type"))
        elif tag in _OF_WORDS and not self._settings:
            paragraph.words.append(_OF_WORDS[tag])
        elif tag in ("footnoteReference", "endnoteReference"):
            self.left_out[NOTE] += 1
        elif self._settings:
            self._set(paragraph, tag, attributes)

    def _set(self, paragraph: _Paragraph, tag: str, attributes: dict[str, str]) -> None:
        if tag == "pStyle":
            paragraph.style = self._styles.of(_value(attributes))
            paragraph.spacing = paragraph.style.spacing
        elif tag == "spacing" and (_value(attributes, "before") or _value(attributes, "after")):
            paragraph.spacing = _spacing(attributes, paragraph.spacing)
        elif tag == "jc":
            paragraph.is_centred = _value(attributes) == "center"
        elif tag == "vanish":
            self._hidden = _is_on(attributes)
        elif tag == "outlineLvl":
            paragraph.outline = _outline(attributes)
        elif tag == "pageBreakBefore" and _is_on(attributes):
            paragraph.opens = "page"
        elif tag == "numPr":
            paragraph.is_item = True
        elif tag == "b":
            self._bold = _is_on(attributes)
        elif tag == "sectPr":
            paragraph.ends_section = True
        elif tag == "type" and paragraph.ends_section:
            paragraph.ends_section = _value(attributes) != "continuous"

    def _break(self, paragraph: _Paragraph, kind: str) -> None:
        if kind != "page":
            paragraph.words.append("\n")
            return
        if "".join(paragraph.words).strip():
            self._end_paragraph(paragraph)
            paragraph.words.clear()
        paragraph.opens = "page"

    def text(self, data: str) -> None:
        """Add the text of a run."""
        if self._in_text and not self._skipped and not self._hidden and self._paragraphs:
            paragraph = self._paragraphs[-1]
            paragraph.words.append(data)
            paragraph.is_plain = paragraph.is_plain or (not self._bold and not data.isspace())

    def end(self, tag: str) -> None:
        """End an element."""
        if self._skipped:
            self._skipped -= 1
        elif tag == "sdt" and self._is_contents:
            self._is_contents.pop()
        elif tag == "t":
            self._in_text = False
        elif tag in ("pPr", "rPr"):
            self._settings -= self._settings > 0
        elif tag == "p" and self._paragraphs:
            paragraph = self._paragraphs.pop()
            self._end_paragraph(paragraph)
            for frame in _filled(paragraph.frames):
                self._add(frame)
            if paragraph.ends_section:
                self._opens = "page"
        elif tag == "txbxContent" and len(self._lists) > 1:
            frames = self._lists.pop()
            (self._paragraphs[-1].frames if self._paragraphs else self._lists[-1]).extend(frames)
        elif tag == "tc" and len(self._lists) > 1:
            cell = self._lists.pop()
            if self._rows and self._rows[-1]:
                self._rows[-1][-1].append(cell)
        elif tag == "tbl" and self._rows:
            self._end_table(self._rows.pop())

    def _end_table(self, rows: Sequence[Sequence[Sequence[Block]]]) -> None:
        """Write a table: its rows, or its cells one after the other if one holds many lines, as in a layout."""
        cells = [cell for row in rows for cell in row]
        if any(sum(block.text.count("\n") + 1 for block in _filled(cell)) >= _LAYOUT for cell in cells):
            for cell in cells:
                for block in cell:
                    self._add(block)
            return
        text = "\n".join("\t".join(" ".join(" ".join(b.text for b in cell).split()) for cell in row) for row in rows)
        if text.strip():
            self._add(Block(text))

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.words)
        style = paragraph.style
        named = style.name.lower()
        if named.startswith("toc") and not self._keeps:
            if not self._in_contents:
                self.left_out[CONTENTS] += 1
            self._in_contents = True
            return
        self._in_contents = self._in_contents and not text.strip()
        match = _HEADING.match(named)
        heading = paragraph.outline or (
            int(match[1]) + 1 if match else 1 if named in ("title", "titel") else style.outline
        )
        opens: Opening = "page" if paragraph.opens or style.opens_page else ""
        empty = not text.strip()
        is_item = paragraph.is_item or named.startswith("list")
        self._add(
            Block(
                "" if empty else text,
                heading=0 if empty else min(heading, 9),
                opens=opens,
                is_paragraph=not heading and not is_item,
                is_bold=not (empty or heading or is_item or (paragraph.is_plain and not paragraph.is_centred))
                and len(text) <= LONGEST_TITLE,
            ),
            paragraph.spacing,
        )
        paragraph.opens = ""

    def _add(self, block: Block, spacing: tuple[int | None, int | None] = (None, None)) -> None:
        if len(self._lists) > 1:  # in a cell or a frame
            self._lists[-1].append(replace(block, opens=""))
            return
        self.gaps.append(max(self._space, spacing[0] or 0))
        self._space = spacing[1] or 0
        self.blocks.append(replace(block, opens=max(self._opens, block.opens)))
        self._opens = ""


def _filled(blocks: Sequence[Block]) -> list[Block]:
    return [block for block in blocks if block.text]


DOCX = Reader(
    "docx",
    read_docx,
    suffixes=(".docx",),
    disguised=lambda path, head: holds(path, head, "word/document.xml"),
    options=STRUCTURE,
    units=UNITS,
)
