"""Which documents does a path hold?"""

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport, counted, some
from epigone.text.readers.cleaning import clean
from epigone.text.readers.decoding import NotText, bare_suffix, first_bytes
from epigone.text.readers.formats import html, imdb, markdown, plain, tables
from epigone.text.readers.formats.docx import read_docx
from epigone.text.readers.formats.epub import read_epub
from epigone.text.readers.formats.movie_lines import looks_like_cornell, read_movie_lines
from epigone.text.readers.formats.pdf.reader import read_pdf

__all__ = ["Document", "ReadOptions", "ReadReport", "read_documents"]

Reader = Callable[[Path, str, ReadOptions, ReadReport], Iterator[Document]]

_READERS: dict[str, Reader] = {
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".epub": read_epub,
    **dict.fromkeys(html.HTML, html.read_html),
    **dict.fromkeys(markdown.MARKDOWN, markdown.read_markdown),
}
"""The reader of each suffix that tells a format; any other file is plain text, or a table."""

_SEARCHED = plain.SUFFIXES | _READERS.keys()
"""The files of a folder that are read; what else lies there is no text, or an index of it."""


def read_documents(path: Path, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """The cleaned documents of a file, or of a folder's files in the order of their paths; none is empty.

    The suffix tells the format: PDF, Word, EPUB, HTML, Markdown or a table; any other file is plain text. A folder
    is read with all folders in it; aclImdb's tree is recognised. CSV, TSV and JSON Lines are read when they are
    given themselves; in a folder they are taken for indexes of the texts beside them.

    Args:
        path: a text, a table of texts or a folder of texts; files may be gzipped, but for PDF, Word and EPUB.
        options: how to read it.
        report: where everything that is changed or left out is counted.

    Raises:
        UserError: there is no such path, no text in it, or a file that cannot be read.
    """
    path = Path(path)
    found = False
    told = len(report.skipped)
    for document in _read_folder(path, options, report) if path.is_dir() else _read_file(path, options, report):
        pieces = clean(document.pieces, report)
        if first := next(pieces, None):
            found = True
            yield Document(document.name, chain([first], pieces))
        else:
            report.empty += 1
    if not found:
        why = " ".join([f"There is no text in {path}.", *report.skipped[told:]])
        if len(report.skipped) == told:
            why = f"There is no text in {path}: it is empty."
        raise UserError(f"{why} Give a file or folder that holds text.")


def _read_file(path: Path, options: ReadOptions, report: ReadReport, name: str = "") -> Iterator[Document]:
    if not path.is_file():
        raise _missing(path)
    name, suffix = name or path.name, bare_suffix(path)
    if suffix in _READERS:
        return _READERS[suffix](path, name, options, report)
    if suffix in tables.SUFFIXES:
        return tables.read_table(path, name, options, report)
    if looks_like_cornell(first_bytes(path)):
        return read_movie_lines(path, name, options, report)
    if imdb.is_review(path):
        return imdb.read_review(path, name, options, report)
    return plain.read_plain(path, name, options, report)


def _read_folder(folder: Path, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    files = _files(folder)
    texts = [file for file in files if bare_suffix(file) in _SEARCHED]
    if reviews := [file for file in texts if imdb.is_review(file)]:
        texts = reviews  # aclImdb: the lists of addresses and words beside the reviews are no texts
    others = len(files) - len(texts)
    if not texts:
        kinds = Counter(file.suffix or "without suffix" for file in files)
        holds = some([f"{number:,} {kind}" for kind, number in kinds.most_common()]) or "no files"
        raise UserError(
            f"There is no text file in {folder} (it holds {holds}). A folder is searched for "
            f"{', '.join(sorted(_SEARCHED))} and the same with .gz; give any other file by its own path."
        )
    if others:
        chosen = set(texts)
        names = [file.relative_to(folder).as_posix() for file in files if file not in chosen]
        example = next((name for name in names if bare_suffix(Path(name)) in tables.SUFFIXES), names[0])
        report.skipped.append(
            f"{counted(others, 'file')} in {folder} left out: {some(names)}. "
            f"Give {folder / example} by itself, as another argument, if its text is wanted too."
        )
    for file in texts:
        try:
            yield from _read_file(file, options, report, file.relative_to(folder).as_posix())
        except NotText as error:
            report.skipped.append(f"Left out: {error}")


def _files(folder: Path) -> list[Path]:
    """All files below a folder but hidden ones, sorted by their path."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _missing(path: Path) -> UserError:
    if path.exists():
        return UserError(f"{path} is neither a file nor a folder; save its text in a file and give that.")
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    similar = difflib.get_close_matches(missing.name, os.listdir(missing.parent), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(str(missing.parent / name) for name in similar)}?" if similar else "."
    return UserError(f"There is no file or folder {path}{hint} Give the path of a text or of a folder of texts.")
