"""Zip archives of XML: what a damaged one does to its readers."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree
from zipfile import BadZipFile

from epigone.text.readers.decoding import NotText, first_bytes

_DAMAGE: tuple[type[Exception], ...] = (
    BadZipFile, zlib.error, ElementTree.ParseError, SyntaxError, ValueError, LookupError, AttributeError, RuntimeError,
    EOFError,
)  # fmt: skip


@contextmanager
def unpacking(path: Path, kind: str, suffix: str, *others: type[Exception]) -> Iterator[None]:
    """Turns what a damaged file does to its readers into a sentence."""
    try:
        yield
    except NotText:
        raise
    except (*_DAMAGE, *others) as error:
        if not first_bytes(path):
            why = "it is empty (0 bytes)"
        elif not first_bytes(path).startswith(b"PK"):
            why = f"it begins with {first_bytes(path)[:8]!r} where one begins with PK"
        else:
            why = f"it is damaged ({type(error).__name__}: {error})"
        raise NotText(
            f"{path} is no {kind}: {why}. Fetch it again, or give it the suffix of what it is instead of {suffix}."
        ) from error
