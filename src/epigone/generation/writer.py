"""The writing of many texts: tokens are drawn side by side until each text has ended."""

import codecs
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from epigone.errors import UserError
from epigone.generation.allowed import AllowedTokens
from epigone.generation.sampling import UNUSABLE, Sampler, SamplingOptions, random_states
from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, Tokenizer

if TYPE_CHECKING:  # imports torch, which the native engine does without
    from epigone.generation.stepper import Stepper

BATCH = 64  # samples drawn side by side; more gain little speed and cost memory
ENDLESS = 2**62  # characters
DOCUMENT_BREAK = "\n\n"
NATIVE_RULES = ("repetition_penalty", "temperature", "top_k", "top_p", "min_p")
"""The sampler rules of the native engine, in its order (`kernels/sampler.hpp`)."""

Ending = Literal["length", "stop", "end"]
Listener = Callable[[int, str], None]


@dataclass(frozen=True)
class Plan:
    """Texts to write, and where each ends."""

    prompt: str = ""
    """As the tokenizer normalises it."""

    texts: int = 1

    characters: int = ENDLESS
    """New characters of a text at most."""

    tokens: int = 0
    """New tokens of a text at most; 0 for any number."""

    stop: tuple[str, ...] = ()
    """A text ends before the first of these strings."""

    whole_document: bool = False
    """End a text at the end symbol. Otherwise a blank line follows, and the next document."""


class Written(NamedTuple):
    """The new texts, without the prompt."""

    texts: list[str]
    endings: list[Ending]
    tokens: int
    """Tokens drawn for all texts, end symbols and cut ones included."""
    seconds: float
    """From the first draw on."""


def draws_natively(sampling: SamplingOptions) -> bool:
    """Tell if the native engine knows all active sampler rules and applies them in the same order."""
    active = [rule.name for rule, _ in sampling.active_rules()]
    return active == [name for name in NATIVE_RULES if name in active]


def write_natively(
    walker: Any, tokenizer: Tokenizer, plan: Plan, sampling: SamplingOptions, listener: Listener | None
) -> Written:
    """Write texts in one call of the native engine, whose `Walker` this is.

    Raises:
        UserError: the model gives no usable probabilities.
    """
    assert sampling.seed is not None
    walker.read(np.array([tokenizer.end, *tokenizer.encode(plan.prompt)], dtype=np.int64))
    if listener and plan.prompt:
        for index in range(plan.texts):
            listener(index, plan.prompt)
    allowed = AllowedTokens(tokenizer)
    begin = time.perf_counter()
    written = walker.write(
        randoms=random_states(sampling.seed, plan.texts),
        choosing={name: getattr(sampling, name) for name in (*NATIVE_RULES, "repetition_window")},
        vocabulary=[] if tokenizer.of_bytes else list(tokenizer.vocabulary),
        spaces=allowed.spaces.tolist(),
        stops=list(plan.stop),
        room=plan.characters,
        most=plan.tokens,
        end=tokenizer.end,
        joiner=allowed.joiner,
        whole_document=plan.whole_document,
        forbidden=allowed.hidden.astype(np.uint8),
        listener=listener,
    )
    seconds = time.perf_counter() - begin
    if not written:
        raise UserError(UNUSABLE)
    texts, endings, tokens = map(list, zip(*written, strict=True))
    return Written(texts, endings, sum(tokens), seconds)


def write_by_steps(
    stepper: "Stepper", tokenizer: Tokenizer, plan: Plan, sampling: SamplingOptions, listener: Listener | None
) -> Written:
    """Write texts with any stepper, some side by side: the reference of `write_natively`.

    Raises:
        UserError: the model gives no usable probabilities, or a sampler rule leaves no token.
    """
    start = [tokenizer.end, *tokenizer.encode(plan.prompt).tolist()]
    writers = [TextWriter(i, tokenizer, plan, listener, start[-1]) for i in range(plan.texts)]
    seconds = 0.0
    for first in range(0, plan.texts, BATCH):
        batch = writers[first : first + BATCH]
        sampler = Sampler(tokenizer, sampling, [writer.index for writer in batch])
        seconds += _write_batch(batch, stepper, sampler, start)
    texts = ["".join(writer.pieces) for writer in writers]
    endings: list[Ending] = [writer.ending or "length" for writer in writers]
    return Written(texts, endings, sum(writer.tokens for writer in writers), seconds)


