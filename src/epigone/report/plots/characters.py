"""Lines in a terminal, drawn with characters."""

import string
from collections.abc import Mapping, Sequence

from rich.text import Text

from epigone.errors import UserError

WIDEST, NARROW, TALL = 120, 40, 18  # characters: of all panels, of one at least, and of its height
MARKERS = string.ascii_lowercase


def draw_lines(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], x_label: str, width: int
) -> str:
    """Draw panels side by side, every line in a letter of its own, with the letters' names below.

    Args:
        panels: x and y of the lines by name, of each panel by its title; names may be the same in several panels.
        x_label: title of the horizontal axes.
        width: most characters of a line; panels that would be too narrow are drawn below each other.

    Raises:
        UserError: plotext is not installed.
    """
    try:
        import plotext
    except ImportError as error:
        raise UserError(
            "A plot in the terminal needs the package plotext: pip install plotext. Or give --out FILE.png."
        ) from error
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    letters = {name: MARKERS[place % len(MARKERS)] for place, name in enumerate(names)}
    width = min(width, WIDEST)
    across = max(1, min(len(panels), width // NARROW))
    figure = plotext.figure
    drawn: list[str] = []
    for first in range(0, len(panels), across):
        figure.clear()
        if across > 1:
            figure.subplots(1, across)
        figure.plot_size(width, TALL)
        for column, (title, lines) in enumerate(list(panels.items())[first : first + across], 1):
            place = figure.subplot(1, column) if across > 1 else figure
            panel = place.theme("colorless").title(title).label(x_label)
            for name, (x, y) in lines.items():
                panel.draw(panel.signal(list(x), list(y), marker=letters[name]).lines())
        drawn += Text.from_ansi(figure.build().string()).plain.splitlines()
    return "\n".join([line.rstrip() for line in drawn] + [f"{letter} = {name}" for name, letter in letters.items()])
