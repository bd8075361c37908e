"""`import-fastai`: a published ULMFiT language model as a folder of ours, without executing what its files hold."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from epigone.errors import UserError
from epigone.export.word_list import read_words
from epigone.folder_lock import output_folder
from epigone.models.config import ModelConfig
from epigone.models.files.card import model_card
from epigone.models.files.checkpoint import save_description, save_weights
from epigone.models.files.description import WEIGHTS, read_config, weights_hash
from epigone.models.language_model import LanguageModel
from epigone.results import Shown
from epigone.storage import atomic_write, write_json
from epigone.text.tokenizers.base import END
from epigone.text.tokenizers.fastai import FastaiTokenizer
from epigone.text.tokenizers.spelling import Spelling
from epigone.text.tokenizers.words import UNKNOWN

LEAST = (2, 6)
"""The version of PyTorch from which on `weights_only` keeps its promise (CVE-2025-32434)."""
UNKNOWNS, ENDS = ("xxunk", "_unk_"), ("xxbos", "xbos", "<eos>")
OLD_MARKERS = {"t_up": "xxup", "tk_rep": "xxrep", "tk_wrep": "xxwrep"}
"""Markers of fastai 0.7, by what fastai 1 calls them."""
_LAYER = re.compile(r"0\.rnns\.(\d+)\.(?:module\.)?((?:weight|bias)_(?:ih|hh))_l0(_raw)?")
_COPIES = {"0.encoder_dp.emb.weight", "0.encoder_with_dropout.embed.weight"}


@dataclass(frozen=True)
class Imported(Shown):
    """A language model that was imported."""

    folder: str
    units: list[int]
    """Units of each layer."""
    embedding_size: int
    tokens: int
    parameters: int
    notices: list[str] = field(default_factory=list)
    """Sentences on what was changed or decided."""


def import_fastai(
    weights: str | Path, words: str | Path, *, out: str | Path, direction: Literal["forward", "backward"] = "forward"
) -> Imported:
    """Turn the weights of a ULMFiT language model of fastai into a model folder.

    The files are those of fastai 1 (`lstm_wt103.pth`, `itos_wt103.pkl`) or of fastai 0.7 (`fwd_wt103.h5`). Neither is
    unpickled: of the weights only tensors are read, and of the words only a list of strings.

    Args:
        weights: the weights of an AWD-LSTM with its decoder.
        words: the list of its words, pickled or as JSON.
        out: the folder for the model.
        direction: the direction in which the model reads.

    Raises:
        UserError: a file is missing, damaged, holds anything else, or does not fit the other one.
    """
    folder, notices = Path(out), list[str]()
    tensors = read_weights(Path(weights))
    encoder = _taken(tensors, "0.encoder.weight", weights)
    listed = read_words(Path(words))
    tokens = _tokens(listed, len(encoder), Path(words), Path(weights), notices)
    config, named = _model(tensors, encoder, Path(weights))
    if END not in tokens:
        tokens = [*tokens, END]
        named = {name: _longer(tensor) if _by_token(name) else tensor for name, tensor in named.items()}
        notices.append("The list has no token between texts (xxbos), so one was added, which starts from the mean row.")
    # Unknown words are spelled like rare ones, which come last.
    tokenizer = FastaiTokenizer(tokens, Spelling.of(Counter(listed[len(listed) // 2 :])))
    shape = ModelConfig(**config, vocabulary_size=len(tokens), softmax="full", direction=direction)
    model = LanguageModel(shape, drawn=False)
    parameters = dict(model.named_parameters())
    wrong = [
        f"{name} has shape {tuple(named[name].shape)} instead of {tuple(parameter.shape)}"
        for name, parameter in parameters.items()
        if named[name].shape != parameter.shape
    ]
    if wrong:
        raise UserError(f"{weights} is no AWD-LSTM language model: {'; '.join(wrong[:3])}.")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(named[name])
    notices.append(
        "The file does not say which dropouts the model learned with, so there are none; give finetune its own."
    )
    request = {"command": "import-fastai", "tokenizer": tokenizer.name}
    with output_folder(folder, remedy="Choose another folder with --out."):
        save_description(folder, shape, tokenizer, {"request": request})
        save_weights(folder, model)
        described = read_config(folder) | {WEIGHTS: weights_hash(folder)}
        write_json(folder / "config.json", described)
        atomic_write(folder / "README.md", model_card(folder.name, described))
    return Imported(
        str(folder),
        [named[f"layers.{number}.weight_hh"].shape[1] for number in range(shape.num_layers)],
        shape.embedding_size,
        len(tokens),
        model.num_parameters(),
        notices,
    )


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a file that PyTorch saved, and nothing else.

    Raises:
        UserError: PyTorch is too old to do so safely, or the file is missing, damaged or holds anything else.
    """
    version = tuple(int(number) for number in re.findall(r"\d+", torch.__version__)[:2])
    if version < LEAST:
        raise UserError(
            f"PyTorch {torch.__version__} may execute code that a file of weights holds; install PyTorch "
            f"{LEAST[0]}.{LEAST[1]} or newer to import one."
        )
    if not path.is_file():
        raise UserError(f"There is no file {path}; give the weights of a language model of fastai (.pth or .h5).")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # it raises whatever its reader stumbles over
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named:
            raise UserError(
                f"{path} holds {named[1]}, which weights do not need, so it is not read: it could run a program. If "
                "the file is sound, load it where you trust it, and save only its tensors."
            ) from error
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise UserError(f"{path} is damaged or holds no weights that PyTorch saved ({reason}).") from error
    if isinstance(found, dict) and isinstance(found.get("model"), dict):
        found = found["model"]
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in found.items()
    ):
        raise UserError(f"{path} does not hold tensors by name; give the weights of a language model of fastai.")
    for name, tensor in found.items():
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise UserError(f"{path} is damaged: {name} holds numbers that are no finite floats.")
    return {name: tensor.float() for name, tensor in found.items()}


