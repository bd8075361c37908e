"""Labels that the place of a file names."""

from pathlib import Path

from epigone.text.document import FOLDER
from epigone.text.readers.decoding import unpacked


def label_by_place(path: Path, label: str) -> str:
    """Return the class that the name of a file's folder, or the end of its own name, tells.

    Args:
        path: the file; of `remarks.praise.txt.gz`, `praise` is the end of its name.
        label: `folder` or `file`.
    """
    if label == FOLDER:
        return path.absolute().parent.name
    stem = unpacked(path).stem
    return stem.rpartition(".")[2].strip() or stem
