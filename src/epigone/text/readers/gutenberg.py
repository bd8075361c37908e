"""Headers, footers and licences of Project Gutenberg."""

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import pairwise

from epigone.text.document import ReadReport
from epigone.text.readers.separators import Marked

REACH = 100_000
"""Characters at the beginning of a text in which its header ends."""

_WINDOW = 2_000  # characters after an unmarked footer that tell if it is one
_GAP = 4_000  # most characters of the small print without a word of it

_STARS = r"^[ \t]*\*[ ]?\*[ ]?\*[ ]?"
_START = re.compile(
    rf"{_STARS}START OF (?:TH(?:E|IS) )?PROJECT GUTENBERG.*"
    r"(?:(?<!\*)\n(?:.{1,200}\n)?.{0,200}\*[ ]?\*[ ]?\*[ \t]*(?=\n|\Z))?+\n?",  # a title of two or three lines
    re.IGNORECASE | re.MULTILINE,
)
_CREDIT = re.compile(
    r"\s*+(?P<credit>(?:(?:This )?E-?(?:text|book)s? (?:was )?)?(?:produced|prepared|transcribed|scanned|digitized)"
    r"[^\S\n]+(?:by|from)\b[^\n]*\n(?:[^\n]*\S[^\n]*\n){0,9})[^\S\n]*\n",
    re.IGNORECASE,
)
"""The paragraph after the START line that names those who made the file."""

_MARKS_OF_CREDIT = re.compile(
    r"\A(?:This )?E-?(?:text|book)|proofread|distributed|https?:|www\.|@|gutenberg|internet archive|volunteer"
    r"| edition ",
    re.IGNORECASE,
)
_NAMES = re.compile(r"\w+ by(?:[ \n]+(?:and\b|[A-Z][\w.’'-]*),?)+\.?\s*")
_SMALL_PRINT = re.compile(r"^\*END ?\*? ?THE SMALL PRINT!.*\n?", re.IGNORECASE | re.MULTILINE)
_MARKED_END = re.compile(rf"{_STARS}END OF (?:TH(?:E|IS) )?PROJECT GUTENBERG", re.IGNORECASE | re.MULTILINE)
_END = re.compile(
    rf"(?P<marked>{_MARKED_END.pattern})"
    r"|^[ \t]*(?P<titled>End of (?:The |This )?Project Gutenberg(?:['’]s\b| E-?(?:text|book)))"
    r"|^[ \t]*(?:End|Ende|Fin|Fine|Einde|Slut|Fim|Loppu)\b.{0,40}?(?:Proje[ck]t Gutenberg|E-?text\b)",
    re.IGNORECASE | re.MULTILINE,
)
_LICENCE = re.compile(r"gutenberg|e-?text|licen[cs]e|copyright|donat|small print", re.IGNORECASE)
_LICENCE_END = re.compile(r"to hear about new ebooks\.?[ \t]*\n?", re.IGNORECASE)
_HEADING = re.compile(r"^.*Project Gutenberg(?:['’]s)? E-?(?:text|book).*$", re.IGNORECASE | re.MULTILINE)


def strip_gutenberg(pieces: Iterable[str], report: ReadReport) -> Iterator[str]:
    """Remove the additions of Project Gutenberg from a text, as `gutenberg_books` does, without dividing it."""
    return (piece for piece in gutenberg_books(pieces, report) if piece is not None)


