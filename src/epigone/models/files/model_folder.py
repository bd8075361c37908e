"""A model folder as data, read without PyTorch.

model.safetensors   the weights            config.json          shape, training, corpus, results
tokenizer.json      the vocabulary         history.jsonl        one line for each validation
README.md           the model card         fingerprint.safetensors   hashes of what it was trained on
adapter.safetensors what a method learned, if it is smaller than the weights that it is merged into
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from epigone import __version__
from epigone.errors import UserError
from epigone.models.config import ModelConfig, weight_shapes
from epigone.models.files.bundled import bundled_models, resolve
from epigone.models.files.delta import applied
from epigone.models.files.description import MODEL, check_hash, read_config, weights_hash
from epigone.models.files.tensors import arrays, tensor_shapes
from epigone.storage import read_object
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import in_direction
from epigone.text.tokenizers.registry import tokenizer_from_dict

FORMAT = 1
ADAPTER = "adapter.safetensors"
Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ModelFolder:
    """The description of a model; its weights are read on demand."""

    shape: ModelConfig
    tokenizer: Tokenizer
    config: dict[str, Any]
    folder: Path

    def weights(self) -> Weights:
        """Read the named weights as float32, each once: a tied head is left out.

        Raises:
            UserError: the file is damaged, or it and config.json disagree about names or shapes.
        """
        path, delta = self.folder / "model.safetensors", self.config.get("delta")
        try:
            shapes = tensor_shapes(path)
            if delta is None:
                self._check_shapes(path, shapes)  # before so many numbers are read
            data = path.read_bytes()
            found = unscaled(arrays(data))
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{path} is damaged or cut short ({error}). Restore it from a copy, or train again."
            ) from error
        check_hash(self.folder, self.config, data)
        del data  # which is as large as the file
        if delta is not None:
            found = applied(found, base_of_delta(self.folder, delta).weights(), path)
            self._check_shapes(path, {name: weight.shape for name, weight in found.items()})
        # Places, which are whole numbers, are gone by now; a damaged weight may be of that kind too.
        found = {name: weight.astype(np.float32, copy=False) for name, weight in found.items()}
        for name, weight in found.items():
            if not np.isfinite(weight).all():
                raise UserError(
                    f"{path} is damaged: {name} holds numbers that are not finite. Restore it from a copy, or train "
                    "again with a smaller --lr."
                )
        return found

    def _check_shapes(self, path: Path, found: dict[str, tuple[int, ...]]) -> None:
        """Refuse weights whose names or shapes are not those that config.json describes."""
        for name, shape in list(found.items()):
            matrix = found.get(name.removesuffix(SCALE), ())
            if name.endswith(SCALE) and len(matrix) == 2 and shape == matrix[:1]:
                del found[name]
        if self.shape.num_layers > max(FEW, len(found)):  # a list of as many shapes would be long
            wrong = [f"it has {len(found)} tensors, and num_layers is {self.shape.num_layers:,}"]
        else:
            expected = weight_shapes(self.shape)
            wrong = [f"{name} is missing" for name in expected.keys() - found.keys()]
            wrong += [f"{name} is not part of the model" for name in found.keys() - expected.keys()]
            wrong += [
                f"{name} has shape {found[name]} instead of {expected[name]}"
                for name in expected.keys() & found.keys()
                if found[name] != expected[name]
            ]
        if wrong:
            raise UserError(f"{path} does not fit the config.json beside it: {'; '.join(sorted(wrong)[:3])}.")


def base_of_delta(folder: Path, delta: dict[str, str]) -> ModelFolder:
    """Read the base of a folder that holds only what differs from it.

    Args:
        folder: the folder, from which a path of the base is told.
        delta: name or path of the base, and the hash of its weights.

    Raises:
        UserError: the base is not there, is another model by now, or is itself such a folder.
    """
    name = delta["base"]
    places = [Path(name)] if name in bundled_models() else [folder / name, Path(name)]
    place = next((place for place in places if str(place) in bundled_models() or place.is_dir()), None)
    begins = f"the one whose weights have a sha256 that begins with {delta['sha256'][:12]}"
    if place is None:
        raise UserError(
            f"{folder} holds only what differs from its base, and {name} is not there; put it there: {begins}."
        )
    base = read_folder(place)
    if weights_hash(base.folder) != delta["sha256"]:
        raise UserError(f"{folder} holds only what differs from its base, and {place} is another model than {begins}.")
    if "delta" in base.config:
        raise UserError(f"{folder} differs from {place}, which is no whole model; make it anew with epigone delta.")
    return base


SCALE = ".scale"
FEW = 64  # layers


def unscaled(tensors: Weights) -> Weights:
    """Multiply matrices of whole numbers by the scales of their rows, named NAME.scale; those in float32 in place."""
    scales = {name: tensor for name, tensor in tensors.items() if name.endswith(SCALE)}
    weights = {name: tensor for name, tensor in tensors.items() if name not in scales}
    for name, scale in scales.items():
        matrix = name.removesuffix(SCALE)
        if matrix in weights and len(scale) == len(weights[matrix]):
            weights[matrix] = weights[matrix].astype(np.float32, copy=False)
            weights[matrix] *= scale[:, None]
    return weights


def read_folder(name_or_folder: str | Path) -> ModelFolder:
    """Read the description of a model, given as a folder or the name of a bundled model.

    Raises:
        UserError: the folder is missing or a file is damaged.
    """
    folder = resolve(name_or_folder)
    config = read_config(folder)
    if config.get("format", FORMAT) != FORMAT:
        raise UserError(
            f"{folder / 'config.json'} has format {config['format']}, and epigone {__version__} reads format {FORMAT}: "
            "it comes from a newer version. Upgrade epigone."
        )
    shape = read_shape(folder / "config.json", config.get("model"))
    path = folder / "tokenizer.json"
    described = read_object(path)
    try:
        tokenizer = tokenizer_from_dict(described)
    except UserError as error:
        raise UserError(f"{path} describes no tokenizer: {error}") from error
    if len(tokenizer.vocabulary) != shape.vocabulary_size:
        raise UserError(
            f"{path} has {len(tokenizer.vocabulary)} tokens but the model of {folder / 'config.json'} has "
            f"{shape.vocabulary_size}; the files come from different models. Restore them from a copy."
        )
    return ModelFolder(shape, in_direction(tokenizer, shape.direction), config, folder)


def read_shape(path: Path, shape: Any) -> ModelConfig:
    """Check the shape of a model, as the JSON file at `path` describes it.

    Raises:
        UserError: it cannot be built.
    """
    known = {field.name for field in fields(ModelConfig)}
    if not isinstance(shape, dict) or "vocabulary_size" not in shape or not known.issuperset(shape):
        raise UserError(
            f"{path} does not describe a model of this version of epigone ({__version__}): "
            "its 'model' must be an object with the keys " + ", ".join(sorted(known)) + "."
        )
    try:
        if fault := MODEL(shape):
            raise ValueError(fault.lstrip(".: "))
        config = ModelConfig(**shape)
        if any(a >= b for a, b in pairwise([0, *config.cutoffs, config.vocabulary_size])):
            raise ValueError(f"its cutoffs are {list(config.cutoffs)}, with {config.vocabulary_size} tokens")
        return config
    except UserError as error:
        raise UserError(
            f"{path} describes a model that cannot be built: {error} Otherwise restore it from a copy."
        ) from error
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} describes a model that cannot be built ({error}); restore it from a copy.") from error
