"""The layout that LSTMVis reads (Strobelt et al. 2018): states.hdf5, train.hdf5, words.dict and lstm.yml."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from epigone.errors import UserError, missing_package
from epigone.markup import one_line
from epigone.storage import atomic_write
from epigone.text.tokenizers.base import END, Tokenizer

ROWS = 1 << 14  # copied at a time
SIGNS = {END: "<end>", "\n": "\N{PILCROW SIGN}", "\t": "\N{RIGHTWARDS ARROW}", "": "<empty>"}
SPACE = "\N{OPEN BOX}"


def hdf5() -> Any:
    """Import h5py.

    Raises:
        UserError: it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise UserError(missing_package("The layout of LSTMVis", "h5py")) from error
    return h5py


def write_lstmvis(folder: Path, title: str, codec: Tokenizer, vectors: Sequence[tuple[str, bool, bool]]) -> None:
    """Turn a folder of recorded arrays into the layout.

    Args:
        folder: has `tokens.npy` and `NAME.npy` for each vector; the latter are moved into states.hdf5, one by one.
        title: name of the project.
        codec: names the tokens.
        vectors: the name of each, such as `layers.0.cell`; if its values lie between -1 and 1; and if none is negative.
    """
    h5py = hdf5()
    with h5py.File(folder / "train.hdf5", "w") as file:
        file["word_ids"] = np.load(folder / "tokens.npy").astype(np.int64)
    kinds = []
    with h5py.File(folder / "states.hdf5", "w") as file:
        for name, bounded, positive in vectors:
            values = np.load(folder / f"{name}.npy", mmap_mode="r")
            made = file.create_dataset(name, values.shape, values.dtype)
            for start in range(0, len(values), ROWS):
                made[start : start + ROWS] = values[start : start + ROWS]
            del values
            (folder / f"{name}.npy").unlink()
            _, layer, kind = name.split(".")
            described: dict[str, Any] = {"type": kind, "layer": int(layer), "path": name}
            described |= {"transform": "none"} if bounded else {}
            kinds.append(described | ({"unsigned": True} if positive else {}))
    words = (f"{_word(token)} {number}\n" for number, token in enumerate(codec.vocabulary))
    atomic_write(folder / "words.dict", "".join(words))
    project = {
        "name": one_line(title),
        "description": "Recorded by epigone.",
        "files": {"states": "states.hdf5", "train": "train.hdf5", "words": "words.dict"},
        "word_sequence": {"file": "train", "path": "word_ids", "dict_file": "words"},
        "states": {"file": "states", "types": kinds},
        "etc": {"regex_search": True},
    }
    lines = (f"{key}: {json.dumps(value)}\n" for key, value in project.items())  # JSON is YAML
    atomic_write(folder / "lstm.yml", "".join(lines))


def _word(token: str) -> str:
    """Write a token without white space, but for the space itself, which LSTMVis knows."""
    if token == " ":
        return token
    return "".join(SPACE if character.isspace() else character for character in SIGNS.get(token, token))
