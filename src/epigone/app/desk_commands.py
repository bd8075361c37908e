"""The commands of the desk, and what a typed line means: a command, the number of a choice, or text."""

import difflib
from collections.abc import Callable
from typing import NamedTuple

from epigone.app.arguments import unescaped
from epigone.app.desk import Desk, tell
from epigone.errors import UserError


def obey(desk: Desk, line: str) -> None:
    """Do what a line says. One that begins with / is a command, with // a text that begins with /.

    Raises:
        UserError: says what cannot be done; the text is as before.
        KeyboardInterrupt: Ctrl-C ended a passage, which is kept as far as it came.
    """
    if desk.answer(line):
        return
    if not line.startswith("/") or line.startswith("//"):
        desk.add(unescaped(line.removeprefix("/")))
        return
    name, _, value = line[1:].strip().partition(" ")
    _command(name).act(desk, value.strip())


class Command(NamedTuple):
    """A command of the desk."""

    short: str
    form: str
    """Its name, and the value that follows."""
    help: str
    act: Callable[[Desk, str], None]

    @property
    def name(self) -> str:
        """Its name alone."""
        return self.form.split()[0]


def _rule(short: str, form: str, help: str) -> Command:
    name = form.split()[0].replace("-", "_")
    return Command(short, form, help, lambda desk, value: desk.rule(name, value))


def _help(desk: Desk, value: str) -> None:
    width = max(len(command.form) for command in COMMANDS)
    tell("A line is added to the text, and the model goes on; Enter alone lets it go on.")
    tell(r"In a line \n is a line break; // at its beginning is a /." + "\n")
    for command in COMMANDS:
        tell(f"  /{command.short:2} {('/' + command.form).ljust(width + 2)}{command.help}")
    tell("\nCtrl-C stops a passage, Ctrl-D leaves.")


COMMANDS = (
    Command("a", "again", "write the last passage anew", Desk.again),
    Command("u", "undo", "take back the last step", Desk.undo),
    Command("l", "line", "write to the end of the line, or the next one", Desk.line),
    Command("s", "stanza", "write to the next blank line", Desk.stanza),
    Command("c", "choose", "write three passages to choose from", Desk.choose),
    _rule("t", "temperature T", "lower is safer, higher is bolder"),
    _rule("p", "top-p P", "draw from the likeliest that add up to P"),
    _rule("k", "top-k K", "draw from the K likeliest; 0 for all"),
    _rule("m", "min-p P", "drop what is less likely than P of the best"),
    _rule("r", "repetition-penalty X", "above 1, what was just said gets rarer"),
    _rule("e", "seed N", "the seed of the next passage; +1 for each more"),
    Command("n", "length N", "characters of a passage", Desk.length),
    Command("w", "show", "show the whole text", Desk.show),
    Command("f", "save FILE", "save the text in a file", Desk.save),
    Command("b", "new", "begin a new text", Desk.new),
    Command("h", "help", "list the commands", _help),
    Command("q", "quit", "leave", Desk.quit),
)


def _command(name: str) -> Command:
    """Look up a command by its name or its short form.

    Raises:
        UserError: there is none; the sentence names the nearest.
    """
    for command in COMMANDS:
        if name in (command.name, command.short):
            return command
    close = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=1, cutoff=0.5)
    hint = f"Did you mean /{close[0]}?" if close else "/help lists them."
    raise UserError(f"There is no command /{name}. {hint}")
