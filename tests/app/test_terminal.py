import io
import sys

import pytest

from epigone.app.blocks import Facts
from epigone.app.terminal import print_facts, print_paragraph, print_shaded, print_table, write_generated
from epigone.errors import UserError
from epigone.report.shaded_text import ShadedText
from epigone.report.tables import Column, Table

ROWS = [{"name": "a", "loss": 1.5}]
COLUMNS = [Column("name", "row", align="left"), Column("loss", "test loss of the last epoch", optional=True)]


def test_facts_are_aligned_and_empty_ones_left_out(capsys):
    print_facts(
        Facts({"model": "a  b", "units": 1200, "loss": 1.23456, "base": None, "text": "", "cut": False, "seeds": []})
    )
    assert capsys.readouterr().out.splitlines() == [
        "model  a  b", "units  1,200", "loss   1.235", "cut    no"
    ]  # fmt: skip


def test_control_characters_in_a_fact_are_made_visible(capsys):
    print_facts(Facts({"model": "a\x1b[31mb\x9b"}))
    assert capsys.readouterr().out == "model  a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}\n"


def test_long_facts_are_broken_on_a_terminal_but_commands_stay_whole(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    facts = {"verdict": "word " * 20, "next": "epigone generate " + "folder/" * 20}
    print_facts(Facts(facts))
    assert capsys.readouterr().out.count("\n") == 2
    monkeypatch.setenv("COLUMNS", "60")
    print_facts(Facts(facts))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("verdict  word word")
    assert lines[1].startswith("         word word")
    assert max(map(len, lines[:-1])) <= 60
    assert lines[-1] == f"next     {facts['next']}"


def test_tables_and_paragraphs_fit_the_terminal(capsys, monkeypatch):
    print_table(Table("Losses", COLUMNS, ROWS))
    assert "test loss of the last epoch" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "30")
    print_table(Table("Losses", COLUMNS, ROWS))
    print_paragraph("[b]word[/b] " * 10)
    out = capsys.readouterr().out
    assert "test loss" not in out
    assert "(1 more column in the report)" in " ".join(out.split())
    assert "[b]word[/b]" in out
    assert max(map(len, out.splitlines())) <= 30


class Broken(io.StringIO):
    """A stream that fails."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


def test_generated_text_on_a_full_disk_is_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Broken(OSError(28, "No space left on device")))
    with pytest.raises(UserError, match="Could not write to standard output: No space left on device"):
        write_generated("text")
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        write_generated("text")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("term", "coloured"), [("xterm-256color", True), ("xterm", False), ("dumb", False)])
def test_a_text_in_colours_has_signs_where_there_are_few_colours(monkeypatch, term, coloured):
    for name in ("COLORTERM", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", term)
    file = Terminal()
    print_shaded(ShadedText("u", "ab", [1.0, -1.0], 1.0), file)
    assert ("\x1b[" in file.getvalue()) == coloured
    assert ("#=" in file.getvalue()) != coloured
