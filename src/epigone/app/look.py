"""`look`: the state of single units of a network over a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.evaluation.activations import recorded
from epigone.models.cells.base import CELLS
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.unit_names import UnitName, VectorName, matching_vectors
from epigone.report.shaded_text import ShadedText, to_page
from epigone.results import Shown
from epigone.storage import atomic_write
from epigone.text.corpus import Corpus
from epigone.text.document import some
from epigone.text.readers.registry import ReadOptions
from epigone.text.streams import token_stream
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import in_direction, is_backward
from epigone.text.tokenizers.pieces import pieces

SHOWN = 5  # units if none is named
ENDINGS = (".png", ".svg", ".html")


@dataclass(frozen=True)
class UnitStates:
    """A unit and its state after each token."""

    name: str
    """As in `layers.1[37]`, or `layers.1.cell[37]` for a cell state."""
    scale: float
    """The size of state with the full colour: 1 if states are bounded, else the largest."""
    values: list[float]
    deviation: float
    """Standard deviation of the values."""


@dataclass(frozen=True)
class Look(Shown):
    """The states of units over a text, in the order of the text."""

    model: str
    tokens: list[str]
    """The text, token by token; words have the space before them."""
    documents: list[int]
    """Index of the first token of each document; every document is read from the zero state."""
    units: list[UnitStates]
    notices: list[str] = field(default_factory=list)
    """Sentences on the choice of units and on text that is left out."""
    out: str = ""
    """The file of the picture, if one was written."""

    def shaded(self) -> list[ShadedText]:
        """The text in the colours of each unit."""
        return [ShadedText(unit.name, self.tokens, unit.values, unit.scale, self.documents) for unit in self.units]


def look(
    model: str | Path,
    *texts: str | Path,
    text: str = "",
    unit: Sequence[str] = (),
    characters: int = 2000,
    out: str | Path | None = None,
    read: ReadOptions = ReadOptions(),
) -> Look:
    """Show the state of units of a network over a text, as the text in colours.

    The network reads by the equations of its cells in fp32, a quantised one with the weights that it has in int8. A
    value is the state after the token was read.

    Args:
        model: a model folder, or the name of a bundled model.
        texts: files or folders of text.
        text: the text itself, instead of files.
        unit: the units, such as `layers.1[37]` for unit 37 of layer 1, both counted from 0, or `layers.1.cell[37]` for
            its cell state in an LSTM, and `layers.1.forget[37]` for a gate. By default the five whose hidden state has
            the largest standard deviation over the text.
        characters: how much of the text is read at most, from its beginning.
        out: a file for the picture: `.png`, `.svg` or `.html`.
        read: options for reading the text.

    Raises:
        UserError: there is no such model, text or unit, or the file has another ending.
    """
    if characters < 1:
        raise UserError(f"characters must be 1 or more; {characters} was given.")
    if bool(texts) == bool(text):
        raise UserError("Give either a file or folder of text, or the text itself with --text; look needs one of them.")
    for path in texts:
        if not Path(path).exists():
            raise UserError(
                f"There is no file or folder {path}; if these are the words to show, give them with --text."
            )
    if out is not None and Path(out).suffix.lower() not in ENDINGS:
        raise UserError(f"A picture is a .png, .svg or .html file, and --out is {out}; give it one of these endings.")
    source = load_checkpoint(model, "reference")
    codec, shape = source.tokenizer, source.shape
    chosen = [UnitName.parse(name, shape, gates=True) for name in ([unit] if isinstance(unit, str) else unit)]
    notices: list[str] = []
    backward = is_backward(codec)
    texts_read = list(_beginning(texts, text, characters, read, codec, notices))
    stream = token_stream(([part] for part in texts_read), codec)
    starts = (stream.offsets - np.arange(len(stream.offsets))).tolist()
    if not starts[-1]:
        raise UserError(f"{model} knows no character of the text, so there is nothing to show.")
    wanted = [VectorName(name.layer, name.state) for name in chosen] or matching_vectors(["layers.*"], shape)
    states = recorded(source.model, stream, list(dict.fromkeys(wanted)))
    if not chosen:
        chosen = _most_varying(states)
        notices.append(
            f"These {len(chosen)} units have the largest standard deviation of the hidden state over the text."
        )
    documents = [codec.encode(part) for part in texts_read]
    if backward:  # the text is shown from its beginning
        turned = np.concatenate([np.arange(start, stop)[::-1] for start, stop in pairwise(starts)])
        states = {vector: values[turned] for vector, values in states.items()}
        documents = [ids[::-1] for ids in documents]
        notices.append("The model reads backward: a state is the one after its token and all of the text behind it.")
    found = Look(
        model=str(model),
        tokens=[piece for ids in documents for piece in pieces(ids, in_direction(codec, "forward"))],
        documents=starts[:-1],
        units=[_unit(name, states, source) for name in chosen],
        notices=notices,
        out=str(out or ""),
    )
    if out is not None:
        _write(found, Path(out))
    return found


def _beginning(
    texts: Sequence[str | Path], text: str, characters: int, read: ReadOptions, codec: Tokenizer, notices: list[str]
) -> Iterator[str]:
    """Yield the documents of the text, up to a number of characters, and say what is left out."""
    if text:
        whole, total = [text], len(text)
    else:
        corpus = Corpus.open(texts, read, None)
        whole, total = map(corpus.text, range(len(corpus.names))), int(corpus.characters.sum())  # type: ignore[assignment]
    room = characters
    if total > room:
        notices.append(f"The first {room:,} of {total:,} characters are shown; --characters takes more.")
    lacking: set[str] = set()
    for document in whole:
        if room <= 0:
            break
        part = document[:room]
        if len(part) < len(document) and codec.unit == "word" and " " in part:
            part = part.rsplit(" ", 1)[0]
        room -= len(document)
        lacking.update(codec.unknown(part))
        yield part
    if lacking:
        fate = "read as unknown words" if codec.unit == "word" else "left out"
        notices.append(f"The model does not know these, which are {fate}: {some(list(map(repr, sorted(lacking))), 5)}.")


def _most_varying(hidden: Mapping[VectorName, NDArray[np.float32]]) -> list[UnitName]:
    """Choose the units whose hidden states (T, H) vary most over the text, the most varying first."""
    deviations = [
        (-float(deviation), vector.layer, unit)
        for vector, values in hidden.items()
        for unit, deviation in enumerate(values.std(axis=0))
    ]
    return [UnitName(layer, 0, unit) for _, layer, unit in sorted(deviations)[:SHOWN]]


def _unit(name: UnitName, states: Mapping[VectorName, NDArray[np.float32]], source: Checkpoint) -> UnitStates:
    values = states[VectorName(name.layer, name.state)][:, name.unit]
    cell = CELLS[source.shape.cell]
    bounded = cell.bounded and not 0 < name.state < cell.num_states
    scale = 1.0 if bounded else float(np.abs(values).max())
    return UnitStates(name.written(source.shape), scale, values.tolist(), float(values.std()))


def _write(found: Look, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".html":
        atomic_write(out, to_page(f"Units of {Path(found.model).name}", found.notices, found.shaded()))
        return
    from epigone.report.plots.drawing import picture
    from epigone.report.plots.shaded_lines import ShadedLines

    kind = out.suffix.lower().removeprefix(".")
    atomic_write(out, picture(ShadedLines(found.shaded()), kind, outlines=True))
