"""The questions of the study `which-weights`, each answered in a line by a difference with its interval."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import norm

from epigone.evaluation.intervals import Difference, holm, paired_difference, standard_error
from epigone.report.numbers import NumberStyle, format_value
from epigone.studies.engine.claims import Claim, signed
from epigone.studies.which_weights.measured import Measured, Nats

ENOUGH, SURE = 0.005, 0.01  # nats per token, and the p-value below which a difference counts
POWER = 0.8


def questions(found: Sequence[Measured], losses: Mapping[str, Nats]) -> Iterator[Claim]:
    """Answer the questions; rows are picked by validation on the targets, and judged on the writers.

    Args:
        found: the parts, the best on the validation splits of the targets first.
        losses: nats and tokens of the writers' test documents, by the name of the part.
    """
    best = found[0]
    yield Claim(
        "Which choice is best on writers on whom nothing was chosen?",
        best.name,
        f"{signed(*_three(best.gain))} gained over the untouched base ({best.percent:.1f} %)",
    )
    yield Claim("What does it cost?", f"{_count(best.weights)} weights", _cost(best))
    yield from _against_chance(found, losses)
    yield from _probed_against_layers(found, losses)
    yield from _few(found)
    yield Claim(
        "What is the smallest difference that this study can detect?",
        f"{_smallest(losses):.4f}",
        f"nats per token between two rows, with a power of {POWER:.0%} at p < {SURE}, median over the rows",
    )


def _against_chance(found: Sequence[Measured], losses: Mapping[str, Nats]) -> Iterator[Claim]:
    """Compare each choice with a choice by chance of the same size."""
    compared = []
    for part in found:
        control = [c for c in found if c.choice == "random" and (c.group, c.share) == (part.group, part.share)]
        if part.choice not in ("", "random") and control:
            nats, tokens = losses[part.name]
            compared.append((part, paired_difference(losses[control[0].name][0], nats, tokens)))
    corrected = holm(np.array([difference.p_value for _, difference in compared]))
    for choice in dict.fromkeys(part.choice for part, _ in compared):
        mine = [(part, d, p) for (part, d), p in zip(compared, corrected, strict=True) if part.choice == choice]
        mine.sort(key=lambda each: each[0].share)
        better = [part for part, d, p in mine if d.estimate >= ENOUGH and p < SURE]
        worse = [part for part, d, p in mine if d.estimate <= -ENOUGH and p < SURE]
        answer = "yes" if len(better) == len(mine) else "no" if not better else "at some sizes"
        if worse:
            answer += f", and worse at {_shares(worse)}"
        yield Claim(
            f"Do {mine[0][0].group} chosen by {choice} gain more than random ones of the same number?",
            answer,
            "; ".join(f"{part.share:g} %: {signed(*_three(d))}" for part, d, _ in mine),
        )


def _probed_against_layers(found: Sequence[Measured], losses: Mapping[str, Nats]) -> Iterator[Claim]:
    probed = [part for part in found if part.choice == "top"]
    layers = [part for part in found if part.group == "layer"]
    if probed and layers:
        nats, tokens = losses[probed[0].name]
        difference = paired_difference(losses[layers[0].name][0], nats, tokens)
        yield Claim(
            "Do the units that the probe puts first gain more than the best set of layers?",
            _answer(difference),
            f"{probed[0].name} against {layers[0].name}: {signed(*_three(difference))}",
        )


def _few(found: Sequence[Measured]) -> Iterator[Claim]:
    """Look for a part that matches retraining everything with few weights."""
    for words, share in (("a tenth", 0.1), ("one per cent", 0.01)):
        few = [part for part in found if part.weights <= 1.005 * share * part.of and part.name != "all"]
        if few:
            part = few[0]
            matches = part.to_all.high < ENOUGH
            beats = part.to_all.estimate <= -ENOUGH and part.p_holm < SURE
            yield Claim(
                f"Is there a rule that matches retraining everything with {words} of the weights?",
                "yes, it is better" if beats else "yes" if matches else "no",
                f"{part.name}, {_count(part.weights)} weights: loss {signed(*_three(part.to_all))} to all",
            )


def _answer(difference: Difference) -> str:
    counts = abs(difference.estimate) >= ENOUGH and difference.p_value < SURE
    return ("yes" if difference.estimate > 0 else "no, less") if counts else "no difference that counts"


def _smallest(losses: Mapping[str, Nats]) -> float:
    """The difference between a row and the first that is detected with the power, as the median over the rows."""
    first, *others = losses.values()
    spreads = [standard_error(first[0] - nats, tokens) for nats, tokens in others]
    return float(np.median(spreads) * (norm.ppf(1 - SURE / 2) + norm.ppf(POWER)))


def _cost(part: Measured) -> str:
    forgotten = ""
    if part.forgetting is not None:
        forgotten = f"; the base forgets {signed(*_three(part.forgetting))} on text like its own"
    return f"{part.seconds:.0f} seconds, {part.kilobytes:,.0f} kB beside the base{forgotten}"


def _three(difference: Difference) -> tuple[float, float, float]:
    return difference.estimate, difference.low, difference.high


def _shares(parts: Sequence[Measured]) -> str:
    return ", ".join(f"{part.share:g} %" for part in parts)


def _count(number: int) -> str:
    return format_value(number, NumberStyle())
