"""Decoding of files: bytes, packed or not, to characters."""

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from io import IncrementalNewlineDecoder
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.text.document import ReadReport
from epigone.text.readers.checks.kinds import conversion, kind_of
from epigone.text.readers.encodings.guess import guessed
from epigone.text.readers.encodings.unicode import MENDING, REPLACING, damaged, is_binary, utf16_or_utf32
from epigone.text.readers.encodings.western import FAMILY, LENIENT

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
_LONE_RETURN = re.compile(r"\r(?!\n)")
_ESCAPES = (
    (re.compile(rb"\x1b(?:\$[@B]|\([JI])"), ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext")),
    (re.compile(rb"\x1b\$\)C"), ("iso2022_kr",)),
    (re.compile(rb"(?s)(?:~\{(?:[!-~]{2})+~\}.*?){3}"), ("hz",)),
    (re.compile(rb"(?s)(?:\+(?:A[A-P]|[BCDIMThk-w])[A-Za-z0-9+/]{1,400}-.*?){3}"), ("utf_7",)),
)
"""Sequences of ASCII that switch to other characters, and the encodings that have them."""

_PACKED: dict[str, tuple[str, Callable[..., Any]]] = {
    ".gz": ("gzip", gzip.open),
    ".bz2": ("bzip2", bz2.open),
    ".xz": ("xz", lzma.open),
}
"""The programs that pack files, and the functions that open these, by suffix."""


class NotText(UserError):
    """A file that cannot be read as text: an error if it was given itself; left out, with a notice, if in a folder."""


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
        NotText: the file is no text, cannot be read, or does not decode from some byte on.
    """
    codec, errors = _known(path, encoding) if encoding else _detect(path, fallback, report)
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
            raise NotText(
                f"{path} does not decode as {encoding or codec}, {which}: {why} at byte {_position(error, read):,}. "
                "Give the encoding of the file with --encoding, for example --encoding cp1252."
            ) from error
        if not returns:
            report.newlines += text.count("\r")
        if text := newlines.decode(text, final=not data):
            report.decoded += len(text)
            yield _LONE_RETURN.sub("\r\n", text) if returns else text


def without_returns(text: str, report: ReadReport) -> str:
    r"""Turn the newlines into \n in a part of a text that was read with `returns`."""
    report.newlines += text.count("\r")
    return text.replace("\r\n", "\n")


def bare_suffix(path: Path) -> str:
    """Return the suffix in lower case without that of packing: `.txt` for `Songs.TXT.gz`."""
    return unpacked(path).suffix.lower()


def unpacked(path: Path) -> Path:
    """Return the name of a file without the suffix of packing: `songs.txt` for `songs.txt.gz`."""
    return path.with_suffix("") if path.suffix.lower() in _PACKED else path


def first_bytes(path: Path, number: int = 4096) -> bytes:
    """Read the beginning of a file, unpacked."""
    return next(_chunks(path, number))


def _known(path: Path, name: str) -> tuple[str, str]:
    """Return the codec of this name, and its handling of errors."""
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
    if info.name in ("iso8859-1", "cp1252"):  # as browsers do: the first is a name for the second
        return "cp1252", LENIENT
    return "utf-8-sig" if info.name == "utf-8" else info.name, "strict"


def _detect(path: Path, fallback: str | None, report: ReadReport) -> tuple[str, str]:
    """Return the codec and its handling of errors: UTF-8 if the whole file is valid, else `fallback` or a guess."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, marked = 0, False
    for data in _chunks(path):
        if not read:
            mark = next((mark for mark in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
            marked = mark == codecs.BOM_UTF8
            if mark and not marked:
                return _marked(path, _BYTE_ORDER_MARKS[mark], report)
            if codec := _by_first_bytes(path, data, report):
                return codec, "strict"
        read += len(data)
        try:
            decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            position = _position(error, read)
            sample = _sample(path, position)
            if errors := damaged(sample) or (REPLACING if marked else None):
                way = "cp1252 for its other bytes" if errors == MENDING else "U+FFFD for broken characters"
                report.encodings[str(path)] = f"UTF-8, with {way}"
                return "utf-8-sig", errors
            codec = fallback or _guess(path, position, sample)
            broken = not fallback and codec not in FAMILY and _broken(path, codec)
            report.encodings[str(path)] = f"{codec}, with U+FFFD for broken characters" if broken else codec
            return codec, LENIENT if codec in FAMILY else "replace" if broken else "strict"
    return "utf-8-sig", "strict"


def _marked(path: Path, codec: str, report: ReadReport) -> tuple[str, str]:
    """Return the codec that a byte-order mark names, and its handling of errors."""
    if _decodes(path, codec):
        return codec, "strict"
    report.encodings[str(path)] = f"{codec.upper()}, with U+FFFD for broken characters"
    return codec, "replace"


def _by_first_bytes(path: Path, data: bytes, report: ReadReport) -> str | None:
    """Return the codec that the first bytes show; None if they may be UTF-8.

    Raises:
        NotText: they show another kind of file.
    """
    remedy = "If it is text after all, name its encoding with --encoding, for example --encoding utf-16-le."
    if kind := kind_of(path, data):
        raise NotText(f"{conversion(path, kind)} {remedy}")
    head = data[:8192]
    if b"\0" in head:
        if codec := utf16_or_utf32(head):
            report.encodings[str(path)] = codec
            return codec
        if is_binary(head):
            raise NotText(f"{path} is a binary file, not text. Convert it to plain text. {remedy}")
    for escape, candidates in _ESCAPES:
        if escape.search(data[:SAMPLE]):
            for codec in candidates:
                if _decodes(path, codec):
                    report.encodings[str(path)] = codec
                    return codec
    return None


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for data in _chunks(path):
            decoder.decode(data, final=not data)
    except UnicodeError:
        return False
    return True


def _broken(path: Path, codec: str) -> bool:
    """True if a few characters of a file are broken, as in a damaged one."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    signs = broken = 0
    for data in _chunks(path):
        text = decoder.decode(data, final=not data)
        signs += len(text)
        broken += text.count("\N{REPLACEMENT CHARACTER}")
    return 0 < broken <= 1 + signs // 5000


def _guess(path: Path, position: int, sample: bytes) -> str:
    codec = guessed(sample)
    if codec is None:
        raise NotText(
            f"{path} is not UTF-8 (at byte {position:,}), and no other encoding fits it. If it is text, name "
            "its encoding with --encoding, for example --encoding cp1252."
        )
    return codec


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
    packing, opened = _PACKED.get(path.suffix.lower(), ("", open))
    try:
        with opened(path, "rb") as file:
            while data := file.read(size or CHUNK):
                yield data
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise _damaged(path, packing, error) from error
    except OSError as error:
        if packing and error.errno is None:  # of the module bz2
            raise _damaged(path, packing, error) from error
        raise NotText(f"{path} could not be read: {error.strerror or error}.") from error
    yield b""


def _damaged(path: Path, packing: str, error: Exception) -> NotText:
    return NotText(
        f"{path} is not a complete {packing} file ({error}); fetch it again, or unpack it yourself and give the part "
        "that is whole."
    )
