"""Everything that reaches a terminal: facts, tables, sentences and generated text.

Names of files, other people's config.json and the text of a model may hold control characters that a terminal would
obey. So nothing is printed but by `say`, `write_generated` and `SteadyConsole`, which make them visible; only the
console's own styling passes.
"""

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.segment import Segment
from rich.table import Table as Grid
from rich.text import Text

from epigone.app.blocks import Block, Columns, Facts, in_words
from epigone.errors import UserError
from epigone.markup import clean, one_line
from epigone.report.page import Sample
from epigone.report.renderers.terminal import to_terminal
from epigone.report.shaded_text import ShadedText, to_rich, to_signs
from epigone.report.tables import Table

WIDE = 180  # characters of a table's line in a file, which has no width of its own
WIDEST_TEXT = 100  # columns of a text in colours
NARROWEST = 36  # columns of a text beside others


_C1 = re.compile("[\x80-\x9f]")


class SteadyStream:
    """A text stream that drops what it cannot write, as to a terminal that was closed or a disk that is full."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def open_streams() -> None:
    """Make the standard streams ones that can be written whatever was closed or is missing.

    A stream that the caller closed leads nowhere; else the next file that is opened would get its number. A terminal
    that lacks a character shows another. Notices that nobody can read end no command.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stderr = SteadyStream(sys.stderr)


@contextmanager
def writing() -> Iterator[None]:
    """Turn what fails in writing to standard output, except a reader that has gone, into a sentence.

    Raises:
        UserError: it cannot be written, as on a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"Could not write to standard output: {error.strerror}.") from error


class SteadyConsole(Console):
    """A console that makes controls in what it prints visible, and carries on when its reader has gone.

    Readers go, as `| head` does; rich would end the program.
    """

    def __init__(self, **options: Any) -> None:
        # `:heart:` in a text is no picture; a notebook shows the file's text, too.
        super().__init__(emoji=False, force_jupyter=False, **options)

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())

    def print(self, *objects: Any, **options: Any) -> None:
        with writing():
            super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(clean(text), **options)  # rich would drop some controls without a trace

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        # All text passes here on its way to the file; segments with `control` are the console's own.
        return super()._render_buffer(each if each.control else each._replace(text=clean(each.text)) for each in buffer)


def say(text: str = "", end: str = "\n", file: TextIO | None = None) -> None:
    """Print text at once, with controls made visible; on standard output by default."""
    print(clean(text), end=end, file=file, flush=True)


def write_generated(text: str, end: str = "", file: TextIO | None = None) -> None:
    """Print text of a model at once, on standard output by default.

    A file or a pipe gets it unchanged but for the controls U+0080 to U+009F. Only a byte model writes them, when it
    joins bytes that make no text, and a terminal obeys them when the file is shown later; they become U+FFFD, like all
    broken bytes.

    Raises:
        BrokenPipeError: the reader has gone.
        UserError: standard output cannot be written, as on a full disk.
    """
    stream = sys.stdout if file is None else file
    visible = clean(text) if stream.isatty() else _C1.sub("\N{REPLACEMENT CHARACTER}", text)
    with writing():
        print(visible, end=end, file=stream, flush=True)


def write_sample(sample: Sample, file: TextIO | None = None) -> None:
    """Print a generated text and a line break; on a terminal, its copied runs are underlined."""
    if sample.copied and (file or sys.stdout).isatty():
        _console(file).print(_underlined(sample), soft_wrap=True)
    else:
        write_generated(sample.text, end="\n", file=file)


def _underlined(sample: Sample) -> Text:
    text = Text()
    for part, copied in sample.parts():
        text.append(clean(part), "underline" if copied else None)
    return text


def print_columns(columns: Columns, file: TextIO | None = None) -> None:
    """Print texts side by side on a terminal that is wide enough, else below each other."""
    console = _console(file)
    if not console.is_terminal or console.width < len(columns.samples) * NARROWEST:
        print_blocks(columns.samples, file)
        return
    grid = Grid.grid(padding=(0, 2, 0, 0), expand=True)
    for _ in columns.samples:
        grid.add_column(ratio=1)
    grid.add_row(*(f"── {one_line(sample.name)}\n" for sample in columns.samples))
    grid.add_row(*map(_underlined, columns.samples))
    console.print(grid)


def print_blocks(blocks: Iterable[Block], file: TextIO | None = None) -> None:
    """Print the parts of a result with blank lines between them, on standard output by default."""
    for place, block in enumerate(blocks):
        if place:
            say(file=file)
        match block:
            case Facts():
                print_facts(block, file)
            case Table():
                print_table(block, file)
            case Sample():
                if block.name:
                    say(f"── {one_line(block.name)}\n", file=file)
                write_sample(block, file)
                if block.measures:
                    say("\n".join(["", *_indented(block.measures)]), file=file)
            case Columns():
                print_columns(block, file)
            case ShadedText():
                print_shaded(block, file)
            case str():
                print_paragraph(block, file)


def print_shaded(text: ShadedText, file: TextIO | None = None) -> None:
    """Print a text in colours, or with signs below its lines where there are none."""
    console = _console(file)
    width = min(console.width - 1, WIDEST_TEXT)
    if console.is_terminal and console.color_system in ("256", "truecolor") and not console.no_color:
        console.print(to_rich(text, width), soft_wrap=True)
    else:
        say(to_signs(text, width), file=file)


def print_facts(facts: Facts, file: TextIO | None = None) -> None:
    """Print a line for each name and value, the values aligned; empty values are left out."""
    pairs = [(one_line(name), in_words(value)) for name, value in facts.pairs()]
    left = max((len(name) for name, _ in pairs), default=0) + 2
    width = max(40, _console(file).width - left) if _has_width() else sys.maxsize
    for name, text in pairs:
        lines = [text]
        if not text.startswith("epigone "):  # a command stays whole, to be copied
            lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
        say(f"\n{' ' * left}".join([name.ljust(left) + lines[0], *lines[1:]]), file=file)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"   {line}" for line in lines)


def print_table(table: Table, file: TextIO | None = None) -> None:
    """Print a table that fits the terminal."""
    console = _console(file)
    console.print(to_terminal(table, console.width))


def print_paragraph(text: str, file: TextIO | None = None) -> None:
    """Print text, its lines broken at the terminal's width only."""
    _console(file).print(one_line(text))


def _has_width() -> bool:
    """Tell if lines must be broken: those of a file or a pipe need not."""
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def _console(file: TextIO | None) -> Console:
    """Open a file, or standard output anew: tests and callers may have replaced it."""
    width = None if _has_width() else WIDE
    return SteadyConsole(file=file, width=width, soft_wrap=not _has_width(), highlight=False, markup=False)
