"""A model as what differs from its base: in a file of a few kilobytes if few weights differ.

A weight of which a part differs is stored as `NAME.places`, the places (K,) of single numbers in the flattened weight
in rising order, and `NAME.values` (K,), the numbers. A weight that differs for the most part is stored whole.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError

PLACES, VALUES = ".places", ".values"
Weights = Mapping[str, NDArray[np.float32]]


def differences(weights: Weights, base: Weights) -> dict[str, NDArray[Any]]:
    """What has to be stored of a model beside its base.

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
    for name, tensor in tensors.items():
        if not name.endswith((PLACES, VALUES)):
            weights[name] = tensor
    for name in {name.removesuffix(PLACES).removesuffix(VALUES) for name in tensors} - set(tensors):
        places, values, whole = tensors.get(name + PLACES), tensors.get(name + VALUES), base.get(name)
        if places is None or values is None or whole is None or not _fits(places, values, whole.size):
            raise UserError(f"{path} is damaged: its places of {name} do not fit the base. Restore it from a copy.")
        flat = whole.reshape(-1).copy()
        flat[places] = values
        weights[name] = flat.reshape(whole.shape)
    return weights


def _fits(places: NDArray[Any], values: NDArray[Any], size: int) -> bool:
    """Tell if there is a value for each place, and each place is one of so many."""
    if places.ndim != 1 or places.shape != values.shape or places.dtype.kind != "i":
        return False
    return not len(places) or bool(0 <= places.min() <= places.max() < size)