def _write_batch(writers: Sequence["TextWriter"], stepper: "Stepper", sampler: Sampler, start: Sequence[int]) -> float:
    """Draw tokens until each writer has its text; return the seconds from the first draw on."""
    stepper.start(len(writers))
    for writer in writers:
        writer.begin()
    for token in start:
        tokens = np.full(len(writers), token)
        sampler.read(tokens)
        logits = stepper.step(tokens)
    begin = time.perf_counter()
    while True:
        tokens = sampler.draw(logits)
        for writer, token in zip(writers, tokens.tolist(), strict=True):
            if writer.ending is None:
                writer.add(token)
        if all(writer.ending for writer in writers):
            return time.perf_counter() - begin
        sampler.read(tokens)
        logits = stepper.step(tokens)


class TextWriter:
    """Turns the tokens of one sample into text and decides where it ends; as in `kernels/writer.hpp`.

    It holds back the beginning of a possible stop string and the bytes of an unfinished character.
    """

    def __init__(self, index: int, tokenizer: Tokenizer, plan: Plan, listener: Listener | None, last: int) -> None:
        self.index = index
        self.ending: Ending | None = None
        self.pieces: list[str] = []
        self.tokens = 0
        self._plan = plan
        self._end = tokenizer.end
        self._vocabulary = tokenizer.vocabulary
        self._spaces = tokenizer.spaces
        self._last = last  # the last token: at first that of the prompt
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace") if tokenizer.of_bytes else None
        self._room = plan.characters
        self._held = ""
        self._shown = 0
        self._listener = listener

    def begin(self) -> None:
        """Show the prompt."""
        if self._plan.prompt and self._listener:
            self._listener(self.index, self._plan.prompt)

    @property
    def length(self) -> int:
        """Characters of the tokens so far, those held back included."""
        return self._shown + len(self._held)

    def add(self, token: int) -> None:
        """Take the next token; set `ending` if it is the last."""
        self.tokens += 1
        ends = token == self._end
        if self._bytes:
            text = self._bytes.decode(b"" if ends else bytes([token]), final=ends)
        else:
            spaced = self._spaces[self._last] & SPACE_AFTER and self._spaces[token] & SPACE_BEFORE
            text = "" if ends else " " * bool(spaced) + self._vocabulary[token]
        self._last = token
        if ends and not self._plan.whole_document:
            text += DOCUMENT_BREAK
        self._held = (self._held + text)[: self._room]

        stops = [position for stop in self._plan.stop if (position := self._held.find(stop)) >= 0]
        if stops:
            self._held = self._held[: min(stops)]
            self.ending = "stop"
        elif len(self._held) == self._room or self.tokens == self._plan.tokens:
            self.ending = "length"
        elif ends and self._plan.whole_document:
            self.ending = "end"
        self._show(len(self._held) - (0 if self.ending else self._undecided()))

    def _undecided(self) -> int:
        """Count the last characters that may begin a stop string."""
        stops = self._plan.stop
        longest = min(len(self._held), max(map(len, stops), default=1) - 1)
        return next((n for n in range(longest, 0, -1) if any(s.startswith(self._held[-n:]) for s in stops)), 0)

    def _show(self, count: int) -> None:
        if not count:
            return
        text, self._held = self._held[:count], self._held[count:]
        self._room -= count
        self._shown += count
        self.pieces.append(text)
        if self._listener:
            self._listener(self.index, text)
