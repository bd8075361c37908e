"""Facts, tables and sentences on standard output."""

import os
import sys
import textwrap
from typing import Any

from rich.console import Console

from epigone.report.markup import clean
from epigone.report.numbers import NumberStyle, format_value
from epigone.report.renderers.terminal import to_terminal
from epigone.report.tables import Table

WIDE = 180  # characters of a table's line in a file, which has no width of its own
FACT = NumberStyle(digits=4, notation="significant")


class SteadyConsole(Console):
    """A console that carries on when its reader has gone, as `| head` does; rich would end the program."""

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def print_facts(facts: dict[str, Any]) -> None:
    """Print a line for each name and value, the values aligned; empty values are left out."""
    texts = {name: _fact(value) for name, value in facts.items() if value not in (None, "", [], ())}
    left = max(map(len, texts)) + 2
    width = max(40, _console().width - left) if _has_width() else sys.maxsize
    for name, text in texts.items():
        lines = [text]
        if not text.startswith("epigone "):  # a command stays whole, to be copied
            lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
        print(f"\n{' ' * left}".join([name.ljust(left) + lines[0], *lines[1:]]))


def _fact(value: Any) -> str:
    return clean(value) if isinstance(value, str) else format_value(value, FACT)  # a path keeps its spaces


def print_table(table: Table) -> None:
    """Print a table that fits the terminal."""
    console = _console()
    console.print(to_terminal(table, console.width))


def print_paragraph(text: str) -> None:
    """Print text, its lines broken at the terminal's width."""
    _console().print(text)


def _has_width() -> bool:
    """Tell if lines must be broken: those of a file or a pipe need not."""
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def _console() -> Console:
    """Open standard output anew: tests and callers may have replaced it."""
    width = None if _has_width() else WIDE
    return SteadyConsole(width=width, soft_wrap=not _has_width(), highlight=False, markup=False)
