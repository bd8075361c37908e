"""`corpus get`: public texts from their own homes."""

import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from epigone.corpora.downloads.cache import sha256_of
from epigone.corpora.downloads.download import Meter
from epigone.corpora.downloads.fetcher import Arrived, Fetcher, FetchOptions
from epigone.corpora.sources.base import Got, Source, Text
from epigone.corpora.sources.registry import SOURCES, source_of
from epigone.errors import UserError
from epigone.folder_lock import folder_lock
from epigone.results import Shown
from epigone.schema import by_name, mapping
from epigone.storage import read_json, write_json

log = logging.getLogger("epigone")

RECORD = ".sources.json"
"""The file in the folder of the texts that says where each is from; no reader takes a hidden file for a text."""


@dataclass(frozen=True)
class Download:
    """A file that a corpus is made of."""

    name: str
    """The corpus, as it was asked for."""
    title: str
    address: str
    """Source of the file: an address, or the path of a copy."""
    path: str
    """Path of the file that is kept."""
    origin: str
    """`download`, `cache` or `your copy`."""
    bytes: int
    sha256: str
    verified: bool
    """True if the SHA-256 is one that was known before; that of a book of Project Gutenberg is not."""


@dataclass(frozen=True)
class CorpusFiles(Shown):
    """Texts that are ready to be read."""

    folders: list[str]
    files: list[str]
    """The files of text, in the order in which they were written."""
    bytes: int
    """Of all these files."""
    rights: dict[str, str]
    """Terms of use of each corpus."""
    rows: list[Download]
    notices: list[str]


def get_corpus(
    *names: str,
    out: str | Path | None = None,
    fetching: FetchOptions = FetchOptions(),
    meter: Meter | None = None,
) -> CorpusFiles:
    """Get public texts from their own homes, ready for every command that takes text.

    Downloads go on where they broke off, are checked and kept in a cache. Between two requests to one host are two
    seconds.

    Args:
        names: `gutenberg:NUMBER` for a book of Project Gutenberg, `cornell-dialogues`, `wikitext-2`, `wikitext-103`,
            these two with `-raw` behind, or `kaggle-lyrics` with --from-file.
        out: the folder for the texts; by default one with the name of the corpus.
        fetching: mirror, cache and copies of one's own.
        meter: follows the progress.

    Raises:
        UserError: there is no such corpus, it cannot be fetched, or the folder holds another text under its name.
    """
    if not names:
        listed = [f"{source.form}: {source.title}" for source in SOURCES.values()]
        raise UserError("Name the corpora to get, with spaces between them. Known are", *listed)
    wanted = [(name, *source_of(name)) for name in dict.fromkeys(names)]
    for name, source, _ in wanted:
        if source.by_hand and fetching.from_file is None:
            raise UserError(f"{name} cannot be fetched by a program. {source.by_hand}")
    if fetching.from_file is not None and len(wanted) > 1:
        raise UserError("--from-file is the copy of one corpus; get the others with a command of their own.")
    fetcher = Fetcher(fetching, meter)
    rows: list[Download] = []
    notices: list[str] = []
    written: dict[str, int] = {}
    for name, source, part in wanted:
        folder = Path(source.name if out is None else out)
        for got in source.get(part, fetcher):
            rows += [_row(name, got, each) for each in got.arrived]
            notices += [got.notice] * bool(got.notice)
            written |= {str(folder / text): size for text, size in _write(folder, name, source, got)}
    for notice in notices:
        log.warning(notice)
    return CorpusFiles(
        folders=list(dict.fromkeys(str(Path(file).parent) for file in written)),
        files=list(written),
        bytes=sum(written.values()),
        rights={source.name: source.rights for _, source, _ in wanted},
        rows=rows,
        notices=notices,
    )


def _row(name: str, got: Got, arrived: Arrived) -> Download:
    return Download(
        name=name,
        title=got.title,
        address=arrived.address,
        path=str(arrived.path),
        origin=arrived.origin,
        bytes=arrived.bytes,
        sha256=arrived.sha256,
        verified=arrived.verified,
    )


def _write(folder: Path, name: str, source: Source, got: Got) -> Iterator[tuple[str, int]]:
    """Write texts into a folder, and where they are from; yield the name and the bytes of each."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give a folder with --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Could not make the folder {folder}: {error.strerror}. Choose another --out.") from error
    with folder_lock(folder):
        entries = _recorded(folder)
        for text in got.texts:
            size, digest = _write_text(folder / text.name, text)
            origin = [{"address": each.address, "sha256": each.sha256} for each in got.arrived]
            entries[text.name] = {
                "name": name, "title": got.title, "sha256": digest, "from": origin, "rights": source.rights,
            }  # fmt: skip
            yield text.name, size
        write_json(folder / RECORD, entries)


def _recorded(folder: Path) -> dict[str, object]:
    """Read what is noted of the texts in a folder; nothing, with a warning, if the notes are damaged."""
    if not (folder / RECORD).exists():
        return {}
    try:
        return dict(read_json(folder / RECORD, by_name(mapping)))
    except UserError as error:
        log.warning(f"{error} It is written anew, for the texts of this command alone.")
        return {}


def _write_text(path: Path, text: Text) -> tuple[int, str]:
    """Write a text, all of it or nothing; return its bytes and its SHA-256.

    Raises:
        UserError: there is another text of this name, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    digest, size = hashlib.sha256(), 0
    try:
        with open(temporary, "wb") as file:
            for piece in text.pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        if path.exists() and (not path.is_file() or sha256_of(path) != digest.hexdigest()):
            raise UserError(f"{path} exists and holds another text; move it away, or choose another folder with --out.")
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"Could not write {path}: {error.strerror or error}. Free some space, or choose another folder with --out."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return size, digest.hexdigest()
