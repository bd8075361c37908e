"""An interpolated character n-gram model: the baseline that a network has to beat.

Modified Kneser-Ney (Chen and Goodman 1999) with discounts fitted on held-out text. Witten-Bell smoothing was 0.09 to
0.13 nats worse on Moore's and Dickinson's verse, each at its best order, so it is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

MIN_DISCOUNT = 0.01  # every context leaves some mass to the shorter one, so that no symbol is impossible
MAX_DISCOUNTS = np.array([1.0, 2.0, 3.0])  # of n-grams counted once, twice, more often: at most the count
FALLBACK = np.array([0.5, 1.0, 1.5])  # if the counts of counts are too small for the closed form
TUNING_TARGETS = 100_000  # discounts are fitted on at most this many targets, evenly spaced
CHUNK = 1 << 18  # targets looked up at a time


@dataclass(frozen=True, eq=False)
class Counts:
    """The n-grams of one order: C distinct contexts and G distinct n-grams as sorted keys for bisection.

    The number of a context is its place in `contexts`. Its key is V * (number of the context without its oldest
    token) + oldest token. The key of an n-gram is V * (number of its context) + last token. Exact for every V.
    """

    contexts: np.ndarray  # (C,) int64
    grams: np.ndarray  # (G,) int64
    occurrences: np.ndarray  # (G,) int32
    continuations: np.ndarray  # (G,) int32, how many different tokens precede the n-gram


@dataclass(frozen=True, eq=False)
class Level:
    """One order of a model: Kneser-Ney counts, and the totals of every context for the discounts."""

    contexts: np.ndarray  # (C,) keys
    grams: np.ndarray  # (G,) keys
    counts: np.ndarray  # (G,)
    totals: np.ndarray  # (C,) sum of the counts after a context
    kinds: np.ndarray  # (C, 3) how many different tokens follow it once, twice, more often


@dataclass(frozen=True, eq=False)
class Features:
    """The facts behind the probabilities of N targets at one order, without discounts; zero for unseen ones."""

    share: np.ndarray  # (N,) count / total
    inverse: np.ndarray  # (N,) 1 / total
    bucket: np.ndarray  # (N,) which discount: 0 for unseen n-grams, 1, 2, 3
    kinds: np.ndarray  # (N, 3) kinds / total
    unseen: np.ndarray  # (N,) 1 if the context is unseen, so that the order below decides alone

    def weight(self, discounts: np.ndarray) -> np.ndarray:
        """Weight (N,) of the order below."""
        return self.unseen + self.kinds @ discounts

    def probability(self, lower: np.ndarray, discounts: np.ndarray) -> np.ndarray:
        """Probability (N,) at this order, from that of the order below (N,) and the discounts (3,)."""
        discount = np.append(0.0, discounts)[self.bucket]
        return self.share - discount * self.inverse + self.weight(discounts) * lower

    def gradient(self, lower: np.ndarray, upstream: np.ndarray) -> np.ndarray:
        """Gradient (3,) of a loss by the discounts, from its gradient (N,) by this order's probabilities."""
        taken = np.bincount(self.bucket, upstream * self.inverse, minlength=4)[1:]
        return self.kinds.T @ (upstream * lower) - taken


