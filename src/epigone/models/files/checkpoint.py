"""A trained model in PyTorch, read from a model folder and written to one; see `model_folder.py` for its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from epigone import __version__
from epigone.described import described
from epigone.errors import UserError
from epigone.models.backends.choice import BACKENDS
from epigone.models.config import ModelConfig
from epigone.models.files.model_folder import FORMAT, Weights, read_folder
from epigone.models.language_model import LanguageModel
from epigone.storage import atomic_write, write_json
from epigone.text.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Checkpoint:
    """A model that was read, with its tokenizer and its config.json."""

    model: LanguageModel
    tokenizer: Tokenizer
    config: dict[str, Any]
    folder: Path

    @property
    def shape(self) -> ModelConfig:
        """The model's shape, under the same name as in a `ModelFolder`."""
        return self.model.config

    def weights(self) -> Weights:
        """Copy the named weights to arrays, as a `ModelFolder` does."""
        return {name: weight.float().cpu().numpy() for name, weight in weights_of(self.model).items()}


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """List the named weights, each once: a tied head is left out."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def save_weights(folder: Path, model: nn.Module, dtype: torch.dtype = torch.float32) -> None:
    """Write model.safetensors, atomically, in the given precision."""
    save_tensors(folder / "model.safetensors", {name: w.to(dtype=dtype) for name, w in weights_of(model).items()})


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name, atomically."""
    found = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    atomic_write(path, save(found, metadata={"format": "pt"}))


def save_description(
    folder: Path, config: ModelConfig, tokenizer: Tokenizer, facts: dict[str, Any] | None = None
) -> None:
    """Write config.json, which holds the shape and `facts`, and tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    config_json = {"format": FORMAT, "epigone": __version__, "model": described(config), **(facts or {})}
    write_json(folder / "config.json", config_json)
    write_json(folder / "tokenizer.json", tokenizer.to_dict())


def load_checkpoint(name_or_folder: str | Path, backend: str = "auto") -> Checkpoint:
    """Read a model folder or a bundled model; weights become float32.

    Raises:
        UserError: the folder is missing, a file is damaged, the weights do not fit the configuration, or there is no
            such backend.
    """
    if backend not in BACKENDS:
        raise UserError(f"backend must be one of {', '.join(BACKENDS)}; {backend!r} was given.")
    found = read_folder(name_or_folder)
    weights = found.weights()
    try:
        with torch.random.fork_rng(devices=[]):  # loading leaves the caller's random numbers alone
            model = LanguageModel(found.shape, backend, drawn=False)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{found.folder / 'config.json'} describes a model that cannot be built ({error}); restore it from a copy."
        ) from error
    with torch.no_grad():
        for name, weight in weights_of(model).items():
            weight.copy_(torch.from_numpy(weights[name]))
    return Checkpoint(model.eval(), found.tokenizer, found.config, found.folder)
