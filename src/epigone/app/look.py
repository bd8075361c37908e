"""`look`: the state of single units of a network over a text."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.evaluation.states import record_states
from epigone.models.cells.base import CELLS
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.unit_names import UnitName
from epigone.report.shaded_text import ShadedText, to_page
from epigone.results import Shown
from epigone.storage import atomic_write
from epigone.text.corpus import Corpus
from epigone.text.document import some
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, Tokenizer
from epigone.text.tokenizers.direction import in_direction, is_backward

SHOWN = 5  # units if none is named
UNKNOWN = "<unknown>"
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
            its cell state in an LSTM. By default the five whose hidden state has the largest standard deviation over
            the text.
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
    chosen = [UnitName.parse(name, shape) for name in ([unit] if isinstance(unit, str) else unit)]
    notices: list[str] = []
    backward = is_backward(codec)
    documents = [codec.encode(part) for part in _beginning(texts, text, characters, read, codec, notices)]
    if not sum(map(len, documents)):
        raise UserError(f"{model} knows no character of the text, so there is nothing to show.")
    parts = [record_states(source.model, ids, codec.end) for ids in documents]
    states = [np.concatenate(vectors) for vectors in zip(*parts, strict=True)]
    if not chosen:
        chosen = _most_varying(states[0], shape.layer_sizes)
        notices.append(
            f"These {len(chosen)} units have the largest standard deviation of the hidden state over the text."
        )
    if backward:  # the text is shown from its beginning
        states = [np.concatenate([vector[::-1] for vector in vectors]) for vectors in zip(*parts, strict=True)]
        documents = [ids[::-1] for ids in documents]
        notices.append("The model reads backward: a state is the one after its token and all of the text behind it.")
    found = Look(
        model=str(model),
        tokens=[piece for ids in documents for piece in pieces(ids, in_direction(codec, "forward"))],
        documents=np.cumsum([0, *map(len, documents[:-1])]).tolist(),
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


def pieces(ids: NDArray[np.integer], codec: Tokenizer) -> Iterator[str]:
    """Yield the text of each token of a document; that of several bytes is with the last of them."""
    if codec.of_bytes:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        yield from (decoder.decode(bytes([token])) for token in ids.tolist())
        return
    last = codec.end
    for token in ids.tolist():
        spaced = codec.spaces[last] & SPACE_AFTER and codec.spaces[token] & SPACE_BEFORE
        yield " " * bool(spaced) + (codec.vocabulary[token] if codec.printable[token] else UNKNOWN)
        last = token


def _most_varying(hidden: NDArray[np.float32], sizes: Sequence[int]) -> list[UnitName]:
    """Choose the units that vary most over the text, the most varying first.

    Args:
        hidden: the hidden states (T, L, H).
        sizes: units of each layer; a narrower one has no others.
    """
    deviations = hidden.std(axis=0)
    order = np.argsort(-deviations, axis=None, kind="stable")
    places = zip(*np.unravel_index(order, deviations.shape), strict=True)
    named = (UnitName(int(layer), 0, int(unit)) for layer, unit in places if unit < sizes[layer])
    return list(islice(named, SHOWN))


def _unit(name: UnitName, states: list[NDArray[np.float32]], source: Checkpoint) -> UnitStates:
    values = states[name.state][:, name.layer, name.unit]
    bounded = CELLS[source.shape.cell].bounded and name.state == 0
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
