"""A model as what differs from its base: in a file of a few kilobytes if few weights differ.

A weight of which a part differs is stored as `NAME.places`, the places (K,) of single numbers in the flattened weight
in rising order, and `NAME.values` (K,), the numbers. A weight that differs for the most part is stored whole, unless
it is the product of `NAME.left` (R, K) and `NAME.right` (K, C) that was added to it, or `NAME.columns` (C,), by which
its columns were multiplied.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError

PLACES, VALUES = ".places", ".values"
PARTS = (PLACES, VALUES, ".left", ".right", ".columns")
Weights = Mapping[str, NDArray[np.float32]]


def differences(weights: Weights, base: Weights) -> dict[str, NDArray[Any]]:
    """Find what has to be stored of a model beside its base.

    Args:
        weights: the weights of the model by name.
        base: those of the base; a weight of another shape is stored whole.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for name, weight in weights.items():
        if name not in base or base[name].shape != weight.shape:
            tensors[name] = weight
            continue
        ours, theirs = weight.reshape(-1).view(np.int32), base[name].reshape(-1).view(np.int32)
        places = np.flatnonzero(ours != theirs).astype(np.int32)
        if 2 * len(places) >= weight.size:
            tensors[name] = weight
        elif len(places):
            tensors |= {name + PLACES: places, name + VALUES: weight.reshape(-1)[places]}
    return tensors


def applied(tensors: Mapping[str, NDArray[Any]], base: Weights, path: object) -> dict[str, NDArray[np.float32]]:
    """Put what differs into the weights of a base.

    Args:
        tensors: what was stored.
        base: the weights of the base by name.
        path: the file, for messages.

    Raises:
        UserError: the places do not fit the base.
    """
    weights = dict(base)
    parts: dict[str, dict[str, NDArray[Any]]] = {}
    for name, tensor in tensors.items():
        weight, dot, part = name.rpartition(".")
        if dot + part in PARTS:
            parts.setdefault(weight, {})[dot + part] = tensor
        else:
            weights[name] = tensor
    for name, found in parts.items():
        changed = _changed(base[name], found) if name in base else None
        if changed is None:
            raise UserError(
                f"{path} is damaged: what it holds of {name} does not fit the base. Restore it from a copy."
            )
        weights[name] = changed
    return weights


def _changed(whole: NDArray[np.float32], parts: Mapping[str, NDArray[Any]]) -> NDArray[np.float32] | None:
    """A weight of the base with its changes; None if they do not fit it."""
    match parts:
        case {".places": places, ".values": values} if len(parts) == 2 and _fits(places, values, whole.size):
            flat = whole.reshape(-1).copy()
            flat[places] = values
            return flat.reshape(whole.shape)
        case {".left": left, ".right": right} if len(parts) == 2 and left.ndim == right.ndim == 2:
            fitting = left.shape[1] == right.shape[0] and (len(left), right.shape[1]) == whole.shape
            return (whole + left @ right).astype(np.float32) if fitting else None
        case {".columns": columns} if len(parts) == 1 and columns.ndim == 1 and columns.shape == whole.shape[1:]:
            return (whole * columns).astype(np.float32)
    return None


def _fits(places: NDArray[Any], values: NDArray[Any], size: int) -> bool:
    """Tell if there is a value for each place, and each place is one of so many."""
    if places.ndim != 1 or places.shape != values.shape or places.dtype.kind != "i":
        return False
    return not len(places) or bool(0 <= places.min() <= places.max() < size)