@dataclass(frozen=True, eq=False)
class NgramModel:
    """Interpolated modified Kneser-Ney model; the order below the first is uniform over the vocabulary.

    levels: one per order, from 1 upwards. discounts: (order, 3), of n-grams counted once, twice, more often.
    """

    levels: tuple[Level, ...]
    discounts: np.ndarray
    vocabulary_size: int
    end: int

    @classmethod
    def from_counts(cls, counts: Sequence[Counts], vocabulary_size: int, end: int) -> "NgramModel":
        """Build the model of order len(counts), with discounts in closed form."""
        # below the highest order an n-gram counts once for every different token before it
        used = [c.continuations for c in counts[:-1]] + [counts[-1].occurrences]
        levels = tuple(_level(c, u, vocabulary_size) for c, u in zip(counts, used, strict=True))
        return cls(levels, np.stack([_closed_form(u) for u in used]), vocabulary_size, end)

    @property
    def order(self) -> int:
        return len(self.levels)

    def log_probs(self, tokens: np.ndarray) -> np.ndarray:
        """Compute the log probability (N,), in nats, of every token (N+1,) after the first, given its document so far.

        Always finite; over the vocabulary the probabilities sum to one.
        """
        parts = [np.empty(0)]
        for start in range(0, len(tokens) - 1, CHUNK):
            lead = min(start, self.order)  # this many targets are context only
            features = self._features(tokens[start - lead : start + CHUNK + 1], slice(lead, None))
            parts.append(np.log(self._probabilities(features, self.discounts)[-1]))
        return np.concatenate(parts)

    def tuned(self, tokens: np.ndarray) -> "NgramModel":
        """Keep the counts and fit the discounts to held-out tokens (N+1,), without end symbols.

        The closed form assumes that tokens are independent. Songs repeat their own lines, so their counts promise too
        much for the next song. Fitting took 0.02 nats off Moore's and Dickinson's test losses.

        Raises:
            ValueError: all held-out tokens are end symbols.
        """
        from scipy.optimize import minimize

        chosen = np.flatnonzero(tokens[1:] != self.end)
        if not len(chosen):
            raise ValueError("Discounts cannot be fitted: the held-out tokens are all end symbols.")
        chosen = chosen[:: -(-len(chosen) // TUNING_TARGETS)]
        features = self._features(tokens, chosen)

        def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
            discounts = flat.reshape(-1, 3)
            probabilities = self._probabilities(features, discounts)
            gradient = np.empty_like(discounts)
            upstream = -1 / (probabilities[-1] * len(chosen))
            for k in reversed(range(self.order)):
                gradient[k] = features[k].gradient(probabilities[k], upstream)
                upstream = upstream * features[k].weight(discounts[k])
            return float(-np.log(probabilities[-1]).mean()), gradient.ravel()

        bounds = [(MIN_DISCOUNT, float(high)) for high in MAX_DISCOUNTS] * self.order
        best = minimize(loss_and_gradient, self.discounts.ravel(), jac=True, method="L-BFGS-B", bounds=bounds)
        return replace(self, discounts=best.x.reshape(-1, 3))

    def _probabilities(self, features: Sequence[Features], discounts: np.ndarray) -> list[np.ndarray]:
        """Compute the probabilities (N,) of the targets at order 0 (uniform), 1, ... up to the model's own."""
        result = [np.full(len(features[0].share), 1 / self.vocabulary_size)]
        for level, own_discounts in zip(features, discounts, strict=True):
            result.append(level.probability(result[-1], own_discounts))
        return result

    def _features(self, tokens: np.ndarray, chosen: slice | np.ndarray) -> list[Features]:
        """Look up the chosen targets of tokens (N+1,) in every order."""
        targets = _checked(tokens, self.vocabulary_size)[1:][chosen].astype(np.int64)
        context = np.zeros(len(targets), np.int64)
        result = []
        for level, older in zip(self.levels, _histories(tokens, self.order, self.end), strict=True):
            context = _find(level.contexts, context * self.vocabulary_size + older[chosen])
            gram = _find(level.grams, context * self.vocabulary_size + targets)
            unseen = context < 0
            count = np.where(gram < 0, 0, level.counts[gram])
            inverse = np.where(unseen, 0.0, 1 / level.totals[context])
            kinds = level.kinds[context] * inverse[:, None]
            bucket = np.minimum(count, 3)
            result.append(Features(count * inverse, inverse, bucket, kinds, unseen.astype(float)))
        return result


def count_ngrams(tokens: np.ndarray, order: int, vocabulary_size: int, end: int) -> list[Counts]:
    """Count the n-grams of orders 1 to `order`.

    Contexts reach back to the start of their document and are filled up with end symbols. Takes about 120 bytes of
    memory per token.

    Args:
        tokens: (N+1,), an end symbol, then every document followed by one.
        order: the highest order.
        vocabulary_size: V.
        end: the id of the end symbol.

    Raises:
        ValueError: the order is below 1, or there is no token to predict.
    """
    if order < 1 or len(tokens) < 2:
        raise ValueError(f"Order {order} on {len(tokens)} tokens: an n-gram model needs order 1 and two tokens.")
    targets = _checked(tokens, vocabulary_size)[1:].astype(np.int64)
    context = np.zeros(len(targets), np.int64)
    result: list[Counts] = []
    shorter = np.empty(0, np.int32)  # at every target: the number of its n-gram of the order before
    for older in _histories(tokens, order, end):
        contexts, context = np.unique(context * vocabulary_size + older, return_inverse=True)
        grams, first, gram, occurrences = np.unique(
            context * vocabulary_size + targets, return_index=True, return_inverse=True, return_counts=True
        )
        if result:  # every n-gram of this order is one more token before a shorter n-gram
            continuations = np.bincount(shorter[first]).astype(np.int32)
            result[-1] = replace(result[-1], continuations=continuations)
        shorter = gram.astype(np.int32)
        occurrences = occurrences.astype(np.int32)
        result.append(Counts(contexts, grams, occurrences, continuations=occurrences))
    return result


@dataclass(frozen=True)
class OrderSearch:
    """The model of the best order, and the validation loss (nats per token) of every order."""

    model: NgramModel
    losses: dict[int, float]


def search_order(
    train_tokens: np.ndarray,
    validation_tokens: np.ndarray,
    vocabulary_size: int,
    end: int,
    orders: Iterable[int] = range(2, 9),
) -> OrderSearch:
    """Choose the order, with tuned discounts, by the loss on validation tokens (N+1,) without end symbols.

    Raises:
        ValueError: there is no order to try.
    """
    tried = sorted(set(orders))
    if not tried:
        raise ValueError("No order to try: `orders` is empty.")
    counts = count_ngrams(train_tokens, tried[-1], vocabulary_size, end)
    counted = validation_tokens[1:] != end
    models, losses = {}, {}
    for order in tried:
        models[order] = NgramModel.from_counts(counts[:order], vocabulary_size, end).tuned(validation_tokens)
        losses[order] = float(-models[order].log_probs(validation_tokens)[counted].mean())
    return OrderSearch(models[min(losses, key=lambda order: losses[order])], losses)


@dataclass(frozen=True)
class Mixture:
    """Models averaged with fixed weights; see `mix`."""

    models: tuple[NgramModel, ...]
    weights: tuple[float, ...]

    def log_probs(self, tokens: np.ndarray) -> np.ndarray:
        """Compute the log probability (N,), in nats, of every token (N+1,) after the first."""
        used = [(model, w) for model, w in zip(self.models, self.weights, strict=True) if w > 0]
        return np.logaddexp.reduce([model.log_probs(tokens) + np.log(w) for model, w in used])


def mix(models: Sequence[NgramModel], weights: Sequence[float]) -> Mixture:
    """Interpolate models over one vocabulary.

    Raises:
        ValueError: the weights are not shares that add up to 1.
    """
    if len(models) != len(weights) or min(weights) < 0 or not np.isclose(sum(weights), 1):
        raise ValueError(f"{len(models)} models, weights {list(weights)}: give each a share, adding up to 1.")
    return Mixture(tuple(models), tuple(weights))


def fit_mixture_weight(log_probs_a: np.ndarray, log_probs_b: np.ndarray) -> float:
    """Find the weight of model a, between 0 and 1, with which its mixture with b makes the targets (N,) likeliest.

    Leave out the targets that the loss leaves out. The likelihood is concave, so bisection finds its top.
    """
    scale = np.maximum(log_probs_a, log_probs_b)
    a, b = np.exp(log_probs_a - scale), np.exp(log_probs_b - scale)
    low, high = 0.0, 1.0
    for _ in range(50):
        weight = (low + high) / 2
        slope = np.sum((a - b) / (weight * a + (1 - weight) * b))
        low, high = (weight, high) if slope > 0 else (low, weight)
    return (low + high) / 2


def _checked(tokens: np.ndarray, vocabulary_size: int) -> np.ndarray:
    if len(tokens) and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary_size:
        raise ValueError(f"Token {tokens.max()} is outside a vocabulary of {vocabulary_size}.")
    return tokens


def _histories(tokens: np.ndarray, order: int, end: int) -> Iterator[np.ndarray]:
    """Give the token that each order adds to the contexts (N,): none (zeros), the one before, the one before that.

    Before the end symbol that opens a document there are only end symbols.
    """
    yield np.zeros(len(tokens) - 1, tokens.dtype)
    newer = None
    for back in range(1, order):
        older = np.full(len(tokens) - 1, end, tokens.dtype)
        older[back - 1 :] = tokens[: max(len(tokens) - back, 0)]
        if newer is not None:
            older[newer == end] = end
        yield older
        newer = older


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find the places (N,) of the wanted keys among sorted ones; -1 for missing and for negative keys."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)


def _level(counted: Counts, counts: np.ndarray, vocabulary_size: int) -> Level:
    context = counted.grams // vocabulary_size
    size = len(counted.contexts)
    totals = np.bincount(context, counts, minlength=size).astype(np.int64)
    bucket = np.minimum(counts, 3)
    kinds = np.stack([np.bincount(context[bucket == i], minlength=size) for i in (1, 2, 3)], axis=1)
    return Level(counted.contexts, counted.grams, counts, totals, kinds.astype(np.int32))


def _closed_form(counts: np.ndarray) -> np.ndarray:
    """Compute discounts (3,) from how many n-grams are counted once to four times (Chen and Goodman, equation 26)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(float)
    if not n.all():
        return FALLBACK
    i = np.arange(1, 4)
    discounts = i - (i + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:-1]
    return np.where((discounts >= MIN_DISCOUNT) & (discounts <= MAX_DISCOUNTS), discounts, FALLBACK)
