"""Texts in colours as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas

from epigone.report.plots.palette import Palette
from epigone.report.shaded_text import STEPS, ShadedText, colours

COLUMNS = 100  # characters of a line at most
CELL, ROW, HEAD, GAP = 0.0753, 0.17, 0.35, 0.3  # inches
FONT = CELL * 72 / 0.602  # points: a letter of the font is 0.602 of its size wide


@dataclass(frozen=True)
class ShadedLines:
    """Texts beside and below each other, each character on the colour of its value."""

    texts: Sequence[ShadedText]

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        """Draw as many texts side by side as fit `width` (inches); the figure is narrower if they need less."""
        texts = [(text, list(text.lines(COLUMNS))) for text in self.texts]
        texts = [(text, lines) for text, lines in texts if lines]
        if not texts:
            return None
        widest = max([45, *(len(line) for _, lines in texts for line in lines)])
        across = max(1, min(len(texts), int((width - GAP) / (widest * CELL + GAP))))
        tall = max(len(lines) for _, lines in texts) * ROW
        down = -(-len(texts) // across)
        height = GAP + down * (HEAD + tall + GAP)
        width = min(width, GAP + across * (widest * CELL + GAP))
        canvas = Canvas(figsize=(width, height))
        shades = LinearSegmentedColormap.from_list("", [colours(step / STEPS)[0] for step in range(-STEPS, STEPS + 1)])
        for place, (text, lines) in enumerate(texts):
            row, column = divmod(place, across)
            left, top = GAP + column * (widest * CELL + GAP), GAP + row * (HEAD + tall + GAP)
            canvas.text(
                left / width, 1 - (top + 0.1) / height, f"{text.name}   blue \N{MINUS SIGN}{text.scale:.3g}, white 0, "
                f"red {text.scale:.3g}", fontsize=9,
            )  # fmt: skip
            values = np.full((len(lines), widest), np.nan)
            for line, shaded in enumerate(lines):
                values[line, : len(shaded)] = [share for _, share in shaded]
            box = (left / width, 1 - (top + HEAD + len(lines) * ROW) / height)
            axes = canvas.add_axes((*box, widest * CELL / width, len(lines) * ROW / height))
            axes.axis("off")
            axes.imshow(
                values, cmap=shades, vmin=-1, vmax=1, aspect="auto", interpolation="nearest",
                extent=(0, widest, len(lines), 0),
            )  # fmt: skip
            for line, shaded in enumerate(lines):
                for dark in (False, True):  # one text for each ink, whose letters keep the places of all
                    letters = [c if (colours(share)[1] == "#ffffff") == dark else " " for c, share in shaded]
                    ink = "#ffffff" if dark else "#1b1b1f"
                    style: dict[str, Any] = {
                        "family": "DejaVu Sans Mono",
                        "fontsize": FONT,
                        "color": ink,
                        "va": "center_baseline",
                    }
                    axes.text(0, line + 0.55, "".join(letters), **style)
        return canvas
