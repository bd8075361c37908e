"""Atomic writing of files, and JSON that is checked when it is read."""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.schema import Schema, anything, each, mapping, text

MOST_BYTES = 16 << 20  # of a JSON file; Python needs up to 20 times as much memory for it
MOST_DEEP = 32  # levels of a JSON file
_GROUP = ".group."  # begins the name of a list of files that are written together
RESTORE = "restore it from a copy"


def atomic_write(path: Path, data: bytes | str) -> None:
    """Replace a file in one step, so that a crash or a full disk leaves the old version.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(temporary, data)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"Could not write {path}: {error.strerror or error}. The old version is untouched; free some space or "
            "choose another folder with --out."
        ) from error
    finally:
        with suppress(OSError):  # it is gone after a success
            temporary.unlink()


def write_together(folder: Path, files: Mapping[str, bytes | str]) -> None:
    """Write new files into a folder, all of them or none; the last one appears last.

    If the process is killed meanwhile, the files that have appeared are leftovers.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    temporaries = {name: folder / f".{name}.{os.getpid()}.tmp" for name in files}
    group = folder / f"{_GROUP}{os.getpid()}.tmp"
    try:
        _write(group, json.dumps(list(files)))
        for name, data in files.items():
            _write(temporaries[name], data)
        for name, temporary in temporaries.items():
            os.replace(temporary, folder / name)
    except OSError as error:
        for path in _group(group):
            path.unlink(missing_ok=True)
        raise UserError(
            f"Could not write into {folder}: {error.strerror or error}. Nothing was left there; free some space or "
            "choose another folder with --out."
        ) from error
    finally:
        for temporary in (*temporaries.values(), group):
            temporary.unlink(missing_ok=True)


def _write(path: Path, data: bytes | str) -> None:
    with open(path, "wb") as file:
        # A file's name that is not UTF-8 is half of a surrogate pair to Python, and becomes a question mark.
        file.write(data.encode(errors="replace") if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())


def leftovers(folder: Path) -> list[Path]:
    """List the temporary files of killed processes, and the files that they meant to write together and did not."""
    found = [path for path in Path(folder).glob(".*.tmp") if path.name.split(".")[-2].isdigit()]
    groups = [path for path in found if path.name.startswith(_GROUP)]
    return found + [path for group in groups for path in _group(group) if path.is_file()]


def _group(path: Path) -> list[Path]:
    """The files that a process began to write together; none if it was killed while it wrote their list."""
    try:
        names = read_json(path, each(text))
    except UserError:
        return []
    return [path.with_name(name) for name in names if name and name == Path(name).name]


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of killed processes."""
    for path in leftovers(folder):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically."""
    atomic_write(path, as_text(value))


def as_text(value: Any) -> str:
    """A value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path, schema: Schema = anything, most: int = MOST_BYTES, remedy: str = RESTORE) -> Any:
    """Read a JSON file, which is not trusted: its size and depth are bounded, and it follows a schema.

    Args:
        path: the file.
        schema: what it must hold.
        most: bytes that it may have.
        remedy: the end of the sentence on a damaged file.

    Raises:
        UserError: the file is missing, is not JSON, is too large or too deep, or does not follow the schema.
    """
    return _parsed(read_bounded(path, most), str(path), schema, remedy)


def read_object(path: Path, schema: Schema = anything) -> dict[str, Any]:
    """Read a JSON file that holds an object, as `read_json` does.

    Raises:
        UserError: the file is missing, is not JSON, or holds something else.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path} must hold a JSON object, but holds a {type(value).__name__}; restore it from a copy.")
    _check(value, str(path), schema)
    return value


def read_json_lines(path: Path, schema: Schema = mapping, most: int = MOST_BYTES) -> list[dict[str, Any]]:
    """Read a file with an object of JSON on each line, as `read_json` does.

    Raises:
        UserError: the file is missing, or a line is damaged.
    """
    lines = read_bounded(path, most).splitlines()
    return [_parsed(line, f"line {number} of {path}", schema) for number, line in enumerate(lines, 1)]


def read_bounded(path: Path, most: int) -> bytes:
    """Read a file that has `most` bytes at most.

    Raises:
        UserError: the file is missing, larger, or no regular file.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"Could not read {path}: it is not a regular file. Restore it from a copy.")
        if found.st_size > most:
            raise UserError(
                f"{path} has {found.st_size:,} bytes, and such a file has {most:,} at most; restore it from a copy."
            )
        with open(path, "rb") as file:
            return file.read(found.st_size)
    except OSError as error:
        raise UserError(f"Could not read {path}: {error.strerror or error}.") from error


def _parsed(data: bytes, name: str, schema: Schema, remedy: str = RESTORE) -> Any:
    """Parse JSON and check it."""
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} is not valid JSON ({error}); {remedy}.") from error
    if _is_deep(value, MOST_DEEP - 1):
        raise UserError(f"{name} is nested more than {MOST_DEEP} deep; {remedy}.")
    if b"\\ud" in data.lower():  # the only way to half of a surrogate pair, which no file can hold as text
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UserError(f"{name} holds half of a surrogate pair, which is no text; {remedy}.") from None
    _check(value, name, schema, remedy)
    return value


def _is_deep(value: Any, levels: int) -> bool:
    """Tell if values are nested more than so many levels."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(not levels or _is_deep(item, levels - 1) for item in items if isinstance(item, dict | list))


def _check(value: Any, name: str, schema: Schema, remedy: str = RESTORE) -> None:
    if fault := schema(value):
        raise UserError(f"{name} is damaged ({fault.lstrip('.: ')}); {remedy}.")
