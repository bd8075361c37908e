"""A linear classifier of n-grams: its answers, which need NumPy only, and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from epigone.classification.approaches.features import MOST, Grams
from epigone.classification.approaches.linear import Linear, learning, probabilities
from epigone.errors import UserError
from epigone.models.files.tensors import arrays, tensor_shapes
from epigone.schema import each, optional, record, text, whole
from epigone.storage import atomic_write, read_json, write_json

GRAMS, WEIGHTS = "grams.json", "weights.safetensors"
MOST_BYTES = 256 << 20  # of the n-grams
_SCHEMA = record(
    {"words": whole(1, 9), "characters": optional(each(whole(1, 99), 2, 2)), "terms": each(text, MOST)},
    "words", "characters", "terms",
)  # fmt: skip

Values = Literal["tf-idf", "presence"]
"""The value of an n-gram in a text: sublinear TF-IDF, of a norm of 1 for a text; or 1 if it is there."""


@dataclass(frozen=True, eq=False)
class GramModel:
    """A linear classifier of the n-grams of a text."""

    classes: tuple[str, ...]
    grams: Grams
    values: Values
    idf: NDArray[np.float32]
    """(F,): the weight of each n-gram in TF-IDF; ones otherwise."""
    linear: Linear

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Compute the probability of every class for each text, one by one: (N, C)."""
        weights, bias = self.linear.weights, self.linear.bias.astype(np.float64)
        scores = np.empty((len(texts), len(bias)))
        for i, each_text in enumerate(texts):
            numbers, found = values_of(each_text, self.grams, self.values, self.idf)
            scores[i] = found @ weights[numbers].astype(np.float64) + bias
        return probabilities(scores)

    def save(self, folder: Path) -> None:
        """Write the n-grams and the weights."""
        grams = self.grams
        write_json(
            folder / GRAMS, {"words": grams.most_words, "characters": grams.characters, "terms": list(grams.terms)}
        )
        atomic_write(folder / WEIGHTS, save({"idf": self.idf, **self.linear.tensors()}))


def load_grams(folder: Path, classes: tuple[str, ...], values: Values) -> GramModel:
    """Read the classifier that `GramModel.save` wrote.

    Raises:
        UserError: a file is missing or damaged.
    """
    read = read_json(folder / GRAMS, _SCHEMA, MOST_BYTES)
    characters = read["characters"] and tuple(read["characters"])
    grams = Grams(tuple(read["terms"]), read["words"], characters)
    terms, scores = len(grams.terms), 1 if len(classes) == 2 else len(classes)
    found = read_tensors(folder / WEIGHTS, {"idf": (terms,), "weights": (terms, scores), "bias": (scores,)})
    return GramModel(classes, grams, values, found["idf"], Linear(found["weights"], found["bias"]))


def read_tensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    """Read the tensors of a file, which must have these shapes, and finite numbers.

    Raises:
        UserError: the file is missing or damaged, or has other tensors.
    """
    try:
        if (found := tensor_shapes(path)) != shapes:
            raise UserError(f"{path} does not fit the files beside it: it holds {found} instead of {shapes}.")
        tensors = arrays(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is missing or damaged ({error}). Restore it from a copy, or train again.") from error
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise UserError(f"{path} is damaged: {name} holds numbers that are not finite. Restore it from a copy.")
    return tensors


def values_of(
    text: str, grams: Grams, values: Values, idf: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Compute the values of the n-grams of a text: their numbers, ascending, and their values."""
    numbers, counts = grams.count(text)
    if values == "presence" or not len(numbers):
        return numbers, np.ones(len(numbers))
    weighted = (1 + np.log(counts)) * idf[numbers]
    return numbers, weighted / np.sqrt(weighted @ weighted)


def matrix(texts: Sequence[str], grams: Grams, values: Values, idf: NDArray[np.float32]) -> Any:
    """Compute the values of the n-grams of N texts as a sparse matrix of SciPy (N, F), for learning."""
    with learning():
        from scipy.sparse import csr_matrix

    rows = [values_of(each_text, grams, values, idf) for each_text in texts]
    ends = np.cumsum([0, *(len(numbers) for numbers, _ in rows)])
    numbers, found = (np.concatenate(part) if rows else np.zeros(0) for part in zip(*rows, strict=True))
    return csr_matrix((found, numbers.astype(np.int32), ends), (len(texts), len(grams.terms)))
