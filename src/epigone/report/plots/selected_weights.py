"""The weights of a network as rectangles, with those that are selected coloured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from epigone.report.plots.drawing import INK, MUTED, RULE
from epigone.report.plots.palette import SLOTS, Palette

MOST = 160  # rows and columns of a rectangle that are told apart
TALL, WIDE, THIN, GAP, HEAD = 1.5, 1.9, 0.14, 0.55, 0.75  # inches


@dataclass(frozen=True)
class SelectedWeights:
    """Each parameter as a rectangle, the layers above each other; a vector is a thin one."""

    title: str
    masks: Mapping[str, NDArray[np.bool_]]
    gates: Sequence[str]

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        """Draw the network, the input at the bottom; fewer rectangles stand side by side on a narrow page."""
        rooms: dict[str, list[str]] = {}
        for name in self.masks:
            parts = name.split(".")
            rooms.setdefault(".".join(parts[:2]) if parts[0] == "layers" else parts[0], []).append(name)
        order = sorted(rooms, key=lambda room: (room == "head", room != "embedding", room), reverse=True)
        lines: list[tuple[str, list[str]]] = []
        for room in order:
            line: list[str] = []
            for name in rooms[room]:
                if line and sum(map(self._width, [*line, name])) + GAP > width:
                    lines.append((room, line))
                    line = []
                line.append(name)
            lines.append((room, line))
        height = HEAD + len(lines) * (TALL + GAP)
        width = min(width, max(sum(map(self._width, line)) for _, line in lines) + 2 * GAP)
        canvas = Canvas(figsize=(width, height))
        colours = LinearSegmentedColormap.from_list("", [RULE, SLOTS[0].light])
        chosen, total = sum(int(m.sum()) for m in self.masks.values()), sum(m.size for m in self.masks.values())
        share = f"{chosen:,} of {total:,} weights learn ({100 * chosen / total:.3g} %)"
        canvas.text(0.5 * GAP / width, 1 - 0.25 / height, self.title, fontsize=10, color=INK)
        canvas.text(0.5 * GAP / width, 1 - 0.45 / height, share, fontsize=9, color=MUTED)
        for number, (_, line) in enumerate(lines):
            left, bottom = 1.4 * GAP, height - HEAD - (number + 1) * (TALL + GAP) + 0.3
            for name in line:
                mask = self.masks[name]
                wide = THIN if mask.ndim == 1 else WIDE
                axes = canvas.add_axes((left / width, bottom / height, wide / width, TALL / height))
                shares = binned(mask.reshape(len(mask), -1))
                axes.imshow(shares**0.4, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                axes.set_title(name, fontsize=7.5 if wide == WIDE else 6.5, color=INK, pad=3)
                blocks = len(self.gates)
                if name.startswith("layers") and wide == WIDE and blocks > 1 and len(mask) % blocks == 0:
                    rows = len(shares) / blocks
                    for gate, label in enumerate(self.gates):
                        axes.text(
                            -1.5, (gate + 0.5) * rows - 0.5, label, ha="right", va="center", fontsize=6.5, color=MUTED
                        )
                        if gate:
                            axes.axhline(gate * rows - 0.5, color="white", linewidth=0.8)
                left += self._width(name)
        return canvas

    def _width(self, name: str) -> float:
        """The room of a parameter in inches."""
        return 1.5 * GAP if self.masks[name].ndim == 1 else WIDE + GAP


def binned(mask: NDArray[np.bool_], most: int = MOST) -> NDArray[np.float64]:
    """The selected share of each of at most `most` x `most` parts of a matrix."""
    shares = mask.astype(np.float64)
    for axis in (0, 1):
        starts = np.linspace(0, shares.shape[axis], min(most, shares.shape[axis]), endpoint=False).astype(int)
        sizes = np.diff([*starts, shares.shape[axis]])
        shares = np.add.reduceat(shares, starts, axis=axis)
        shares = shares / (sizes[:, None] if axis == 0 else sizes)
    return shares
