"""Learning rate schedules: pure functions of the step and the validation losses, so that resuming is exact."""

import math
from collections.abc import Callable, Sequence


def constant(step: int, total: int) -> float:
    """Stay at 1."""
    return 1.0


def cosine(step: int, total: int) -> float:
    """Warm up linearly over the first 2 % (at most 200 steps), then follow half a cosine down to 1 %."""
    warm_up = min(200, max(1, total // 50))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, total - warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def linear(step: int, total: int) -> float:
    """Warm up as cosine does, then fall in a straight line, which reaches 0 after the last step."""
    warm_up = min(200, max(1, total // 50))
    if step < warm_up:
        return (step + 1) / warm_up
    return (total - step) / max(1, total - warm_up)


def one_cycle(step: int, total: int) -> float:
    """Follow a cosine up from 1/25 over 30 % of the steps, then down to 1/250,000. Smith and Topin (2018)."""
    peak = max(1, round(0.3 * total))
    if step < peak:
        low, progress = 1 / 25, step / peak
        return low + (1 - low) * 0.5 * (1 - math.cos(math.pi * progress))
    low, progress = 1 / 250_000, (step - peak) / max(1, total - peak)
    return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * progress))


def slanted(step: int, total: int, cut: float = 0.1, ratio: float = 32) -> float:
    """Rise over 10 % of the steps, then fall to 1/32: slanted triangular. Howard and Ruder (2018), eq. 3."""
    peak = max(1, int(total * cut))
    p = step / peak if step < peak else 1 - (step - peak) / max(1, total - peak)
    return (1 + max(0.0, p) * (ratio - 1)) / ratio


def plateau(validation_losses: Sequence[float], patience: int = 2, factor: float = 0.5) -> float:
    """Halve whenever `patience` validations in a row did not improve, from the history alone."""
    best, waited, multiplier = math.inf, 0, 1.0
    for loss in validation_losses:
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
            if waited == patience:
                waited, multiplier = 0, multiplier * factor
    return multiplier


BY_STEP: dict[str, Callable[[int, int], float]] = {
    "constant": constant,
    "cosine": cosine,
    "linear": linear,
    "one-cycle": one_cycle,
    "slanted": slanted,
}


def multiplier(schedule: str, step: int, total: int, validation_losses: Sequence[float]) -> float:
    """Compute the factor of the learning rate at a step, counted from 0, of `total`."""
    if schedule == "plateau":
        return plateau(validation_losses)
    return BY_STEP[schedule](min(step, total), total)
