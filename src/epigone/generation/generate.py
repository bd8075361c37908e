"""`generate`: what a trained model writes.

A text begins as every training document does, with the end symbol read from the zero state; then comes the
prompt. Samples are drawn side by side, each from its own random stream.
"""

import codecs
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError, check_options
from epigone.evaluation.memorisation import load_fingerprints
from epigone.evaluation.quality import TextQuality, text_quality
from epigone.generation.next_token import NextToken, Rules, likeliest
from epigone.generation.sampling import (
    UNUSABLE,
    RandomStreams,
    SamplingOptions,
    draw,
    probabilities,
    random_states,
)
from epigone.models.backends.walker import EngineOptions, Precision, native_walker
from epigone.models.files.model_folder import ModelFolder, read_folder
from epigone.text.document import some
from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, Tokenizer

if TYPE_CHECKING:  # both import torch, which the native engine does without
    from epigone.generation.stepper import Stepper
    from epigone.models.files.checkpoint import Checkpoint

log = logging.getLogger("epigone")

BATCH = 64  # samples drawn side by side; more gain little speed and cost memory
LENGTH = 1000  # characters of a text where neither they nor tokens are asked for
ENDLESS = 2**62  # characters: as many as the tokens make
DOCUMENT_BREAK = "\n\n"
Ending = Literal["length", "stop", "end"]
Listener = Callable[[int, str], None]


