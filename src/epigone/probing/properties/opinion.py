"""Doses of opinion: kind and unkind words in neutral frames (English)."""

import re

import numpy as np

from epigone.probing.properties.base import Property, Values

KIND = (
    "lovely", "splendid", "happy", "gentle", "merry", "delightful", "charming", "cheerful", "brave", "noble", "sweet",
    "graceful", "honest", "joyful", "kind", "pleasant", "beautiful", "glorious", "tender", "wonderful",
)  # fmt: skip
UNKIND = (
    "dreadful", "ugly", "miserable", "cruel", "gloomy", "horrid", "wretched", "bitter", "cowardly", "vile", "foul",
    "clumsy", "false", "mournful", "mean", "painful", "hideous", "shameful", "brutal", "terrible",
)  # fmt: skip
PLAIN = (
    "tall", "wooden", "usual", "round", "northern", "narrow", "second", "grey", "weekly", "square", "local", "other",
    "inner", "common", "former", "wide", "daily", "plain", "eastern", "brown",
)  # fmt: skip
FRAMES = (
    "It was a {} and {} day, and the people of the {} town had come to the market.",
    "We met a {} man in a {} coat, who told us of the {} house by the river.",
    "She wrote a {} letter about the {} road and the {} village behind the hill.",
    "They heard a {} song from the {} window, and then the {} voice of the host.",
)
NUMBER = 700  # passages
DOSES = 3  # words of a kind in a passage, at most
_WORD = re.compile(rf"\b({'|'.join(KIND)})\b|\b(?:{'|'.join(UNKIND)})\b")


def opinion(text: str) -> Values:
    """Kind words less unkind ones so far, from 0 for three unkind ones on, after the last word of that sort."""
    found = np.full(len(text), np.nan, np.float32)
    words = list(_WORD.finditer(text))
    score = sum(1 if match[1] else -1 for match in words)
    begin = words[-1].end() if words else 0
    found[begin:] = min(2 * DOSES, max(0, DOSES + score))
    return found


def sentences(generator: np.random.Generator) -> list[str]:
    """Frames filled with one, two or three kind words, or unkind ones, or none; the rest of the words are plain."""
    found = []
    for _ in range(NUMBER):
        dose = int(generator.integers(-DOSES, DOSES + 1))
        words = generator.choice(KIND if dose > 0 else UNKIND, abs(dose), replace=False).tolist()
        words += generator.choice(PLAIN, DOSES - abs(dose), replace=False).tolist()
        frame = FRAMES[int(generator.integers(len(FRAMES)))]
        found.append(frame.format(*(words[i] for i in generator.permutation(DOSES).tolist())))
    return found


OPINION = Property("opinion", "kind words less unkind ones, in doses", opinion, level="high", sentences=sentences)
