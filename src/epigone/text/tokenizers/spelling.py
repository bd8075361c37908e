"""What does it cost to spell a word that a model does not know?

A model that reads every unknown word as one token has not said which word it was. To count its loss honestly, the word
is spelled, letter by letter and with an end, by the simplest model there is: how often each letter stood in the unknown
words of the training text, add-one smoothed. A letter that stood in none costs what one of all characters costs.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from epigone.errors import UserError

CHARACTERS = 0x110000  # there are, of all scripts


@dataclass(frozen=True)
class Spelling:
    """A unigram model of the characters of unknown words.

    letters: how often each character stood in them; words: how many there were.
    """

    letters: dict[str, int]
    words: int

    @classmethod
    def of(cls, unknown: Counter[str]) -> "Spelling":
        """Learned from the unknown words of a text, with their numbers."""
        letters: Counter[str] = Counter()
        for word, number in unknown.items():
            for letter in word:
                if not "\ud800" <= letter <= "\udfff":  # halves of pairs cannot be written to a file
                    letters[letter] += number
        return cls(dict(sorted(letters.items())), unknown.total())

    def nats(self, unknown: Counter[str]) -> float:
        """The cost of spelling some words, so many times each, in nats."""
        # Letters, the end of the word, and whatever else there is.
        total = math.log(sum(self.letters.values()) + self.words + len(self.letters) + 2)
        other = total + math.log(CHARACTERS)
        costs = {letter: total - math.log(number + 1) for letter, number in self.letters.items()}
        end = total - math.log(self.words + 1)
        return sum(number * (end + sum(costs.get(c, other) for c in word)) for word, number in unknown.items())

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"letters": self.letters, "words": self.words}

    @classmethod
    def from_dict(cls, data: Any) -> "Spelling":
        """The inverse of `to_dict`.

        Raises:
            UserError: it is damaged.
        """
        sound = (
            isinstance(data, dict)
            and isinstance(words := data.get("words"), int)
            and words >= 0
            and isinstance(letters := data.get("letters"), dict)
            and all(len(letter) == 1 and isinstance(n, int) and n >= 0 for letter, n in letters.items())
        )
        if not sound:
            raise UserError(
                "The tokenizer's `spelling` is not the numbers of `letters` and of `words`; restore tokenizer.json "
                "from a copy of the checkpoint."
            )
        return cls(data["letters"], data["words"])
