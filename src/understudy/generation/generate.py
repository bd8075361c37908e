"""`generate`: what a trained model writes.

A text begins as every training document does, with the end symbol read from the zero state; then comes the
prompt. Samples are drawn side by side, each from its own random stream.
"""

import codecs
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from understudy.errors import UserError, check_options
from understudy.evaluation.memorisation import load_fingerprints
from understudy.evaluation.quality import TextQuality, text_quality
from understudy.generation.sampling import (
    UNUSABLE,
    RandomStreams,
    SamplingOptions,
    draw,
    probabilities,
    random_states,
)
from understudy.models.folder import ModelFolder, read_folder
from understudy.models.walker import EngineOptions, Precision, native_walker
from understudy.text.tokenizers import Tokenizer

if TYPE_CHECKING:  # both import torch, which the native engine does without
    from understudy.generation.stepper import Stepper
    from understudy.models.checkpoint import Checkpoint

log = logging.getLogger("understudy")

BATCH = 64  # samples drawn side by side; more gain little speed and cost memory
DOCUMENT_BREAK = "\n\n"
Ending = Literal["length", "stop", "end"]
Listener = Callable[[int, str], None]


@dataclass(frozen=True)
class GenerateOptions:
    """What is to be written."""

    prompt: str = ""
    """The text to go on from."""

    length: int = 1000
    """Characters to write after the prompt. Where a document ends within them, a blank line is put and the
    next begins."""

    documents: int = 0
    """Write this many whole documents, each up to the model's end symbol, instead of a fixed length."""

    max_length: int = 10_000
    """With --documents: cut a document that has not ended after this many characters."""

    samples: int = 1
    """How many texts of that length to write."""

    stop: tuple[str, ...] = ()
    """End the text before the first of these strings."""

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):  # it would be taken for a row of one-letter strings
            object.__setattr__(self, "stop", (self.stop,))
        check_options(self, "be 1 or more", lambda value: value >= 1, "length", "max_length", "samples")
        check_options(self, "be 0 or more", lambda value: value >= 0, "documents")
        if self.documents and self.samples > 1:
            raise UserError(
                f"documents={self.documents} already says how many texts to write; leave out samples={self.samples}."
            )
        if "" in self.stop:
            raise UserError("A stop string is empty, which would end every text at once; leave it out.")


@dataclass
class Generation:
    """Texts, and how they came about."""

    texts: list[str]
    """Every text begins with the prompt; new characters are counted and measured without it."""

    endings: list[Ending]
    """Why each text ends: at its `length`, before a `stop` string, or at the `end` symbol."""

    characters: int
    """New characters in all texts together."""

    tokens: int
    """Tokens drawn for them, end symbols and what was cut off included."""

    seconds: float
    """Time taken to write them, without loading the model and reading the prompt."""

    quality: TextQuality
    """Words that are English, and n-grams that are distinct, of the new text."""

    copying: dict[str, dict[str, Any]] | None
    """How much of the new text stands in the training text (`memorisation.Copying`), by the names in the
    checkpoint's fingerprint; None without one."""

    options: GenerateOptions
    """As used: the prompt as the tokenizer normalised it."""

    sampling: SamplingOptions
    """As used: with the seed that was drawn where none was given."""


