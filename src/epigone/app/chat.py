"""`generate` at a terminal: text as it is written, and prompts typed one after another."""

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated

from cyclopts import Parameter

from epigone.app.display import facts_of_generation
from epigone.errors import UserError
from epigone.evaluation.memorisation import FILE, copying_by_text
from epigone.evaluation.quality import text_quality
from epigone.generation import generate as room
from epigone.generation.generate import GenerateOptions, Generation
from epigone.generation.prompt import normalised_prompt
from epigone.generation.sampling import SamplingOptions
from epigone.models.backends.walker import EngineOptions
from epigone.models.files.model_folder import read_folder


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
        interactive: read prompts, a line each, and go on from each as it is written; an empty line begins anew.
        json: whether standard output is meant for JSON, so that no text may be shown there.

    Returns:
        The texts; None when they were shown already.
    """
    if not (stream or interactive):
        return room.generate(model, options, sampling, running)
    flag = "--interactive" if interactive else "--stream"
    if json:
        raise UserError(f"{flag} shows text as it is written and --json prints it when all is done; give only one.")
    if options.next:
        raise UserError(f"--next lists tokens and {flag} writes text; give only one.")
    if options.samples > 1 or options.documents > 1:
        raise UserError(f"{flag} shows one text at a time; leave out --samples and --documents.")
    if interactive:
        if options.prompt:
            raise UserError("--interactive asks for prompts; leave out --prompt.")
        _converse(model, options, sampling, running)
        return None
    result = room.generate(model, options, sampling, running, stream=_write)
    print()
    facts_of_generation(result)
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
        except UserError as error:  # a prompt that the model cannot read does not end the conversation
            print(error, file=sys.stderr)
        except KeyboardInterrupt:  # nor does it when somebody has read enough
            if not sys.stdin.isatty():
                raise
            seconds += time.perf_counter() - begin
        print(flush=True)
        written[-1] = written[-1].removeprefix(normalised_prompt(prompt, source.tokenizer))
    if any(written):
        facts_of_generation(
            SimpleNamespace(
                sampling=replace(sampling, seed=first_seed),
                characters=sum(map(len, written)),
                seconds=seconds,
                quality=text_quality(written),
                copying=copying_by_text(written, source.folder / FILE),
            )
        )


def _prompts() -> Iterator[str]:
    """The lines of standard input; at a terminal they are asked for."""
    if not sys.stdin.isatty():
        yield from (line.rstrip("\r\n") for line in sys.stdin)
        return
    with suppress(ImportError):
        import readline  # noqa: F401  (its import gives `input` a memory and keys to edit with)
    print("Type the beginning of a text, or nothing. Ctrl-C stops a text, Ctrl-D ends.", file=sys.stderr, flush=True)
    while True:
        try:
            yield input("> ")
        except EOFError:
            print(file=sys.stderr)
            return


def _write(sample: int, text: str) -> None:
    print(text, end="", flush=True)