@dataclass(frozen=True)
class GenerateOptions:
    """What is to be written."""

    prompt: str = ""
    """The text to go on from."""

    length: int | None = None
    """Characters to write after the prompt, by default 1000. Where a document ends within them, a blank line is put
    and the next begins."""

    tokens: int = 0
    """Write this many tokens (words and punctuation marks of a word model) instead of a number of characters."""

    documents: int = 0
    """Write this many whole documents, each up to the model's end symbol, instead of a fixed length."""

    max_length: int = 10_000
    """With --documents: cut a document that has not ended after this many characters."""

    samples: int = 1
    """How many texts of that length to write."""

    stop: tuple[str, ...] = ()
    """End the text before the first of these strings."""

    next: int = 0
    """Instead of writing, list this many of the likeliest next tokens with their probabilities: the model's own;
    temperature and filters are not heeded."""

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):  # it would be taken for a row of one-letter strings
            object.__setattr__(self, "stop", (self.stop,))
        if self.length is not None:
            check_options(self, "be 1 or more", lambda value: value >= 1, "length")
        check_options(self, "be 1 or more", lambda value: value >= 1, "max_length", "samples")
        check_options(self, "be 0 or more", lambda value: value >= 0, "tokens", "documents", "next")
        if self.documents and self.samples > 1:
            raise UserError(
                f"documents={self.documents} already says how many texts to write; leave out samples={self.samples}."
            )
        if self.documents and self.tokens:
            raise UserError(
                f"documents={self.documents} are written to their ends; leave out tokens={self.tokens}, and cut long "
                "ones with max_length."
            )
        if self.length is not None and (self.tokens or self.documents):
            counted = f"tokens={self.tokens}" if self.tokens else f"documents={self.documents}"
            raise UserError(f"{counted} already says how much to write; leave out length={self.length}.")
        if self.next and (self.length or self.tokens or self.documents or self.samples > 1 or self.stop):
            raise UserError(
                f"next={self.next} lists what may follow the prompt and writes nothing; leave out length, tokens, "
                "documents, samples and stop."
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

    next: list[NextToken] = field(default_factory=list)
    """The likeliest next tokens, where they were asked for instead of texts."""


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
        UserError: no such model, a prompt with characters or words that the model does not know, options out of
            range.
    """
    source = read_folder(model) if isinstance(model, str | Path) else model
    options = replace(
        options,
        prompt=_readable(options.prompt, "prompt", source),
        stop=tuple(_readable(stop, "stop string", source) for stop in options.stop),
    )
    precision: Precision | None = None  # of the native engine, where that is what runs the model
    if stepper is None:
        backend, wanted = running.settled(source.shape, source.config.get("dtype"))
        precision = wanted if backend == "native" else None
    if options.next:
        begin, stepper = time.perf_counter(), stepper or _stepper(source, precision)
        found = likeliest(stepper, source.tokenizer, options.prompt, options.next)
        seconds, nothing = time.perf_counter() - begin, text_quality([])
        return Generation([], [], 0, 0, seconds, nothing, None, options, sampling, found)
    if sampling.seed is None:
        sampling = replace(sampling, seed=secrets.randbits(32))
    if precision is not None:
        threads = running.threads_for(options.documents or options.samples)
        new, endings, tokens, seconds = _write_natively(source, options, sampling, precision, threads, stream)
    else:
        stepper = stepper or _stepper(source, None)
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


def as_prompt(text: str, tokenizer: Tokenizer) -> str:
    """A prompt as the tokenizer has it; where words bring their spaces along, without those at its end."""
    text = tokenizer.normalise(text)
    return text.rstrip(" ") if tokenizer.spaces.any() else text


def _stepper(source: "ModelFolder | Checkpoint", precision: Precision | None) -> "Stepper":
    """The native engine's in a precision, or that of PyTorch."""
    if precision is not None:
        return native_walker(source.shape, source.weights(), precision, 1)
    from epigone.generation.stepper import TorchStepper
    from epigone.models.files.checkpoint import load_checkpoint

    return TorchStepper(load_checkpoint(source.folder).model if isinstance(source, ModelFolder) else source.model)


def _readable(text: str, role: str, checkpoint: "ModelFolder | Checkpoint") -> str:
    """The text as the model's tokenizer has it."""
    tokenizer = checkpoint.tokenizer
    normalised = as_prompt(text, tokenizer) if role == "prompt" else tokenizer.normalise(text)
    unknown = tokenizer.unknown(text)
    if tokenizer.unit == "word":
        if unknown and role == "prompt":  # a text may well be stopped by part of a word
            raise UserError(
                f"The prompt {text[:40]!r} has words that the model {checkpoint.folder} does not know: "
                f"{some(list(map(repr, unknown)), 5)}. Write it in other words, or use a model whose training text had "
                "them."
            )
    elif unknown:
        named = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in list(unknown)[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise UserError(
            f"The {role} {text[:40]!r} has characters that the model {checkpoint.folder} does not know: "
            f"{named}{more}. Leave them out, or use a model whose training text had them."
        )
    if normalised != text:
        log.info(f"The {role} is read as {normalised!r}, as the model's tokenizer has it.")
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
    rules = Rules(tokenizer)
    choosing = {field: value for field, value in asdict(sampling).items() if field != "seed"}
    begin = time.perf_counter()
    written = walker.write(
        randoms=random_states(sampling.seed, count),
        choosing=choosing,
        vocabulary=[] if tokenizer.name == "byte" else list(tokenizer.vocabulary),
        spaces=rules.spaces.tolist(),
        stops=list(options.stop),
        room=_room(options),
        most=options.tokens,
        end=tokenizer.end,
        joiner=rules.joiner,
        whole_document=bool(options.documents),
        forbidden=rules.hidden.astype(np.uint8),
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
    start = [tokenizer.end, *tokenizer.encode(options.prompt).tolist()]
    rules = Rules(tokenizer)
    writers = [
        _Writer(i, tokenizer, options, stream, rules.spaces, start[-1])
        for i in range(options.documents or options.samples)
    ]
    seconds = sum(
        _write_batch(writers[first : first + BATCH], stepper, rules, start, sampling)
        for first in range(0, len(writers), BATCH)
    )
    texts = ["".join(writer.pieces) for writer in writers]
    return texts, [writer.ending or "length" for writer in writers], sum(w.tokens for w in writers), seconds


def _write_batch(
    writers: Sequence["_Writer"],
    stepper: "Stepper",
    rules: Rules,
    start: Sequence[int],
    sampling: SamplingOptions,
) -> float:
    """Draw tokens for all writers side by side until each of them has its text; the seconds from the first draw on."""
    assert sampling.seed is not None
    streams = RandomStreams(sampling.seed, [writer.index for writer in writers])
    recent = np.full((len(writers), sampling.repetition_window), -1)

    stepper.start(len(writers))
    for writer in writers:
        writer.begin()
    for token in start:
        tokens = np.full(len(writers), token)
        recent = np.column_stack([recent[:, 1:], tokens])
        logits = stepper.step(tokens)
    begin = time.perf_counter()
    while True:
        tokens = draw(probabilities(logits, sampling, rules.forbidden(tokens), recent), streams.next())
        for writer, token in zip(writers, tokens.tolist(), strict=True):
            if writer.ending is None:
                writer.add(token)
        if all(writer.ending for writer in writers):
            return time.perf_counter() - begin
        if sampling.repetition_penalty != 1:
            recent = np.column_stack([recent[:, 1:], tokens])
        logits = stepper.step(tokens)


def _room(options: GenerateOptions) -> int:
    """Characters of a text at most."""
    return ENDLESS if options.tokens else options.max_length if options.documents else options.length or LENGTH


class _Writer:
    """Turns one sample's tokens into text and says when it is finished.

    What might still become a stop string is held back, and so are the bytes of an unfinished character.
    """

    def __init__(
        self,
        index: int,
        tokenizer: Tokenizer,
        options: GenerateOptions,
        listener: Listener | None,
        spaces: NDArray[np.uint8],
        last: int,
    ) -> None:
        self.index = index
        self.ending: Ending | None = None
        self.pieces: list[str] = []
        self.tokens = 0
        self._prompt = options.prompt
        self._stops = options.stop
        self._end = tokenizer.end
        self._vocabulary = tokenizer.vocabulary
        self._spaces = spaces
        self._last = last  # token, which is the prompt's at first
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace") if tokenizer.name == "byte" else None
        self._whole_document = bool(options.documents)
        self._room = _room(options)
        self._most = options.tokens
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
            spaced = self._spaces[self._last] & SPACE_AFTER and self._spaces[token] & SPACE_BEFORE
            text = "" if ends else " " * bool(spaced) + self._vocabulary[token]
        self._last = token
        if ends and not self._whole_document:
            text += DOCUMENT_BREAK
        self._held = (self._held + text)[: self._room]

        stops = [position for stop in self._stops if (position := self._held.find(stop)) >= 0]
        if stops:
            self._held = self._held[: min(stops)]
            self.ending = "stop"
        elif len(self._held) == self._room or self.tokens == self._most:
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
