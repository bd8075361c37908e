"""`record`: every state and gate of a network at every token of a text, as files."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from epigone.errors import UserError
from epigone.evaluation.activations import activations
from epigone.folder_lock import output_folder
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.files.description import weights_hash
from epigone.models.unit_names import VectorName, matching_vectors
from epigone.probing.read_text import lengths_of
from epigone.probing.recording.gradients import gradient_times_input
from epigone.probing.recording.lstmvis import hdf5, write_lstmvis
from epigone.results import Shown
from epigone.storage import write_json
from epigone.text.corpus import Corpus
from epigone.text.document import ReadOptions
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.direction import is_backward

FORMAT = 1
HELD = 1 << 28  # bytes written before the maps are closed
INDEX = "index.json"


@dataclass(frozen=True)
class RecordedVector:
    """A state vector or a gate, and its file."""

    name: str
    file: str
    """An array (T, H), time first; in LSTMVis's layout `FILE::PATH`."""
    units: int


@dataclass(frozen=True)
class Recording(Shown):
    """The states of a network over a text."""

    model: str
    folder: str
    format: str
    tokens: int
    """T of all documents together, without end symbols."""
    documents: int
    vectors: list[RecordedVector]
    dtype: str
    megabytes: float
    seconds: float
    notices: list[str] = field(default_factory=list)


def record(
    model: str | Path,
    *texts: str | Path,
    out: str | Path,
    names: Sequence[str] = ("layers.*.*",),
    dtype: Literal["float16", "float32"] = "float16",
    format: Literal["npy", "lstmvis"] = "npy",
    gradients: bool = False,
    backend: str = "auto",
    read: ReadOptions = ReadOptions(),
    progress: Callable[[int, int], None] | None = None,
) -> Recording:
    """Write the states and gates of a network at every token of a text to files, time first.

    Every document is read from the zero state, as `evaluate` reads it. Row t of an array is the state after token t has
    been read, the documents one after the other. `index.json` has the model's hash, the documents with their first
    rows, and the files; `tokens.npy` the ids, and `tokenizer.json` what they mean. Nothing is held in memory, however
    long the text.

    Args:
        model: a model folder, or the name of a bundled model.
        texts: files or folders of text.
        out: the folder for the arrays.
        names: the vectors to record, where `*` is any layer or any kind: `layers.*.cell`, `layers.0.forget`,
            `layers.1` for a hidden state; by default every state and gate.
        dtype: the numbers in the files.
        format: the layout: `npy` for files that NumPy maps into memory, or `lstmvis` for what LSTMVis reads (Strobelt
            et al. 2018).
        gradients: write the gradient times input, too: how much each token read changes the log-probability of each
            later one. For short texts.
        backend: what runs the model: `auto`, `native`, `torch` or `reference`.
        read: options for reading the text.
        progress: is told how many values are done, and of how many.

    Raises:
        UserError: there is no such model, text or state, the output folder is not empty, the disk is too small, the
            text is too long for gradients, or h5py is not installed.
    """
    started = time.perf_counter()
    if not texts:
        raise UserError("Give a file or folder of text; record needs one.")
    source = load_checkpoint(model, backend)
    shape = source.shape
    vectors = matching_vectors([names] if isinstance(names, str) else names, shape)
    folder = Path(out)
    with output_folder(folder, remedy="Choose another folder with --out."):
        corpus = Corpus.open(texts, read, None, folder)
        stream = corpus.stream("all", source.tokenizer)
        tokens = len(stream) - len(stream.characters)
        if not tokens:
            raise UserError(f"{model} knows no character of the text, so there is nothing to record.")
        sizes = {vector: shape.layer_sizes[vector.layer] for vector in vectors}
        need = tokens * sum(sizes.values()) * np.dtype(dtype).itemsize
        if (free := shutil.disk_usage(folder).free) < 1.05 * need:
            raise UserError(
                f"The arrays need {need / 1e9:,.1f} GB, and the disk of {folder} has {free / 1e9:,.1f} GB left. Record "
                "less of them with --names, or less text with --limit."
            )
        if format == "lstmvis":
            hdf5()
        if gradients:
            np.save(folder / "gradients.npy", gradient_times_input(source.model, stream))
        _write_arrays(source, stream, vectors, folder, dtype, progress)
        _write_tokens(source, stream, folder)
        found = [RecordedVector(name := vector.written(shape), f"{name}.npy", sizes[vector]) for vector in vectors]
        if format == "lstmvis":
            write_lstmvis(folder, Path(model).name, source.tokenizer, [_ranges(shape, vector) for vector in vectors])
            found = [replace(vector, file=f"states.hdf5::{vector.name}") for vector in found]
        index = {
            "format": FORMAT,
            "model": str(model),
            "weights": weights_hash(source.folder),
            "text": corpus.summary(),
            "tokens": tokens,
            "dtype": dtype,
            "backward": is_backward(source.tokenizer),
            "vectors": [asdict(vector) for vector in found],
            "documents": _documents(corpus, stream),
        }
        write_json(folder / INDEX, index)
    return Recording(
        model=str(model),
        folder=str(folder),
        format=format,
        tokens=tokens,
        documents=len(stream.characters),
        vectors=found,
        dtype=dtype,
        megabytes=round(sum(file.stat().st_size for file in folder.iterdir()) / 1e6, 3),
        seconds=time.perf_counter() - started,
        notices=corpus.notices + stream.notices,
    )