def generate(
    model: "str | Path | ModelFolder | Checkpoint",
    options: GenerateOptions = GenerateOptions(),
    sampling: SamplingOptions = SamplingOptions(),
    running: EngineOptions = EngineOptions(),
    *,
    stream: Listener | None = None,
    stepper: "Stepper | None" = None,
) -> Generation:
    """Write texts with a trained model.

    Sample i depends on the seed and on i, not on the number of samples (with the backend torch save where the last bit
    of a sum, which may differ with the width of a product, tips a draw: once in some 100,000 characters).

    Args:
        model: a model, its folder, or the name of a bundled one.
        options: prompt and extent.
        sampling: how each token is drawn.
        running: the engine and its precision.
        stream: called with a sample's index and its next piece of text as soon as that is certain: never part
            of a stop string, never part of a character. The pieces of a sample add up to its text, prompt
            first.
        stepper: runs the model instead of an engine.

    Raises:
        UserError: no such model, a prompt with characters that the model does not know, options out of range.
    """
    source = read_folder(model) if isinstance(model, str | Path) else model
    options = replace(
        options,
        prompt=_readable(options.prompt, "prompt", source),
        stop=tuple(_readable(stop, "stop string", source) for stop in options.stop),
    )
    if sampling.seed is None:
        sampling = replace(sampling, seed=secrets.randbits(32))
    backend, precision = running.settled(source.config.get("dtype"))
    if stepper is None and backend == "native":
        threads = running.threads_for(options.documents or options.samples)
        new, endings, tokens, seconds = _write_natively(source, options, sampling, precision, threads, stream)
    else:
        stepper = stepper or _torch_stepper(source)
        new, endings, tokens, seconds = _write(source.tokenizer, stepper, options, sampling, stream)
    return Generation(
        texts=[options.prompt + text for text in new],
        endings=endings,
        characters=sum(map(len, new)),
        tokens=tokens,
        seconds=seconds,
        quality=text_quality(new),
        copying=copying_in(new, source.folder),
        options=options,
        sampling=sampling,
    )


def copying_in(texts: Sequence[str], folder: Path) -> dict[str, dict[str, Any]] | None:
    """How much of some texts stands in what the model of a folder was trained on, as in `Generation.copying`."""
    fingerprint = folder / "fingerprint.safetensors"
    if not fingerprint.is_file():
        return None
    return {name: asdict(source.copied(texts)) for name, source in load_fingerprints(fingerprint).items()}


def _torch_stepper(source: "ModelFolder | Checkpoint") -> "Stepper":
    from understudy.generation.stepper import TorchStepper
    from understudy.models.checkpoint import load_checkpoint

    return TorchStepper(load_checkpoint(source.folder).model if isinstance(source, ModelFolder) else source.model)


