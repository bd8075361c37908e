"""A file from the web: taken up where it broke off, tried again, and checked."""

import errno
import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import Message
from io import FileIO
from pathlib import Path

from epigone.corpora.downloads.web import NoRest, Passing, Unreachable, Web
from epigone.errors import UserError
from epigone.schema import optional, record, text, whole
from epigone.storage import read_json, write_json

log = logging.getLogger("epigone")

Meter = Callable[[str, int, int | None], None]
"""Is told the name of a file, its bytes so far, and its bytes in all or None."""
WAITS = (2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try; a try that brings the download further does not count."""
LONGEST_WAIT = 120.0
MOST_TRIES = 50
_CHUNK = 1 << 16
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_BEGUN = record({"address": text, "validator": text, "total": optional(whole())}, "address", "validator", "total")


@dataclass(frozen=True)
class Begun:
    """The facts about a download that is under way, kept beside the part that has arrived."""

    address: str
    validator: str
    """The host's name for this version of the file; empty if it gave none."""
    total: int | None


def download(web: Web, address: str, target: Path, most: int, meter: Meter | None = None) -> None:
    """Fetch a file, or the rest of it if a part has arrived before.

    A part is only gone on with if the host says that the file is the same. Ctrl-C keeps it.

    Args:
        web: makes the requests.
        address: the file's address.
        target: the path of the whole file; the part is beside it, with `.part` after its name.
        most: bytes that it may have.
        meter: is told of the progress.

    Raises:
        NotThere: the host has no such file.
        Unreachable: the host does not answer, or failed in every try.
        UserError: the file is too large, or the disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    tries, furthest = 0, size_of(part)
    for _ in range(MOST_TRIES):
        try:
            _receive(web, address, part, most, target.name, meter)
        except Passing as fault:
            arrived = size_of(part)
            tries = 0 if arrived > furthest else tries + 1
            furthest = max(furthest, arrived)
            wait = fault.wait if fault.wait is not None else WAITS[min(tries, len(WAITS)) - 1] if tries else 0.0
            if tries > len(WAITS) or wait > LONGEST_WAIT:
                asked = f" and asks to come back in {wait:,.0f} s" * (wait > LONGEST_WAIT)
                raise Unreachable(f"{address} could not be fetched: {fault}{asked}.{_kept_words(part)}") from fault
            log.info(f"{target.name}: {fault}; trying again in {wait:.0f} s.")
            time.sleep(wait)
        except KeyboardInterrupt:
            if size_of(part):
                log.info(f"{target.name}:{_kept_words(part)}")
            raise
        else:
            os.replace(part, target)
            _note(part).unlink(missing_ok=True)
            return
    raise Unreachable(f"{address} breaks off again and again.{_kept_words(part)}")


def _receive(web: Web, address: str, part: Path, most: int, name: str, meter: Meter | None) -> None:
    """Fetch a file or its rest into the part.

    Raises:
        Passing: it is not whole yet.
    """
    have, begun = size_of(part), _begun(part)
    if begun is None or begun.address != address:
        have, begun = 0, None
    if begun is not None and have and have == begun.total:  # whole, but it was not renamed
        return
    headers = {}
    if begun is not None and have:
        headers["Range"] = f"bytes={have}-"
        if begun.validator:
            headers["If-Range"] = begun.validator
    try:
        with web.open(address, headers) as answer:
            total = _length(answer.headers.get("Content-Length"))
            if answer.status == 206 and begun is not None:
                rest = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
                total = _length(rest[2]) if rest else None
                if not rest or int(rest[1]) != have or total != begun.total:
                    discard(part)
                    raise Passing("the file has changed since the first part of it came")
            else:
                have = 0
            if max(total or 0, have) > most:
                raise UserError(
                    f"{address} has {total:,} bytes, and such a file has {most:,} at most, so it was not fetched."
                )
            write_json(_note(part), asdict(Begun(address, _validator(answer.headers), total)))
            with _opened(part, "ab" if have else "wb") as file:
                while data := answer.read(_CHUNK):
                    _write(file, data, part)
                    have += len(data)
                    if have > most:
                        break
                    if meter:
                        meter(name, have, total)
    except NoRest:
        discard(part)
        raise
    if have > most:
        discard(part)
        raise UserError(
            f"{address} has more than {most:,} bytes, which such a file has at most, so it was not fetched."
        )
    if total is not None and have != total:
        raise Passing(f"only {have:,} of {total:,} bytes came")


def _opened(part: Path, mode: str) -> FileIO:
    try:
        return FileIO(part, mode)
    except OSError as error:
        raise _unwritten(part, error) from error


def _write(file: FileIO, data: bytes, part: Path) -> None:
    """Write to the disk at once; a fault of the disk is none of the connection."""
    try:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise _unwritten(part, error) from error


def _unwritten(part: Path, error: OSError) -> UserError:
    return UserError(
        f"Could not write {part}: {error.strerror}. Free some space, or choose another folder with --cache."
    )


def size_of(path: Path) -> int:
    """The bytes of a file; 0 without one."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def discard(part: Path) -> None:
    """Delete what has arrived."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _begun(part: Path) -> Begun | None:
    try:
        found = read_json(_note(part), _BEGUN)
        return Begun(found["address"], found["validator"], found["total"])
    except UserError:
        return None


def _length(value: str | None) -> int | None:
    return int(value) if value and value.isdigit() else None


def _validator(headers: Message) -> str:
    """The name of a version that `If-Range` takes: a strong ETag, or else the time of the last change."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified", "")


def _kept_words(part: Path) -> str:
    size = size_of(part)
    return f" What has arrived ({size:,} bytes) is kept, and the same command goes on from there." if size else ""
