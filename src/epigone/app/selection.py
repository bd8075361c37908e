"""`selection`: what an expression selects of a model, in numbers and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.results import Shown
from epigone.storage import atomic_write
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.training.batches import Batches
from epigone.training.options import RetrainingOptions
from epigone.transfer.selections.scores import scorers
from epigone.transfer.selections.selection import select
from epigone.transfer.selections.weights import Context

STRIP = 32  # parts into which the rows of a parameter are divided for a terminal
ENDINGS = (".png", ".svg")


@dataclass(frozen=True)
class PartSelected:
    """The selected weights of one parameter."""

    name: str
    shape: list[int]
    selected: int
    weights: int
    by_rows: list[float]
    """Share that is selected of each part of its rows, from the first to the last; 32 parts, or as many as rows."""


@dataclass(frozen=True)
class Selected(Shown):
    """The weights of a model that an expression selects."""

    model: str
    expression: str
    selected: int
    weights: int
    parts: list[PartSelected]
    gates: list[str]
    """Blocks of the rows of each parameter of a layer, in their order."""
    out: str = ""


def selection(
    model: str | Path,
    expression: str = "all",
    *,
    data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
) -> Selected:
    """Show what a selection means for a model: how many weights of which parameters it lets learn.

    Args:
        model: a model folder, or the name of a bundled model.
        expression: the selection, such as `layers.1[forget]` or `weights(random=1%, seed=3)`.
        data: text for the scores `fisher` and `gradient`, which are taken on its training split.
        out: a file for a picture of the network with the selected weights coloured: `.png` or `.svg`.
        read: options for reading the text.
        split: options for splitting its documents.

    Raises:
        UserError: there is no such model or text, the expression means nothing, or the file has another ending.
    """
    if out is not None and Path(out).suffix.lower() not in ENDINGS:
        raise UserError(f"A picture is a .png or .svg file, and --out is {out}; give it one of these endings.")
    source = load_checkpoint(model)
    network, codec = source.model, source.tokenizer
    scores = {}
    if data:
        corpus = Corpus.open(data, read, split)
        recipe = RetrainingOptions()
        scores = scorers(network, lambda: Batches.of(corpus.stream("train", codec, recipe.order), recipe))
    masks = select(network, expression, Context(codec.vocabulary, (), scores)).masks
    parts = [
        PartSelected(name, list(mask.shape), int(mask.sum()), mask.numel(), _by_rows(mask))
        for name, mask in masks.items()
    ]
    found = Selected(
        model=str(model),
        expression=expression,
        selected=sum(part.selected for part in parts),
        weights=sum(part.weights for part in parts),
        parts=parts,
        gates=list(network.cell.gates),
        out=str(out or ""),
    )
    if out is not None:
        from epigone.report.plots.drawing import picture
        from epigone.report.plots.selected_weights import SelectedWeights

        arrays = {name: mask.numpy() for name, mask in masks.items()}
        plot = SelectedWeights(f"{Path(model).name}: {expression}", arrays, network.cell.gates)
        path = Path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, picture(plot, path.suffix.lower().removeprefix("."), outlines=True))
    return found


def _by_rows(mask: Tensor) -> list[float]:
    """The selected share of each of at most 32 parts of the rows."""
    shares = mask.float().reshape(len(mask), -1).mean(1).numpy()
    return [round(float(part.mean()), 6) for part in np.array_split(shares, min(STRIP, len(shares)))]
