"""Zip archives of marked-up text, such as Word documents and EPUBs, read part by part."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from epigone.text.document import counted
from epigone.text.readers.decoding import NotText, first_bytes

DAMAGE: tuple[type[Exception], ...] = (
    BadZipFile, zlib.error, LZMAError, SyntaxError, ValueError, LookupError, AttributeError, RuntimeError, EOFError,
    OSError, struct.error,
)  # fmt: skip
"""Exceptions that a damaged part causes; those of a way of packing that Python does not know are among them."""
_ALLOWANCE = 20_000_000  # characters or bytes that every file may unpack to
_RATIO = 20  # further ones for each byte of the file; texts are packed to a third, their markup to a tenth
_TAGS, _PER_TAG = 500_000, 4  # tags that every file may have, and bytes of it for each further one
_CHUNK = 1 << 18
_HEADER = struct.Struct("<4s5H3I2H")  # of a part: signature, version, flags, method, …, sizes, lengths of the names
_STORED, _DEFLATED = 0, 8


class TooLarge(NotText):
    """A packed file that unpacks to far more than texts do."""


class Archive:
    """The parts of a zip archive by their names, also of one that is damaged.

    Args:
        path: the file.
        kind: name of the format.
        suffix: suffix of the format.

    Raises:
        NotText: the file is empty or no zip archive.
    """

    def __init__(self, path: Path, kind: str, suffix: str) -> None:
        self.path = path
        self._left = _allowed(path)
        self.salvaged = ""
        """Reason why the archive was read without its list of parts; empty if it was not."""
        self._zip: ZipFile | None = None
        self._salvaged: dict[str, tuple[int, int]] = {}
        with unpacking(path, kind, suffix):
            try:
                self._zip = _opened(path)
                self.names = self._zip.namelist()
                return
            except DAMAGE as error:
                self._salvaged = _headers(path.read_bytes())
                if not self._salvaged:
                    raise
                self.salvaged = str(error)
        self.names = list(self._salvaged)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip:
            self._zip.close()

    def told(self) -> Iterator[str]:
        """Yield a sentence if the list of parts is damaged."""
        if self.salvaged:
            yield (
                f"{self.path} is damaged ({self.salvaged}); what is left of it was read, and its end may be missing. "
                "Fetch it again."
            )

    def read(self, name: str) -> bytes:
        """Unpack a part.

        Raises:
            TooLarge: the parts so far are together far larger than the file.
            Exception: the part is missing or damaged; `DAMAGE` lists the exceptions.
        """
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Unpack a part piece by piece; raises as `read` does, after the pieces before the damage."""
        if self._zip and self._zip.getinfo(name).file_size > self._left:
            raise too_large(self.path)
        for data in self._chunks(name):
            self._left -= len(data)
            if self._left < 0:
                raise too_large(self.path)
            yield data

    def _chunks(self, name: str) -> Iterator[bytes]:
        if self._zip:
            # Only two methods unpack no more than they are asked for; others unpack all that they read.
            size = _CHUNK if self._zip.getinfo(name).compress_type in (_STORED, _DEFLATED) else 4096
            with self._zip.open(name) as part:
                while data := part.read(size):
                    yield data
            return
        if name not in self._salvaged:
            raise BadZipFile(f"{self.salvaged}; {name} is missing")
        start, stored = self._salvaged[name]
        with open(self.path, "rb") as file:
            file.seek(start)
            if stored >= 0:
                yield file.read(stored)
                return
            inflate = zlib.decompressobj(-15)
            while not inflate.eof:
                if not (data := inflate.unconsumed_tail or file.read(_CHUNK)):
                    raise BadZipFile(f"{self.salvaged}; the end of {name} is missing")
                yield inflate.decompress(data, _CHUNK)


def too_large(path: Path) -> TooLarge:
    """Return the error for a file that unpacks to more than `allowed`."""
    return TooLarge(
        f"{path} unpacks to more than {_allowed(path) // 1_000_000:,} MB, which is far more than a text of its size, "
        "so it was not read. If it is what it should be, save its text in a file (.txt) and give that."
    )


def check_marks(number: int, path: Path, marks: str = "tags", most: int = _TAGS, per_mark: int = _PER_TAG) -> None:
    """Refuse a file of countless marks, which would take long and much memory.

    Args:
        number: marks in it.
        path: the file.
        marks: their kind, in the plural.
        most: marks that every file may have.
        per_mark: bytes of the file for each further one.

    Raises:
        TooLarge: it has far more marks than texts of its size.
    """
    most += path.stat().st_size // per_mark
    if number > most:
        raise TooLarge(
            f"{path} has more than {most:,} {marks}, which is far more than a text of its size, so it was not read. If "
            "it is what it should be, save its text in a file (.txt) and give that."
        )


def _allowed(path: Path) -> int:
    """Return the most characters or bytes that a file may unpack to."""
    return _ALLOWANCE + _RATIO * path.stat().st_size


def joined(pieces: Iterator[str], path: Path) -> str:
    """Join the parts of a text that is read as a whole.

    Raises:
        TooLarge: there are far more characters than in the file.
    """
    found: list[str] = []
    left = _allowed(path)
    for piece in pieces:
        found.append(piece)
        left -= len(piece)
        if left < 0:
            raise too_large(path)
    return "".join(found)


def _opened(path: Path) -> ZipFile:
    archive = ZipFile(path)
    places = [info.header_offset for info in archive.infolist()]
    with open(path, "rb") as file:
        right = sum(place >= 0 and file.seek(place) >= 0 and file.read(4) == b"PK\3\4" for place in places)
    if 2 * right < len(places):
        archive.close()
        raise BadZipFile("its list names wrong places")
    return archive


def _headers(data: bytes) -> dict[str, tuple[int, int]]:
    """Find the parts of an archive without its list: the place of each, and its size if it is not packed, else -1."""
    found: dict[str, tuple[int, int]] = {}
    at = data.find(b"PK\3\4")
    while 0 <= at <= len(data) - _HEADER.size:
        _, _, flags, method, _, _, _, packed, _, name_length, extra = _HEADER.unpack_from(data, at)
        start = at + _HEADER.size + name_length + extra
        name = data[at + _HEADER.size : at + _HEADER.size + name_length]
        if method in (_STORED, _DEFLATED) and not flags & 1 and name and start < len(data):
            found.setdefault(name.decode("utf-8", "replace"), (start, packed if method == _STORED else -1))
        at = data.find(b"PK\3\4", at + 4)
    return found


@contextmanager
def unpacking(path: Path, kind: str, suffix: str) -> Iterator[None]:
    """Turn any error that a damaged file causes into a sentence.

    Args:
        path: the file.
        kind: name of the format.
        suffix: suffix of the format.

    Raises:
        NotText: the file is empty, damaged or of another format.
    """
    try:
        yield
    except NotText:
        raise
    except DAMAGE as error:
        if not (head := first_bytes(path)):
            why = "it is empty (0 bytes)"
        elif not head.startswith(b"PK"):
            why = f"it begins with {head[:8]!r} instead of PK"
        else:
            why = f"it is damaged ({type(error).__name__}: {error})"
        raise NotText(
            f"{path} is no {kind}: {why}. Fetch it again, or give it the suffix of its own format instead of {suffix}."
        ) from error


def named(names: list[str]) -> str:
    """Write the parts of a file that were left out."""
    shown = ", ".join(names[:3])
    return f"{counted(len(names), 'part')} ({shown}{', …' if len(names) > 3 else ''})"
