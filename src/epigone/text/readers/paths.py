"""Documents of paths: of files, or of all files in folders."""

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from epigone.errors import UserError
from epigone.schema import shortened
from epigone.text.document import BY_PLACE, FILE, FOLDER, NAMED_ROWS, Document, ReadOptions, ReadReport, counted, some
from epigone.text.readers.base import Reader
from epigone.text.readers.checks.layout import Layout
from epigone.text.readers.checks.markup import markup_of
from epigone.text.readers.cleaning import clean
from epigone.text.readers.decoding import NotText, bare_suffix
from epigone.text.readers.division import divided_further
from epigone.text.readers.labels import label_by_place
from epigone.text.readers.registry import PLAIN, READERS, TABLE, reader_of
from epigone.text.readers.site_lines import without_site_lines

_WITHOUT_TEXT = {
    "table": "it has no rows with text below its header",
    "html": "it holds only marks, scripts or navigation",
    "markdown": "it holds only marks and links to pictures",
    "epub": "its pages hold only pictures, or they are blank",
    "docx": "it holds only pictures, or it is blank",
}
"""Reasons why a file that is not empty has no text, by its format."""

_PER_BOUNDARY = len("\n===\n")


@dataclass(frozen=True)
class Source:
    """A file to read."""

    path: Path
    name: str
    """Name of its first document."""
    reader: Reader
    in_folder: bool
    """True if the search of a folder found it; then it is left out if it cannot be read."""