def _write_arrays(
    source: Checkpoint,
    stream: TokenStream,
    vectors: Sequence[VectorName],
    folder: Path,
    dtype: str,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write an array (T, H) for each vector, piece by piece."""
    tokens = len(stream) - len(stream.characters)
    sizes = source.shape.layer_sizes
    paths = {vector: folder / f"{vector.written(source.shape)}.npy" for vector in vectors}
    for vector, path in paths.items():
        np.lib.format.open_memmap(path, "w+", np.dtype(dtype), (tokens, sizes[vector.layer]))
    arrays: dict[VectorName, np.ndarray] = {}
    done = held = 0
    for vector, places, values in activations(source.model, stream, vectors):
        if vector not in arrays:
            arrays[vector] = np.load(paths[vector], mmap_mode="r+")
        arrays[vector][places] = values
        done += len(places)
        held += values.nbytes
        if held > HELD:  # closed maps are the system's to write, and no longer our memory
            arrays.clear()
            held = 0
        if progress is not None:
            progress(done, tokens * len(vectors))


def _write_tokens(source: Checkpoint, stream: TokenStream, folder: Path) -> None:
    """Write the ids (T,), the character of its document with which each token begins (T,), and the tokenizer."""
    codec = source.tokenizer
    tokens = len(stream) - len(stream.characters)
    ids = np.lib.format.open_memmap(folder / "tokens.npy", "w+", np.dtype(codec.dtype), (tokens,))
    starts = np.lib.format.open_memmap(folder / "starts.npy", "w+", np.dtype(np.int64), (tokens,))
    for document, (begin, end) in enumerate(
        zip(stream.offsets[:-1].tolist(), stream.offsets[1:].tolist(), strict=True)
    ):
        here = slice(begin - document, end - document - 1)
        ids[here] = own = np.asarray(stream.targets[begin : end - 1])
        lengths = lengths_of(own, codec)
        first = np.cumsum(lengths) - lengths
        starts[here] = first[::-1] if is_backward(codec) else first
    ids.flush()
    starts.flush()
    write_json(folder / "tokenizer.json", codec.to_dict())


def _documents(corpus: Corpus, stream: TokenStream) -> list[dict[str, Any]]:
    """The name of each document, its first row and its rows."""
    rows = np.diff(stream.offsets) - 1
    starts = np.cumsum(rows) - rows
    return [
        {"name": name, "row": row, "tokens": number}
        for name, row, number in zip(corpus.names, starts.tolist(), rows.tolist(), strict=True)
    ]


def _ranges(shape: ModelConfig, vector: VectorName) -> tuple[str, bool, bool]:
    """The name of a vector, if its values lie between -1 and 1, and if none is negative."""
    cell = CELLS[shape.cell]
    gate = vector.index >= cell.num_states
    name = vector.written(shape)
    squashed = gate and not name.endswith((".candidate", ".new"))
    return name, gate or (cell.bounded and vector.index == 0), squashed
