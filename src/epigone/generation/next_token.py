"""What may follow a token, and what is the likeliest to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.generation.sampling import UNUSABLE, forbid, softmax
from epigone.text.tokenizers.base import SPACE_AFTER, Tokenizer

if TYPE_CHECKING:  # imports torch, which the native engine does without
    from epigone.generation.stepper import Stepper

NO_SPACE = "(no space)"  # what the token of a word model is called that keeps two words together


@dataclass(frozen=True)
class NextToken:
    """A token that may follow a prompt, and its probability among all tokens, those that cannot be shown too."""

    token: str
    probability: float


class Rules:
    """What may be written after which token.

    hidden (V,): what never may. spaces (V,): as the tokenizer has it. joiner: the id of the token without text, which
    keeps out the space that its neighbours want; -1 where there is none.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.end = tokenizer.end
        self.hidden = ~tokenizer.printable
        self.hidden[self.end] = False
        self.spaces = tokenizer.spaces
        self.joiner = tokenizer.vocabulary.index("") if "" in tokenizer.vocabulary else -1

    def forbidden(self, last: NDArray[np.integer]) -> NDArray[np.bool_]:
        """What may not follow the tokens (S,): (S, V).

        No end symbol after an end symbol, because a document is never empty; no joiner where no space would be, because
        then nothing else might ever be written.
        """
        forbidden = np.tile(self.hidden, (len(last), 1))
        forbidden[:, self.end] = last == self.end
        if self.joiner >= 0:
            forbidden[:, self.joiner] = (self.spaces[last] & SPACE_AFTER) == 0
        return forbidden


def likeliest(stepper: "Stepper", tokenizer: Tokenizer, prompt: str, count: int) -> list[NextToken]:
    """The likeliest tokens after a prompt that can be shown, with the model's own probabilities.

    Args:
        stepper: runs the model.
        tokenizer: of the model.
        prompt: as the tokenizer has it.
        count: how many to list, at most.

    Raises:
        UserError: the model gives something that is not a number.
    """
    read = [tokenizer.end, *tokenizer.encode(prompt).tolist()]
    stepper.start(1)
    for token in read:
        logits = stepper.step(np.array([token], np.int64))
    forbidden = Rules(tokenizer).forbidden(np.array(read[-1:]))
    forbidden[:, tokenizer.end] = True
    logits = logits.astype(np.float64)
    if not np.isfinite(forbid(logits, forbidden).max()):
        raise UserError(UNUSABLE)
    chances = np.where(forbidden, -1, softmax(logits))[0]
    best = np.argsort(-chances, kind="stable")[: min(count, int((~forbidden).sum()))]
    return [NextToken(tokenizer.vocabulary[i] or NO_SPACE, float(chances[i])) for i in best.tolist()]
