"""Loss against epoch for each row of a comparison, as small multiples."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from epigone.markup import clean
from epigone.report.numbers import Spread, format_measure
from epigone.report.plots.drawing import INK, LINE, MUTED, NARROW, PAPER, wrap
from epigone.report.plots.palette import Palette

Run = Sequence[Mapping[str, float]]
"""One run's history: a mapping per epoch with `epoch`, `train_loss` and `validation_loss` (nats)."""

Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Epochs (E,), training losses (S, E), validation losses (S, E) of S seeds; NaN where a seed had stopped."""

SHORT = 0.1  # of the usual span between two validations
DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.5))


@dataclass(frozen=True)
class LossCurves:
    """Small multiples of loss against epoch, one panel for each row, on one vertical scale.

    Each panel shows the mean over seeds with a band of one standard deviation, up to the epoch that every seed reached;
    beyond it each seed is a thin line. A dot marks the best validation epoch of each seed, and the number is the mean
    and standard deviation of the loss there. Panels share the horizontal scale unless their lengths differ more than
    fourfold.
    """

    curves: Mapping[str, Sequence[Run]]
    """Runs by row name, one for each seed."""
    families: Mapping[str, str] = field(default_factory=dict)
    """Family by row name."""
    reference: str | None = None
    """The row whose best validation loss is drawn through every panel."""
    reference_label: str = ""
    winner: str | None = None
    """The row whose name is bold."""
    label: str = "loss (nats per character)"

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        """Draw the panels in as many columns as fit `width` (inches)."""
        rows = {
            name: _matrices(runs)
            for name, runs in self.curves.items()
            if any(entry["epoch"] for run in runs for entry in run)  # one without a step has no curve
        }
        if not rows:
            return None
        narrow = width <= NARROW
        across = min(len(rows), 2 if narrow else 4)
        left, right, gap, between, bottom = 0.6, 0.1, 0.25, 0.4, 0.45
        top = 0.7 if narrow else 0.45
        panel = (width - left - right - gap * (across - 1)) / across
        tall = min(1.8, panel * 0.75)
        names = [wrap(name, panel) for name in rows]
        lines = [max(map(len, names[at : at + across])) for at in range(0, len(names), across)]
        depths = np.cumsum([LINE * (count + 1) + 0.1 + tall + between for count in lines])
        height = top + depths[-1] - between + bottom
        canvas = Canvas(figsize=(width, height))
        limits = _loss_range(rows.values())
        reference = _best(rows[self.reference])[0] if self.reference in rows else math.nan
        lengths = [matrices[0].max() for matrices in rows.values()]
        shared = max(lengths) <= 4 * min(lengths)
        for index, ((name, matrices), length) in enumerate(zip(rows.items(), lengths, strict=True)):
            row, column = divmod(index, across)
            x, y = left + column * (panel + gap), height - top - depths[row] + between
            axes = canvas.add_axes((x / width, y / height, panel / width, tall / height))
            axes.set(ylim=limits, xlim=(0, 1.02 * (max(lengths) if shared else length)))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(labelleft=column == 0)
            axes.grid(axis="y")
            if math.isfinite(reference):
                axes.axhline(reference, color=MUTED, linewidth=1, linestyle=DOTTED, zorder=1)
            colour = palette.colour(self.families.get(name, ""))
            _draw_curves(axes, matrices, colour)
            _draw_title(axes, names[index], name == self.winner, matrices, colour)
        middle = (height - top + bottom) / 2 / height
        canvas.text(0.05 / width, middle, clean(self.label), rotation=90, va="center")
        canvas.text((width + left - right) / 2 / width, 0.08 / height, "epoch", ha="center")
        label = self.reference_label or f"best of {self.reference}"
        _draw_legend(canvas, narrow, label if math.isfinite(reference) else "")
        return canvas


def _matrices(runs: Sequence[Run]) -> Matrices:
    epochs = sorted({entry["epoch"] for run in runs for entry in run})
    columns = {epoch: column for column, epoch in enumerate(epochs)}
    losses = np.full((2, len(runs), len(epochs)), np.nan)
    for seed, run in enumerate(runs):
        spans = np.diff([entry["epoch"] for entry in run], prepend=0.0)
        for entry, span in zip(run, spans, strict=True):
            for which, key in enumerate(("train_loss", "validation_loss")):
                value = entry.get(key)
                losses[which, seed, columns[entry["epoch"]]] = math.nan if value is None else value
            if span < SHORT * np.median(spans):  # the mean of a short last span is mostly noise
                losses[0, seed, columns[entry["epoch"]]] = math.nan
    losses[~np.isfinite(losses)] = np.nan
    return np.asarray(epochs, float), losses[0], losses[1]


def _best(matrices: Matrices) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Return mean and deviation over seeds of the best validation loss, and each seed's best epoch and loss, (S,)."""
    epochs, _, validation = matrices
    seen = validation[np.isfinite(validation).any(axis=1)]
    if not len(seen):
        return math.nan, math.nan, np.empty(0), np.empty(0)
    where = np.nanargmin(seen, axis=1)
    best = seen[np.arange(len(seen)), where]
    return float(best.mean()), float(best.std(ddof=1)) if len(best) > 1 else math.nan, epochs[where], best


