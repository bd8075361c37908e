"""Is the package there that reads this format?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from epigone.text.readers.decoding import NotText


@contextmanager
def needing(package: str, path: Path) -> Iterator[None]:
    """Around the imports of an optional package.

    Args:
        package: its name at the package index.
        path: the file that is to be read with it.

    Raises:
        NotText: it is not installed; so in a folder the file is left out and named.
    """
    try:
        yield
    except ImportError as error:
        raise NotText(f"Reading {path} needs the package {package}: pip install 'epigone[documents]'.") from error
