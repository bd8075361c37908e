"""Errors of zip archives of XML, such as Word documents and EPUBs."""

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
    """Turn any error that a damaged file causes into a sentence.

    Args:
        path: the file.
        kind: name of the format.
        suffix: suffix of the format.
        others: further exceptions that damage may cause.

    Raises:
        NotText: the file is empty, damaged or of another format.
    """
    try:
        yield
    except NotText:
        raise
    except (*_DAMAGE, *others) as error:
        if not first_bytes(path):
            why = "it is empty (0 bytes)"
        elif not first_bytes(path).startswith(b"PK"):
            why = f"it begins with {first_bytes(path)[:8]!r} instead of PK"
        else:
            why = f"it is damaged ({type(error).__name__}: {error})"
        raise NotText(
            f"{path} is no {kind}: {why}. Fetch it again, or give it the suffix of its own format instead of {suffix}."
        ) from error
