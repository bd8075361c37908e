"""`quantize`: weights as integers of 8 bits with a scale for each row: a quarter of the size, and faster.

Rounding shifts the sum of a row by the rounding errors times the mean of the states. The biases undo that shift (bias
correction, Nagel et al. 2019) with means over a text that the model writes itself. The remaining loss is measured
before the folder is written, as the cross-entropy of both models on the same text.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from epigone.errors import UserError
from epigone.evaluation.intervals import MIN_DOCUMENTS, paired_difference
from epigone.evaluation.losses import BLOCK, walker_losses
from epigone.folder_lock import output_folder
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.models.backends.choice import choose
from epigone.models.backends.walker import EngineOptions, Floats, Precision, native_walker, row_scales
from epigone.models.config import START
from epigone.models.files.card import model_card
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.files.description import WEIGHTS, hash_of
from epigone.models.files.model_folder import SCALE, Weights, unscaled
from epigone.models.language_model import LanguageModel
from epigone.results import Shown
from epigone.storage import as_text, write_together
from epigone.text.corpus import Corpus
from epigone.text.readers.registry import ReadOptions
from epigone.text.streams import TokenStream

SAMPLES, LENGTH = 64, 500  # of the text that a model writes for its own measurement
Nats = tuple[NDArray[np.float64], NDArray[np.int64]]  # of each document, and its tokens


@dataclass(frozen=True)
class Quantisation(Shown):
    """A quantised model, and its loss in accuracy."""

    model: str
    """Its folder."""
    base: str
    megabytes: float
    """Size of its weights."""
    base_megabytes: float
    text: str
    """The text that both were measured on."""
    tokens: int
    base_loss: float
    """Nats per token in fp32."""
    loss: float
    """The same in int8."""
    difference: float
    interval: tuple[float, float]
    """95 % interval of the difference, by the bootstrap over documents, or over blocks if there are few documents."""


def quantize(model: str | Path, *texts: str | Path, out: str | Path, read: ReadOptions = ReadOptions()) -> Quantisation:
    """Write a copy of a model with weights of 8 bits, and measure the difference.

    Args:
        model: the folder of a model, or the name of a bundled one.
        texts: files or folders of text to measure on; by default the model writes one itself.
        out: the folder for the quantised model.
        read: how the text is read.

    Raises:
        UserError: the input is bad, the output folder is not empty, or there is no native engine to run int8.
    """
    source, folder = load_checkpoint(model), Path(out)
    choose("native", source.shape, "cpu", "int8", "walker")  # refuses what cannot run in 8 bits
    with output_folder(folder, remedy="Choose another folder with --out."):
        return _quantize(source, folder, texts, read)


def _quantize(source: Checkpoint, folder: Path, texts: Sequence[str | Path], read: ReadOptions) -> Quantisation:
    weights = source.weights()
    stream = Corpus.open(texts, read, None).stream("all", source.tokenizer) if texts else None
    own = _read_text(source, stream) if source.shape.direction == "backward" else _own_text(source)
    tensors = quantized(weights)
    tensors |= corrected_biases(weights, unscaled(tensors), input_means(source.model, own))
    before = _nats(source, weights, "fp32", stream, own)
    after = _nats(source, unscaled(tensors), "int8", stream, own)
    tokens = int(before[1].sum())
    try:
        difference = paired_difference(after[0], before[0], before[1])
    except ValueError as error:
        raise UserError(
            f"The text is too short to measure on: it needs {MIN_DOCUMENTS} documents, or {MIN_DOCUMENTS * BLOCK:,} "
            "characters. Leave it out to measure on a text that the model writes itself."
        ) from error
    data = save(tensors, metadata={"format": "pt"})
    result = Quantisation(
        model=str(folder),
        base=source.folder.name,
        megabytes=len(data) / 1e6,
        base_megabytes=(source.folder / "model.safetensors").stat().st_size / 1e6,
        text=", ".join(Path(text).name for text in texts) or "what the model itself wrote",
        tokens=tokens,
        base_loss=float(before[0].sum() / tokens),
        loss=float(after[0].sum() / tokens),
        difference=difference.estimate,
        interval=(difference.low, difference.high),
    )
    config = {key: value for key, value in source.config.items() if key != "delta"} | {
        "dtype": "int8",
        WEIGHTS: hash_of(data),
        "quantised": {k: v for k, v in asdict(result).items() if k != "model"},
    }
    copied = ("tokenizer.json", "history.jsonl", "fingerprint.safetensors")
    files: dict[str, bytes | str] = {
        name: (source.folder / name).read_bytes() for name in copied if (source.folder / name).is_file()
    }
    files |= {"README.md": model_card(folder.name, config), "model.safetensors": data, "config.json": as_text(config)}
    write_together(folder, files)
    return result


def quantized(weights: Weights) -> dict[str, NDArray[Any]]:
    """Round matrices to int8 with a scale for each row.

    Matrices that are looked up by token instead of multiplied (embedding, one-hot layer 0) keep 16 bits: a rare token's
    weights may be large and would cost all others their precision. Biases stay as they are, and so does the state that
    documents begin in.
    """
    looked_up = "embedding.weight" if "embedding.weight" in weights else "layers.0.weight_ih"
    result: dict[str, NDArray[Any]] = {}
    for name, weight in weights.items():
        if weight.ndim == 1 or name.startswith(f"{START}."):
            result[name] = weight
            continue
        if name == looked_up and "head.weight" in weights:  # a tied head is multiplied
            result[name] = weight.astype(np.float16)
            continue
        scale = row_scales(weight)
        result[name] = np.rint(weight / scale[:, None]).astype(np.int8)
        result[name + SCALE] = scale
    return result


@torch.no_grad()
def input_means(model: LanguageModel, ids: NDArray[np.int64]) -> dict[str, Floats]:
    """Average the input of each matrix over texts: by the matrix's name, (its columns,).

    Args:
        model: in evaluation mode.
        ids: tokens (T, S) of S texts, each read from the zero state.
    """
    tokens = torch.from_numpy(ids.T.copy())
    means = {}
    if model.embedding is not None:
        means["layers.0.weight_ih"] = model.embedding(tokens).mean(dim=(0, 1)).numpy()
    for layer in range(len(model.layers)):
        mean = model.encode(tokens, stop=layer + 1)[0].mean(dim=(0, 1)).numpy()
        means[f"layers.{layer}.weight_hh"] = means[f"layers.{layer + 1}.weight_ih"] = mean
    means["head.weight"] = means.pop(f"layers.{len(model.layers)}.weight_ih")
    return means


def corrected_biases(weights: Weights, rounded: Weights, means: dict[str, Floats]) -> dict[str, Floats]:
    """Correct biases for the average effect of rounding a matrix."""
    result = {}
    for name, mean in means.items():
        matrix = name if name in weights else "embedding.weight"  # a tied head
        bias = name.replace("weight", "bias")
        result[bias] = (weights[bias] + (weights[matrix] - rounded[matrix]) @ mean).astype(np.float32)
    return result


def _read_text(source: Checkpoint, stream: TokenStream | None) -> NDArray[np.int64]:
    """Take tokens (T, S) from a text for a model that does not write.

    Raises:
        UserError: there is no text.
    """
    if stream is None:
        raise UserError(
            f"{source.folder} reads backward and cannot write the text that quantize measures on; give a text like "
            "those that it is for."
        )
    length = max(1, min(LENGTH, len(stream) // SAMPLES))
    tokens = np.asarray(stream.tokens[: length * SAMPLES], np.int64)
    return np.ascontiguousarray(tokens.reshape(-1, length).T) if len(tokens) >= length * SAMPLES else tokens[:, None]


def _own_text(source: Checkpoint) -> NDArray[np.int64]:
    """Let the model write S texts in fp32; return tokens (T, S) that begin with the end symbol."""
    options = GenerateOptions(length=LENGTH, samples=SAMPLES), SamplingOptions(temperature=1, seed=0)
    texts = generate(source, *options, EngineOptions("native", "fp32")).texts
    ids = [[source.tokenizer.end, *source.tokenizer.encode(text).tolist()] for text in texts]
    return np.array([each[: min(map(len, ids))] for each in ids], dtype=np.int64).T


def _nats(
    source: Checkpoint, weights: Weights, precision: Precision, stream: TokenStream | None, own: NDArray[np.int64]
) -> Nats:
    """Measure the loss of each document of a text (or block, if there are few), or of each text of the model's own."""
    walker = native_walker(source.shape, weights, precision, EngineOptions().threads_for(SAMPLES))
    if stream is not None:
        losses = walker_losses(walker, stream)
        return losses.by_document() if len(losses.characters) >= MIN_DOCUMENTS else (losses.nats, losses.tokens)
    walker.start(own.shape[1])
    nats, _ = walker.score(np.ascontiguousarray(own[:-1]), np.ascontiguousarray(own[1:]))
    return nats.sum(axis=0), np.full(own.shape[1], len(own) - 1)
