"""From logits to the next token: pure functions on arrays (S, V), and the random numbers they are given.

S is the number of samples drawn side by side, V the vocabulary. What may not be drawn has the logit -inf.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError, check_options

Floats = NDArray[np.floating]
Ids = NDArray[np.integer]
Mask = NDArray[np.bool_]
UNUSABLE = (
    "The model gives no usable probabilities for the next character: its weights hold values that are not numbers, or "
    "its tokenizer has no printable character. Use another checkpoint."
)


@dataclass(frozen=True)
class SamplingOptions:
    """How the next token (a character or a word) is drawn. The filters act in the order in which they stand here."""

    repetition_penalty: float = 1.0
    """Above 1, tokens seen lately become less likely; 1 switches it off."""

    repetition_window: int = 64
    """How many of the last tokens the repetition penalty looks back at."""

    temperature: float = 0.8
    """Below 1 the likely becomes likelier, above 1 the unlikely; 0 always takes the likeliest token."""

    top_k: int = 0
    """Draw from the K likeliest tokens only; 0 for all."""

    top_p: float = 1.0
    """Draw from the fewest tokens whose probabilities add up to this much; 1 for all."""

    min_p: float = 0.0
    """Drop tokens less likely than this share of the likeliest one; 0 for none."""

    seed: int | None = None
    """The same seed gives the same text; left out, one is drawn and reported."""

    def __post_init__(self) -> None:
        check_options(self, "be above 0 (1 switches it off)", lambda value: 0 < value < np.inf, "repetition_penalty")
        check_options(self, "be 1 or more", lambda value: value >= 1, "repetition_window")
        check_options(self, "be 0 or more", lambda value: 0 <= value < np.inf, "temperature", "seed")
        check_options(self, "be 0 or more (0 switches it off)", lambda value: value >= 0, "top_k")
        check_options(self, "be above 0 and at most 1", lambda value: 0 < value <= 1, "top_p")
        check_options(self, "be between 0 and 1", lambda value: 0 <= value <= 1, "min_p")


def penalise(logits: Floats, recent: Ids, penalty: float) -> Floats:
    """Make the tokens that stand in `recent` less likely.

    Args:
        logits: (S, V).
        recent: ids (S, W); -1 marks an empty place.
        penalty: logits above 0 are divided by it, the others multiplied: Keskar et al. (2019), section 4.1,
            with the sign taken into account, since dividing a negative logit would reward the token.
    """
    samples, size = logits.shape
    seen = np.zeros((samples, size + 1), dtype=bool)  # one column more, which -1 falls into
    np.put_along_axis(seen, recent, True, axis=1)
    return np.where(seen[:, :-1], np.where(logits > 0, logits / penalty, logits * penalty), logits)


def forbid(logits: Floats, forbidden: Mask) -> Floats:
    """Take tokens out of the draw.

    Drawing again until the token is an allowed one, as the paper does with characters that cannot be printed,
    is the same as drawing once from the distribution restricted to the allowed ones; this is that
    restriction.

    Args:
        logits: (S, V).
        forbidden: (V,) or (S, V).
    """
    return np.where(forbidden, -np.inf, logits)


def keep_top_k(logits: Floats, k: int) -> Floats:
    """Keep the `k` likeliest tokens of each row; among equals the lower id stays."""
    if not 0 < k < logits.shape[1]:
        return logits
    kept = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    result = np.full_like(logits, -np.inf)
    np.put_along_axis(result, kept, np.take_along_axis(logits, kept, axis=1), axis=1)
    return result


def keep_top_p(logits: Floats, p: float) -> Floats:
    """Keep the fewest tokens, likeliest first, whose probabilities reach `p`: Holtzman et al. (2020), section
    3.1."""
    if p >= 1:
        return logits
    order = np.argsort(-logits, axis=1, kind="stable")
    ranked = np.take_along_axis(softmax(logits), order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked  # 0 for the likeliest token, which therefore always stays
    kept = np.empty(logits.shape, dtype=bool)
    np.put_along_axis(kept, order, before < p, axis=1)
    return np.where(kept, logits, -np.inf)


def keep_min_p(logits: Floats, share: float) -> Floats:
    """Keep tokens with at least `share` of the likeliest token's probability: Nguyen et al. (2024)."""
    if share <= 0:
        return logits
    return np.where(logits >= logits.max(axis=1, keepdims=True) + np.log(share), logits, -np.inf)


