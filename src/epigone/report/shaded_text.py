"""Text in colours: blue for negative values, red for positive ones, and signs where there are no colours."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from rich.cells import cell_len
from rich.text import Text

from epigone.markup import clean

BLUE, WHITE, RED = (33, 102, 172), (255, 255, 255), (178, 24, 43)  # told apart with every kind of colour blindness
STEPS = 20  # colours on either side of white
SIGNS = "=- +#"
ENDS = (-0.6, -0.2, 0.2, 0.6)
NEWLINE = "\N{PILCROW SIGN}"
Shaded = tuple[str, float]
"""A character and its value as a share of the scale, from -1 to 1."""


@dataclass(frozen=True)
class ShadedText:
    """A text with a value for each piece."""

    name: str
    pieces: Sequence[str]
    """Characters, or words with the space before them."""
    values: Sequence[float]
    scale: float
    """The size of the value that has the full colour."""
    starts: Sequence[int] = ()
    """Indices of the pieces with which a document begins."""

    def lines(self, width: int) -> Iterator[list[Shaded]]:
        """Break the text into lines of at most `width` columns, between words if possible.

        Ends of lines have a value too, and are shown as a pilcrow. An empty line comes before each further document.
        """
        line: list[Shaded] = []
        for index, (piece, value) in enumerate(zip(self.pieces, self.values, strict=True)):
            if index in self.starts[1:]:
                yield from _broken(line, width)
                yield []
                line = []
            share = max(-1.0, min(1.0, value / self.scale)) if self.scale else 0.0
            for character in clean(piece).replace("\t", " "):
                line.append((NEWLINE if character == "\n" else character, share))
                if character == "\n":
                    yield from _broken(line, width)
                    line = []
        yield from _broken(line, width)

    @property
    def legend(self) -> str:
        """The meaning of the signs."""
        small, large = (f"{end * self.scale:.2g}" for end in ENDS[2:])
        return f"= below -{large}   - below -{small}   + above {small}   # above {large}"


def _broken(line: list[Shaded], width: int) -> Iterator[list[Shaded]]:
    while line:
        ends = accumulate(cell_len(character) for character, _ in line)
        cut = max(1, sum(end <= width for end in ends))
        spaces = [place for place in range(cut) if line[place][0] == " "]
        if cut < len(line) and spaces:
            cut = spaces[-1] + 1
        yield line[:cut]
        line = line[cut:]


def sign(share: float) -> str:
    """The sign of a value as a share of the scale: `=` and `-` if negative, a space near 0, `+` and `#`."""
    return SIGNS[sum(share > end for end in ENDS)]


def colours(share: float) -> tuple[str, str]:
    """The background and the ink of a value as a share of the scale, as #rrggbb."""
    share = round(share * STEPS) / STEPS
    full = BLUE if share < 0 else RED
    shade = tuple(round(w + (f - w) * abs(share)) for w, f in zip(WHITE, full, strict=True))
    light = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2] > 120
    return "#{:02x}{:02x}{:02x}".format(*shade), "#1b1b1f" if light else "#ffffff"


def to_signs(text: ShadedText, width: int) -> str:
    """Write lines of text, each with a line of signs below it."""
    rows = [f"{clean(text.name)}   {text.legend}"]
    for line in text.lines(width):
        rows.append("".join(character for character, _ in line))
        if line:
            rows.append("".join(sign(share) * cell_len(character) for character, share in line).rstrip())
    return "\n".join(rows)


def to_rich(text: ShadedText, width: int) -> Text:
    """Colour the text for a terminal."""
    shown = Text(f"{clean(text.name)}   -{text.scale:.3g} ", end="")
    for step in range(-8, 9):
        shown.append(" ", f"on {colours(step / 8)[0]}")
    shown.append(f" {text.scale:.3g}")
    for line in text.lines(width):
        shown.append("\n")
        for character, share in line:
            paper, ink = colours(share)
            shown.append(character, f"{ink} on {paper}")
    return shown


def to_html(text: ShadedText) -> str:
    """Colour the text for a page; each piece says its value when it is pointed at."""
    rules = [f".shaded .s{step + STEPS}{{background:{a};color:{b}}}" for step, (a, b) in _steps()]
    parts = []
    for index, (piece, value) in enumerate(zip(text.pieces, text.values, strict=True)):
        step = round(max(-1.0, min(1.0, value / text.scale if text.scale else 0.0)) * STEPS) + STEPS
        shown = escape(clean(piece)).replace("\n", f"{NEWLINE}\n")
        parts.append("\n\n" * (index in text.starts[1:]) + f'<i class="s{step}" title="{value:.3f}">{shown}</i>')
    scale = "".join(f'<i class="s{step + STEPS}">\N{NO-BREAK SPACE}</i>' for step, _ in _steps()[::2])
    style = ".shaded{font-family:monospace;white-space:pre-wrap;line-height:1.6}.shaded i{font-style:normal}"
    return (
        f"<style>{style}{''.join(rules)}</style>"
        f'<div class="shaded"><b>{escape(clean(text.name))}</b>  \N{MINUS SIGN}{text.scale:.3g} {scale} '
        f"{text.scale:.3g}\n{''.join(parts)}</div>"
    )


def _steps() -> list[tuple[int, tuple[str, str]]]:
    return [(step, colours(step / STEPS)) for step in range(-STEPS, STEPS + 1)]


def to_page(title: str, paragraphs: Sequence[str], texts: Sequence[ShadedText]) -> str:
    """Write a page of coloured texts that needs nothing besides itself."""
    said = "".join(f"<p>{escape(clean(each))}</p>" for each in paragraphs)
    return textwrap.dedent("""\
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>{title}</title>
        <style>body{{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;
        background:#fefefe}}.shaded{{margin:2rem 0}}</style></head>
        <body><h1>{title}</h1>{said}{texts}</body></html>
        """).format(title=escape(clean(title)), said=said, texts="\n".join(map(to_html, texts)))
