"""A report as two documents: a self-contained page, and Markdown with its pictures; and its tables as files.

Both documents put the answer first, then the figure that shows it, the tables, further figures, samples, and the
settings that repeat it. A report is plain data; nothing here knows how the runs were made.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from epigone.errors import UserError, missing_package
from epigone.markup import clean, fenced, markdown, paragraph
from epigone.report.numbers import EXACT, MISSING, format_value
from epigone.report.plots.palette import SLOTS, Palette
from epigone.report.renderers.csv import to_csv
from epigone.report.renderers.html import to_html
from epigone.report.renderers.latex import to_latex
from epigone.report.renderers.markdown import to_markdown
from epigone.report.tables import Table
from epigone.storage import atomic_write

if TYPE_CHECKING:
    from epigone.report.plots.drawing import Pictures, Plot

HERE = Path(__file__).parent
FACTS = "All texts, options, versions and times"


@dataclass(frozen=True)
class Figure:
    """A plot with its title and caption."""

    title: str
    plot: "Plot"
    caption: str = ""


@dataclass(frozen=True)
class Sample:
    """A generated text and its measurements."""

    name: str
    text: str
    family: str = ""
    settings: str = ""
    """Temperature, seed and prompt."""
    measures: Sequence[str] = ()
    """One line for each measurement."""
    copied: Sequence[tuple[int, int]] = ()
    """Stretches of the text to underline: indices of the first character, and after the last."""

    def parts(self) -> Iterator[tuple[str, bool]]:
        """Cut the text where an underlined stretch begins or ends; the flag says if a part is underlined."""
        edges = sorted({0, len(self.text), *(min(edge, len(self.text)) for pair in self.copied for edge in pair)})
        for start, end in pairwise(edges):
            yield self.text[start:end], any(first <= start < last for first, last in self.copied)


Fact = str | int | float | bool | None | Sequence["Fact"] | Mapping[str, "Fact"]


@dataclass(frozen=True)
class Report:
    """Everything that a report shows."""

    title: str
    summary: str
    """The answer, in a sentence or two."""
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    """The first shows the answer and precedes the tables; the others follow them."""
    samples: Sequence[Sample] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Everything that determines the runs: options, corpus hash, seeds, machine, times, versions."""
    command: str = ""
    """The command line that repeats the runs."""
    notices: Sequence[str] = ()
    """Sentences that the reader must know before believing the numbers."""


def write_report(folder: Path, report: Report) -> Path:
    """Write `report.html`, `report.md`, `figures/*.png` and the tables as CSV and LaTeX into `folder`.

    The first table of figures is `table.csv` and `table.tex`, the others are in `tables/`. The same report gives the
    same bytes.

    Returns:
        The path of `report.html`.

    Raises:
        UserError: matplotlib or jinja2 is not installed, or the folder cannot be written.
    """
    try:
        from jinja2 import Environment, FileSystemLoader

        from epigone.report.plots.drawing import render
    except ImportError as error:
        raise UserError(missing_package("A report", str(error.name))) from error
    palette = Palette()
    tables = [to_html(table, number, palette) for number, table in enumerate(report.tables, 1)]
    figures = [
        _Drawn(number, figure, render(figure.plot, f"figure{number}", _alt(figure), palette))
        for number, figure in enumerate(report.figures, 1)
    ]
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, finalize=lambda value: clean(value) if type(value) is str else value,
    )  # fmt: skip
    page = environment.get_template("page.html").render(
        report=report,
        tables=tables,
        figures=figures,
        facts=_sections(report.facts),
        facts_title=FACTS,
        palette=palette,
        slots=SLOTS,
    )
    folder = Path(folder)
    files: dict[str, bytes | str] = {drawn.path: drawn.pictures.png for drawn in figures if drawn.pictures}
    for stem, table in _table_files(report.tables).items():
        files |= {f"{stem}.csv": to_csv(table), f"{stem}.tex": to_latex(table)}
    for path, data in files.items():
        _make_folder((folder / path).parent)
        atomic_write(folder / path, data)
    _make_folder(folder)
    atomic_write(folder / "report.md", "\n\n".join(_markdown(report, figures)) + "\n")
    atomic_write(folder / "report.html", page)
    return folder / "report.html"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Could not create the folder {folder}: {error.strerror}.") from error


def _table_files(tables: Sequence[Table]) -> dict[str, Table]:
    """The tables by the path of their files, without a suffix."""
    main = next((i for i, table in enumerate(tables) if any(c.align == "right" for c in table.columns)), 0)
    return {
        "table" if index == main else f"tables/{_slug(index + 1, table.title, 'table')}": table
        for index, table in enumerate(tables)
    }


def _slug(number: int, title: str, kind: str) -> str:
    """A file name of a title, without a suffix."""
    return f"{number}-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')[:60].strip('-') or kind}"


@dataclass(frozen=True)
class _Drawn:
    number: int
    figure: Figure
    pictures: "Pictures | None"
    """None if there was nothing to draw."""

    @property
    def path(self) -> str:
        return f"figures/{_slug(self.number, self.figure.title, 'figure')}.png"


def _alt(figure: Figure) -> str:
    """Describe the picture for readers who cannot see it."""
    return clean(f"{figure.title}. {figure.caption}".strip())


def _markdown(report: Report, figures: Sequence[_Drawn]) -> Iterator[str]:
    """Yield the blocks of `report.md`."""
    yield f"# {markdown(report.title)}"
    yield paragraph(report.summary)
    if report.notices:
        yield "\n".join(f"> - {paragraph(notice)}" for notice in report.notices)
    yield from _figures(figures[:1])
    yield from (to_markdown(table, number).rstrip() for number, table in enumerate(report.tables, 1))
    yield from _figures(figures[1:])
    if report.samples:
        yield "## Samples"
    for sample in report.samples:
        settings = f" ({markdown(sample.settings)})" if sample.settings else ""
        yield f"### {markdown(sample.name)}{settings}"
        yield fenced(sample.text)
        if sample.measures:
            yield f"*{markdown(' · '.join(sample.measures))}*"
    if report.command or report.facts:
        yield "## How to repeat this"
    if report.command:
        yield fenced(report.command, "sh")
    if report.facts:
        yield f"<details><summary>{FACTS}</summary>"
    for heading, facts in _sections(report.facts):
        if heading:
            yield f"### {markdown(heading)}"
        yield "\n".join(f"- {markdown(key)}: {markdown(value) or MISSING}" for key, value in facts)
    if report.facts:
        yield "</details>"


def _figures(figures: Sequence[_Drawn]) -> Iterator[str]:
    for drawn in figures:
        figure = drawn.figure
        if drawn.pictures:
            yield f"![{markdown(_alt(figure))}]({drawn.path})"
        missing = "" if drawn.pictures else " There is nothing to draw."
        caption = f"**Figure {drawn.number}. {markdown(figure.title)}.** {markdown(figure.caption)}".rstrip()
        yield caption + missing


Section = tuple[str, list[tuple[str, str]]]


def _sections(facts: Mapping[str, Fact]) -> list[Section]:
    """Group facts under headings: first the plain ones without a heading, then each nested mapping."""
    single = [(key, format_value(value, EXACT)) for key, value in facts.items() if not isinstance(value, Mapping)]
    nested = [(key, list(_flat(value))) for key, value in facts.items() if isinstance(value, Mapping)]
    return [(heading, pairs) for heading, pairs in [("", single), *nested] if pairs]


def _flat(facts: Mapping[str, Fact], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", format_value(value, EXACT)
