"""Reader of PDF: the characters of pages, joined to lines."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from math import atan2, degrees, floor
from pathlib import Path
from shlex import quote
from statistics import median
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from epigone.text.document import Document, ReadOptions, ReadReport, counted
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import NotText, first_bytes
from epigone.text.readers.formats.pdf.columns import Line, Page, reading_order
from epigone.text.readers.formats.pdf.hyphenation import is_cjk
from epigone.text.readers.formats.pdf.paragraphs import paragraphs
from epigone.text.readers.formats.pdf.running_heads import without_heads
from epigone.text.readers.formats.pdf.surroundings import without_surroundings
from epigone.text.readers.formats.pdf.unpacked import limited
from epigone.text.readers.optional import needing
from epigone.text.readers.separators import grouped

if TYPE_CHECKING:
    from pdfminer.layout import LTChar, LTContainer, LTPage
    from pdfminer.pdfdocument import PDFDocument

_SPACE = 0.13  # least gap that is a space, in the size of the letters
_EARLY = 0.4  # share of the page's height above which its last line leaves much of it empty
_MOST = 200_000  # letters on a page
_AGAIN = 0.1  # distance of letters that are drawn twice, in their size
_ASKEW = 8  # degrees between a line and the edge of the page above which it is slanted
_SPREAD = 5  # letters of a line that may be spread
_GAP = 1.0  # least gap between parts of different columns
_UNKNOWN = re.compile(r"\(cid:\d+\)")  # how pdfminer writes a character whose meaning the font does not tell
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\0": None})


def read_pdf(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document: the paragraphs of all pages, without running heads and page numbers; or one for each page.

    Args:
        path: the file.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the unit of documents, if it is the page, and notes.
        report: counts what is left out, and names the pages without text.

    Raises:
        NotText: the file is no PDF, is empty, encrypted, too large or damaged as a whole, or holds only pictures of
            text.
    """
    head = first_bytes(path, 1024)
    if not head:
        raise NotText(f"{path} is empty (0 bytes), so it is no PDF; make or fetch it again.")
    if b"%PDF-" not in head:
        raise NotText(
            f"{path} is no PDF: it begins with {head[:8]!r} instead of %PDF-. Give it the suffix of its own format "
            "(.txt for text), unpack it if it is packed, or fetch it again."
        )
    pages = list(_pages(path, report))
    if not options.notes:
        pages = without_surroundings(without_heads(pages, report.left_out), report.left_out)
    columns = list(reading_order(pages))
    if options.documents == "pages":
        yield from grouped((text and f"{text}\n\n" for text in paragraphs(columns, pages=True)), name)
        return
    divides = options.documents or options.separator is not None or options.blank_lines is not None
    early = sum(bool(page.lines) and min(line.y0 for line in page.lines) > _EARLY * page.height for page in pages)
    if not divides and len(pages) >= 3 and early >= 0.8 * len(pages):
        report.hints.append(
            f"Most of the {len(pages):,} pages of {path} end early, as those of a collection do; --documents pages "
            "makes each a document."
        )
    yield Document(name, (f"{paragraph}\n\n" for paragraph in paragraphs(columns)))


def _pages(path: Path, report: ReadReport) -> Iterator[Page]:
    """Yield the pages that have text."""
    number = pictures = characters = unknown = doubled = askew = nameless = 0
    for layout in _layouts(path, report):
        number += 1
        page, found = _page(layout)
        doubled += found.twice
        askew += found.askew
        nameless += found.nameless
        if page.lines:
            characters += sum(len(line.text) for line in page.lines)
            unknown += sum(line.text.count("\ufffd") for line in page.lines)
            yield page
        else:
            pictures += any(True for _ in layout)
    if not number:
        raise NotText(f"{path} has no pages, so there is no text in it; make or fetch it again.")
    if not characters and nameless:
        unknown = nameless
    if not characters and not pictures and not nameless:
        raise NotText(f"{path} has nothing on its {counted(number, 'page')}; export or fetch it again.")
    if not characters and not nameless:
        raise NotText(
            f"{path} holds pictures of its {counted(number, 'page')} and no text, as scanners make them. Have the "
            f"text recognised (OCR), for example with `ocrmypdf {quote(path.name)} text.pdf`."
        )
    if unknown > characters / 2:
        raise NotText(
            f"{path} does not tell which letters it shows: its fonts lack the tables for that. Have the text "
            f"recognised (OCR), for example with `ocrmypdf --force-ocr {quote(path.name)} text.pdf`."
        )
    if unknown:
        report.skipped.append(
            f"{counted(unknown, 'character')} of {path} became U+FFFD: its fonts do not tell which letters they are."
        )
    if askew:
        report.skipped.append(f"{counted(askew, 'letter')} of {path} drawn askew, as in a watermark, left out.")
    if doubled:
        report.skipped.append(f"{counted(doubled, 'letter')} of {path} drawn twice, to look bold, were read once.")
    if pictures:
        report.skipped.append(
            f"{pictures:,} of {counted(number, 'page')} of {path} left out: there is no text on them, perhaps a "
            f"picture of it. OCR recognises it, for example `ocrmypdf --skip-text {quote(path.name)} text.pdf`."
        )


