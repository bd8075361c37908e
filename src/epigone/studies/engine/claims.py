"""Claims of a work, and the answers that a study finds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """Something a work claims, and what was found."""

    claim: str
    answer: str
    """yes, no or unclear."""
    evidence: str
    """The figures behind the answer, in nats per character with their 95 % interval."""


def answer(low: float, high: float, *, negative: bool = True) -> str:
    """Whether an interval supports a claim: yes when it lies on the claimed side of zero, no when on the other.

    Args:
        low, high: ends of the interval.
        negative: the claim is that the difference is below zero.
    """
    if not negative:
        low, high = -high, -low
    return "yes" if high < 0 else "no" if low > 0 else "unclear"


def signed(estimate: float, low: float, high: float) -> str:
    """A difference with its interval, as papers write it."""
    return f"{estimate:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "\N{MINUS SIGN}")


def mean_of(values: Sequence[float]) -> float:
    """The plain mean."""
    return sum(values) / len(values)
