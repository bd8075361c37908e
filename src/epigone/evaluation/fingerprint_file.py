"""The file of a model's folder with the fingerprints of what it learned."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from epigone.errors import UserError
from epigone.evaluation.memorisation import BITS, Fingerprint, Known
from epigone.evaluation.passages import EXACT, EXACT_RUN, LINES, RUNS
from epigone.schema import by_name, record, whole
from epigone.storage import atomic_write
from epigone.text.shingles import Hashes

FILE = "fingerprint.safetensors"

_KINDS = {kind.name: kind for kind in (LINES, RUNS)}
_LOW = 32  # bits of a hash that are written for each; the upper ones are counted
_RATE = whole(1, 1 << 62)
_FACTS = record({"rates": by_name(_RATE), "characters": whole()}, "rates", "characters")
_EXACT = record({"run": whole(EXACT_RUN, EXACT_RUN), "rate": _RATE, "characters": whole()}, "run", "rate", "characters")


def save_fingerprints(path: Path, fingerprints: Mapping[str, Fingerprint]) -> None:
    """Write fingerprints of training texts into one file, by name (such as `target` and `base`)."""
    facts: dict[str, Any] = {}
    tensors: dict[str, NDArray[Any]] = {}
    for name, print_ in fingerprints.items():
        facts[name], arrays = _written(print_)
        tensors |= {f"{name}{suffix}": array for suffix, array in arrays.items()}
    texts = {name: json.dumps(fact) for name, fact in facts.items()}
    atomic_write(path, _with_metadata(save(tensors, metadata=texts), texts))


def _written(print_: Fingerprint) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Facts and tensors of a fingerprint; the names of the tensors are to follow its own."""
    if [each.kind for each in print_.known] == [EXACT]:
        (exact,) = print_.known
        return {"run": EXACT_RUN, "rate": exact.rate, "characters": print_.characters}, {"": exact.hashes}
    arrays: dict[str, NDArray[Any]] = {}
    for each in print_.known:
        arrays[f"/{each.kind.name}"] = (each.hashes & np.uint64(2**_LOW - 1)).astype(np.uint32)
        upper = (each.hashes >> np.uint64(_LOW)).astype(np.int64)
        arrays[f"/{each.kind.name}/counts"] = np.bincount(upper, minlength=2 ** (BITS - _LOW)).astype(np.uint32)
    return {"rates": {each.kind.name: each.rate for each in print_.known}, "characters": print_.characters}, arrays


def _with_metadata(data: bytes, facts: Mapping[str, str]) -> bytes:
    """Write the metadata of a safetensors file anew, sorted; the library writes them in a random order."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end]) | {"__metadata__": dict(sorted(facts.items()))}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def load_fingerprints(path: Path) -> dict[str, Fingerprint]:
    """Read a file of `save_fingerprints`.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts = {name: json.loads(text) for name, text in sorted((file.metadata() or {}).items())}
            found = {name: _read(file, name, fact) for name, fact in facts.items()}
            return dict(sorted(found.items(), key=lambda item: item[0].startswith("base")))  # a base's are the last
    except (OSError, SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"The fingerprint {path} cannot be read ({error}). Restore it from a copy, or delete it: then the "
            "model still works, and copying is not measured."
        ) from error


def _read(file: Any, name: str, facts: Any) -> Fingerprint:
    """Read a fingerprint.

    Raises:
        ValueError: names the first fault.
    """
    if isinstance(facts, dict) and "run" in facts:  # of version 0.2 or earlier
        _check(_EXACT(facts))
        exact = Known(EXACT, _sound(file.get_tensor(name), np.uint64), facts["rate"], 64)
        return Fingerprint((_possible(exact),), facts["characters"])
    _check(_FACTS(facts))
    known = []
    for kind, rate in facts["rates"].items():
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is no kind of passage that this version knows")
        low = _sound(file.get_tensor(f"{name}/{kind}"), np.uint32).astype(np.uint64)
        counts = _sound(file.get_tensor(f"{name}/{kind}/counts"), np.uint32)
        if len(counts) != 2 ** (BITS - _LOW) or counts.sum(dtype=np.uint64) != len(low):
            raise ValueError(f"the counts of {name}/{kind} do not fit its hashes")
        upper = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
        known.append(_possible(Known(_KINDS[kind], (upper << np.uint64(_LOW)) | low, rate)))
    return Fingerprint(tuple(known), facts["characters"])


def _check(fault: str | None) -> None:
    if fault:
        raise ValueError(fault.lstrip(".: "))


def _sound(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    if array.dtype != dtype or array.ndim != 1:
        raise ValueError("hashes are no list of whole numbers")
    return array


def _possible(known: Known) -> Known:
    """Return hashes that could have been built."""
    hashes: Hashes = known.hashes
    if known.rate & (known.rate - 1):
        raise ValueError(f"rate: {known.rate} instead of a power of two")
    if not (hashes[1:] > hashes[:-1]).all():
        raise ValueError("hashes are not in order")
    return known
