"""`generate` at a terminal: text as it is written, and prompts typed one after another."""

import sys
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from understudy.errors import UserError
from understudy.generation import generate as room
from understudy.generation.generate import GenerateOptions, Generation
from understudy.generation.sampling import SamplingOptions
from understudy.models.checkpoint import load_checkpoint


def generate(
    model: str,
    options: GenerateOptions = GenerateOptions(),
    sampling: SamplingOptions = SamplingOptions(),
    stream: bool = False,
    interactive: Annotated[bool, Parameter(name=["--interactive", "-i"])] = False,
) -> Generation | None:
    """Write texts with a trained model.

    Args:
        model: the folder of a model, or the name of a bundled one.
        options: prompt and extent.
        sampling: how each character is drawn.
        stream: show the text as it is written (one sample).
        interactive: read prompts from standard input, a line each, and go on from each; an empty line begins anew.
    """
    if interactive:
        _converse(model, options, sampling)
        return None
    if not stream:
        return room.generate(model, options, sampling)
    if options.samples > 1 or options.documents > 1:
        raise UserError("--stream shows one text as it is written; leave out --samples and --documents.")
    result = room.generate(model, options, sampling, stream=_write)
    print()
    from understudy.showing import facts_of_generation

    facts_of_generation(result)
    return None


def _converse(model: str, options: GenerateOptions, sampling: SamplingOptions) -> None:
    checkpoint = load_checkpoint(model)
    seed = sampling.seed
    print("Type the beginning of a text, or nothing; end with Ctrl-D.", file=sys.stderr)
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            print(file=sys.stderr)
            return
        try:
            room.generate(
                checkpoint,
                replace(options, prompt=line.rstrip("\n")),
                replace(sampling, seed=seed),
                stream=_write,
            )
        except UserError as error:  # a prompt that the model cannot read does not end the conversation
            print(error, end="", file=sys.stderr)
        seed = None if seed is None else seed + 1
        print()


def _write(sample: int, text: str) -> None:
    print(text, end="", flush=True)
