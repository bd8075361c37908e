"""Misspelt texts: the same mistakes each time, in a stated share of the words."""

import hashlib
import random
import re
import string
from collections.abc import Callable

WORD = re.compile(r"[^\W\d_]{3,}")
"""A word that may be misspelt: three letters or more."""


def _swapped(word: str, place: int, generator: random.Random) -> str:
    """Swap two neighbours; of equal letters the next two that differ, if there are any."""
    for first in (*range(place, len(word) - 1), *range(place)):
        if word[first] != word[first + 1]:
            return word[:first] + word[first + 1] + word[first] + word[first + 2 :]
    return word[1:]


def _dropped(word: str, place: int, generator: random.Random) -> str:
    return word[:place] + word[place + 1 :]


def _doubled(word: str, place: int, generator: random.Random) -> str:
    return word[: place + 1] + word[place:]


def _replaced(word: str, place: int, generator: random.Random) -> str:
    old = word[place]
    new = generator.choice([letter for letter in string.ascii_lowercase if letter != old.lower()])
    return word[:place] + (new.upper() if old.isupper() else new) + word[place + 1 :]


MISTAKES: tuple[Callable[[str, int, random.Random], str], ...] = (_swapped, _dropped, _doubled, _replaced)


def misspelt(text: str, share: float) -> str:
    """Make one mistake in a share of the words: two letters swapped, or one dropped, doubled or replaced.

    Mistake, word and letter are drawn from a seed that the text gives, so the same text gets the same mistakes.

    Args:
        text: any text; words of one or two letters stay as they are.
        share: share of the words that get a mistake, 0 to 1.
    """
    words = list(WORD.finditer(text))
    generator = random.Random(hashlib.sha256(f"{share}\n{text}".encode()).digest())
    chosen = sorted(generator.sample(range(len(words)), round(share * len(words))))
    parts, end = [], 0
    for index in chosen:
        word = words[index]
        mistake, place = generator.choice(MISTAKES), generator.randrange(len(word[0]))
        parts += [text[end : word.start()], mistake(word[0], place, generator)]
        end = word.end()
    return "".join([*parts, text[end:]])
