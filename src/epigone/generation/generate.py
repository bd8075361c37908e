"""`generate`: texts that a trained model writes.

A text begins like every training document, with the end symbol read in the state that documents begin in (the zero
state, unless the model has one of its own); then comes the prompt.
Samples are drawn side by side, each from its own random stream.
"""

import copy
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epigone.errors import UserError, check_options
from epigone.evaluation.copied import CopiedRun, measure_copying
from epigone.evaluation.quality import TextQuality, text_quality
from epigone.generation.next_token import NextToken, likeliest
from epigone.generation.prompt import read_prompt, read_stop
from epigone.generation.sampling import SamplingOptions
from epigone.generation.writer import (
    ENDLESS,
    Ending,
    Listener,
    Plan,
    draws_natively,
    write_by_steps,
    write_natively,
)
from epigone.models.backends.walker import EngineOptions, Precision, native_walker
from epigone.models.clamps import Clamp
from epigone.models.files.clamp_names import read_clamps
from epigone.models.files.model_folder import ModelFolder, read_folder
from epigone.results import Shown
from epigone.text.tokenizers.direction import is_backward
from epigone.typed import typed

if TYPE_CHECKING:  # both import torch, which the native engine does without
    from epigone.generation.stepper import Stepper
    from epigone.models.files.checkpoint import Checkpoint

LENGTH = 1000  # characters of a text by default
MOST_TEXTS = 100_000  # that are written side by side, each with a state in memory


@dataclass(frozen=True)
@typed
class GenerateOptions:
    """Prompt and extent of the text."""

    prompt: str = ""
    r"""The text to continue. On the command line `\n` in it is a line break, `\t` a tab and `\\` a backslash."""

    length: int | None = None
    """Characters to write after the prompt, by default 1000. A document that ends before is followed by a blank line
    and the next document."""

    tokens: int = 0
    """Write this many tokens (words and punctuation marks of a word model) instead of a number of characters."""

    documents: int = 0
    """Write this many whole documents, each up to the model's end symbol, instead of a fixed length."""

    max_length: int = 10_000
    """With --documents: cut a document that has not ended after this many characters."""

    samples: int = 1
    """Write this many texts of that length."""

    stop: tuple[str, ...] = ()
    r"""End the text before the first of these strings. On the command line `\n` in it is a line break, `\t` a tab and
    `\\` a backslash."""

    next: int = 0
    """Instead of writing, list this many of the likeliest next tokens with the model's own probabilities, before
    temperature and filters."""

    def __post_init__(self) -> None:
        if self.length is not None:
            check_options(self, "be 1 or more", lambda value: value >= 1, "length")
        check_options(self, "be 1 or more", lambda value: value >= 1, "max_length")
        check_options(self, "be 1 or more", lambda value: value >= 1, "samples", most=MOST_TEXTS)
        check_options(self, "be 0 or more", lambda value: value >= 0, "tokens", "next")
        check_options(self, "be 0 or more", lambda value: value >= 0, "documents", most=MOST_TEXTS)
        if self.documents and self.samples > 1:
            raise UserError(
                f"documents={self.documents} already says how many texts to write; leave out samples={self.samples}."
            )
        if self.documents and self.tokens:
            raise UserError(
                f"documents={self.documents} writes documents to their ends; leave out tokens={self.tokens}, and limit "
                "long documents with max_length."
            )
        if self.length is not None and (self.tokens or self.documents):
            counted = f"tokens={self.tokens}" if self.tokens else f"documents={self.documents}"
            raise UserError(f"{counted} already says how much to write; leave out length={self.length}.")
        if self.next and (self.length or self.tokens or self.documents or self.samples > 1 or self.stop):
            raise UserError(
                f"next={self.next} lists likely next tokens and writes nothing; leave out length, tokens, "
                "documents, samples and stop."
            )
        if "" in self.stop:
            raise UserError("A stop string is empty, which would end every text at once; leave it out.")

    def plan(self) -> Plan:
        """The same for the writer."""
        characters = self.max_length if self.documents else self.length or LENGTH
        return Plan(
            prompt=self.prompt,
            texts=self.documents or self.samples,
            characters=ENDLESS if self.tokens else characters,
            tokens=self.tokens,
            stop=self.stop,
            whole_document=bool(self.documents),
        )


@dataclass
class Generation(Shown):
    """Texts, and how they came about."""

    texts: list[str]
    """Each begins with the prompt; new characters are counted and measured without it."""

    endings: list[Ending]
    """The reason of each text's end: at its `length`, before a `stop` string, or at the `end` symbol."""

    characters: int
    """New characters of all texts together."""

    tokens: int
    """Tokens drawn for them, end symbols and cut tokens included."""

    seconds: float
    """Time of the writing, without loading the model and reading the prompt."""

    quality: TextQuality
    """English words and distinct n-grams of the new text."""

    copying: dict[str, dict[str, Any]] | None
    """The copied part of the new text (`memorisation.Copying`), by the names of the training texts in the checkpoint's
    fingerprint; None without one."""

    options: GenerateOptions
    """As used, with the prompt as the tokenizer normalised it."""

    sampling: SamplingOptions
    """As used, with the seed."""

    next: list[NextToken] = field(default_factory=list)
    """The likeliest next tokens, if they were asked for instead of texts."""

    temperatures: list[float] = field(default_factory=list)
    """The temperature of each text."""

    copied: list[list[CopiedRun]] = field(default_factory=list)
    """The copied runs of each text, in order."""

    clamps: list[str] = field(default_factory=list)
    """The units that were held at a value, each by its name, such as `layers.1.cell[17]=0`."""


