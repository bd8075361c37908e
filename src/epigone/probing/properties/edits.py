"""Words of a passage, for small changes to one of them."""

import re

import numpy as np

WORD = re.compile(r"[^\W\d_]{4,}")


def middle_word(passage: str, generator: np.random.Generator, test: "re.Pattern[str]" = WORD) -> "re.Match[str] | None":
    """Draw a word, or what else a pattern finds, from the middle third of a passage, so that there is text around it.

    Args:
        passage: some text.
        generator: draws among the words.
        test: what to look for; by default words of four letters or more.
    """
    low, high = len(passage) // 3, 2 * len(passage) // 3
    found = [match for match in test.finditer(passage) if low <= match.start() < high]
    return found[int(generator.integers(len(found)))] if found else None
