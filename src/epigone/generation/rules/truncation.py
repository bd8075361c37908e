"""Truncation: draw from the likeliest tokens only."""

import numpy as np

from epigone.generation.rules.rule import Floats, Ids, Rule, softmax


def keep_top_k(logits: Floats, k: int) -> Floats:
    """Keep the `k` likeliest tokens of each row (B, V), the lower id among equals; 0 keeps all."""
    if not 0 < k < logits.shape[1]:
        return logits
    kept = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    result = np.full_like(logits, -np.inf)
    np.put_along_axis(result, kept, np.take_along_axis(logits, kept, axis=1), axis=1)
    return result


def keep_top_p(logits: Floats, p: float) -> Floats:
    """Keep the fewest tokens, likeliest first, whose probabilities reach `p`: Holtzman et al. (2020), section 3.1."""
    return logits if p >= 1 else keep_mass(logits, np.argsort(-logits, axis=1, kind="stable"), p)


def keep_min_p(logits: Floats, share: float) -> Floats:
    """Keep tokens with at least `share` of the likeliest token's probability: Nguyen et al. (2024)."""
    if share <= 0:
        return logits
    return np.where(logits >= logits.max(axis=1, keepdims=True) + np.log(share), logits, -np.inf)


def keep_mass(logits: Floats, order: Ids, mass: float) -> Floats:
    """Keep the first tokens of each row's order (B, V) whose probabilities reach `mass`."""
    ranked = np.take_along_axis(softmax(logits), order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked  # 0 for the first token, which therefore always stays
    kept = np.empty(logits.shape, dtype=bool)
    np.put_along_axis(kept, order, before < mass, axis=1)
    return np.where(kept, logits, -np.inf)


TOP_K = Rule(
    name="top_k",
    apply=lambda logits, k, _: keep_top_k(logits, k),
    wanted="be 0 or more (0 switches it off)",
    good=lambda value: value >= 0,
    off=0,
)
TOP_P = Rule(
    name="top_p",
    apply=lambda logits, p, _: keep_top_p(logits, p),
    wanted="be above 0 and at most 1",
    good=lambda value: 0 < value <= 1,
    off=1,
)
MIN_P = Rule(
    name="min_p",
    apply=lambda logits, share, _: keep_min_p(logits, share),
    wanted="be between 0 and 1",
    good=lambda value: 0 <= value <= 1,
    off=0,
)
