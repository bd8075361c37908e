"""Drawing the next token: its probabilities, the draw and the random numbers.

B is the number of samples drawn side by side, V the vocabulary. A token out of the draw has the logit -inf.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError, check_options
from epigone.generation.allowed import AllowedTokens
from epigone.generation.rules.registry import RULES, ordered_rules
from epigone.generation.rules.rule import Context, Floats, Ids, Rule, softmax
from epigone.generation.rules.temperature import TEMPERATURE
from epigone.text.tokenizers.base import Tokenizer
from epigone.typed import typed

Mask = NDArray[np.bool_]
UNUSABLE = (
    "The model gives no usable probabilities for the next character: its weights hold values that are not numbers, or "
    "its tokenizer has no printable character. Use another checkpoint."
)


@dataclass(frozen=True)
@typed
class SamplingOptions:
    """The draw of the next token (a character or a word). The filters act in the order of this list."""

    repetition_penalty: float = 1.0
    """Above 1, recent tokens become less likely; 1 switches it off."""

    repetition_window: int = 64
    """Count this many of the last tokens as recent."""

    temperature: float | tuple[float, ...] = 0.8
    """Below 1 the likely becomes likelier, above 1 the unlikely; 0 always takes the likeliest token. Several, such as
    0.5 0.8 1.1, write the same number of texts each, from the same seed."""

    top_k: int = 0
    """Draw from the K likeliest tokens only; 0 for all."""

    top_p: float = 1.0
    """Draw from the fewest tokens whose probabilities add up to this much; 1 for all."""

    min_p: float = 0.0
    """Drop tokens less likely than this share of the likeliest one; 0 for none."""

    rule: tuple[str, ...] = ()
    """A further rule as NAME=VALUE, such as typical=0.9: draw from the tokens whose surprise is nearest to the
    expected one. Repeat it for several rules."""

    seed: int | None = None
    """The same seed gives the same text; by default a seed is drawn and reported."""

    def __post_init__(self) -> None:
        if isinstance(self.temperature, tuple):
            several = self.temperature
            if not several:
                raise UserError("temperature is an empty list; give at least one number.")
            object.__setattr__(self, "temperature", several if len(several) > 1 else several[0])
        check_options(self, "be 1 or more", lambda value: value >= 1, "repetition_window")
        check_options(self, "be 0 or more", lambda value: value >= 0, "seed", most=2**63 - 1)
        for rule in ordered_rules():
            if rule.name == TEMPERATURE.name:
                for temperature in self.temperatures:
                    if not rule.good(temperature):
                        raise UserError(f"{rule.name} must {rule.wanted}; {temperature} was given.")
            elif rule.name in FIELDS:
                check_options(self, rule.wanted, rule.good, rule.name)
        self.active_rules()

    @property
    def temperatures(self) -> tuple[float, ...]:
        """All temperatures; one or more."""
        return self.temperature if isinstance(self.temperature, tuple) else (self.temperature,)

    def active_rules(self) -> list[tuple[Rule, Any]]:
        """The rules in use with their values, in the order in which they act.

        Raises:
            UserError: `rule` names an unknown rule, lacks a usable value, or names a rule twice.
        """
        further: dict[str, Any] = {}
        for text in self.rule:
            name, equals, value = text.partition("=")
            rule = _further_rule(name)
            if not equals:
                raise UserError(f"The sampler rule {name} needs a value; write it as {name}=VALUE.")
            if name in further:
                raise UserError(f"The sampler rule {name} is given twice; give it once.")
            further[name] = rule.value_of(value)
        values = [
            (rule, getattr(self, rule.name) if rule.name in FIELDS else further.get(rule.name, rule.off))
            for rule in ordered_rules()
        ]
        return [(rule, value) for rule, value in values if value != rule.off]


FIELDS = {field.name for field in fields(SamplingOptions)}


def _further_rule(name: str) -> Rule:
    """Look up a rule without a field of its own.

    Raises:
        UserError: there is no such rule, or it has a field.
    """
    if name in FIELDS:
        raise UserError(f"{name} is an option of its own; give it as --{name.replace('_', '-')}, not as a rule.")
    return RULES[name]


def forbid(logits: Floats, forbidden: Mask) -> Floats:
    """Take tokens out of the draw.

    The paper draws again until it gets a character that can be printed. That equals one draw from the distribution
    restricted to those characters, which is what this gives.

    Args:
        logits: (B, V).
        forbidden: (V,) or (B, V).
    """
    return np.where(forbidden, -np.inf, logits)


def probabilities(
    logits: Floats, options: SamplingOptions, forbidden: Mask, recent: Ids, vocabulary: Sequence[str] = ()
) -> Floats:
    """Compute the distribution that the next token is drawn from.

    Args:
        logits: (B, V), as the model gives them.
        options: temperature, filters and further rules.
        forbidden: (V,) or (B, V), tokens that may not be drawn.
        recent: ids (B, W) of the last tokens; -1 marks an empty place.
        vocabulary: the text of each token (V,), for rules that need it.

    Returns:
        Probabilities (B, V), float64; with temperature 0 a single 1 in each row.

    Raises:
        UserError: the model gives values that are not numbers, or no token may be drawn.
    """
    context = Context(recent, vocabulary)
    logits = forbid(logits.astype(np.float64), forbidden)
    if not np.isfinite(logits.max(axis=1)).all():
        raise UserError(UNUSABLE)
    for rule, value in options.active_rules():
        logits = rule.apply(logits, value, context)
        if not np.isfinite(logits.max(axis=1)).all():
            raise UserError(f"The sampler rule {rule.name}={value} leaves no token to draw; choose another value.")
    return softmax(logits)


def draw(probabilities: Floats, uniforms: Floats) -> Ids:
    """Draw one token for each row by inversion of the cumulative distribution.

    Args:
        probabilities: (B, V); rows need not add up to exactly 1.
        uniforms: (B,) in [0, 1).

    Returns:
        Ids (B,), int64; never one of probability 0.
    """
    cumulative = np.cumsum(probabilities, axis=1)
    # The first id whose cumulative probability is above the threshold: its own probability is above 0.
    return np.argmax(cumulative > uniforms[:, None] * cumulative[:, -1:], axis=1)


class Sampler:
    """Draws the tokens of samples side by side, each from its own random stream."""

    def __init__(self, tokenizer: Tokenizer, options: SamplingOptions, indices: Sequence[int]) -> None:
        assert options.seed is not None
        self._options = options
        self._allowed = AllowedTokens(tokenizer)
        self._vocabulary = tokenizer.vocabulary
        self._streams = RandomStreams(options.seed, indices)
        self._recent = np.full((len(indices), options.repetition_window), -1)

    def read(self, tokens: Ids) -> None:
        """Note the tokens (B,) that the model reads."""
        self._recent[:, :-1] = self._recent[:, 1:]
        self._recent[:, -1] = tokens

    def draw(self, logits: Floats) -> Ids:
        """Draw the tokens (B,) that follow, from the model's logits (B, V)."""
        forbidden = self._allowed.forbidden(self._recent[:, -1])
        shares = probabilities(logits, self._options, forbidden, self._recent, self._vocabulary)
        return draw(shares, self._streams.next())


