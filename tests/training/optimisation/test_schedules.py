"""Learning rate schedules at their landmarks, and rules for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.training.optimisation.schedules import (
    BY_STEP,
    constant,
    cosine,
    linear,
    multiplier,
    one_cycle,
    plateau,
    slanted,
)

totals = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("schedule", "total", "landmarks"),
    [
        (constant, 100, {0: 1, 50: 1, 99: 1}),
        # Warm-up over 20 of 1,000 steps, half-way down in the middle of the rest, 1 % at the end.
        (cosine, 1000, {0: 1 / 20, 9: 1 / 2, 19: 1, 20: 1, 510: 0.505, 1000: 0.01}),
        (cosine, 100_000, {0: 1 / 200, 199: 1, 200: 1, 100_000: 0.01}),
        # The same warm-up, then straight down to nothing.
        (linear, 1000, {0: 1 / 20, 19: 1, 20: 1, 510: 0.5, 999: 1 / 980, 1000: 0}),
        # Up from 1/25 over 300 steps, down to nearly nothing.
        (one_cycle, 1000, {0: 0.04, 150: 0.52, 300: 1, 650: 0.5 * (1 + 1 / 250_000), 1000: 1 / 250_000}),
        # Up from 1/32 over 100 steps, straight down to 1/32.
        (slanted, 1000, {0: 1 / 32, 50: 33 / 64, 100: 1, 550: 33 / 64, 1000: 1 / 32}),
    ],
)
def test_landmarks(schedule, total, landmarks):
    assert {step: schedule(step, total) for step in landmarks} == pytest.approx(landmarks)


@given(st.sampled_from(sorted(BY_STEP)), totals, st.data())
def test_the_rate_is_never_zero_and_never_above_the_highest(name, total, data):
    step = data.draw(st.integers(0, total - 1))
    assert 0 < multiplier(name, step, total, []) <= 1


@given(st.sampled_from(sorted(BY_STEP)), totals)
def test_the_highest_rate_is_reached(name, total):
    peaks = {"constant": 0, "one-cycle": round(0.3 * total), "slanted": int(0.1 * total)}
    peak = peaks.get(name, total // 50)
    near = [peak, peak + 1] if name in peaks else range(max(0, min(peak, 200) - 2), min(total, peak + 2))
    assert max(multiplier(name, step, total, []) for step in near) == pytest.approx(1)


@given(st.sampled_from(["cosine", "linear", "one-cycle", "slanted"]), st.integers(50, 10**5), st.data())
def test_there_is_one_peak(name, total, data):
    peak = {"one-cycle": round(0.3 * total), "slanted": int(0.1 * total)}.get(name, min(200, total // 50))
    step = data.draw(st.integers(0, total - 2))
    here, next_ = (multiplier(name, s, total, []) for s in (step, step + 1))
    assert here <= next_ if step + 1 < peak else step + 1 == peak or here >= next_


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([], 1),
        ([3, 2, 1], 1),
        ([3, 4], 1),
        ([3, 4, 5], 0.5),
        ([3, 3, 3], 0.5),  # equal is no improvement
        ([3, 4, 5, 4], 0.5),
        ([3, 4, 5, 4, 4], 0.25),
        ([3, 4, 2, 4, 1, 4], 1),
        ([3, 4, 5, 2, 1], 0.5),  # once halved, the rate stays down
    ],
)
def test_plateau_halves_after_two_validations_without_improvement(losses, expected):
    assert plateau(losses) == expected
    assert multiplier("plateau", 7, 10, losses) == expected


@given(st.lists(st.floats(0, 10), max_size=30), st.floats(0, 10))
def test_plateau_only_falls(losses, loss):
    assert 0 < plateau([*losses, loss]) <= plateau(losses) <= 1
