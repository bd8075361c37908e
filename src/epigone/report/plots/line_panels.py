"""Lines in small multiples: a quantity against time or place, one panel for each part."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from epigone.markup import clean
from epigone.report.plots.drawing import INK, LINE, MUTED, NARROW, PAPER, wrap
from epigone.report.plots.palette import SLOTS, Palette


@dataclass(frozen=True)
class Line:
    """A line or points; NaN leaves a gap."""

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    dots: bool = False
    """Draw points joined by a thin line, for occasional measurements."""
    open: bool = False
    """Draw the points hollow and join them by dashes, for figures of others."""
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    """Ends of an interval at each point, drawn as a bar."""


@dataclass(frozen=True)
class LinePanels:
    """Small multiples of lines on common scales; lines with the same label share a colour."""

    panels: Mapping[str, Sequence[Line]]
    """The lines of each panel by its title."""
    x_label: str
    y_label: str
    y_scale: Literal["linear", "log"] = "linear"
    x_scale: Literal["linear", "log"] = "linear"
    """A logarithmic scale needs positive numbers."""
    own_x: bool = False
    """Give each panel a horizontal scale of its own, for consecutive parts of one run."""
    marks: Sequence[float] = ()
    """Places of vertical rules, such as beginnings of documents."""

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        """Draw the panels in as many columns as fit `width` (inches)."""
        panels = {title: [line for line in lines if np.size(line.x)] for title, lines in self.panels.items()}
        panels = {title: lines for title, lines in panels.items() if lines}
        if not panels:
            return None
        narrow = width <= NARROW
        across = min(len(panels), 2 if narrow else 3)
        down = -(-len(panels) // across)
        labels = list(dict.fromkeys(line.label for lines in panels.values() for line in lines))
        legend = [label for label in labels if label]
        left, right, gap, bottom = 0.7, 0.15, 0.3, 0.45
        title = LINE + 0.12 if len(panels) > 1 else 0.05
        top = 0.1 + (LINE + 0.08) * -(-len(legend) // (2 if narrow else 4)) if len(legend) > 1 else 0.1
        panel = (width - left - right - gap * (across - 1)) / across
        tall = min(2.6, max(1.2, panel * (0.62 if across > 1 else 0.32)))
        row = title + tall + 0.25
        height = top + down * row + bottom - 0.25
        canvas = Canvas(figsize=(width, height))
        low, high = _range([y for lines in panels.values() for line in lines for y in _heights(line)], self.y_scale)
        everything = np.concatenate([np.asarray(line.x, float) for lines in panels.values() for line in lines])
        for index, (name, lines) in enumerate(panels.items()):
            down_by, column = divmod(index, across)
            x, y = left + column * (panel + gap), height - top - (down_by + 1) * row + 0.25
            axes = canvas.add_axes((x / width, y / height, panel / width, tall / height))
            own = np.concatenate([np.asarray(line.x, float) for line in lines]) if self.own_x else everything
            begin, end = own.min(), max(own.max(), own.min() + 1e-9)
            if self.x_scale == "log" and any(line.dots for line in lines):  # so that no point is cut in half
                begin, end = begin / 1.25, end * 1.25
            axes.set(yscale=self.y_scale, ylim=(low, high), xlim=(begin, end))
            axes.set_xscale(self.x_scale)
            if self.x_scale == "linear":
                axes.xaxis.set_major_locator(MaxNLocator(3 if narrow or across > 1 else 8))
            else:
                axes.xaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
            if self.y_scale == "log":  # matplotlib would write formulas
                axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
                axes.yaxis.set_minor_formatter(NullFormatter())
            axes.tick_params(labelleft=column == 0)
            axes.grid(axis="y")
            for mark in self.marks:
                axes.axvline(mark, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0.5)
            for line in lines:
                colour = SLOTS[labels.index(line.label) % len(SLOTS)].light
                style = {"marker": "o", "markersize": 3.5, "linewidth": 0.8} if line.dots else {"linewidth": 1.2}
                if line.open:
                    style |= {"markerfacecolor": PAPER, "markersize": 4.5, "linestyle": (0, (4, 3))}
                axes.plot(line.x, line.y, color=colour, **style)
                if line.low is not None and line.high is not None:
                    axes.vlines(line.x, line.low, line.high, color=colour, linewidth=2, alpha=0.4)
            if len(panels) > 1:
                axes.set_title(wrap(name, panel)[0], fontsize=8.5, color=INK)
        middle = (height - top + bottom) / 2 / height
        canvas.text(0.06 / width, middle, clean(self.y_label), rotation=90, va="center")
        canvas.text((width + left - right) / 2 / width, 0.08 / height, clean(self.x_label), ha="center")
        if len(legend) > 1:
            dashed = {line.label for lines in panels.values() for line in lines if line.open}
            handles = [
                Line2D(
                    [], [], color=SLOTS[labels.index(label) % len(SLOTS)].light, linewidth=1.5, label=clean(label),
                    linestyle=(0, (2, 1.5)) if label in dashed else "-",
                )
                for label in legend
            ]  # fmt: skip
            corner = 0.1 / width, 1 - 0.06 / height
            canvas.legend(handles=handles, bbox_to_anchor=corner, ncols=2 if narrow else 4, handlelength=1.6)
        return canvas


def _heights(line: Line) -> list[ArrayLike]:
    """Everything of a line that the vertical scale has to hold."""
    return [line.y, *(end for end in (line.low, line.high) if end is not None)]


def _short(value: float) -> str:
    """Write a power of ten as people do: 0.01, 1,000, 1e10."""
    return f"{value:,.6g}" if 1e-3 <= value < 1e5 else f"{value:.0e}".replace("e+", "e").replace("e0", "e")


def _range(lines: Sequence[ArrayLike], scale: str) -> tuple[float, float]:
    """Span most of the numbers: the first steps of a training may leave the panel."""
    values = np.concatenate([np.asarray(line, float) for line in lines])
    values = values[np.isfinite(values) & ((values > 0) | (scale == "linear"))]
    if not len(values):
        return (0.1, 1.0)
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    if scale == "log":
        return low / 1.2, float(values.max()) * 1.2
    margin = 0.06 * (high - low) or 0.05 * max(1.0, math.fabs(high))
    return low - margin, high + margin
