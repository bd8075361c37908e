"""`delta`: a retrained model as what differs from its base, which is small if few weights learned."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from epigone.errors import UserError
from epigone.folder_lock import output_folder
from epigone.models.files.bundled import bundled_models
from epigone.models.files.card import model_card
from epigone.models.files.delta import PLACES, Weights, applied, differences
from epigone.models.files.description import WEIGHTS, hash_of, weights_hash
from epigone.models.files.model_folder import ADAPTER, base_of_delta, read_folder
from epigone.models.files.tensors import arrays
from epigone.results import Shown
from epigone.storage import as_text, write_together


@dataclass(frozen=True)
class Delta(Shown):
    """A model without the weights that it shares with its base."""

    model: str
    """Its folder, which serves as a model wherever the base is at hand."""
    base: str
    weights: int
    """Numbers that are stored: weights that differ from the base's, or what a method learned in their place."""
    of: int
    """All weights of the model."""
    kilobytes: float
    """Size of the weights that are stored."""
    whole_kilobytes: float
    """Size of the weights of the model that it was made of."""


def delta(model: str | Path, *, out: str | Path, base: str | Path | None = None) -> Delta:
    """Write a copy of a retrained model that holds only what differs from its base.

    The copy is a model folder like any other: each command takes it, and reads the rest from the base, whose hash is
    checked. It gives the weights of the model bit for bit; of methods that learn products or factors, to 1e-6.

    Args:
        model: the folder of a model that `finetune` wrote.
        out: the folder for the copy.
        base: the folder or the bundled name of the base; by default the one that the model says it was made of.

    Raises:
        UserError: there is no such model or base, the base is another than the one that was retrained, or the output
            folder is not empty.
    """
    source, folder = read_folder(model), Path(out)
    made_of = source.config.get("request", {}).get("base", {})
    if base is None and "name" not in made_of:
        raise UserError(f"{model} was not made by finetune, so its base is not known; name one with --base.")
    root = read_folder(base if base is not None else made_of["name"])
    if base is None and weights_hash(root.folder) != made_of["sha256"]:
        raise UserError(f"{root.folder} is another model than the one that was retrained; name the base with --base.")
    if "delta" in root.config:
        root = base_of_delta(root.folder, root.config["delta"])
    weights, before = source.weights(), root.weights()
    tensors = _learned(source.folder, weights, before) or differences(weights, before)
    data = save(tensors, metadata={"format": "pt"})
    bundled = {place: name for name, place in bundled_models().items()}
    name = bundled.get(root.folder) or Path(os.path.relpath(root.folder, folder)).as_posix()
    with output_folder(folder, remedy="Choose another folder with --out."):
        config = {key: value for key, value in source.config.items() if key not in ("dtype", "quantised")} | {
            WEIGHTS: hash_of(data),
            "delta": {"base": name, "sha256": weights_hash(root.folder)},
        }
        copied = ("tokenizer.json", "history.jsonl", "fingerprint.safetensors")
        files: dict[str, bytes | str] = {
            each: (source.folder / each).read_bytes() for each in copied if (source.folder / each).is_file()
        }
        files |= {
            "README.md": model_card(folder.name, config), "model.safetensors": data, "config.json": as_text(config)
        }  # fmt: skip
        write_together(folder, files)
    return Delta(
        model=str(folder),
        base=name,
        weights=sum(tensor.size for tensor_name, tensor in tensors.items() if not tensor_name.endswith(PLACES)),
        of=sum(weight.size for weight in weights.values()),
        kilobytes=len(data) / 1e3,
        whole_kilobytes=(source.folder / "model.safetensors").stat().st_size / 1e3,
    )


def _learned(folder: Path, weights: Weights, base: Weights) -> dict[str, NDArray[Any]]:
    """Take what a method stored, with all else that differs; nothing if that does not give the weights."""
    if not (folder / ADAPTER).is_file():
        return {}
    try:
        adapter = arrays((folder / ADAPTER).read_bytes())
    except SafetensorError as error:
        raise UserError(f"{folder / ADAPTER} is damaged ({error}). Restore it from a copy, or delete it.") from error
    found = applied(adapter, base, folder / ADAPTER)
    if found.keys() != weights.keys() or any(found[name].shape != weights[name].shape for name in found):
        return {}
    touched = {name for name in found if found[name] is not base.get(name)}
    if not all(np.allclose(found[name], weights[name], rtol=1e-6, atol=1e-6) for name in touched):
        return {}
    return adapter | differences({n: w for n, w in weights.items() if n not in touched}, base)
