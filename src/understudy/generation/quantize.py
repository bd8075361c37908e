"""`quantize`: a model's weights as whole numbers of 8 bits, a scale for each row; a quarter of the size, and quicker.

What that costs is measured before the folder is written: the cross-entropy of both on the same text.
"""

import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from understudy.errors import UserError
from understudy.evaluation.losses import walker_losses
from understudy.generation.generate import GenerateOptions, generate
from understudy.generation.sampling import SamplingOptions
from understudy.models.card import model_card
from understudy.models.folder import SCALE, ModelFolder, Weights, read_folder, unscaled
from understudy.models.walker import EngineOptions, Precision, native_walker, row_scales
from understudy.storage import atomic_write, write_json
from understudy.text.corpus import Corpus
from understudy.text.documents import ReadOptions
from understudy.text.streams import TokenStream

SAMPLES, LENGTH = 64, 500  # of the text that a model writes to be measured on
Nats = tuple[NDArray[np.float64], NDArray[np.int64]]  # of each document, and its tokens


@dataclass(frozen=True)
class Quantisation:
    """A quantised model, and what it lost."""

    model: str
    """Its folder."""
    base: str
    megabytes: float
    """Of its weights."""
    base_megabytes: float
    text: str
    """What both were measured on."""
    tokens: int
    base_loss: float
    """Nats per token in fp32."""
    loss: float
    """The same in int8."""
    difference: float
    interval: tuple[float, float]
    """95 % of the difference over documents, by the normal distribution."""


def quantize(model: str | Path, *texts: str | Path, out: str | Path, read: ReadOptions = ReadOptions()) -> Quantisation:
    """Write a model anew with weights of 8 bits, and measure what that changes.

    Args:
        model: the folder of a model, or the name of a bundled one.
        texts: files or folders of text to measure on; without any, what the model itself writes.
        out: the folder for the quantised model.
        read: how the text is read.

    Raises:
        UserError: bad input, an output folder that is not empty, or no native engine, which alone runs in int8.
    """
    source, folder = read_folder(model), Path(out)
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty. Choose another folder with --out.")
    weights = source.weights()
    tensors = quantized(weights)
    stream = Corpus.open(texts, read, None).stream("all", source.tokenizer) if texts else None
    before = _nats(source, weights, "fp32", stream)
    after = _nats(source, unscaled(tensors), "int8", stream)
    tokens = int(before[1].sum())
    each = (after[0] - before[0]) / before[1].clip(1)
    error = 1.96 * float(each.std(ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else math.nan
    difference = float((after[0] - before[0]).sum() / tokens)
    data = save(tensors, metadata={"format": "pt"})
    result = Quantisation(
        model=str(out),
        base=source.folder.name,
        megabytes=len(data) / 1e6,
        base_megabytes=(source.folder / "model.safetensors").stat().st_size / 1e6,
        text=", ".join(Path(text).name for text in texts) or "what the model itself wrote",
        tokens=tokens,
        base_loss=float(before[0].sum() / tokens),
        loss=float(after[0].sum() / tokens),
        difference=difference,
        interval=(difference - error, difference + error),
    )
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / "model.safetensors", data)
    config = source.config | {"dtype": "int8", "quantised": {k: v for k, v in asdict(result).items() if k != "model"}}
    write_json(folder / "config.json", config)
    for file in ("tokenizer.json", "history.jsonl", "fingerprint.safetensors"):
        if (source.folder / file).is_file():
            shutil.copyfile(source.folder / file, folder / file)
    atomic_write(folder / "README.md", model_card(folder.name, config))
    return result


def quantized(weights: Weights) -> dict[str, NDArray[Any]]:
    """Matrices as int8 with a scale for each row, which those that are added up share.

    What is looked up by token instead of multiplied (embedding, one-hot layer 0) keeps 16 bits: a rare token's weights
    may be large, and would cost all others their precision. Biases stay as they are.
    """
    looked_up = "embedding.weight" if "embedding.weight" in weights else "layers.0.weight_ih"
    result: dict[str, NDArray[Any]] = {}
    for name, weight in weights.items():
        if weight.ndim == 1:
            result[name] = weight
            continue
        if name == looked_up and "head.weight" in weights:  # a tied head is multiplied
            result[name] = weight.astype(np.float16)
            continue
        layer, _, _ = name.rpartition(".")
        shared = layer.startswith("layers.") and layer != "layers.0"
        matrices = [weights[f"{layer}.{k}"] for k in ("weight_ih", "weight_hh")] if shared else [weight]
        scale = row_scales(*matrices)
        result[name] = np.rint(weight / scale[:, None]).astype(np.int8)
        result[name + SCALE] = scale
    return result


def _nats(source: ModelFolder, weights: Weights, precision: Precision, stream: TokenStream | None) -> Nats:
    """The loss of each document of a text, or of texts that the model writes in fp32."""
    walker = native_walker(source.shape, weights, precision, EngineOptions().threads_for(SAMPLES))
    if stream is not None:
        return walker_losses(walker, stream).by_document()
    options = GenerateOptions(length=LENGTH, samples=SAMPLES), SamplingOptions(temperature=1, seed=0)
    texts = generate(source, *options, EngineOptions("native", "fp32")).texts
    ids = [source.tokenizer.encode(text).astype(np.int64) for text in texts]
    targets = np.stack([each[: min(map(len, ids))] for each in ids], axis=1)
    inputs = np.vstack([np.full((1, SAMPLES), source.tokenizer.end), targets[:-1]])
    walker.start(SAMPLES)
    nats, _ = walker.score(inputs, np.ascontiguousarray(targets))
    return nats.sum(axis=0), np.full(SAMPLES, len(targets))
