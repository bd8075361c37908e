"""Film reviews of aclImdb, one file each."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from epigone.errors import UserError
from epigone.text.document import FOLDER, RATING, Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import read_text
from epigone.text.readers.division import divided
from epigone.text.readers.formats.plain import PLAIN, begun
from epigone.text.readers.separators import whole_lines


def is_review(path: Path) -> bool:
    """True for a review in the tree of aclImdb, `{train,test}/{pos,neg,unsup}/ID_RATING.txt`."""
    return path.parent.name in ("pos", "neg", "unsup") and bool(re.fullmatch(r"\d+_\d+\.txt", path.name))


def read_review(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read a review as `read_plain` does, with newlines for its tags, and label it.

    The label is the name of its folder, `pos` or `neg`, or its rating if that was asked for. Reviews in `unsup` have
    none (Maas et al. 2011, Learning Word Vectors for Sentiment Analysis).

    Args:
        path: the file.
        name: name of the document.
        options: the label, and those of `read_plain`.
        report: counts the changes.

    Raises:
        NotText: the file is not text, or cannot be read or decoded.
        UserError: reviews have no such label.
    """
    if options.label not in (None, FOLDER, RATING):
        raise UserError(
            f"{path} is a review of aclImdb, which has no label {options.label!r}. Give --label {FOLDER} for pos and "
            f"neg, or --label {RATING} for the number in the file name."
        )
    label: str | None = None
    if path.parent.name != "unsup":
        label = path.stem.split("_")[1] if options.label == RATING else path.parent.name
    parts = whole_lines(begun(read_text(path, options.encoding, report)))
    for document in divided((re.sub(r"<br\s*/?>", "\n", part) for part in parts), name, options, report):
        yield replace(document, label=label)


IMDB = Reader(
    "imdb",
    read_review,
    suffixes=(".txt",),
    recognises=is_review,
    options=(*PLAIN.options, "label"),
    alone=True,
    usual_share=0.5,
)
