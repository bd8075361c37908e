"""`generate` at a terminal: text as it is written, and a conversation of typed prompts."""

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated

from cyclopts import Parameter

from epigone.app.display import log_generation
from epigone.app.terminal import say, write_generated
from epigone.errors import UserError
from epigone.evaluation.memorisation import FILE, copying_by_text
from epigone.evaluation.quality import text_quality
from epigone.generation import generate as room
from epigone.generation.generate import GenerateOptions, Generation
from epigone.generation.prompt import normalised_prompt
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
        stream: show the text as it is written (one sample).
        interactive: read prompts line by line and continue each at once; an empty line starts a new text.
        json: keep standard output for JSON, so that no text is shown there.

    Returns:
        The texts; None if they were shown already.
    """
    if not (stream or interactive):
        return room.generate(model, options, sampling, running)
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
        if options.prompt:
            raise UserError("--interactive asks for prompts; leave out --prompt.")
        _converse(model, options, sampling, running)
        return None
    result = room.generate(model, options, sampling, running, stream=_write)
    say()
    log_generation(result)
    return None


def _converse(model: str, options: GenerateOptions, sampling: SamplingOptions, running: EngineOptions) -> None:
    source = read_folder(model)
    first_seed = secrets.randbits(32) if sampling.seed is None else sampling.seed
    written: list[str] = []  # of each turn
    seconds = 0.0

    def listen(sample: int, text: str) -> None:
        written[-1] += text
        _write(sample, text)

    for turn, prompt in enumerate(_prompts()):
        written.append("")
        own = replace(options, prompt=prompt), replace(sampling, seed=first_seed + turn)
        begin = time.perf_counter()
        try:
            seconds += room.generate(source, *own, running, stream=listen).seconds
        except UserError as error:  # one unreadable prompt does not end the conversation
            say("\n".join(map(one_line, error.args)), file=sys.stderr)
        except KeyboardInterrupt as error:  # Ctrl-C at a terminal ends the text, not the conversation
            if isinstance(error, Terminated) or not sys.stdin.isatty():
                raise
            seconds += time.perf_counter() - begin
        say()
        written[-1] = written[-1].removeprefix(normalised_prompt(prompt, source.tokenizer))
    if any(written):
        log_generation(
            SimpleNamespace(
                sampling=replace(sampling, seed=first_seed),
                characters=sum(map(len, written)),
                seconds=seconds,
                quality=text_quality(written),
                copying=copying_by_text(written, source.folder / FILE),
            )
        )


def _prompts() -> Iterator[str]:
    """Read the lines of standard input; at a terminal, ask for them."""
    if not sys.stdin.isatty():
        yield from (line.rstrip("\r\n") for line in sys.stdin)
        return
    with suppress(ImportError):
        import readline  # noqa: F401  (its import gives `input` a history and editing keys)
    say("Type the beginning of a text, or nothing. Ctrl-C stops a text, Ctrl-D quits.", file=sys.stderr)
    while True:
        try:
            yield input("> ")
        except EOFError:
            say(file=sys.stderr)
            return


def _write(sample: int, text: str) -> None:
    write_generated(text)