def generate(
    model: "str | Path | ModelFolder | Checkpoint",
    options: GenerateOptions = GenerateOptions(),
    sampling: SamplingOptions = SamplingOptions(),
    running: EngineOptions = EngineOptions(),
    corpus: Sequence[str | Path] = (),
    *,
    clamp: Sequence[str] = (),
    stream: Listener | None = None,
    stepper: Any = None,  # a Stepper, or what acts like one
) -> Generation:
    """Write texts with a trained model.

    Sample i depends on the seed and on i, not on the number of samples. The backend torch may differ from that once in
    some 100,000 characters, because the last bit of a sum can depend on the width of a product and tip a draw.

    Args:
        model: a model, its folder, or the name of a bundled one.
        options: prompt and extent.
        sampling: how each token is drawn.
        running: the engine and its precision.
        corpus: the text that the model learned, in files or folders, to name the documents that runs were copied from.
        clamp: units of a state to hold at a value, such as `layers.1.cell[17]=1`, `layers.0[3-7]=0`, or from the
            ranking of a probe `units(from=probe.json, top=10)=0`. After each step they are set to it, before anything
            reads them: the layer above, the head, the next step. With a clamped cell state the hidden state follows
            by the output gate.
        stream: called with a sample's index and its next piece of text as soon as that is certain, so never with part
            of a stop string or of a character. The pieces of a sample add up to its text, prompt first.
        stepper: runs the model instead of an engine.

    Raises:
        UserError: there is no such model, it does not know characters or words of the prompt, or an option is out of
            range.
    """
    source = read_folder(model) if isinstance(model, str | Path) else model
    refuse_backward(source)
    options = replace(
        options,
        prompt=read_prompt(options.prompt, source.tokenizer, source.folder),
        stop=tuple(read_stop(stop, source.tokenizer, source.folder) for stop in options.stop),
    )
    if clamp and stepper is not None:
        raise UserError("The stepper runs the model in its own way and knows no clamps; leave out clamp.")
    clamps = read_clamps(clamp, source.shape) if clamp else ()
    precision: Precision | None = None  # of the native engine, if that runs the model
    if stepper is None:
        backend, wanted = running.settled(source.shape, source.config.get("dtype"))
        precision = wanted if backend == "native" else None
    if options.next:
        begin, stepper = time.perf_counter(), stepper or _stepper(source, precision, clamps)
        found = likeliest(stepper, source.tokenizer, options.prompt, options.next)
        seconds, nothing = time.perf_counter() - begin, text_quality([])
        named = [each.written(source.shape) for each in clamps]
        return Generation([], [], 0, 0, seconds, nothing, None, options, sampling, found, clamps=named)
    if sampling.seed is None:
        sampling = replace(sampling, seed=secrets.randbits(32))
    plan = options.plan()
    natively = precision is not None and draws_natively(sampling)
    runner: Any = stepper or _stepper(source, precision, clamps, running.threads_for(plan.texts))
    write = write_natively if natively else write_by_steps
    drawn = [replace(sampling, temperature=temperature) for temperature in sampling.temperatures]
    written = [write(runner, source.tokenizer, plan, own, stream) for own in drawn]
    new = [text for group in written for text in group.texts]
    texts = [options.prompt + text for text in new]
    copying, copied = measure_copying(source, texts, len(options.prompt), corpus)
    return Generation(
        texts=texts,
        endings=[ending for group in written for ending in group.endings],
        characters=sum(map(len, new)),
        tokens=sum(group.tokens for group in written),
        seconds=sum(group.seconds for group in written),
        quality=text_quality(new),
        copying=copying,
        options=options,
        sampling=sampling,
        temperatures=[temperature for temperature in sampling.temperatures for _ in range(plan.texts)],
        copied=copied,
        clamps=[each.written(source.shape) for each in clamps],
    )


def refuse_backward(source: "ModelFolder | Checkpoint") -> None:
    """Refuse to write with a model that reads backward.

    Raises:
        UserError: it does.
    """
    if is_backward(source.tokenizer):
        raise UserError(
            f"{source.folder} reads backward, from the last token of a text to the first, so it cannot go on with one. "
            "Write with a forward model; this one is for classifiers that read in both directions, and for evaluate."
        )


def load_stepper(source: ModelFolder, running: EngineOptions, clamp: Sequence[str] = ()) -> "Stepper":
    """Load a model to write one text, by the engine that the options choose, with clamps as for `generate`.

    Raises:
        UserError: the engine cannot run the model, or a clamp names no unit of it.
    """
    refuse_backward(source)
    backend, precision = running.settled(source.shape, source.config.get("dtype"))
    clamps = read_clamps(clamp, source.shape)
    return _stepper(source, precision if backend == "native" else None, clamps, running.threads_for(1))


def _stepper(
    source: "ModelFolder | Checkpoint", precision: Precision | None, clamps: tuple[Clamp, ...], threads: int = 1
) -> "Stepper":
    """Make the native engine's stepper in a precision, or that of PyTorch."""
    if precision is not None:
        return native_walker(source.shape, source.weights(), precision, threads, clamps)
    from epigone.generation.stepper import TorchStepper
    from epigone.models.files.checkpoint import load_checkpoint

    model = copy.copy(load_checkpoint(source.folder).model if isinstance(source, ModelFolder) else source.model)
    model.clamps = clamps
    return TorchStepper(model)
