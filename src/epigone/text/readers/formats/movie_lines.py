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
# The corpus calls itself ISO-8859-1, but has the quotation marks and dashes of Windows in place of controls.
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}


def looks_like_cornell(path: Path) -> bool:
    """True for a file that begins like those of the Cornell corpus, `movie_lines.txt` or another."""
    return SEPARATOR.encode() in first_bytes(path).split(b"\n", 1)[0]


def read_movie_lines(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document for each film: its lines in the order of the script; films in the order of the file.

    The file has the lines of a conversation backwards, so they are sorted by the number in their lineID. The whole
    file is in memory (34 MB), because the lines of a film may be in different places.

    Args:
        path: the file, gzipped or not: lineID, characterID, movieID, character, text.
        name: name of the file; a document's name has the movieID after it.
        options: the encoding; without it UTF-8, or ISO-8859-1 if that does not fit.
        report: counts the changes.

    Raises:
        NotText: the file is another one of the corpus.
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
