"""Reader: the record of a file format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.decoding import bare_suffix
from epigone.text.readers.division import DIVIDING

GENERAL = (*DIVIDING, "limit", "site_lines")
"""Fields of `ReadOptions` that have a meaning for every format."""


@dataclass(frozen=True)
class Reader:
    """A file format and the function that reads it.

    Raises:
        ValueError: `options` names no field of `ReadOptions`.
    """

    name: str
    """Name of the format, in lower case."""
    read: Callable[[Path, str, ReadOptions, ReadReport], Iterator[Document]]
    """Function that yields the documents of a file.

    Its arguments are the path, a name for the first document, the options, and the report that counts its changes. It
    raises `NotText` before the first document if the file holds no text of this format.
    """
    suffixes: tuple[str, ...] = ()
    """Suffixes of its files, in lower case and without `.gz`; an empty tuple accepts all."""
    recognises: Callable[[Path], bool] | None = None
    """Test of a file with such a suffix, by its path or its first bytes; None accepts every file."""
    disguised: Callable[[Path, bytes], bool] | None = None
    """Test of a file that would be plain text by its suffix, by its path and first bytes; None finds none."""
    options: tuple[str, ...] = ()
    """Fields of `ReadOptions` that the function heeds.

    Those that divide a text are heeded for it, on the text that it yields, unless it `divides`. `limit` has a meaning
    for all formats, and `label` with the value `folder` too; a format lists `label` if it has its own labels.
    """
    divides: bool = False
    """True if the function divides texts at separators itself."""
    units: tuple[str, ...] = ("lines", "files")
    """Values of `ReadOptions.documents` that have a meaning for the format."""
    in_folders: bool = True
    """True if the search of a folder includes files with its suffixes."""
    alone: bool = False
    """True if other files beside its own are only lists about them, and left out of a folder."""
    usual_share: float = 0.0
    """Least share of the characters in a file that usually is text; if less is read, that is said."""

    def __post_init__(self) -> None:
        unknown = set(self.options) - {field.name for field in fields(ReadOptions)}
        if unknown:
            raise ValueError(f"The reader {self.name} names options that do not exist: {', '.join(sorted(unknown))}.")

    def heeds(self, option: str, value: object = None) -> bool:
        """True if a field of `ReadOptions`, with this value, has a meaning for the format."""
        if option == "documents" and value is not None and value not in self.units:
            return False
        return option in GENERAL or option in self.options

    def reads(self, path: Path) -> bool:
        """True if a file has this format."""
        by_suffix = not self.suffixes or bare_suffix(path) in self.suffixes
        return by_suffix and (self.recognises is None or self.recognises(path))
