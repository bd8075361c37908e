"""The tokens that may be written after a token."""

import numpy as np
from numpy.typing import NDArray

from epigone.text.tokenizers.base import SPACE_AFTER, Tokenizer


class AllowedTokens:
    """The tokens of a tokenizer that may follow each other.

    Attributes:
        hidden: (V,), tokens that are never written.
        spaces: (V,), as in `Tokenizer`.
        joiner: the id of the token without text, which removes the space between two words; -1 if there is none.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.end = tokenizer.end
        self.hidden = ~tokenizer.printable
        self.hidden[self.end] = False
        self.spaces = tokenizer.spaces
        self.joiner = tokenizer.vocabulary.index("") if "" in tokenizer.vocabulary else -1

    def forbidden(self, last: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Mark the tokens that may not follow the tokens `last` (B,): (B, V).

        No end symbol follows an end symbol, because a document is never empty. No joiner follows a token without a
        space after it: nothing else might ever be written.
        """
        forbidden = np.tile(self.hidden, (len(last), 1))
        forbidden[:, self.end] = last == self.end
        if self.joiner >= 0:
            forbidden[:, self.joiner] = (self.spaces[last] & SPACE_AFTER) == 0
        return forbidden
