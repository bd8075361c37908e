"""Single weights: `weights(random=1%, seed=3)`, or those that a score puts first, `weights(fisher=1%)`.

What stands before is an expression, from whose weights they are taken: `weights(layers.1, gradient=1%)`. The scores
`fisher` and `gradient` are taken on the text that is learned; `change` compares with a model that was retrained from
the same base: `weights(change=1%, from=FOLDER)`.
"""

import numpy as np
import torch

from epigone.arguments import Arguments
from epigone.transfer.selections.change import change
from epigone.transfer.selections.weights import Evaluate, Masks, Scores, Weights


def by_score(weights: Weights, given: Arguments, evaluate: Evaluate) -> Masks:
    """Select single weights, by chance or by a score."""
    given.only("random", "fisher", "gradient", "change", "from", "seed")
    scope = evaluate(", ".join(given.scope) or "all")
    size = sum(int(mask.sum()) for mask in scope.values())
    if not size:
        raise given.failure("chooses from no weight at all.")
    kind = given.one_of("random", "fisher", "gradient", "change")
    number = given.share(kind, size)
    for name, needed in (("seed", "random"), ("from", "change")):
        if name in given.named and kind != needed:
            raise given.failure(f"has {name}=, which goes with {needed}= alone.")
    if kind == "random":
        chosen = given.random().choice(size, number, replace=False, shuffle=False)
    else:
        chosen = _first(_scores(weights, given, kind), scope, number)
    flags = np.zeros(size, bool)
    flags[chosen] = True
    masks, begin = weights.none(), 0
    for name, mask in scope.items():
        count = int(mask.sum())
        masks[name][mask] = torch.from_numpy(flags[begin : begin + count])
        begin += count
    return masks


def _scores(weights: Weights, given: Arguments, kind: str) -> Scores:
    """The scores of a kind."""
    if kind == "change":
        if "from" not in given.named:
            raise given.failure("needs from= and the folder of a model that was retrained from this base.")
        return change(weights.model, given.path("from"))
    if kind not in weights.context.scorers:
        raise given.failure(f"needs a text for the score {kind}; give one with --data.")
    return weights.context.scorers[kind]()


def _first(scores: Scores, scope: Masks, number: int) -> np.ndarray:
    """The places of the highest scores among the weights of a scope; of equal scores the first count."""
    values = torch.cat([scores[name][mask].flatten() for name, mask in scope.items()]).numpy()
    if number == len(values):
        return np.arange(number)
    least = np.partition(values, len(values) - number)[len(values) - number]
    above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.concatenate([above, equal[: number - len(above)]])
