"""Reading backward: the ids of a text from its last token to its first, for models that read in that direction.

A model of its own for each direction, whose predictions are averaged, is what Howard and Ruder (2018) use. The text is
cut into the same tokens, which come in the other order; each document still ends with the end symbol.
"""

from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, Reading, Tokenizer, flat

Direction = Literal["forward", "backward"]


class BackwardTokenizer:
    """A tokenizer whose ids are in the order in which a backward model reads them; texts are as always.

    It is saved as the tokenizer that it turns around; the model's shape holds the direction.
    """

    def __init__(self, plain: Tokenizer) -> None:
        self.plain = plain

    def __getattr__(self, name: str) -> Any:
        if name == "plain":  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self.plain, name)

    @property
    def spaces(self) -> np.ndarray:
        """The spaces that each token wants, before and after it in the order of the ids."""
        plain = self.plain.spaces
        return (plain & SPACE_BEFORE) // SPACE_BEFORE * SPACE_AFTER | (
            plain & SPACE_AFTER
        ) // SPACE_AFTER * SPACE_BEFORE

    def encode(self, text: str) -> np.ndarray:
        return self.plain.encode(text)[::-1].copy()

    def decode(self, ids: ArrayLike) -> str:
        return self.plain.decode(flat(ids)[::-1])

    def read(self, text: str) -> Reading:
        reading = self.plain.read(text)
        return reading._replace(ids=reading.ids[::-1].copy())


def in_direction(tokenizer: Tokenizer, direction: Direction) -> Tokenizer:
    """Let a tokenizer give the ids of a text in the order in which a model reads them."""
    plain = tokenizer.plain if isinstance(tokenizer, BackwardTokenizer) else tokenizer
    return cast(Tokenizer, BackwardTokenizer(plain)) if direction == "backward" else plain


def is_backward(tokenizer: Tokenizer) -> bool:
    """Tell if a tokenizer gives ids from the end of a text to its beginning."""
    return isinstance(tokenizer, BackwardTokenizer)
