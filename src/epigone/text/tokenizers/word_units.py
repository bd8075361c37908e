"""Units of text: words, numbers, signs and white space, and the spaces around them.

A text is the sequence of its units: words, numbers, single signs, and single characters of white space. A word is a run
of letters, marks and digits of any script. Apostrophes, hyphens and the like inside it belong to it (don't,
well-known), and so do points and commas between digits (1,234.5). Han, Hiragana and Katakana have no spaces: each of
their characters is a unit. A Hangul word is everything between two spaces, with its endings.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise

import numpy as np

from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, code_points

WORD = SPACE_BEFORE | SPACE_AFTER
CHUNK = 1 << 16  # characters of short documents that are examined together
EVIDENCE, MOST = 5, 2 / 3  # fewest places of a sign, and the share of them, that overrule its usual spaces

# Scripts without spaces: CJK radicals, ideographs and signs for one, kana, bopomofo.
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f\u30a1-\u30fa"
    "\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
# Inside words: apostrophes, hyphens (also the soft one), the underscore, the middle dot, and the invisible joiners.
_INNER = set("'’-‐‑_·\u00ad\u200c\u200d")
# A copy of the text has a class in place of each character: a letter, m mark, 0 digit, i inside words, n inside
# numbers, u of an unspaced script, s space, w other white space, p any other sign.
_UNIT = re.compile(r"[am0]+(?:(?:i|(?<=0)n(?=0))[am0]+)*|[uinp]m*|[sw]")


class _Classes(dict[int, str]):
    """A table for `str.translate` from characters to their classes."""

    def __missing__(self, code: int) -> str:
        self[code] = _class_of(chr(code))
        return self[code]


def _class_of(character: str) -> str:
    kind = unicodedata.category(character)
    if character == " ":
        return "s"
    if character.isspace():
        return "w"
    if character in _INNER:
        return "i"
    if character in ".,":
        return "n"
    if _UNSPACED.match(character):
        return "u"
    if kind == "Nd":
        return "0"
    return {"L": "a", "N": "a", "M": "m"}.get(kind[0], "p")


_CLASSES = _Classes()


def units_of(text: str) -> list[str]:
    """Cut a text into its units."""
    ends = accumulate(map(len, _UNIT.findall(text.translate(_CLASSES))), initial=0)
    return [text[begin:end] for begin, end in pairwise(ends)]


def is_sign(unit: str) -> bool:
    """True for a unit that is no word, no number, no white space and not of an unspaced script."""
    return _CLASSES[ord(unit[0])] in "inp"


def usual_spaces(unit: str) -> int:
    """Return the usual spaces of a unit: around words, after closing signs, before opening signs."""
    first = unit[0]
    if not is_sign(unit):
        return WORD if _CLASSES[ord(first)] in "am0" else 0
    kind = unicodedata.category(first)
    if kind[0] == "P" and unicodedata.east_asian_width(first) in "WF":
        return 0  # as wide as a Han character, which includes its space
    for signs, wanted in _USUAL.items():
        if first in signs:
            return wanted
    return {"Ps": SPACE_BEFORE, "Pi": SPACE_BEFORE, "Sc": SPACE_BEFORE, "Pe": SPACE_AFTER, "Pf": SPACE_AFTER,
            "Po": SPACE_AFTER, "Pd": WORD, "Sm": WORD, "So": WORD, "Sk": WORD}.get(kind, 0)  # fmt: skip


_USUAL = {"\"'—/\\_·": 0, "#@¡¿§": SPACE_BEFORE, "&*•": WORD}  # exceptions from their categories


class _Usual(dict[int, str]):
    """A table for `str.translate` from characters to the spaces that they surely want, as a digit; a space stays."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        wanted = usual_spaces(character)
        unsure = wanted == WORD and is_sign(character)  # a dash says nothing about the point before it
        self[code] = " " if character == " " else "0" if unsure else str(wanted)
        return self[code]


_WANTED = _Usual()


class Habits:
    """Spaces that a text has around its signs; quotation marks and dashes differ between languages."""

    def __init__(self) -> None:
        # For each sign beside a unit that allows both: the number of places with a space, and without.
        self._spaced: dict[int, Counter[int]] = {SPACE_BEFORE: Counter(), SPACE_AFTER: Counter()}
        self._close: dict[int, Counter[int]] = {SPACE_BEFORE: Counter(), SPACE_AFTER: Counter()}

    def learn(self, text: str) -> None:
        """Count the spaces around the signs of a text."""
        padded = f"\n\n{text}\n\n"
        codes = code_points(padded)
        classes = np.frombuffer(padded.translate(_CLASSES).encode("ascii"), np.uint8)
        wanted = np.frombuffer(padded.translate(_WANTED).encode("ascii"), np.uint8)
        space, word = classes == ord("s"), np.isin(classes, np.frombuffer(b"am0", np.uint8))
        inner = np.isin(classes, np.frombuffer(b"in", np.uint8))[2:-2] & word[1:-3] & word[3:-1]
        sign = np.isin(classes, np.frombuffer(b"inp", np.uint8))[2:-2] & ~inner
        # The bits of "0" to "3"; those of " " are 0.
        asks = {side: (wanted & side) > 0 for side in (SPACE_BEFORE, SPACE_AFTER)}
        for side, other, near, far in (
            (SPACE_BEFORE, SPACE_AFTER, slice(1, -3), slice(0, -4)),
            (SPACE_AFTER, SPACE_BEFORE, slice(3, -1), slice(4, None)),
        ):
            for counter, places in (
                (self._spaced[side], sign & space[near] & asks[other][far]),
                (self._close[side], sign & asks[other][near]),
            ):
                counter.update(dict(zip(*_numbers(codes[2:-2][places]), strict=True)))

    def spaces(self, unit: str) -> int:
        """Return the spaces of a unit: the usual ones, unless it is a sign that the texts mostly write otherwise."""
        wanted = usual_spaces(unit)
        if len(unit) > 1 or not is_sign(unit):
            return wanted
        for side in (SPACE_BEFORE, SPACE_AFTER):
            spaced, close = self._spaced[side][ord(unit)], self._close[side][ord(unit)]
            if spaced + close >= EVIDENCE and max(spaced, close) >= MOST * (spaced + close):
                wanted = wanted | side if spaced > close else wanted & ~side
        return wanted


def _numbers(codes: np.ndarray) -> tuple[list[int], list[int]]:
    found, numbers = np.unique(codes, return_counts=True)
    return found.tolist(), numbers.tolist()


def chunks(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield texts, the short ones joined by newlines, each with the number of these newlines."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= CHUNK:
            yield "\n".join(held), len(held) - 1
            held, size = [], 0
    if held:
        yield "\n".join(held), len(held) - 1
