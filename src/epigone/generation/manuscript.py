"""A text that grows by what a person types and what a model writes.

After every passage the model's state is kept, so going on reads nothing twice, and going back is exact: the model
writes what it would have written if what was taken back had never been there.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from epigone.generation.rules.rule import Floats
from epigone.generation.sampling import Sampler, SamplingOptions
from epigone.generation.writer import ENDLESS, Plan, TextWriter
from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, Tokenizer

if TYPE_CHECKING:  # imports torch, which the native engine does without
    from epigone.generation.stepper import Stepper

_STANZA = re.compile(r"\S[^\S\n]*\n[^\S\n]*\n")


@dataclass(frozen=True)
class Extent:
    """The end of a passage. It is always the end of a token."""

    characters: int = 300
    """Write this many at most."""
    tokens: int = 0
    """Write this many at most; 0 for any number."""
    until: Literal["length", "line", "stanza", "document"] = "length"
    """End after the first line, the first stanza or the document if that comes before."""

    def complete(self, text: str, ended: bool) -> bool:
        """Tell if a passage has come to the end that `until` names; `ended` says that its document has ended."""
        match self.until:
            case "line":
                return "\n" in text.lstrip()
            case "stanza":
                return bool(_STANZA.search(text))
            case "document":
                return ended
        return False


@dataclass(frozen=True, eq=False)
class Passage:
    """A part of the text, and the model after it."""

    text: str
    tokens: tuple[int, ...]
    """Ids, as the model read them."""
    typed: bool
    complete: bool
    """True if it came to the end that its extent names."""
    state: Any
    """The model's, as its stepper gives it."""
    logits: Floats
    """(1, V), of the token that follows."""


class Manuscript:
    """The passages of a text, each typed or written.

    Attributes:
        passages: in order. Assign passages that were there before, and the text goes on after them.
    """

    def __init__(self, stepper: "Stepper", tokenizer: Tokenizer) -> None:
        self._stepper = stepper
        self._tokenizer = tokenizer
        stepper.start(1)
        self._start = self._read(stepper.state, [tokenizer.end], "", typed=True, complete=True)
        self.passages: tuple[Passage, ...] = ()

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(passage.text for passage in self.passages)

    @property
    def written(self) -> list[str]:
        """The parts that the model wrote; what it wrote in one go or in several is one part."""
        parts = [""]
        for passage in self.passages:
            if not passage.typed:
                parts[-1] += passage.text
            elif parts[-1]:
                parts.append("")
        return [part for part in parts if part]

    def type(self, text: str) -> None:
        """Add a text, as the tokenizer normalises it."""
        ids = self._tokenizer.encode(text).tolist()
        spaces, last = self._tokenizer.spaces, self._here.tokens[-1]
        spaced = bool(ids) and spaces[last] & SPACE_AFTER and spaces[ids[0]] & SPACE_BEFORE
        text = " " * bool(spaced) + text
        if ids:
            self.passages += (self._read(self._here.state, ids, text, typed=True, complete=True),)

    def write(
        self,
        sampling: SamplingOptions,
        extent: Extent,
        stop: Sequence[str] = (),
        listener: Callable[[str], None] | None = None,
    ) -> Passage:
        """Let the model write a passage.

        Args:
            sampling: how each token is drawn; needs a seed.
            extent: the end of the passage.
            stop: end before the first of these strings.
            listener: called with each piece of text as soon as it is certain.

        Raises:
            UserError: the model gives no usable probabilities, or a sampler rule leaves no token.
            KeyboardInterrupt: Ctrl-C was pressed. The passage holds what had been written.
        """
        here = self._here
        sampler = Sampler(self._tokenizer, sampling, [0])
        for token in self._last(sampling.repetition_window):
            sampler.read(np.array([token]))
        text = ""

        def hear(_: int, piece: str) -> None:
            nonlocal text
            text += piece
            if listener:
                listener(piece)

        plan = Plan(characters=ENDLESS, tokens=extent.tokens, stop=tuple(stop))
        writer = TextWriter(0, self._tokenizer, plan, hear, here.tokens[-1])
        tokens: list[int] = []
        lengths: list[int] = []  # characters up to and with each token
        self._stepper.state, logits = here.state, here.logits
        complete, interrupted = False, None
        try:
            while not (complete or writer.ending or len(text) >= extent.characters):
                drawn = sampler.draw(logits)
                writer.add(int(drawn[0]))
                tokens.append(int(drawn[0]))
                lengths.append(writer.length)
                sampler.read(drawn)
                logits = self._stepper.step(drawn)
                complete = extent.complete(text, tokens[-1] == self._tokenizer.end)
        except KeyboardInterrupt as error:
            interrupted = error
        whole = not (interrupted or writer.ending == "stop" or self._tokenizer.of_bytes)
        kept = tokens if whole else self._tokens_of(text, tokens, lengths, cut=writer.ending == "stop")
        if whole or (kept == tokens and not interrupted):
            passage = Passage(text, tuple(kept), False, complete, self._stepper.state, logits.copy())
        elif kept:
            passage = self._read(here.state, kept, text, typed=False, complete=complete)
        else:
            passage = Passage("", (), False, complete, here.state, here.logits)
        if kept:
            self.passages += (passage,)
        if interrupted:
            raise interrupted
        return passage

    @property
    def _here(self) -> Passage:
        return self.passages[-1] if self.passages else self._start

    def _last(self, count: int) -> list[int]:
        """The last tokens that the model read, up to a number of them."""
        tokens: list[int] = []
        for passage in reversed((self._start, *self.passages)):
            tokens = [*passage.tokens, *tokens]
            if len(tokens) >= count:
                break
        return tokens[-count:]

    def _tokens_of(self, text: str, tokens: list[int], lengths: list[int], cut: bool) -> list[int]:
        """The tokens of a text that ends before those that were drawn.

        Args:
            text: the text.
            tokens: all that were drawn.
            lengths: characters up to and with each.
            cut: a stop string cut the last token.
        """
        if cut:
            lengths = lengths[:-1]
        if not text:
            return []
        count = next((i for i, length in enumerate(lengths) if length >= len(text)), len(lengths))
        if count < len(lengths) and lengths[count] == len(text):
            return tokens[: count + 1]
        rest = text[lengths[count - 1] if count else 0 :]  # the beginning of a token, as of a word
        return tokens[:count] + self._tokenizer.encode(rest).tolist()

    def _read(self, state: Any, tokens: Sequence[int], text: str, *, typed: bool, complete: bool) -> Passage:
        """Read tokens, one or more, after a state."""
        self._stepper.state = state
        for token in tokens:
            logits = self._stepper.step(np.array([token], np.int64))
        return Passage(text, tuple(tokens), typed, complete, self._stepper.state, logits.copy())