def softmax(logits: Floats) -> Floats:
    """Probabilities (S, V) that add up to 1 in each row."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def probabilities(logits: Floats, options: SamplingOptions, forbidden: Mask, recent: Ids) -> Floats:
    """The distribution that the next token is drawn from.

    Args:
        logits: (S, V), as the model gives them.
        options: temperature and filters.
        forbidden: (V,) or (S, V), tokens that may not be drawn.
        recent: ids (S, W) of the tokens last seen, for the repetition penalty; -1 marks an empty place.

    Returns:
        Probabilities (S, V), float64; with temperature 0 a single 1 in each row.

    Raises:
        UserError: the model gives something that is not a number, or no token may be drawn.
    """
    logits = logits.astype(np.float64)
    if options.repetition_penalty != 1:
        logits = penalise(logits, recent, options.repetition_penalty)
    logits = forbid(logits, forbidden)
    best = logits.max(axis=1, keepdims=True)
    if not np.isfinite(best).all():
        raise UserError(UNUSABLE)
    if options.temperature == 0:
        return np.eye(logits.shape[1])[logits.argmax(axis=1)]
    with np.errstate(over="ignore"):  # a tiny temperature sends the others to -inf, as it should
        logits = (logits - best) / options.temperature
    logits = keep_min_p(keep_top_p(keep_top_k(logits, options.top_k), options.top_p), options.min_p)
    return softmax(logits)


def draw(probabilities: Floats, uniforms: Floats) -> Ids:
    """One token for each row, by inversion of the cumulative distribution.

    Args:
        probabilities: (S, V); rows need not add up to exactly 1.
        uniforms: (S,) in [0, 1).

    Returns:
        Ids (S,), int64; never one of probability 0.
    """
    cumulative = np.cumsum(probabilities, axis=1)
    # The first id whose cumulative probability is above the threshold: its own probability is above 0.
    return np.argmax(cumulative > uniforms[:, None] * cumulative[:, -1:], axis=1)


class RandomStreams:
    """A stream of uniform numbers for each sample, derived from the seed and the sample's index alone.

    Sample 7 is therefore the same whether it is drawn alone or among a hundred. Built on the raw output of
    PCG64 seeded by `SeedSequence(seed, spawn_key=(index,))`, both of which NumPy keeps stable across
    versions.
    """

    BLOCK = 256

    def __init__(self, seed: int, indices: Sequence[int]) -> None:
        self._generators = [_generator(seed, index) for index in indices]
        self._numbers: Floats = np.empty((0, len(indices)))
        self._next = 0

    def next(self) -> Floats:
        """One number in [0, 1) for each sample, (S,)."""
        if self._next == len(self._numbers):
            raw = np.stack([generator.random_raw(self.BLOCK) for generator in self._generators], axis=1)
            self._numbers = (raw >> np.uint64(11)) * 2.0**-53  # the 53 bits that a float64 holds
            self._next = 0
        self._next += 1
        return self._numbers[self._next - 1]


def random_states(seed: int, count: int) -> NDArray[np.uint64]:
    """The generators of `RandomStreams` at their beginning (count, 4): state and increment of PCG64, halves each."""
    states = [_generator(seed, index).state["state"] for index in range(count)]
    words = [(s["state"] >> 64, s["state"] % 2**64, s["inc"] >> 64, s["inc"] % 2**64) for s in states]
    return np.array(words, dtype=np.uint64)


def _generator(seed: int, index: int) -> np.random.PCG64:
    return np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index,)))
