"""Pictures of plots: themed SVG for the page, PNG for Markdown.

Plots draw with the light colours below. In the SVG each colour becomes a CSS variable, so that the page's colour scheme
applies, and text stays text, in the page's own font.
"""

import io
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Protocol

from matplotlib import rc_context, style
from matplotlib.figure import Figure as Canvas

from epigone.markup import clean
from epigone.report.plots.palette import SLOTS, Palette

INK, MUTED, RULE, PAPER = "#1b1b1f", "#5d5f66", "#dedfe3", "#fefefe"
WIDE, NARROW = 11.6, 4.1  # inches: the column of the page on a desktop and on a phone
LINE = 0.155  # inches: height of a line of text
CHARACTER = 0.068  # inches: width of a character, a little generous
VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper"} | {
    slot.light: f"c{index}" for index, slot in enumerate(SLOTS)
}
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "figure.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.loc": "upper left",
    "legend.borderpad": 0,
    "legend.borderaxespad": 0,
    "legend.fontsize": 8.5,
    "lines.solid_capstyle": "round",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "svg.fonttype": "none",
    "text.hinting": "none",  # whole pixels would move the letters of a long line apart
    "svg.hashsalt": "epigone",  # the same numbers give the same bytes
}


class Plot(Protocol):
    """Anything that can draw itself."""

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        """Draw a new figure `width` inches wide (`WIDE` or `NARROW`); return None if there is nothing to show."""


@dataclass(frozen=True)
class Pictures:
    """A plot as SVG for a wide and for a narrow page, and as PNG."""

    wide: str
    narrow: str
    png: bytes


def render(plot: Plot, name: str, description: str, palette: Palette) -> Pictures | None:
    """Draw `plot`; return None if it has nothing to show.

    Args:
        plot: the plot.
        name: prefix of the ids inside the SVG, unique in the page.
        description: the text for readers who cannot see the picture.
        palette: the colours of families, shared by the whole report.
    """
    with _clean_style():
        wide = plot.draw(WIDE, palette)
        narrow = plot.draw(NARROW, palette)
        if wide is None or narrow is None:
            return None
        png = io.BytesIO()
        wide.savefig(png, format="png", dpi=170, facecolor="white", metadata={"Software": None})
        return Pictures(
            _svg(wide, f"{name}-wide", description),
            _svg(narrow, f"{name}-narrow", description),
            png.getvalue(),
        )


def picture(plot: Plot, kind: str, outlines: bool = False) -> bytes:
    """Draw a plot for a file of its own, on white paper.

    Args:
        plot: the plot, which has something to show.
        kind: `png` or `svg`.
        outlines: draw the letters of an SVG as outlines, so that each keeps its place whatever fonts a reader has.
    """
    with _clean_style(), rc_context({"svg.fonttype": "path" if outlines else "none"}):
        canvas = plot.draw(WIDE, Palette())
        assert canvas is not None
        file = io.BytesIO()
        nameless = {"Software": None} if kind == "png" else dict.fromkeys(("Creator", "Date"))
        canvas.savefig(file, format=kind, dpi=170, facecolor="white", metadata=nameless)
        return file.getvalue()


@contextmanager
def _clean_style() -> Iterator[None]:
    """Use our style alone, without the user's matplotlibrc."""
    with style.context(["default", STYLE]), warnings.catch_warnings():
        # Only the PNG can lack a glyph: the page uses the fonts of its reader.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def _svg(canvas: Canvas, name: str, description: str) -> str:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = clean(buffer.getvalue().decode())
    svg = re.sub(r"^.*?<svg[^>]*>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"<[^>]+>", lambda tag: _fit_tag(tag[0], name), svg)  # tags only: a label may hold anything
    width, height = canvas.get_size_inches()
    return (
        f'<svg class="{name.rpartition("-")[2]}" viewBox="0 0 {72 * width:g} {72 * height:g}"'
        f' width="{width:g}in" role="img" aria-label="{escape(description)}">{svg}'
    )


def _fit_tag(tag: str, name: str) -> str:
    """Rewrite one SVG tag for a page: its own ids, the page's font, the colour scheme's colours."""
    tag = re.sub(r' id="[a-z0-9_.]*_\d+"', "", tag)  # names of groups, the same in every figure
    tag = tag.replace(' id="', f' id="{name}-').replace('xlink:href="#', f'href="#{name}-')
    tag = tag.replace("url(#", f"url(#{name}-")
    tag = re.sub(r'font-family: [^;"]*(; )?', "", tag)
    tag = re.sub(r"#[0-9a-f]{6}\b", lambda match: _variable(match[0]), tag)
    return re.sub(r"\n *", "\n", tag)


def _variable(colour: str) -> str:
    return f"var(--{VARIABLES[colour]})" if colour in VARIABLES else colour


def wrap(name: str, width: float) -> list[str]:
    """Break a name into at most three lines of `width` inches."""
    lines = textwrap.wrap(clean(name), max(8, int(width / CHARACTER)), max_lines=3, placeholder=" …")
    return lines or [""]