class RandomStreams:
    """A stream of uniform numbers for each sample, derived from the seed and the sample's index alone.

    Sample 7 is therefore the same drawn alone or among a hundred. The numbers are the raw output of PCG64 seeded by
    `SeedSequence(seed, spawn_key=(index,))`; NumPy keeps both stable across versions.
    """

    BLOCK = 256

    def __init__(self, seed: int, indices: Sequence[int]) -> None:
        self._generators = [_generator(seed, index) for index in indices]
        self._numbers: Floats = np.empty((0, len(indices)))
        self._next = 0

    def next(self) -> Floats:
        """Give one number in [0, 1) for each sample, (B,)."""
        if self._next == len(self._numbers):
            raw = np.stack([generator.random_raw(self.BLOCK) for generator in self._generators], axis=1)
            self._numbers = (raw >> np.uint64(11)) * 2.0**-53  # the 53 bits that a float64 holds
            self._next = 0
        self._next += 1
        return self._numbers[self._next - 1]


def random_states(seed: int, count: int) -> NDArray[np.uint64]:
    """The first states (count, 4) of the generators of `RandomStreams`: high and low half of state and increment."""
    states = [_generator(seed, index).state["state"] for index in range(count)]
    words = [(s["state"] >> 64, s["state"] % 2**64, s["inc"] >> 64, s["inc"] % 2**64) for s in states]
    return np.array(words, dtype=np.uint64)


def _generator(seed: int, index: int) -> np.random.PCG64:
    return np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index,)))
