"""The song lyrics of Kaggle, which a person downloads: a table with the columns artist, song, link and text."""

import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import is_zipfile

from epigone.corpora.downloads.fetcher import Fetcher
from epigone.corpora.sources.base import Got, Source, Text
from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport, counted
from epigone.text.readers.decoding import NotText
from epigone.text.readers.formats.markup.archive import DAMAGE, Archive
from epigone.text.readers.paths import read_documents

MOST = 512 << 20
COLUMNS = ("artist", "song", "link", "text")
_LONGEST = 60  # characters of a file's name
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}


def get(part: str, fetcher: Fetcher) -> Iterator[Got]:
    """Read the table, and write the songs of each artist into a file."""
    table = fetcher.fetch("kaggle-lyrics/songdata.csv", [], MOST, lambda path: "")
    with tempfile.TemporaryDirectory(prefix="epigone-") as folder:
        path = _unpacked(table.path, Path(folder)) if is_zipfile(table.path) else table.path
        songs = _by_artist(path, table.path)
    number = sum(map(len, songs.values()))
    title = f"{counted(number, 'song')} by {counted(len(songs), 'artist')}, a file for each artist"
    yield Got(title, (table,), _files(songs))


def _by_artist(path: Path, given: Path) -> dict[str, list[str]]:
    """The songs of a table by artist, in the table's order."""
    report = ReadReport()
    songs: dict[str, list[str]] = {}
    try:
        for document in read_documents([path], ReadOptions(column="text", label="artist"), report):
            songs.setdefault(document.label or "unknown", []).append("".join(document.pieces).strip())
    except UserError as error:
        why = str(error).replace(str(path), str(given))
        raise UserError(
            f"{why} The table of song lyrics has the columns {', '.join(COLUMNS)}; any other table is read as it is by "
            "every command, with --column and --label."
        ) from error
    report.announce()
    return songs


def _files(songs: dict[str, list[str]]) -> Iterator[Text]:
    """A file for each artist, its songs separated by a line ===."""
    taken: set[str] = set()
    for artist, texts in songs.items():
        name = file_name(artist)
        number = 2
        while name in taken:
            name, number = f"{file_name(artist)}-{number}", number + 1
        taken.add(name)
        text = "\n\n===\n\n".join(texts) + "\n"
        yield Text(f"{name}.txt", [text.encode("utf-8", "replace")])


def file_name(artist: str) -> str:
    """Make a file's name of an artist's, in small letters of ASCII that every system allows."""
    bare = unicodedata.normalize("NFKD", artist.lower().replace("&", " and "))
    name = "-".join(re.findall("[a-z0-9]+", "".join(c for c in bare if not unicodedata.combining(c)).replace("'", "")))
    name = name[:_LONGEST].strip("-")
    return f"{name or 'artist'}{'-artist' * (name in _RESERVED)}"


def _unpacked(path: Path, folder: Path) -> Path:
    """Unpack the one table in the archive that Kaggle makes of a download."""
    try:
        with Archive(path, "zip archive", ".zip") as archive:
            tables = [name for name in archive.names if name.lower().endswith(".csv") and "__MACOSX" not in name]
            if len(tables) != 1 or archive.salvaged:
                why = f"it is damaged ({archive.salvaged})" if archive.salvaged else f"it holds {len(tables)} tables"
                raise UserError(f"{path} cannot be used, because {why}; unpack it, and give the table (.csv).")
            _write(folder / "table.csv", archive.chunks(tables[0]))
    except NotText:
        raise
    except DAMAGE as error:
        raise UserError(f"{path} is damaged ({error}); download it again.") from error
    return folder / "table.csv"


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with open(path, "wb") as file:
        for piece in pieces:
            file.write(piece)


LYRICS: Source = Source(
    "kaggle-lyrics",
    "the table of 55,000 song lyrics on Kaggle, from a file of yours",
    "The songs belong to their writers, and a table on Kaggle does not change that: use them for your own study, pass "
    "neither the texts nor a model on that has learned them by heart.",
    get,
    by_hand="Kaggle gives it to people who log in: download it in a browser (search for the data set `songdata` or "
    "`Spotify Million Song`, columns artist, song, link, text), then run `epigone corpus get kaggle-lyrics --from-file "
    "songdata.csv`.",
)
