"""Imports of optional packages that read a format."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from epigone.text.readers.decoding import NotText


@contextmanager
def needing(package: str, path: Path) -> Iterator[None]:
    """Turn a failing import of an optional package into a sentence.

    Args:
        package: its name on the package index.
        path: the file that needs it.

    Raises:
        NotText: the package is not installed. In a folder the file is left out, with a notice.
    """
    try:
        yield
    except ImportError as error:
        raise NotText(f"Reading {path} needs the package {package}: pip install {package}.") from error
