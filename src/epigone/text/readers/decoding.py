"""Decoding of files: bytes, gzipped or not, to characters."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from io import IncrementalNewlineDecoder
from pathlib import Path
from typing import BinaryIO

from charset_normalizer import from_bytes

from epigone.errors import UserError
from epigone.text.document import ReadReport

CHUNK = 1 << 20
"""Bytes read at a time."""

SAMPLE = 1 << 16
"""Bytes for guessing an encoding; guessing is slow, and more text hardly changes the result."""

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_UTF8_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LONE_RETURN = re.compile(r"\r(?!\n)")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class NotText(UserError):
    """A file without text: an error if it was given itself; left out, with a notice, if it is in a folder."""


def read_text(
    path: Path, encoding: str | None, report: ReadReport, fallback: str | None = None, returns: bool = False
) -> Iterator[str]:
    r"""Decode a file, gzipped or not, and turn every kind of newline into \n.

    Args:
        path: the file.
        encoding: name of a codec; None tries byte-order marks, UTF-8, then a guess.
        report: notes a guess, and counts the newlines that changed.
        fallback: codec of text that is not UTF-8, if the format determines it; None guesses.
        returns: keep carriage returns before newlines, for `without_returns` to remove and count: in a table most of
            them only end a row.

    Yields:
        Consecutive parts of at most `CHUNK` characters.

    Raises:
        NotText: the file is binary.
        UserError: the file cannot be read, or does not decode from some byte on.
    """
    codec, errors = (_known(path, encoding), "strict") if encoding else _detect(path, fallback, report)
    decoder = codecs.getincrementaldecoder(codec)(errors)
    newlines = IncrementalNewlineDecoder(None, translate=not returns)
    read = 0
    for data in _chunks(path):
        read += len(data)
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeError as error:
            why = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
            which = "which was asked for" if encoding else "which was guessed"
            raise UserError(
                f"{path} does not decode as {encoding or codec}, {which}: {why} at byte {_position(error, read):,}. "
                "Give the encoding of the file with --encoding, for example --encoding cp1252."
            ) from error
        if not returns:
            report.newlines += text.count("\r")
        if text := newlines.decode(text, final=not data):
            yield _LONE_RETURN.sub("\r\n", text) if returns else text


def without_returns(text: str, report: ReadReport) -> str:
    r"""Turn the newlines into \n in a part of a text that was read with `returns`."""
    report.newlines += text.count("\r")
    return text.replace("\r\n", "\n")


def bare_suffix(path: Path) -> str:
    """Return the suffix in lower case without `.gz`: `.txt` for `Songs.TXT.gz`."""
    path = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return path.suffix.lower()


def first_bytes(path: Path, number: int = 4096) -> bytes:
    """Read the beginning of a file, unpacked."""
    return next(_chunks(path, number))


def _known(path: Path, name: str) -> str:
    try:
        info = codecs.lookup(name)
        known = info._is_text_encoding and info.incrementaldecoder is not None
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        known = False
    if not known:
        raise UserError(
            f"{path} cannot be read as {name!r}: there is no such encoding. Try --encoding utf-8, cp1252 or "
            "utf-16, or leave the option out to have the encoding detected."
        )
    return "utf-8-sig" if info.name == "utf-8" else info.name


def _detect(path: Path, fallback: str | None, report: ReadReport) -> tuple[str, str]:
    """Return the codec and its handling of errors: UTF-8 if the whole file is valid, else `fallback` or a guess."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = 0
    for data in _chunks(path):
        if not read:
            for mark, codec in _BYTE_ORDER_MARKS.items():
                if data.startswith(mark):
                    return codec, "strict"
            if b"\0" in data[:8192] or data.startswith(b"%PDF-"):
                raise NotText(
                    f"{path} is a binary file, not text. Convert it to plain text; if it is text, name its "
                    "encoding with --encoding, for example --encoding utf-16-le."
                )
        read += len(data)
        try:
            decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            position = _position(error, read)
            sample = _sample(path, position)
            damaged = len(_NOT_ASCII.findall(_UTF8_CHARACTER.sub(b"", sample)))
            if damaged < 0.1 * len(_NOT_ASCII.findall(sample)):
                report.encodings[str(path)] = "UTF-8, with U+FFFD for broken characters"
                return "utf-8", "replace"
            codec = fallback or _guess(path, position, sample)
            report.encodings[str(path)] = codec
            return codec, "strict"
    return "utf-8", "strict"


def _guess(path: Path, position: int, sample: bytes) -> str:
    matches = list(from_bytes(sample))
    if not matches:
        raise NotText(
            f"{path} is not UTF-8 (at byte {position:,}), and no other encoding fits it. If it is text, name "
            "its encoding with --encoding, for example --encoding cp1252."
        )
    best = matches[0]
    # A few accents fit dozens of code pages; if the Western one fits as well as any, it is the most likely.
    western = (match for match in matches if "cp1252" in [match.encoding, *match.could_be_from_charset])
    if any(match.chaos <= best.chaos and match.coherence > best.coherence - 0.02 for match in western):
        return "cp1252"
    return best.encoding


def _sample(path: Path, position: int) -> bytes:
    """Return the lines around a byte that are not ASCII; the others tell nothing about the encoding."""
    start = max(0, position - SAMPLE)
    window, skipped = b"", 0
    for data in _chunks(path):
        window += data[max(0, start - skipped) :]
        skipped += len(data)
        if skipped > position + SAMPLE:
            window = _whole_words(window[::-1])[::-1]
            break
    if start:
        window = _whole_words(window)
    sample = b"\n".join(line for line in window.split(b"\n") if not line.isascii())
    return sample if len(sample) <= SAMPLE else _whole_words(sample[SAMPLE::-1])[::-1]


def _whole_words(data: bytes) -> bytes:
    """Return the bytes after the first white space, so that no character of several bytes is cut."""
    space = re.search(rb"[ \n]", data)
    return data[space.end() :] if space else data


def _position(error: UnicodeError, read: int) -> int:
    """Return the byte in the file; a decoder counts from the first byte that it still holds."""
    if isinstance(error, UnicodeDecodeError):
        return read - len(error.object) + error.start
    return read


def _chunks(path: Path, size: int | None = None) -> Iterator[bytes]:
    """Yield the file's bytes, unpacked, then one empty part at the end."""
    try:
        with _open(path) as file:
            while data := file.read(size or CHUNK):
                yield data
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(
            f"{path} is not a complete gzip file ({error}); fetch it again, or unpack it yourself."
        ) from error
    except OSError as error:
        raise UserError(f"{path} could not be read: {error.strerror or error}.") from error
    yield b""


def _open(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else open(path, "rb")