def _readable(text: str, role: str, checkpoint: "ModelFolder | Checkpoint") -> str:
    """The text as the model's tokenizer has it."""
    normalised = checkpoint.tokenizer.normalise(text)
    unknown = checkpoint.tokenizer.unknown(text)
    if unknown:
        named = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in list(unknown)[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise UserError(
            f"The {role} {text[:40]!r} has characters that the model {checkpoint.folder} does not know: "
            f"{named}{more}. Leave them out, or use a model whose training text had them."
        )
    if normalised != text:
        log.info(f"The {role} is read as {normalised!r}, in the characters that the model knows.")
    return normalised


Written = tuple[list[str], list[Ending], int, float]  # texts, why each ended, tokens, seconds


def _write_natively(
    source: "ModelFolder | Checkpoint",
    options: GenerateOptions,
    sampling: SamplingOptions,
    precision: Precision,
    threads: int,
    stream: Listener | None,
) -> Written:
    """What `_write` does, in one native call (`kernels/walking.hpp`)."""
    assert sampling.seed is not None
    tokenizer = source.tokenizer
    walker = native_walker(source.shape, source.weights(), precision, threads)
    walker.read(np.array([tokenizer.end, *tokenizer.encode(options.prompt)], dtype=np.int64))
    count = options.documents or options.samples
    if stream and options.prompt:
        for index in range(count):
            stream(index, options.prompt)
    forbidden = ~tokenizer.printable
    forbidden[tokenizer.end] = False
    choosing = {field: value for field, value in asdict(sampling).items() if field != "seed"}
    begin = time.perf_counter()
    written = walker.write(
        randoms=random_states(sampling.seed, count),
        choosing=choosing,
        vocabulary=[] if tokenizer.name == "byte" else list(tokenizer.vocabulary),
        stops=list(options.stop),
        room=options.max_length if options.documents else options.length,
        end=tokenizer.end,
        whole_document=bool(options.documents),
        forbidden=forbidden.astype(np.uint8),
        listener=stream,
    )
    seconds = time.perf_counter() - begin
    if not written:
        raise UserError(UNUSABLE)
    texts, endings, tokens = map(list, zip(*written, strict=True))
    return texts, endings, sum(tokens), seconds


def _write(
    tokenizer: Tokenizer,
    stepper: "Stepper",
    options: GenerateOptions,
    sampling: SamplingOptions,
    stream: Listener | None,
) -> Written:
    """Draw tokens for all texts, some side by side, until each has ended."""
    writers = [_Writer(i, tokenizer, options, stream) for i in range(options.documents or options.samples)]
    seconds = sum(
        _write_batch(writers[first : first + BATCH], stepper, tokenizer, options.prompt, sampling)
        for first in range(0, len(writers), BATCH)
    )
    texts = ["".join(writer.pieces) for writer in writers]
    return texts, [writer.ending or "length" for writer in writers], sum(w.tokens for w in writers), seconds


def _write_batch(
    writers: Sequence["_Writer"],
    stepper: "Stepper",
    tokenizer: Tokenizer,
    prompt: str,
    sampling: SamplingOptions,
) -> float:
    """Draw tokens for all writers side by side until each of them has its text; the seconds from the first draw on."""
    assert sampling.seed is not None
    streams = RandomStreams(sampling.seed, [writer.index for writer in writers])
    start = [tokenizer.end, *tokenizer.encode(prompt).tolist()]
    recent = np.full((len(writers), sampling.repetition_window), -1)
    forbidden = np.tile(~tokenizer.printable, (len(writers), 1))

    stepper.start(len(writers))
    for writer in writers:
        writer.begin()
    for token in start:
        tokens = np.full(len(writers), token)
        recent = np.column_stack([recent[:, 1:], tokens])
        logits = stepper.step(tokens)
    begin = time.perf_counter()
    while True:
        forbidden[:, tokenizer.end] = tokens == tokenizer.end  # a document is never empty
        tokens = draw(probabilities(logits, sampling, forbidden, recent), streams.next())
        for writer, token in zip(writers, tokens.tolist(), strict=True):
            if writer.ending is None:
                writer.add(token)
        if all(writer.ending for writer in writers):
            return time.perf_counter() - begin
        if sampling.repetition_penalty != 1:
            recent = np.column_stack([recent[:, 1:], tokens])
        logits = stepper.step(tokens)


class _Writer:
    """Turns one sample's tokens into text and says when it is finished.

    What might still become a stop string is held back, and so are the bytes of an unfinished character.
    """

    def __init__(self, index: int, tokenizer: Tokenizer, options: GenerateOptions, listener: Listener | None) -> None:
        self.index = index
        self.ending: Ending | None = None
        self.pieces: list[str] = []
        self.tokens = 0
        self._prompt = options.prompt
        self._stops = options.stop
        self._end = tokenizer.end
        self._vocabulary = tokenizer.vocabulary
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace") if tokenizer.name == "byte" else None
        self._whole_document = bool(options.documents)
        self._room = options.max_length if options.documents else options.length
        self._held = ""
        self._listener = listener

    def begin(self) -> None:
        """Show the prompt."""
        if self._prompt and self._listener:
            self._listener(self.index, self._prompt)

    def add(self, token: int) -> None:
        """Take the next token; afterwards `ending` is set if it was the last."""
        self.tokens += 1
        ends = token == self._end
        if self._bytes:
            text = self._bytes.decode(b"" if ends else bytes([token]), final=ends)
        else:
            text = "" if ends else self._vocabulary[token]
        if ends and not self._whole_document:
            text += DOCUMENT_BREAK
        self._held = (self._held + text)[: self._room]

        stops = [position for stop in self._stops if (position := self._held.find(stop)) >= 0]
        if stops:
            self._held = self._held[: min(stops)]
            self.ending = "stop"
        elif len(self._held) == self._room:
            self.ending = "length"
        elif ends and self._whole_document:
            self.ending = "end"
        self._show(len(self._held) - (0 if self.ending else self._undecided()))

    def _undecided(self) -> int:
        """How many of the last characters held may be the beginning of a stop string."""
        longest = min(len(self._held), max(map(len, self._stops), default=1) - 1)
        return next((n for n in range(longest, 0, -1) if any(s.startswith(self._held[-n:]) for s in self._stops)), 0)

    def _show(self, count: int) -> None:
        if not count:
            return
        text, self._held = self._held[:count], self._held[count:]
        self._room -= count
        self.pieces.append(text)
        if self._listener:
            self._listener(self.index, text)
