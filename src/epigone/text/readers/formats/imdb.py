"""The film reviews of aclImdb, a file each."""

import re
from collections.abc import Iterator
from pathlib import Path

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.formats.plain import PLAIN, divided, read_parts


def is_review(path: Path) -> bool:
    """Whether this is a review in the aclImdb tree, `{train,test}/{pos,neg,unsup}/ID_RATING.txt`."""
    return path.parent.name in ("pos", "neg", "unsup") and bool(re.fullmatch(r"\d+_\d+\.txt", path.name))


def read_review(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """A review as `read_plain` reads it, with newlines for its tags.

    Args:
        path: the file.
        name: what to call the document.
        options: the separator, the encoding, whether Gutenberg's texts are removed.
        report: where changes are counted.

    Raises:
        NotText: the file is not text; before the first document.
        UserError: the file cannot be read or decoded.
    """
    parts = (re.sub(r"<br\s*/?>", "\n", part) for part in read_parts(path, options, report))
    yield from divided(parts, path, name, options, report)


IMDB = Reader(
    "imdb",
    read_review,
    suffixes=(".txt",),
    recognises=is_review,
    options=PLAIN.options,
    alone=True,
)
