"""The likeliest next tokens."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from epigone.errors import UserError
from epigone.generation.allowed import AllowedTokens
from epigone.generation.rules.rule import softmax
from epigone.generation.sampling import UNUSABLE, forbid
from epigone.text.tokenizers.base import Tokenizer

if TYPE_CHECKING:  # imports torch, which the native engine does without
    from epigone.generation.stepper import Stepper

NO_SPACE = "(no space)"  # the display name of a word model's token that keeps two words together


@dataclass(frozen=True)
class NextToken:
    """A token that may follow a prompt, and its probability among all tokens, hidden ones included."""

    token: str
    probability: float


def likeliest(stepper: "Stepper", tokenizer: Tokenizer, prompt: str, count: int) -> list[NextToken]:
    """List the likeliest visible tokens after a prompt, with the model's own probabilities.

    Args:
        stepper: runs the model.
        tokenizer: the model's.
        prompt: as the tokenizer normalises it.
        count: tokens to list at most.

    Raises:
        UserError: the model gives values that are not numbers.
    """
    read = [tokenizer.end, *tokenizer.encode(prompt).tolist()]
    stepper.start(1)
    for token in read:
        logits = stepper.step(np.array([token], np.int64))
    forbidden = AllowedTokens(tokenizer).forbidden(np.array(read[-1:]))
    forbidden[:, tokenizer.end] = True
    logits = logits.astype(np.float64)
    if not np.isfinite(forbid(logits, forbidden).max()):
        raise UserError(UNUSABLE)
    chances = np.where(forbidden, -1, softmax(logits))[0]
    best = np.argsort(-chances, kind="stable")[: min(count, int((~forbidden).sum()))]
    return [NextToken(tokenizer.vocabulary[i] or NO_SPACE, float(chances[i])) for i in best.tolist()]
