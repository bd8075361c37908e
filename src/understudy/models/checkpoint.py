"""A model as a folder that is complete by itself, and never a pickle.

model.safetensors   the weights            config.json          shape, training, corpus, results
tokenizer.json      the vocabulary         history.jsonl        one line for each validation
README.md           the model card         fingerprint.safetensors   hashes of what it was trained on
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from understudy import __version__
from understudy.errors import UserError
from understudy.models.finding import resolve
from understudy.models.language_model import LanguageModel, ModelConfig
from understudy.storage import atomic_write, read_object, write_json
from understudy.text.tokenizers import Tokenizer, tokenizer_from_dict

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A model that was read, with its tokenizer and what its config.json says."""

    model: LanguageModel
    tokenizer: Tokenizer
    config: dict[str, Any]
    folder: Path


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
    described = {"format": FORMAT, "understudy": __version__, "model": asdict(config), **(facts or {})}
    write_json(folder / "config.json", described)
    write_json(folder / "tokenizer.json", tokenizer.to_dict())


def load_checkpoint(name_or_folder: str | Path, backend: str = "torch") -> Checkpoint:
    """Read a model folder or a bundled model; weights become float32.

    Raises:
        UserError: no such folder, a damaged file, or weights that do not fit the configuration.
    """
    folder = resolve(name_or_folder)
    config = read_object(folder / "config.json")
    if config.get("format", FORMAT) != FORMAT:
        raise UserError(
            f"{folder / 'config.json'} has format {config['format']}, and understudy {__version__} reads {FORMAT}: it "
            "comes from a newer version. Upgrade with `pip install -U understudy`."
        )
    model = _build(folder / "config.json", config.get("model"), backend)
    path = folder / "tokenizer.json"
    described = read_object(path)
    try:
        tokenizer = tokenizer_from_dict(described)
    except UserError as error:
        raise UserError(f"{path} describes no tokenizer: {error}") from error
    if len(tokenizer.vocabulary) != model.config.vocabulary_size:
        raise UserError(
            f"{path} has {len(tokenizer.vocabulary)} tokens but the model of {folder / 'config.json'} has "
            f"{model.config.vocabulary_size}; the files come from different models. Restore them from a copy."
        )
    read_weights(folder, model)
    return Checkpoint(model.eval(), tokenizer, config, folder)


def _build(path: Path, shape: Any, backend: str) -> LanguageModel:
    """The model whose shape config.json tells, with weights that mean nothing."""
    known = {field.name for field in fields(ModelConfig)}
    if not isinstance(shape, dict) or "vocabulary_size" not in shape or not known.issuperset(shape):
        raise UserError(
            f"{path} does not describe a model of this version of understudy ({__version__}): "
            "its 'model' must be an object with the keys " + ", ".join(sorted(known)) + "."
        )
    try:
        with torch.random.fork_rng(devices=[]):  # loading leaves the caller's random numbers alone
            return LanguageModel(ModelConfig(**shape), backend, drawn=False)
    except (UserError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} describes a model that cannot be built ({error}); restore it from a copy.") from error


def read_weights(folder: Path, model: LanguageModel) -> None:
    """Copy the weights of model.safetensors into the model.

    Raises:
        UserError: the file is damaged, or it and the model disagree about names or shapes.
    """
    path = folder / "model.safetensors"
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or cut short ({error}). Restore it from a copy, or train again.") from error
    expected = weights_of(model)
    wrong = [f"{name} is missing" for name in expected.keys() - tensors.keys()]
    wrong += [f"{name} is not part of the model" for name in tensors.keys() - expected.keys()]
    wrong += [
        f"{name} has shape {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected.keys() & tensors.keys()
        if tensors[name].shape != expected[name].shape
    ]
    if wrong:
        raise UserError(f"{path} does not fit the config.json beside it: {'; '.join(sorted(wrong)[:3])}.")
    with torch.no_grad():
        for name, weight in expected.items():
            weight.copy_(tensors[name])
