"""Cost of spelling a word that the vocabulary lacks.

A model that reads every unknown word as one token does not say which word it was. For an honest loss the word is
spelled, letter by letter and with an end, by the simplest model: the frequencies of the letters in the unknown words of
the training text, with add-one smoothing. A letter that occurs in none of them costs as much as one of all characters.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from epigone.errors import UserError

CHARACTERS = 0x110000  # characters of all scripts


@dataclass(frozen=True)
class Spelling:
    """A unigram model of the characters of unknown words."""

    letters: dict[str, int]
    """Occurrences of each character in the unknown words."""
    words: int
    """Number of unknown words."""

    @classmethod
    def of(cls, unknown: Counter[str]) -> "Spelling":
        """Learn from the unknown words of a text and their counts."""
        letters: Counter[str] = Counter()
        for word, number in unknown.items():
            for letter in word:
                if not "\ud800" <= letter <= "\udfff":  # halves of pairs cannot be written to a file
                    letters[letter] += number
        return cls(dict(sorted(letters.items())), unknown.total())

    def __add__(self, other: "Spelling") -> "Spelling":
        """Join what two texts teach."""
        letters = Counter(self.letters) + Counter(other.letters)
        return Spelling(dict(sorted(letters.items())), self.words + other.words)

    def nats(self, unknown: Counter[str]) -> float:
        """Return the cost of spelling words, each as often as counted, in nats."""
        # Letters, the end of the word, and all other characters.
        total = math.log(sum(self.letters.values()) + self.words + len(self.letters) + 2)
        other = total + math.log(CHARACTERS)
        costs = {letter: total - math.log(number + 1) for letter, number in self.letters.items()}
        end = total - math.log(self.words + 1)
        return sum(number * (end + sum(costs.get(c, other) for c in word)) for word, number in unknown.items())

    def to_dict(self) -> dict[str, Any]:
        """Describe the model, ready for JSON."""
        return {"letters": self.letters, "words": self.words}

    @classmethod
    def from_dict(cls, data: Any) -> "Spelling":
        """Build the model that `to_dict` described.

        Raises:
            UserError: the description is damaged.
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