def gutenberg_books(pieces: Iterable[str], report: ReadReport) -> Marked:
    """Remove Project Gutenberg's headers, footers and licences, and divide a text that holds several books.

    A header ends with the START line, or with the small print of the 1990s. A footer begins with the END line, or with
    a line such as `End of Project Gutenberg's Emma` if a licence or nothing follows. From there on the text is left
    out, up to the next book or the end of the licence.

    Args:
        pieces: consecutive parts of a text, divided between lines.
        report: counts the headers and footers, and the characters of such texts before and after.
    """
    before, kept = report.gutenberg, 0
    buffer = _Buffer(pieces)
    begun, more = False, True
    while more:
        if begun:
            yield None
        begun = True
        headed = _header_end(buffer.fill(REACH))
        if headed:
            report.gutenberg += 1
            buffer.text = buffer.text[headed:]
        elif "utenberg" in buffer.text[:3_000] and (heading := _HEADING.search(buffer.text, 0, 3_000)):
            report.unstripped.append(heading[0].strip()[:80])
        book = _until_footer(buffer, bool(headed))
        more = False
        while True:
            try:
                piece = next(book)
            except StopIteration as end:
                if end.value:
                    report.gutenberg += 1
                    more = _skip_to_text(buffer)
                break
            kept += len(piece)
            yield piece
    if report.gutenberg > before:
        report.gutenberg_read += buffer.read
        report.gutenberg_kept += kept


class _Buffer:
    """The part of a text that is being looked at."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self.text = ""
        self.read = 0
        """Characters so far."""
        self.over = False

    def pull(self) -> bool:
        """Append the next piece; return False at the end of the text."""
        piece = "" if self.over else next(self._pieces, "")
        self.over = not piece
        self.text += piece
        self.read += len(piece)
        return bool(piece)

    def fill(self, characters: int) -> str:
        """Append pieces until there are so many characters, and return them all."""
        while len(self.text) < characters and self.pull():
            pass
        return self.text


def _header_end(text: str) -> int:
    """Return the place after the header; 0 without one."""
    if "***" not in text and "*END" not in text and "* * *" not in text:
        return 0
    start = _START.search(text, 0, REACH)
    end = start.end() if start else 0
    credit = _CREDIT.match(text, end) if start else None
    if credit and (_MARKS_OF_CREDIT.search(credit["credit"]) or _NAMES.fullmatch(credit["credit"])):
        end = credit.end()
    if small := _SMALL_PRINT.search(text, end, REACH):
        # At the beginning of a text there is nothing else before its end; at the end of a short book there is the book.
        words = [end, *(word.start() for word in _LICENCE.finditer(text, end, small.end())), small.end()]
        if all(after - before < _GAP for before, after in pairwise(words)):
            return small.end()
    return end


def _until_footer(buffer: _Buffer, headed: bool) -> Generator[str, None, bool]:
    """Yield the text up to a footer, and return True if there was one."""
    while buffer.text or buffer.pull():
        text = buffer.text
        # The plain search is quick; the patterns are tried only if they can match.
        if headed or "utenberg" in text or "UTENBERG" in text:
            for match in _END.finditer(text):
                if _is_footer(buffer, match, headed):
                    yield from filter(None, [text[: match.start()]])
                    buffer.text = buffer.text[match.start() :]
                    return True
        yield text
        buffer.text = buffer.text[len(text) :]
    return False


def _is_footer(buffer: _Buffer, match: re.Match[str], headed: bool) -> bool:
    if match["marked"]:
        return True
    after = buffer.fill(match.end() + _WINDOW)[match.end() : match.end() + _WINDOW]
    if marked := _MARKED_END.search(after):
        return len("".join(after[: marked.start()].split())) < 200  # the rest of a title
    if len(_LICENCE.findall(after)) > 1:
        return True
    ended = buffer.over and len(buffer.text) <= match.end() + _WINDOW
    return ended and bool(headed or match["titled"]) and len(after.strip()) < 300


def _skip_to_text(buffer: _Buffer) -> bool:
    """Skip a footer and its licence; return True if another text follows."""
    while buffer.text or buffer.pull():
        start, end = _START.search(buffer.text), _LICENCE_END.search(buffer.text)
        if start and not (end and end.start() < start.start()):
            buffer.text = buffer.text[start.start() :]
            return True
        if end:
            buffer.text = buffer.text[end.end() :]
            return bool(buffer.fill(REACH).strip())
        buffer.text = ""
    return False
