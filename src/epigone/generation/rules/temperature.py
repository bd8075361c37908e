"""The temperature: a sharper or flatter distribution."""

import numpy as np

from epigone.generation.rules.rule import Floats, Rule


def scale(logits: Floats, temperature: float) -> Floats:
    """Divide logits (B, V), less the highest of each row, by the temperature; 0 keeps the likeliest token alone."""
    best = logits.max(axis=1, keepdims=True)
    if temperature == 0:
        result = np.full_like(logits, -np.inf)
        np.put_along_axis(result, logits.argmax(axis=1, keepdims=True), 0, axis=1)
        return result
    with np.errstate(over="ignore"):  # a tiny temperature sends the others to -inf, as it should
        return (logits - best) / temperature


TEMPERATURE = Rule(
    name="temperature",
    apply=lambda logits, temperature, _: scale(logits, temperature),
    wanted="be 0 or more",
    good=lambda value: 0 <= value < np.inf,
)
