"""The Cornell Movie-Dialogs Corpus."""

from collections.abc import Iterator
from pathlib import Path

from epigone.corpora.downloads.fetcher import Fetcher
from epigone.corpora.downloads.web import NotThere
from epigone.corpora.sources.base import Got, Source, Text
from epigone.errors import UserError
from epigone.text.readers.decoding import NotText
from epigone.text.readers.formats.markup.archive import DAMAGE, Archive

HOME = "https://www.cs.cornell.edu/~cristian/data"
FILE = "cornell_movie_dialogs_corpus.zip"
SHA256 = "3bde8a571f615201bc2d2453e22878090719638592f774720eddec739de8c900"
MOST = 64 << 20
LINES = "movie_lines.txt"


def get(part: str, fetcher: Fetcher) -> Iterator[Got]:
    """Get the lines of all films."""
    address = f"{(fetcher.options.mirror or HOME).rstrip('/')}/{FILE}"
    try:
        archive = fetcher.fetch(f"cornell-dialogues/{FILE}", [[address]], MOST, fault, SHA256)
    except NotThere as error:
        raise UserError(
            f"{error} The corpus may have moved: look for it on https://www.cs.cornell.edu/~cristian, and name your "
            "copy with --from-file."
        ) from error
    yield Got("lines of 617 films", (archive,), [Text(LINES, lines(archive.path))])


def lines(path: Path) -> Iterator[bytes]:
    """The file of the lines in the archive, piece by piece."""
    with Archive(path, "zip archive", ".zip") as archive:
        yield from archive.chunks(_lines_in(archive))


def fault(path: Path) -> str:
    """Tell if a file is not the archive, or a damaged one."""
    try:
        with Archive(path, "zip archive", ".zip") as archive:
            if archive.salvaged:
                return f"it is damaged ({archive.salvaged})"
            for _ in archive.chunks(_lines_in(archive)):
                pass
    except NotText:
        return "it is no zip archive, or a damaged one"
    except StopIteration:
        return f"it holds no {LINES}"
    except DAMAGE as error:
        return f"it is damaged ({error})"
    return ""


def _lines_in(archive: Archive) -> str:
    return next(name for name in archive.names if name.rsplit("/")[-1] == LINES and "__MACOSX" not in name)


CORNELL: Source = Source(
    "cornell-dialogues",
    "the Cornell Movie-Dialogs Corpus, lines from 617 films",
    "Collected for research (Danescu-Niculescu-Mizil and Lee 2011), without a licence. The lines are from film scripts "
    "under copyright: use them for your own study, name the paper, and do not pass the texts on.",
    get,
)
