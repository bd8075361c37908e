"""Tensors of a safetensors file, whose header is checked against the size of the file before anything is read."""

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from epigone.schema import by_name, each, record, text, whole

MOST_HEADER = 8 << 20  # bytes
KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1", "I32": "<i4"}
"""The kinds of numbers that weights come in, as NumPy reads them; places of weights are whole numbers of 32 bits."""

_SIZES = whole(0, 1 << 40)
_TENSOR = record(
    {"dtype": text, "shape": each(_SIZES, 8), "data_offsets": each(_SIZES, 2)}, "dtype", "shape", "data_offsets"
)


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the shapes of the tensors of a file of weights, by name; its numbers are left unread.

    Raises:
        SafetensorError: the header is damaged, or the file has another size.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, MOST_HEADER):
            raise SafetensorError(f"its header has {length:,} bytes, and the file {size:,}")
        try:
            header: dict[str, Any] = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise SafetensorError(f"its header is not JSON: {error}") from error
    if isinstance(header, dict):
        header.pop("__metadata__", None)
    if fault := by_name(_TENSOR)(header):
        raise SafetensorError(f"its header has a fault: {fault.lstrip('.: ')}")
    total = 0
    for name, tensor in header.items():
        if tensor["dtype"] not in KINDS:
            raise SafetensorError(f"it holds numbers of the kind {tensor['dtype']}")
        bytes_ = prod(tensor["shape"]) * np.dtype(KINDS[tensor["dtype"]]).itemsize
        begin, end = (*tensor["data_offsets"], 0, 0)[:2]
        if end - begin != bytes_:
            raise SafetensorError(f"{name} has {end - begin:,} bytes instead of {bytes_:,}")
        total += bytes_
    if total != size - 8 - length:
        raise SafetensorError(f"its tensors have {total:,} bytes, and {size - 8 - length:,} are there")
    return {name: tuple(tensor["shape"]) for name, tensor in header.items()}


def arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Convert the tensors of a file to float32, by name; whole numbers of 32 bits stay.

    Raises:
        SafetensorError: the data is damaged.
    """
    return {name: _array(tensor) for name, tensor in deserialize(data)}


def _array(tensor: dict[str, Any]) -> NDArray[Any]:
    numbers = np.frombuffer(tensor["data"], KINDS[tensor["dtype"]])
    if tensor["dtype"] == "BF16":  # the upper half of a float32
        return (numbers.astype(np.uint32) << 16).view(np.float32).reshape(tensor["shape"])
    return numbers.astype(numbers.dtype if tensor["dtype"] == "I32" else np.float32).reshape(tensor["shape"])