def _loss_range(rows: Iterable[Matrices]) -> tuple[float, float]:
    """Span nine tenths of the losses and every best one: the first epochs may leave the panel."""
    rows = list(rows)
    losses = np.concatenate([losses.ravel() for row in rows for losses in row[1:]])
    losses = losses[np.isfinite(losses)]
    if not len(losses):
        return 0.0, 1.0
    low, high = (
        losses.min(),
        max([np.quantile(losses, 0.9), *(best for row in rows for best in _best(row)[3])]),
    )
    margin = 0.06 * (high - low) or 0.05
    return float(low - margin), float(high + margin)


def _draw_curves(axes: Axes, matrices: Matrices, colour: str) -> None:
    epochs, training, validation = matrices
    for losses, dashes in ((training, DASHED), (validation, "solid")):
        losses = losses[np.isfinite(losses).any(axis=1)]
        if not len(losses):
            continue
        common = np.isfinite(losses).all(axis=0)
        mean, dot = losses[:, common].mean(axis=0), "." if common.sum() == 1 else None
        axes.plot(epochs[common], mean, color=colour, linewidth=1.5, linestyle=dashes, marker=dot)
        if len(losses) > 1:
            spread = losses[:, common].std(axis=0, ddof=1)
            ends = mean - spread, mean + spread
            axes.fill_between(epochs[common], *ends, color=colour, alpha=0.18, linewidth=0)
        alone = epochs >= max(epochs[common], default=-math.inf)
        for run in losses:
            axes.plot(epochs[alone], run[alone], color=colour, linewidth=0.6, linestyle=dashes, alpha=0.6)
    _, _, where, best = _best(matrices)
    axes.plot(where, best, "o", color=colour, markersize=4.5, markeredgecolor=PAPER, markeredgewidth=0.7)


def _draw_title(axes: Axes, name: Sequence[str], bold: bool, matrices: Matrices, colour: str) -> None:
    """Write the row's name above the panel and under it, in colour, the best validation loss."""
    mean, deviation, *_ = _best(matrices)
    value = format_measure(Spread(mean, deviation))
    place: dict[str, Any] = {
        "xy": (0, 1),
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "fontsize": 8.5,
    }
    axes.annotate(value, xytext=(0, 5), color=colour, fontweight="bold", **place)
    for line, text in enumerate(reversed(name), 1):
        weight = "bold" if bold else "normal"
        axes.annotate(text, xytext=(0, 5 + line * LINE * 72), fontweight=weight, **place)


def _draw_legend(canvas: Canvas, narrow: bool, reference: str) -> None:
    handles = [
        Line2D([], [], color=INK, linewidth=1.5, label="validation"),
        Line2D([], [], color=INK, linewidth=1.5, linestyle=DASHED, label="training"),
        Line2D([], [], color=INK, marker="o", markersize=4.5, linestyle="", label="best epoch of a seed"),
    ]
    if reference:
        label = "\n".join(wrap(reference, 2.4 if narrow else 4))
        handles.append(Line2D([], [], color=MUTED, linewidth=1, linestyle=DOTTED, label=label))
    columns = 2 if narrow else 4
    corner = 0.05 / canvas.get_figwidth(), 1 - 0.08 / canvas.get_figheight()
    canvas.legend(handles=handles, bbox_to_anchor=corner, ncols=columns, handlelength=2)
