"""Slightly different wording: a word of nearly the same meaning, or of the opposite one (English)."""

import re
from collections.abc import Callable, Mapping

import numpy as np

from epigone.probing.properties.base import Edit, Pairs, Property
from epigone.probing.properties.edits import middle_word

SAME = (
    "big large", "small little", "begin start", "began started", "stone rock", "sad sorrowful", "glad happy",
    "road path", "shout cry", "quick swift", "slowly gently", "forest wood", "sea ocean", "boat ship", "child infant",
    "home house", "close shut", "near beside", "often oft", "perhaps maybe", "whole entire", "answer reply",
    "hurry haste", "brave bold", "angry furious", "rich wealthy", "clever shrewd", "silent still", "strange odd",
    "gift present", "wish desire", "speak talk", "heaven sky", "sleep slumber", "fear dread", "pretty lovely",
    "ill sick", "weary tired", "beneath below", "maiden girl",
)  # fmt: skip
OPPOSITE = (
    "good bad", "day night", "light dark", "love hate", "friend foe", "life death", "young old", "high low",
    "hot cold", "warm cool", "long short", "first last", "always never", "early late", "rich poor", "strong weak",
    "full empty", "open shut", "before after", "above below", "summer winter", "morning evening", "peace war",
    "truth falsehood", "glad sad", "happy unhappy", "sweet bitter", "soft hard", "came went", "rise fall",
    "laugh weep", "smile frown", "wise foolish", "near far", "deep shallow", "give take", "found lost", "bright dim",
    "more less", "beginning end",
)  # fmt: skip


def _replacing(pairs: tuple[str, ...]) -> Callable[[str, np.random.Generator, Pairs], Edit | None]:
    others: dict[str, str] = {}
    for one, other in map(str.split, pairs):
        others.setdefault(one, other)
        others.setdefault(other, one)
    pattern = re.compile(rf"\b(?:{'|'.join(others)})\b", re.IGNORECASE)

    def replaced(passage: str, generator: np.random.Generator, pairs: Pairs) -> Edit | None:
        found = middle_word(passage, generator, pattern)
        return Edit(found.start(), found.end(), _as_written(found[0], others)) if found else None

    return replaced


def _as_written(word: str, others: Mapping[str, str]) -> str:
    """The other word, in the case of the one that it replaces."""
    other = others[word.lower()]
    return other.upper() if word.isupper() and len(word) > 1 else other.capitalize() if word[0].isupper() else other


WORDING = Property("wording", "a word replaced by one of nearly the same meaning", edit=_replacing(SAME))
MEANING = Property("meaning", "a word replaced by one of the opposite meaning", edit=_replacing(OPPOSITE))
