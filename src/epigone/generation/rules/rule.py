"""A sampler rule: one change of the logits that the next token is drawn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError

Floats = NDArray[np.floating]
Ids = NDArray[np.integer]


@dataclass(frozen=True)
class Context:
    """Facts that a rule may use beside the logits."""

    recent: Ids
    """The last tokens (B, W) of each sample, the newest at the end. W is `repetition_window`, -1 an empty place."""

    vocabulary: Sequence[str]
    """The text of each token (V,)."""


@dataclass(frozen=True)
class Rule:
    """A pure function on logits, and the option that controls it.

    A rule with a field of its name in `SamplingOptions` takes its value from there (`--top-k 5`), any other from
    `rule` (`--rule typical=0.9`).
    """

    name: str
    """The name of its option."""

    apply: Callable[[Floats, Any, Context], Floats]
    """Return new logits (B, V) from logits, value and context. -inf takes a token out of the draw."""

    wanted: str
    """The condition on the value, in words that follow "must": `be above 0 and at most 1`."""

    good: Callable[[Any], bool]
    """Test the same condition; false for nan."""

    read: Callable[[str], Any] = float
    """Turn the text after `NAME=` into the value; raise ValueError if that is impossible."""

    off: Any = None
    """The value that switches the rule off."""

    before_temperature: bool = False
    """Apply it to the model's own logits. By default a rule sees them after the temperature."""

    help: str = ""
    """The meaning of its value, in a few words, for rules without a field."""

    def value_of(self, text: str) -> Any:
        """Read and check a value from the command line.

        Raises:
            UserError: the text is no such value.
        """
        try:
            value = self.read(text)
        except ValueError:
            value = None
        if value is None or not self.good(value):
            raise UserError(f"The value of the sampler rule {self.name} must {self.wanted}; '{text}' was given.")
        return value


def softmax(logits: Floats) -> Floats:
    """Turn logits (B, V) into probabilities that add up to 1 in each row."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