def _layouts(path: Path, report: ReadReport) -> Iterator["LTPage"]:
    with needing("pdfminer.six", path):
        from pdfminer.converter import PDFPageAggregator
        from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
        from pdfminer.pdfpage import PDFPage

    class Device(PDFPageAggregator):
        """Collects the letters of a page, of which each takes a kilobyte."""

        letters = 0

        def render_char(self, *args: Any, **kwargs: Any) -> float:
            self.letters += 1
            if self.letters > _MOST:
                raise NotText(
                    f"{path} has more than {_MOST:,} letters on page {number:,}, so it was not read. If it is what it "
                    "should be, save its text in a file (.txt) and give that."
                )
            return super().render_char(*args, **kwargs)

    number = 0
    damaged: dict[int, Exception] = {}
    with open(path, "rb") as file, _quiet(), limited(path):
        try:
            document = _opened(path, file)
            resources = PDFResourceManager()
            device = Device(resources)
            interpreter = PDFPageInterpreter(resources, device)
            for page in PDFPage.create_pages(document):
                number += 1
                device.letters = 0
                try:
                    interpreter.process_page(page)
                    layout = device.get_result()
                except (NotText, MemoryError):
                    raise
                except Exception as error:  # a damaged page loses only itself
                    damaged[number] = error
                    continue
                yield layout
        except (NotText, MemoryError):
            raise
        except Exception as error:  # a damaged file can make the parser raise anything
            damaged[number + 1] = error
            if number == len(damaged) - 1:
                raise _damaged(path, error) from error
            report.skipped.append(f"{path} is damaged beyond page {number:,} ({_reason(error)}); fetch it again.")
        else:
            if damaged and number == len(damaged):
                raise _damaged(path, damaged[1]) from damaged[1]
            if damaged:
                report.skipped.append(
                    f"{counted(len(damaged), 'page')} of {path} damaged and left out, the first of them page "
                    f"{min(damaged):,} ({_reason(damaged[min(damaged)])}); fetch it again."
                )


def _damaged(path: Path, error: Exception) -> NotText:
    return NotText(
        f"{path} is damaged and cannot be read ({_reason(error)}). Fetch it again, or repair it, for example with "
        f"`qpdf {quote(path.name)} repaired.pdf`."
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200] if str(error) else type(error).__name__


