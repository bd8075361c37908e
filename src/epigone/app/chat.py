"""`generate` at a terminal: text as it is written, and a desk for writing with the model."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from epigone.app.desk import Desk, seeded, tell
from epigone.app.desk_commands import obey
from epigone.app.shown.generations import log_generation
from epigone.app.terminal import say, write_generated
from epigone.errors import UserError
from epigone.generation import generate as room
from epigone.generation.generate import GenerateOptions, Generation
from epigone.generation.manuscript import Manuscript
from epigone.generation.sampling import SamplingOptions
from epigone.markup import one_line
from epigone.models.backends.walker import EngineOptions
from epigone.models.files.model_folder import read_folder
from epigone.training.system.interruption import Terminated


def generate(
    model: str,
    options: GenerateOptions = GenerateOptions(),
    sampling: SamplingOptions = SamplingOptions(),
    running: EngineOptions = EngineOptions(),
    corpus: Sequence[str | Path] = (),
    clamp: Sequence[str] = (),
    stream: bool = False,
    interactive: Annotated[bool, Parameter(name=["--interactive", "-i"])] = False,
    json: bool = False,
) -> Generation | None:
    """Write texts with a trained model.

    Args:
        model: the folder of a model, or the name of a bundled one.
        options: prompt and extent.
        sampling: how each character is drawn.
        running: the engine and its precision.
        corpus: the text that the model learned, to name the documents that runs were copied from.
        clamp: hold units of a state at a value while the model writes, such as `layers.1.cell[17]=1`,
            `layers.0[3-7]=0`, or from the ranking of a probe `units(from=probe.json, top=10)=0`. May be repeated.
        stream: show the text as it is written (one sample).
        interactive: write a text by turns: type a line, and the model goes on; `/help` lists commands such as `/again`,
            `/undo` and `/save`.
        json: keep standard output for JSON, so that no text is shown there.

    Returns:
        The texts; None if they were shown already.
    """
    if not (stream or interactive):
        return room.generate(model, options, sampling, running, corpus, clamp=clamp)
    flag = "--interactive" if interactive else "--stream"
    if json:
        raise UserError(f"{flag} shows text as it is written and --json prints it at the end; give only one.")
    if options.next:
        raise UserError(f"--next lists tokens and {flag} writes text; give only one.")
    if options.samples > 1 or options.documents > 1:
        raise UserError(f"{flag} shows one text at a time; leave out --samples and --documents.")
    if len(sampling.temperatures) > 1:
        raise UserError(f"{flag} shows one text at a time; give one --temperature.")
    if interactive:
        source, sampling = read_folder(model), seeded(sampling)
        manuscript = Manuscript(room.load_stepper(source, running, clamp), source.tokenizer)
        _converse(Desk(source, manuscript, options, sampling, corpus, echo=not _at_terminal()))
        return None
    result = room.generate(model, options, sampling, running, corpus, clamp=clamp, stream=_write)
    say()
    log_generation(result)
    return None


def _write(sample: int, text: str) -> None:
    write_generated(text)


def _at_terminal() -> bool:
    """Tell if what is typed is on the screen beside what is written."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _converse(desk: Desk) -> None:
    """Take the lines of standard input until it ends, or the desk is left."""
    terminal = sys.stdin.isatty()
    if terminal:
        tell("Type a line and the model goes on; Enter alone lets it go on. /help lists the commands.")
    for line in _lines():
        try:
            if line is not None:
                obey(desk, line)
            elif not desk.unsaved("quit"):  # Ctrl-D
                break
        except UserError as error:  # one mistake does not end the conversation
            tell("\n".join(map(one_line, error.args)))
        except KeyboardInterrupt as error:  # Ctrl-C ends a passage, not the desk
            if isinstance(error, Terminated) or not terminal:
                raise
        if desk.left:
            break
    desk.report()


def _lines() -> Iterator[str | None]:
    """Read the lines of standard input; at a terminal ask for them, and yield None for a Ctrl-D."""
    if not sys.stdin.isatty():
        yield from (line.rstrip("\r\n") for line in sys.stdin)
        return
    with suppress(ImportError):
        import readline  # noqa: F401  (its import gives `input` a history and editing keys)
    while True:
        try:
            yield input("> ")
        except EOFError:
            tell()
            yield None
        except KeyboardInterrupt as error:
            if isinstance(error, Terminated):
                raise
            tell("\nCtrl-D or /quit leaves.")
