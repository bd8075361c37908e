"""A line breaker and a small typesetter of PDFs, for tests that read pages back."""

import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from epigone.text.readers.formats.pdf.columns import Line

WORDS = (
    "a the of and to in on by with from over under river rivers water ferry boat boats rope ropes oar oars bank meadow "
    "morning evening winter lantern lanterns harbour current passenger passengers weather crossing crossings bridge "
    "ferrywoman upstream downstream remember remembered remembering slowly quietly carried carries landing stone "
    "stones village villages market Monday Thursday Ottermouth Greyford daughter brother travelling merchant quarrel "
    "singing listened listening waited waiting another nothing something everything understand understood between "
    "officer affluent office shuffling flowers first finding difficult flat offering well-known half-hour rowing-boat"
)


def sentence(rng: random.Random, words: list[str]) -> str:
    """Make a sentence of words that make no sense."""
    words = rng.choices(words, k=rng.randint(4, 18))
    if len(words) > 8:
        words[4] += rng.choice([",", ",", ";", " –"])
    text = " ".join(words)
    return text[0].upper() + text[1:] + rng.choice("....?!")


def prose(seed: int, paragraphs: int, sentences: tuple[int, int] = (1, 8), compounds: bool = True) -> list[str]:
    """Make paragraphs that make no sense."""
    rng = random.Random(seed)
    words = [word for word in WORDS.split() if compounds or "-" not in word]
    return [" ".join(sentence(rng, words) for _ in range(rng.randint(*sentences))) for _ in range(paragraphs)]


def syllables(word: str) -> Iterator[tuple[str, str]]:
    """Yield the divisions of a word, latest first: at its hyphen, or inside with three letters on either side."""
    if "-" in word:
        before, _, after = word.partition("-")
        yield f"{before}-", after
    elif word.isalpha():
        for at in range(len(word) - 3, 2, -1):
            if (word[at - 1] not in "aeiou" or word[at] not in "aeiou") and word[at:] != "and":
                yield f"{word[:at]}-", word[at:]


def broken(text: str, widths: Iterator[float], measure: Callable[[str], float], hyphenate: bool = True) -> list[str]:
    """Break a paragraph into lines, each as full as possible."""
    lines: list[str] = []
    line = ""
    width = next(widths)
    for word in text.split():
        while True:
            longer = f"{line} {word}" if line else word
            if measure(longer) <= width:
                line = longer
                break
            for begin, rest in syllables(word) if hyphenate else ():
                longer = f"{line} {begin}" if line else begin
                if measure(longer) <= width:
                    line, word = longer, rest
                    break
            if not line:
                raise ValueError(f"{word} is wider than a line")
            lines.append(line)
            line, width = "", next(widths)
    return [*lines, line]


def widths(first: float, others: float) -> Iterator[float]:
    yield first
    yield from (others for _ in count())


def laid_out(paragraphs: list[str], width: int, indent: int = 0, gap: float = 0, justified: bool = True) -> list[Line]:
    """Set one column of lines in letters 5 points wide and 10 high."""
    lines = []
    y = 700.0
    for paragraph in paragraphs:
        texts = broken(paragraph, widths(width - indent, width), len)
        for number, text in enumerate(texts):
            x = 72 + 5.0 * indent * (number == 0)
            right = 72 + 5.0 * width if justified and number < len(texts) - 1 else x + 5 * len(text)
            lines.append(Line(text, x, y - 2, right, y + 8, 10))
            y -= 12
        y -= gap
    return lines


class Book:
    """A PDF that is being written: columns of justified paragraphs with heads and feet.

    Args:
        path: path of the file.
        font: name of the font.
        size: size of the letters, in points.
        columns: number of columns on a page.
        indent: indent of the first lines of paragraphs, in points.
        gap: distance between paragraphs, in points.
        justified: spread lines to the edge.
        encrypt: reportlab's encryption of the file.
    """

    def __init__(
        self, path: Path, font="Times-Roman", size=10.0, columns=1, indent=12.0, gap=0.0, justified=True, encrypt=None
    ) -> None:
        from reportlab.lib.pagesizes import A4
        from reportlab.pdfgen.canvas import Canvas

        self.canvas = Canvas(str(path), pagesize=A4, encrypt=encrypt)
        self.font, self.size, self.columns, self.indent, self.gap = font, size, columns, indent, gap
        self.justified = justified
        self.page = 1
        self.left, self.right, self.bottom, self.top = 72.0, A4[0] - 72, 80.0, A4[1] - 90
        self.column_top = self.top
        self.column, self.y = 0, self.top
        self.heads: Callable[[Book], None] = lambda book: None

    @property
    def width(self) -> float:
        """Width of a column, in points."""
        return (self.right - self.left - 18 * (self.columns - 1)) / self.columns

    def measure(self, text: str) -> float:
        from reportlab.pdfbase.pdfmetrics import stringWidth

        return stringWidth(text, self.font, self.size)

    def draw(self, x: float, y: float, text: str, stretch: float = 0, size: float | None = None) -> None:
        """Draw one line of text; `stretch` is added to each of its spaces."""
        line = self.canvas.beginText(x, y)
        line.setFont(self.font, size or self.size)
        line.setWordSpace(stretch)
        line.textOut(text)
        self.canvas.drawText(line)

    def title(self, text: str, size: float = 18) -> None:
        """Draw a centred line over the whole width; the columns start again below it."""
        from reportlab.pdfbase.pdfmetrics import stringWidth

        assert self.column == 0
        self.y -= 2 * size
        self.draw((self.left + self.right - stringWidth(text, self.font, size)) / 2, self.y, text, size=size)
        self.y -= 2 * self.size
        self.column_top = self.y

    def paragraph(self, text: str, hyphenate: bool = True) -> None:
        lines = broken(text, widths(self.width - self.indent, self.width), self.measure, hyphenate)
        for number, line in enumerate(lines):
            if self.y < self.bottom:
                self.next_column()
            x = self.left + self.column * (self.width + 18) + self.indent * (number == 0)
            room = self.width - self.indent * (number == 0) - self.measure(line)
            spread = self.justified and number < len(lines) - 1 and " " in line
            self.draw(x, self.y, line, room / line.count(" ") if spread else 0)
            self.y -= 1.2 * self.size
        self.y -= self.gap

    def next_column(self) -> None:
        self.column += 1
        if self.column == self.columns:
            self.next_page()
        self.y = self.column_top

    def next_page(self) -> None:
        self.heads(self)
        self.canvas.showPage()
        self.page += 1
        self.column, self.column_top, self.y = 0, self.top, self.top

    def save(self) -> None:
        self.heads(self)
        self.canvas.save()
