"""The repetition penalty: recent tokens become less likely."""

import numpy as np

from epigone.generation.rules.rule import Floats, Ids, Rule


def penalise(logits: Floats, recent: Ids, penalty: float) -> Floats:
    """Make recent tokens less likely.

    Args:
        logits: (B, V).
        recent: ids (B, W); -1 marks an empty place.
        penalty: divides the logits above 0 and multiplies the others. Keskar et al. (2019), section 4.1, divide all,
            which would reward a token with a negative logit.
    """
    samples, size = logits.shape
    seen = np.zeros((samples, size + 1), dtype=bool)  # the extra column takes the -1
    np.put_along_axis(seen, recent, True, axis=1)
    return np.where(seen[:, :-1], np.where(logits > 0, logits / penalty, logits * penalty), logits)


REPETITION = Rule(
    name="repetition_penalty",
    apply=lambda logits, penalty, context: penalise(logits, context.recent, penalty),
    wanted="be above 0 (1 switches it off)",
    good=lambda value: 0 < value < np.inf,
    off=1,
    before_temperature=True,
)
