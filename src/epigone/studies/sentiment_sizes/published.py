"""Figures of other works, as they were published. They are about other splits and machines, and are never mixed in."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """The accuracy that a work reports for a system, by the number of labels."""

    name: str
    accuracy: Mapping[int, float]


PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "imdb": (
        Published("scratch (the work)", {500: 0.541, 1_000: 0.633, 2_500: 0.704, 5_000: 0.767, 10_000: 0.875}),
        Published("transfer (the work)", {500: 0.767, 1_000: 0.825, 2_500: 0.853, 5_000: 0.889, 10_000: 0.898}),
        Published("model2vec, logistic regression", {1_000: 0.853}),
        Published("model2vec, fine-tuned", {1_000: 0.856}),
        Published("SetFit (MiniLM)", {1_000: 0.860}),
        Published("BGE-base (110 M weights)", {1_000: 0.923}),
    )
}
"""The figures by the name of the texts that they are about."""
