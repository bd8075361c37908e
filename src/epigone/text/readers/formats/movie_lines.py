"""The Cornell Movie-Dialogs Corpus, `movie_lines.txt`."""

import re
from collections.abc import Iterator
from pathlib import Path

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import NotText, first_bytes, read_text
from epigone.text.readers.separators import lines

SEPARATOR = " +++$+++ "

_LINE_ID = re.compile(r"L(\d+)")
# Said to be ISO-8859-1, but its quotation marks and dashes are those of Windows, where controls should be.
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}


def looks_like_cornell(path: Path) -> bool:
    """Whether a file begins like those of the Cornell corpus, `movie_lines.txt` or another."""
    return SEPARATOR.encode() in first_bytes(path).split(b"\n", 1)[0]


def read_movie_lines(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """One document for each film: its lines in the order of the script; films in the order of the file.

    The file has the lines of a conversation backwards, so they are sorted by the number in their lineID. All
    of it is held in memory (34 MB), because nothing promises that a film's lines stand together.

    Args:
        path: the file, gzipped or not: lineID, characterID, movieID, character, text.
        name: the file's name, which a document's name puts before the movieID.
        options: the encoding; without it UTF-8, and ISO-8859-1 where that does not fit.
        report: where changes are counted.

    Raises:
        NotText: it is another file of the corpus.
        UserError: a line has too few fields.
    """
    films: dict[str, list[tuple[int, str]]] = {}
    text = read_text(path, options.encoding, report, fallback="iso-8859-1", returns=True)
    for number, line in enumerate(lines(text), 1):
        if not line.strip():
            continue
        fields = line.rstrip("\n").split(SEPARATOR.rstrip(), 4)
        line_id = _LINE_ID.fullmatch(fields[0].strip())
        if len(fields) < 5 or not line_id:
            raise (NotText if number == 1 else UserError)(
                f"{path}, line {number:,}, is not lineID, characterID, movieID, name and text separated by "
                f"`{SEPARATOR.strip()}`. Of the Cornell corpus only movie_lines.txt holds text; give that."
            )
        films.setdefault(fields[2].strip(), []).append((int(line_id[1]), fields[4].strip().translate(_WINDOWS)))
    for film, spoken in films.items():
        yield Document(f"{name}#{film}", (f"{line}\n" for _, line in sorted(spoken) if line))


MOVIE_LINES = Reader("movie_lines", read_movie_lines, recognises=looks_like_cornell, options=("encoding",))
