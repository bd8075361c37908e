"""Figures of bases on a corpus, apart from what measures them, which loads PyTorch."""

from dataclasses import dataclass

TIMED = 60_000
"""Characters of the text that the steps that are timed learn from; from about so many on a step has its full size."""


@dataclass(frozen=True)
class Nearness:
    """A base on a sample of a corpus."""

    base: str
    tokenizer: str
    bits_per_char: float | None
    """Of the sample; None if the base knows none of its characters."""
    own_bits_per_char: float | None
    """Of documents like those that the base learned, kept apart when it was trained; None if that was not noted."""
    dropped: float
    """Share of the characters that the base lacks and drops, or of the words that it does not know."""
    seen: float | None
    """Share of the sample that the base has read in its training; None for new text."""


@dataclass(frozen=True)
class Duration:
    """The time that a base takes to learn a corpus, in seconds."""

    base: str
    epoch: float
    """A pass over the text that is learned, and a validation after it."""
    most: float
    """The whole command, at most: as many passes as were measured for the base, or all trials and a run of 20 passes,
    which early stopping mostly ends sooner."""
