"""Estimates with their confidence intervals, row below row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory
from rich.cells import cell_len

from epigone.markup import clean
from epigone.report.numbers import Interval, format_cell
from epigone.report.plots.drawing import CHARACTER, LINE, MUTED, NARROW, PAPER, RULE, wrap
from epigone.report.plots.palette import Palette


@dataclass(frozen=True)
class IntervalRow:
    """An estimate with its confidence interval; without both ends only the dot is drawn."""

    name: str
    estimate: float
    low: float | None = None
    high: float | None = None
    family: str = ""


@dataclass(frozen=True)
class IntervalBars:
    """One dot with its interval for each row, in the given order, with the numbers beside it.

    A row so far from the rest that it would squeeze them becomes an arrow at the edge.
    """

    rows: Sequence[IntervalRow]
    label: str
    """Title of the horizontal axis, with the unit in parentheses."""
    reference: float | None = None
    """Place of a vertical line: the best row from scratch, for example, or 0 for differences."""
    reference_label: str = ""
    winner: str | None = None
    """The row whose name is bold."""

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        """Draw names left of the dots, or above them if `width` (inches) is small."""
        rows = [row for row in self.rows if math.isfinite(row.estimate)]
        if not rows:
            return None
        narrow = width <= NARROW
        names = [wrap(row.name, 2.1 if narrow else 3.2) for row in rows]
        numbers = [format_cell(Interval(row.estimate, row.low, row.high)) for row in rows]
        families = list(dict.fromkeys(row.family for row in rows if row.family))
        lines = [len(name) + 1 if narrow else max(map(len, names)) for name in names]
        depths = np.array(lines) * LINE + 0.12  # inches, as everything vertical here
        gaps = [index > 0 and row.family != rows[index - 1].family for index, row in enumerate(rows)]
        middles = np.cumsum(depths) - depths / 2 + 0.13 * np.cumsum(gaps)
        left = right = 0.12
        shift = CHARACTER * (1.7 + max(len(value) for value, _ in numbers))
        if not narrow:
            left += 0.2 + CHARACTER * max(cell_len(line) for name in names for line in name)
            right += 0.2 + shift + CHARACTER * max(len(rest) for _, rest in numbers)
        across = 4 if narrow else 8
        legend = 0.17 * -(-len(families) // across) + 0.2 if len(families) > 1 else 0.06
        top, bottom = legend + (0.24 if self.reference is not None else 0), 0.48
        tall = middles[-1] + depths[-1] / 2
        height = top + tall + bottom
        canvas = Canvas(figsize=(width, height))
        axes = canvas.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
        axes.set(xlim=self._limits(rows), ylim=(tall, 0), yticks=[], xlabel=clean(self.label))
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 8))
        axes.grid(axis="x")
        self._draw_reference(axes)
        beside: dict[str, Any] = {
            "transform": blended_transform_factory(canvas.transFigure, axes.transData),
            "va": "center_baseline",
        }
        if narrow:  # the grid crosses the text
            beside["bbox"] = {"facecolor": PAPER, "linewidth": 0, "pad": 1}
        for row, y, name, (value, rest) in zip(rows, middles, names, numbers, strict=True):
            first = y - LINE * (len(name) - 1 + narrow) / 2
            weight = "bold" if row.name == self.winner else "normal"
            for line, text in enumerate(name):
                axes.text(0.12 / width, first + line * LINE, text, fontweight=weight, **beside)
            if narrow:
                text = f"{value} {rest}".rstrip()
                axes.text(1 - right / width, first, text, ha="right", color=MUTED, **beside)
            else:
                x = width - right + 0.2
                axes.text(x / width, y, value, **beside)
                axes.text((x + shift) / width, y, rest, color=MUTED, **beside)
            _draw_row(axes, row, first + LINE * len(name) if narrow else y, palette)
        if len(families) > 1:
            _draw_legend(canvas, families, across, palette)
        return canvas

    def _limits(self, rows: Sequence[IntervalRow]) -> tuple[float, float]:
        """Span the reference and the rows within three quartile distances of the middle half."""
        lower, upper = np.quantile([row.estimate for row in rows], [0.25, 0.75])
        reach = 3 * (upper - lower) or math.inf
        near = [row for row in rows if lower - reach <= row.estimate <= upper + reach]
        ends = [end for row in near for end in (row.estimate, row.low, row.high)]
        finite = [end for end in [*ends, self.reference] if end is not None and math.isfinite(end)]
        margin = 0.04 * (max(finite) - min(finite)) or 0.05
        return min(finite) - margin, max(finite) + margin

    def _draw_reference(self, axes: Axes) -> None:
        if self.reference is None:
            return
        axes.axvline(self.reference, color=MUTED, linewidth=1, linestyle=(0, (1, 1.5)), zorder=1)
        low, high = axes.get_xlim()
        share = (self.reference - low) / (high - low)
        axes.annotate(
            clean(self.reference_label), (self.reference, 1), xycoords=axes.get_xaxis_transform(),
            xytext=(0, 4), textcoords="offset points", color=MUTED, fontsize=8.5,
            ha="left" if share < 0.3 else "right" if share > 0.7 else "center",
        )  # fmt: skip


def _draw_row(axes: Axes, row: IntervalRow, y: float, palette: Palette) -> None:
    low, high = axes.get_xlim()
    colour, marker = palette.colour(row.family), palette.marker(row.family)
    axes.axhline(y, color=RULE, linewidth=0.6, zorder=0)
    if not low <= row.estimate <= high:
        edge, arrow = (low, "<") if row.estimate < low else (high, ">")
        axes.plot(edge, y, arrow, color=colour, markersize=7, clip_on=False, zorder=3)
        return
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2.2, alpha=0.5)
    size = 6.5 if marker in "osD" else 8  # triangles and crosses look smaller than they are
    axes.plot(
        row.estimate,
        y,
        marker,
        color=colour,
        markersize=size,
        markeredgecolor=PAPER,
        markeredgewidth=0.7,
        zorder=3,
    )


def _draw_legend(canvas: Canvas, families: Sequence[str], across: int, palette: Palette) -> None:
    handles = []
    for family in families:
        look: dict[str, Any] = {
            "color": palette.colour(family),
            "marker": palette.marker(family),
            "linestyle": "",
        }
        handles.append(Line2D([], [], markersize=6, label=clean(family), **look))
    corner = 0.12 / canvas.get_figwidth(), 1 - 0.08 / canvas.get_figheight()
    canvas.legend(handles=handles, bbox_to_anchor=corner, ncols=across, handlelength=0.7, columnspacing=1.5)
