"""Atomic writing of files, and JSON."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from epigone.errors import UserError


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

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    temporaries = {name: folder / f".{name}.{os.getpid()}.tmp" for name in files}
    try:
        for name, data in files.items():
            _write(temporaries[name], data)
        for name, temporary in temporaries.items():
            os.replace(temporary, folder / name)
    except OSError as error:
        raise UserError(
            f"Could not write into {folder}: {error.strerror or error}. Nothing was left there; free some space or "
            "choose another folder with --out."
        ) from error
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


def _write(path: Path, data: bytes | str) -> None:
    with open(path, "wb") as file:
        # A file's name that is not UTF-8 is half of a surrogate pair to Python, and becomes a question mark.
        file.write(data.encode(errors="replace") if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())


def leftovers(folder: Path) -> list[Path]:
    """List the temporary files of killed processes."""
    return [path for path in Path(folder).glob(".*.tmp") if path.name.split(".")[-2].isdigit()]


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


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Could not read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}); restore it from a copy.") from error


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        UserError: the file is missing, is not JSON, or holds something else.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path} must hold a JSON object, but holds a {type(value).__name__}; restore it from a copy.")
    return value
