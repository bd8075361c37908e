"""The files of a classifier that is a network: its shape, its tokenizer, and its weights in 8 bits."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import save

from epigone.described import described
from epigone.errors import UserError
from epigone.models.backends.walker import row_scales
from epigone.models.classifier import TextClassifier
from epigone.models.files.model_folder import SCALE, Weights, read_shape, unscaled
from epigone.models.files.tensors import arrays
from epigone.schema import mapping, record, whole
from epigone.storage import atomic_write, read_object, write_json
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import in_direction
from epigone.text.tokenizers.registry import tokenizer_from_dict

SHAPE, TOKENIZER, WEIGHTS = "network.json", "tokenizer.json", "network.safetensors"
_SHAPE = record(
    {
        "model": mapping, "classes": whole(1), "hidden_size": whole(1, 1 << 16), "most_tokens": whole(4),
        "piece": whole(1),
    },
    "model", "classes", "hidden_size", "most_tokens", "piece",
)  # fmt: skip


def rounded(model: TextClassifier) -> dict[str, np.ndarray]:
    """Round the matrices of a model to 8 bits for each number, with a scale for each row; vectors stay as they are.

    The model gets the rounded weights, so that what is stored is what runs.
    """
    stored: dict[str, np.ndarray] = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            weight = parameter.detach().float().cpu().numpy()
            if weight.ndim == 2:
                scale = row_scales(weight)
                stored[name] = np.rint(weight / scale[:, None]).astype(np.int8)
                stored[f"{name}{SCALE}"] = scale
                parameter.copy_(torch.from_numpy(stored[name] * scale[:, None]))
            else:
                stored[name] = weight.copy()
    return stored


def write_network(folder: Path, model: TextClassifier, tokenizer: Tokenizer, most_tokens: int) -> None:
    """Write a network whose weights are `rounded`."""
    facts = {
        "model": described(model.config),
        "classes": model.head.out.out_features,
        "hidden_size": model.head.hidden.out_features,
        "most_tokens": most_tokens,
        "piece": model.piece,
    }
    write_json(folder / SHAPE, facts)
    write_json(folder / TOKENIZER, tokenizer.to_dict())
    atomic_write(folder / WEIGHTS, save(rounded(model)))


def read_network(folder: Path, classes: int) -> tuple[TextClassifier, Tokenizer, int]:
    """Read a network, its tokenizer and the number of tokens that it reads of a text.

    Raises:
        UserError: a file is missing or damaged.
    """
    facts: dict[str, Any] = read_object(folder / SHAPE, _SHAPE)
    config = read_shape(folder / SHAPE, facts["model"])
    tokenizer = in_direction(tokenizer_from_dict(read_object(folder / TOKENIZER)), config.direction)
    if facts["classes"] != classes or len(tokenizer.vocabulary) != config.vocabulary_size:
        raise UserError(
            f"{folder / SHAPE} says {facts['classes']} classes and {config.vocabulary_size} tokens, but there are "
            f"{classes} and {len(tokenizer.vocabulary)}; the files come from different classifiers. Restore them."
        )
    path = folder / WEIGHTS
    try:
        found: Weights = unscaled(arrays(path.read_bytes()))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged ({error}); restore it from a copy.") from error
    model = TextClassifier(config, classes, facts["hidden_size"], piece=facts["piece"])
    wanted = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    shapes = {name: weight.shape for name, weight in found.items()}
    if shapes != wanted:
        wrong = sorted(name for name in wanted.keys() | shapes.keys() if wanted.get(name) != shapes.get(name))
        raise UserError(f"{path} does not fit {folder / SHAPE}: {', '.join(wrong[:3])}. Restore both from a copy.")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(found[name]))
    return model.eval(), tokenizer, facts["most_tokens"]