def _opened(path: Path, file: BinaryIO) -> "PDFDocument":
    from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFPasswordIncorrect
    from pdfminer.pdfparser import PDFParser

    try:
        return PDFDocument(PDFParser(file))
    except PDFPasswordIncorrect as error:
        raise NotText(
            f"{path} is encrypted and needs a password. Save it without one, for example with "
            f"`qpdf --decrypt --password=… {quote(path.name)} open.pdf`."
        ) from error
    except PDFEncryptionError as error:
        raise NotText(
            f"{path} is encrypted in a way that only certain programs can open (DRM); give a copy without DRM."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pdfminer's warnings, which are about flaws that the user cannot mend."""
    logger = logging.getLogger("pdfminer")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Found(NamedTuple):
    """Letters of a page that are not read, or read once."""

    twice: int
    """Letters that are drawn again, to look bold."""
    askew: int
    """Letters of slanted lines."""
    nameless: int
    """Letters whose meaning the font does not tell, and which are left out."""


def _page(layout: "LTPage") -> tuple[Page, _Found]:
    """Return the lines of a page, and the letters that are left out."""
    characters = _characters(layout)
    turns = [_turn(character) for character in characters]
    upright = Counter(turn for turn in turns if turn is not None)
    most = max(upright, key=lambda turn: (upright[turn], -turn)) if upright else 0
    drawn = [
        _turned(_glyph(character), turn, layout.width, layout.height)
        for character, turn in zip(characters, turns, strict=True)
        if turn == most
    ]
    width, height = (layout.width, layout.height) if most % 2 == 0 else (layout.height, layout.width)
    glyphs = _once(drawn)
    found = _Found(len(drawn) - len(glyphs), turns.count(None), sum(not glyph.text for glyph in glyphs))
    down = sum(abs(a.x0 - b.x0) < 0.3 * a.size and 0 < a.y0 - b.y0 < 1.6 * a.size for a, b in pairwise(glyphs))
    if down <= 0.5 * len(glyphs):
        return Page(_lines(glyphs), width, height), found
    # Text from top to bottom: turn the page, so that its lines go to the right and the first one is the highest.
    turned = [replace(g, x0=height - g.y1, x1=height - g.y0, y0=g.x0, y1=g.x1) for g in glyphs]
    return Page(_lines(turned), height, width), found


def _turn(character: "LTChar") -> int | None:
    """Return the direction of a letter's line in quarters of a turn, counterclockwise; None for a slanted one."""
    a, b, *_ = character.matrix
    angle = degrees(atan2(b, a))
    turn = round(angle / 90)
    return turn % 4 if abs(angle - 90 * turn) < _ASKEW else None


def _turned(glyph: Line, turn: int, width: float, height: float) -> Line:
    """Turn a letter back, so that its line goes to the right."""
    x0, x1, y0, y1 = glyph.x0, glyph.x1, glyph.y0, glyph.y1
    if turn == 1:
        x0, x1, y0, y1 = y0, y1, width - x1, width - x0
    elif turn == 2:
        x0, x1, y0, y1 = width - x1, width - x0, height - y1, height - y0
    elif turn == 3:
        x0, x1, y0, y1 = height - y1, height - y0, x0, x1
    else:
        return glyph
    return replace(glyph, x0=x0, x1=x1, y0=y0, y1=y1, size=y1 - y0)


def _once(glyphs: Sequence[Line]) -> list[Line]:
    """Return the letters without those that are drawn again almost in the same place, so that they look bold."""
    seen: set[tuple[str, int, int]] = set()
    found = []
    for glyph in glyphs:
        reach = _AGAIN * glyph.size or 1.0
        x, y = glyph.x0 / reach, glyph.y0 / reach
        near = {(glyph.text, floor(x + dx), floor(y + dy)) for dx in (-0.5, 0.5) for dy in (-0.5, 0.5)}
        if glyph.text.isspace() or not near & seen:
            found.append(glyph)
            seen |= near
    return found


def _characters(layout: "LTContainer[Any]") -> list["LTChar"]:
    """Return the characters of a page; those inside figures only if there are no others."""
    from pdfminer.layout import LTChar, LTFigure

    if found := [item for item in layout if isinstance(item, LTChar)]:
        return found
    # Some programs put the whole page into one figure.
    return [letter for item in layout if isinstance(item, LTFigure) for letter in _characters(item)]


def _glyph(character: "LTChar") -> Line:
    text = _UNKNOWN.sub("\ufffd", character.get_text()).translate(_LIGATURES)
    return Line(text, character.x0, character.y0, character.x1, character.y1, character.size)


def _lines(glyphs: Iterable[Line]) -> list[Line]:
    """Join characters that follow each other at one height to lines, divided at wide gaps."""
    found: list[Line] = []
    run: list[Line] = []
    text = ""
    space = False
    for glyph in glyphs:
        if not glyph.text or glyph.text.isspace():
            space = True
            continue
        if run and not _follows(glyph, run[-1]):
            found.append(_line(text, run))
            run, text = [], ""
        elif run:
            gap = (glyph.x0 - run[-1].x1) / glyph.size
            within = is_cjk(text[-1]) and is_cjk(glyph.text[0])  # there letters are spread, not words
            text += " " if (space and not within) or gap > (0.5 if within else _SPACE) else ""
        run.append(glyph)
        text += glyph.text
        space = False
    return [*found, _line(text, run)] if run else found


def _follows(glyph: Line, last: Line) -> bool:
    gap = glyph.x0 - last.x1
    size = max(glyph.size, last.size)
    overlap = min(glyph.y1, last.y1) - max(glyph.y0, last.y0)
    return -0.5 * size < gap < _GAP * size and overlap > 0.5 * min(glyph.size, last.size)


def _line(text: str, run: Sequence[Line]) -> Line:
    if len(run) >= _SPREAD and all(len(word) == 1 and word.isalpha() for word in text.split()):
        text = _without_spread(run)
    size = Counter(round(glyph.size, 1) for glyph in run).most_common(1)[0][0]
    main = next(glyph for glyph in run if round(glyph.size, 1) == size)
    return Line(" ".join(text.split()), run[0].x0, main.y0, max(glyph.x1 for glyph in run), main.y1, size)


def _without_spread(run: Sequence[Line]) -> str:
    """Write a line of spread letters as words: `C H A P T E R   O N E`."""
    gaps = [glyph.x0 - last.x1 for last, glyph in pairwise(run)]
    usual = median(gaps)
    words = [" " * (gap > 1.8 * usual) + glyph.text for gap, glyph in zip(gaps, run[1:], strict=True)]
    return run[0].text + "".join(words)


PDF = Reader(
    "pdf",
    read_pdf,
    suffixes=(".pdf",),
    options=("separator", "blank_lines", "documents", "notes"),
    units=("lines", "files", "pages"),
    disguised=lambda path, head: b"%PDF-" in head[:1024],
)
