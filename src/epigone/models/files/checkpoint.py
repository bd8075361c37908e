"""A trained model as PyTorch has it, from a model folder and to one; never a pickle. See `folder.py` for its files."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from epigone import __version__
from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.files.model_folder import FORMAT, Weights, read_folder
from epigone.models.language_model import LanguageModel
from epigone.storage import atomic_write, write_json
from epigone.text.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Checkpoint:
    """A model that was read, with its tokenizer and what its config.json says."""

    model: LanguageModel
    tokenizer: Tokenizer
    config: dict[str, Any]
    folder: Path

    @property
    def shape(self) -> ModelConfig:
        """The model's shape, as a `ModelFolder` has it."""
        return self.model.config

    def weights(self) -> Weights:
        """The named weights as arrays, as a `ModelFolder` has them."""
        return {name: weight.float().cpu().numpy() for name, weight in weights_of(self.model).items()}


def weights_of(model: LanguageModel) -> dict[str, Tensor]:
    """The named weights, each once: a tied head is left out."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def save_weights(folder: Path, model: LanguageModel, dtype: torch.dtype = torch.float32) -> None:
    """Write model.safetensors, atomically, in the given precision."""
    tensors = {name: weight.to("cpu", dtype).contiguous() for name, weight in weights_of(model).items()}
    atomic_write(folder / "model.safetensors", save(tensors, metadata={"format": "pt"}))


def save_description(
    folder: Path, config: ModelConfig, tokenizer: Tokenizer, facts: dict[str, Any] | None = None
) -> None:
    """Write config.json (shape and `facts`) and tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {"format": FORMAT, "epigone": __version__, "model": asdict(config), **(facts or {})}
    write_json(folder / "config.json", described)
    write_json(folder / "tokenizer.json", tokenizer.to_dict())


def load_checkpoint(name_or_folder: str | Path, backend: str = "auto") -> Checkpoint:
    """Read a model folder or a bundled model; weights become float32.

    Raises:
        UserError: no such folder, a damaged file, or weights that do not fit the configuration.
    """
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
