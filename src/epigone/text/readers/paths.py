"""Documents of a path: of a file, or of all files in a folder."""

import difflib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from epigone.errors import UserError
from epigone.text.document import FOLDER, Document, ReadOptions, ReadReport, counted, some
from epigone.text.readers.cleaning import clean
from epigone.text.readers.decoding import NotText, bare_suffix
from epigone.text.readers.registry import READERS, reader_of


def read_documents(path: Path, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read and clean the documents of a file, or of a folder's files in the order of their paths.

    `reader_of` chooses the reader of each file. A folder is read with all folders in it. Some formats, such as tables,
    are read only if the file itself is given: in a folder they are probably lists about the texts.

    Args:
        path: a text, a table of texts or a folder of texts.
        options: options of reading.
        report: counts everything that is changed or left out.

    Yields:
        Documents that are not empty.

    Raises:
        UserError: the path does not exist, holds no text, or cannot be read.
    """
    path = Path(path)
    found = False
    told = len(report.skipped)
    for document in _read_folder(path, options, report) if path.is_dir() else _read_file(path, options, report):
        pieces = clean(document.pieces, report)
        if first := next(pieces, None):
            found = True
            yield replace(document, pieces=chain([first], pieces))
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
    reader = reader_of(path)
    documents = reader.read(path, name or path.name, options, report)
    if options.label is None or "label" in reader.options:
        return documents
    if options.label != FOLDER:
        raise UserError(
            f"{path} has no column {options.label!r}, because it is no table. Leave --label out, or give --label "
            f"{FOLDER} for the name of the folder that a text is in."
        )
    return (replace(document, label=path.absolute().parent.name) for document in documents)


def _read_folder(folder: Path, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    files = _files(folder)
    readers = READERS.values()
    searched = {suffix for reader in readers if reader.in_folders for suffix in reader.suffixes}
    texts = [file for file in files if bare_suffix(file) in searched]
    for reader in readers:
        if reader.alone and (own := [file for file in texts if reader.reads(file)]):
            texts = own
    if not texts:
        kinds = Counter(file.suffix or "without suffix" for file in files)
        holds = some([f"{number:,} {kind}" for kind, number in kinds.most_common()]) or "no files"
        raise UserError(
            f"There is no text file in {folder} (it holds {holds}). A folder is searched for "
            f"{', '.join(sorted(searched))} and the same with .gz; give any other file by its own path."
        )
    chosen = set(texts)
    if others := [file for file in files if file not in chosen]:
        names = [file.relative_to(folder).as_posix() for file in others]
        readable = {suffix for reader in readers for suffix in reader.suffixes} - searched
        example = next((file for file in others if bare_suffix(file) in readable), others[0])
        report.skipped.append(
            f"{counted(len(others), 'file')} in {folder} left out: {some(names)}. "
            f"Give {example} by itself, as another argument, if its text is wanted too."
        )
    for file in texts:
        try:
            yield from _read_file(file, options, report, file.relative_to(folder).as_posix())
        except NotText as error:
            report.skipped.append(f"Left out: {error}")


def _files(folder: Path) -> list[Path]:
    """List all files below a folder, sorted by path; hidden ones are left out."""
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