def _taken(tensors: dict[str, Tensor], name: str, path: str | Path) -> Tensor:
    if name not in tensors or tensors[name].ndim != 2:
        raise UserError(f"{path} has no matrix {name}, so it is no language model of fastai; give one of those.")
    return tensors[name]


def _tokens(words: list[str], rows: int, path: Path, weights: Path, notices: list[str]) -> list[str]:
    """Name the tokens as our tokenizer does, all different."""
    if len(words) != rows:
        raise UserError(
            f"{path} has {len(words):,} words, and {weights} has rows for {rows:,}; give the list that belongs to the "
            "weights."
        )
    unknown = next((word for word in UNKNOWNS if word in words), None)
    if unknown is None:
        raise UserError(f"{path} has no token for unknown words ({' or '.join(UNKNOWNS)}), so it is no list of fastai.")
    end = next((word for word in ENDS if word in words), None)
    names = {unknown: UNKNOWN, end: END} | {old: new for old, new in OLD_MARKERS.items() if new not in words}
    found = [names.get(word, word) for word in words]
    last = {token: i for i, token in enumerate(found)}  # fastai takes the last of equal ones, too
    doubles = [i for i, token in enumerate(found) if last[token] != i]
    for i in doubles:
        found[i] = f"{found[i]} {i}"  # no text makes a token with a space
    if doubles:
        notices.append(f"{len(doubles):,} words are in the list twice; the last of equal ones is the word.")
    return found


def _model(tensors: dict[str, Tensor], encoder: Tensor, path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The shape of the model, and its weights by our names."""
    layers: dict[int, dict[str, Tensor]] = {}
    strange = []
    for name, tensor in tensors.items():
        if found := _LAYER.fullmatch(name):
            layer = layers.setdefault(int(found[1]), {})
            if found[3] or found[2] not in layer:  # the raw weights count, and not their copy with dropout
                layer[found[2]] = tensor
        elif name not in {"0.encoder.weight", "1.decoder.weight", "1.decoder.bias"} | _COPIES:
            strange.append(name)
    if strange:
        raise UserError(
            f"{path} has {strange[0]}, which a language model of fastai has not; give one of an AWD-LSTM with its "
            "decoder."
        )
    dimensions = {"weight_ih": 2, "weight_hh": 2, "bias_ih": 1, "bias_hh": 1}
    whole = [{name: tensor.ndim for name, tensor in layer.items()} == dimensions for layer in layers.values()]
    if not layers or sorted(layers) != list(range(len(layers))) or not all(whole):
        raise UserError(f"{path} lacks weights of its layers (0.rnns.N); give a file that is complete.")
    decoder = tensors.get("1.decoder.weight", encoder)
    bias = tensors.get("1.decoder.bias", torch.zeros(len(encoder)))  # fastai 0.7 has none
    tied = torch.equal(decoder, encoder)
    sizes = [layers[number]["weight_hh"].shape[1] for number in sorted(layers)]
    named = {"embedding.weight": encoder, "head.bias": bias} | ({} if tied else {"head.weight": decoder})
    for number, layer in layers.items():
        named |= {f"layers.{number}.{name}": tensor for name, tensor in layer.items()}
    config = {
        "num_layers": len(layers),
        "hidden_size": sizes[0],
        "top_size": sizes[-1] if sizes[-1] != sizes[0] else 0,
        "embedding_size": encoder.shape[1],
        "tied": tied,
    }
    return config, named


def _by_token(name: str) -> bool:
    return name == "embedding.weight" or name.startswith("head.")


def _longer(tensor: Tensor) -> Tensor:
    """Add the mean row."""
    return torch.cat([tensor, tensor.mean(0, keepdim=True)])