def read_documents(paths: Path | Sequence[Path], options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read and clean the documents of files, and of the files in folders in the order of their paths.

    `reader_of` chooses the reader of each file. A folder is read with all folders in it. Some formats, such as tables,
    are read only if the file itself is given: in a folder they are probably lists about the texts.

    Args:
        paths: a text, table of texts or folder of texts, or several.
        options: options of reading.
        report: counts everything that is changed or left out.

    Yields:
        Documents that are not empty.

    Raises:
        UserError: a path does not exist, holds no text, or cannot be read; or no file heeds one of the options.
    """
    paths = [paths] if isinstance(paths, Path) else paths
    sources = [(path, _sources(path, options, report)) for path in paths]
    _check_options([source for _, found in sources for source in found], options)
    hints: list[str] = []
    number = 0
    for path, found in sources:
        before, told = number, len(report.skipped)
        for source in found:
            for document in _read(source, options, report, hints):
                number += 1
                yield document
        if number == before:
            why = " ".join([f"There is no text in {path}.", *report.skipped[told:]])
            if len(report.skipped) == told:
                why = f"There is no text in {path}: {_reason_of_none(path, found)}."
                if options.separator is not None and report.separated:
                    why = (
                        f"There is no text in {path} but for the lines that --separator {options.separator!r} matches."
                    )
            raise UserError(f"{why} Give a file or folder that holds text.")
    if number < 3:
        report.hints += hints
    if not report.separated and (said := _unmatched(options)):
        report.hints.append(said)


def _reason_of_none(path: Path, sources: Sequence[Source]) -> str:
    """Write why nothing was read of files that are sound."""
    if path.is_dir() or not path.stat().st_size:
        return "it is empty" if len(sources) < 2 else "its files are empty or blank"
    return _WITHOUT_TEXT.get(sources[0].reader.name, "it is blank")


def _unmatched(options: ReadOptions) -> str:
    """Write that the option that divides texts found no boundary; the empty string if there is none."""
    if options.blank_lines is not None:
        return (
            f"--blank-lines {options.blank_lines} divides nothing: the texts have no {options.blank_lines} blank lines "
            "in a row."
        )
    if options.separator is None:
        return ""
    lines = " To divide at blank lines, give --blank-lines 1 or 2." if r"\n" in options.separator else ""
    return (
        f"--separator {options.separator!r} matches no line, so it divides nothing; it must match a line as a "
        f"whole, with its spaces and without its end.{lines}"
    )


def _check_options(sources: Sequence[Source], options: ReadOptions) -> None:
    """Refuse an option that no file heeds.

    Raises:
        UserError: there is one.
    """
    for option, value in options.chosen().items():
        if option == "label" or any(
            source.reader.heeds(option, value) for source in sources
        ):  # labels are refused by file
            continue
        heeding = [reader.name for reader in READERS.values() if reader.heeds(option, value)]
        flag = f"--{'no-' * (value is False)}{option.replace('_', '-')}" + f" {value}" * (not isinstance(value, bool))
        given = some([f"{source.path} ({source.reader.name})" for source in sources])
        raise UserError(f"{flag} has no meaning for {given}; leave it out. Formats that heed it: {', '.join(heeding)}.")


def _sources(path: Path, options: ReadOptions, report: ReadReport) -> list[Source]:
    """List the files to read.

    Raises:
        UserError: the path does not exist, or is a folder without texts.
    """
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long, a broken disk
        raise UserError(f"Could not read {shortened(str(path), 200)}: {error.strerror}.") from error
    if is_folder:
        return [
            Source(file, file.relative_to(path).as_posix(), _reader(file, options), in_folder=True)
            for file in _texts_in(path, report)
        ]
    if not path.is_file():
        raise _missing(path)
    # A column of a plain text is asked for only if it is a table; a label of a folder may be meant for other files.
    reader = _reader(path, options)
    if reader is PLAIN and options.label not in (None, *BY_PLACE):
        reader = TABLE
    return [Source(path, path.name, reader, in_folder=False)]


def _reader(path: Path, options: ReadOptions) -> Reader:
    try:
        reader = reader_of(path)
    except NotText:  # reading it will say why
        reader = PLAIN
    return TABLE if options.column is not None and reader is PLAIN else reader


def _read(source: Source, options: ReadOptions, report: ReadReport, hints: list[str]) -> Iterator[Document]:
    """Read and clean the documents of a file that are not empty."""
    decoded, books = report.decoded, report.gutenberg
    report.site_lines_kept = options.site_lines
    layout = Layout()
    delivered = documents = 0

    def observed(pieces: Iterable[str]) -> Iterator[str]:
        nonlocal delivered
        for piece in pieces:
            delivered += len(piece)
            layout.see(piece)
            yield piece

    for document in _raw(source, options, report):
        raw = layout.see_raw(document.pieces)
        pieces = clean(without_site_lines(raw, report.site_lines, options.site_lines), report)
        if first := next(pieces, None):
            documents += 1
            layout.begin(documents)
            yield replace(document, pieces=observed(chain([first], pieces)))
        else:
            report.empty += 1
            if source.reader is TABLE and len(report.empty_names) < NAMED_ROWS:
                report.empty_names.append(document.name)
    if source.reader is PLAIN and (markup := markup_of(layout.text)):
        report.marked.setdefault((markup.name, markup.remedy), []).append(str(source.path))
    elif documents == 1 and not options.divides and not report.has_hint(source.name):
        hints += layout.hints(source.path)
    size = report.decoded - decoded
    if delivered + _PER_BOUNDARY * documents < source.reader.usual_share * size:
        report.warnings.append(_said_share(source, delivered, size, report.gutenberg > books, options))


def _said_share(source: Source, delivered: int, size: int, books: bool, options: ReadOptions) -> str:
    reason = "the rest is control characters and blank lines."
    if books:
        reason = "the rest looks like headers, footers and licences of Project Gutenberg; --no-gutenberg keeps it."
    elif options.separator is not None:
        reason = f"--separator {options.separator!r} matches the other lines."
    return (
        f"Only {delivered / size:.0%} of {source.path} is read, {delivered:,} of {counted(size, 'character')}: {reason}"
    )


def _raw(source: Source, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the documents of a file, not yet cleaned; a file in a folder is left out if it cannot be read."""
    reader = source.reader
    made = replace(options, gutenberg=False)  # for the texts that the reader makes
    begun = False

    def guarded(pieces: Iterator[str]) -> Iterator[str]:
        nonlocal begun
        try:
            for piece in pieces:
                begun = True
                yield piece
        except (NotText, OSError) as error:
            if not source.in_folder:
                raise
            leave_out(error)

    def leave_out(error: Exception) -> None:
        why = str(error) if isinstance(error, NotText) else f"{source.path} could not be read: {_reason(error)}."
        report.skipped.append(f"{'The rest is left out' if begun else 'Left out'}: {why}")

    try:
        for document in _labelled(reader.read(source.path, source.name, options, report), source, options):
            document = replace(document, pieces=guarded(document.pieces))
            if reader.divides:
                yield document
            else:
                yield from divided_further(document, made, report)
    except (NotText, OSError) as error:
        if not source.in_folder:
            raise
        leave_out(error)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _labelled(documents: Iterator[Document], source: Source, options: ReadOptions) -> Iterator[Document]:
    if options.label is None or "label" in source.reader.options:
        return documents
    if options.label not in BY_PLACE:
        raise UserError(
            f"{source.path} has no column {options.label!r}, because it is no table. Leave --label out, or give "
            f"--label {FOLDER} for the name of the folder that a text is in, or --label {FILE} for the end of its "
            "file's name."
        )
    label = label_by_place(source.path, options.label)
    return (replace(document, label=label) for document in documents)


def _texts_in(folder: Path, report: ReadReport) -> list[Path]:
    files = _files(folder, report)
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
    return texts


def _files(folder: Path, report: ReadReport) -> list[Path]:
    """List all files below a folder, sorted by path; hidden ones are left out, and others with a notice."""
    found: list[Path] = []
    left: dict[str, list[str]] = {}

    def leave_out(reason: str, path: str | Path) -> None:
        left.setdefault(reason, []).append(os.path.relpath(path, folder))

    for place, folders, names in os.walk(folder, onerror=lambda e: leave_out(_reason(e), e.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if os.path.islink(path := Path(place, name)):
                leave_out("links to folders are not followed", path)
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.is_file():
                found.append(path)
            elif path.is_symlink():
                leave_out("broken links", path)
            else:
                leave_out("neither files nor folders", path)
    for reason, paths in left.items():
        report.skipped.append(f"Left out of {folder}: {some(sorted(paths))} ({reason}).")
    return sorted(found)


def _missing(path: Path) -> UserError:
    if path.is_symlink():
        return UserError(f"{path} is a broken link to {os.readlink(path)}; give the file that it should lead to.")
    if path.exists():
        return UserError(f"{path} is neither a file nor a folder; save its text in a file and give that.")
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    similar = difflib.get_close_matches(missing.name, os.listdir(missing.parent), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(str(missing.parent / name) for name in similar)}?" if similar else "."
    return UserError(f"There is no file or folder {path}{hint} Give the path of a text or of a folder of texts.")
