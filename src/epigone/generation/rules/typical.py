"""Locally typical sampling: draw tokens that are about as surprising as the model expects."""

import numpy as np

from epigone.generation.rules.rule import Context, Floats, Rule, softmax
from epigone.generation.rules.truncation import keep_mass


def keep_typical(logits: Floats, mass: float, context: Context) -> Floats:
    """Keep the fewest tokens whose probabilities reach `mass`, first those whose surprise is nearest to the entropy.

    Meister et al. (2023), equation 12. Logits are (B, V).
    """
    shares = softmax(logits)
    with np.errstate(divide="ignore"):
        surprise = -np.log(shares)  # nats; infinite for tokens out of the draw
    entropy = np.where(shares > 0, shares * np.where(shares > 0, surprise, 0), 0).sum(axis=1, keepdims=True)
    return keep_mass(logits, np.argsort(np.abs(surprise - entropy), axis=1, kind="stable"), mass)


TYPICAL = Rule(
    name="typical",
    apply=keep_typical,
    wanted="be above 0 and at most 1",
    good=lambda value: 0 < value <= 1,
    off=1,
    help="draw from the tokens whose surprise is nearest to the expected one, until their probabilities add up to this",
)
