import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.report.numbers import (
    EXACT,
    MISSING,
    Interval,
    NumberStyle,
    Spread,
    duration,
    format_cell,
    format_measure,
    format_value,
)

PLAIN = NumberStyle()
SIGNED = NumberStyle(signed=True)
P_VALUE = NumberStyle(floor=0.001)
FOUR = NumberStyle(digits=4, notation="significant")
ONE = NumberStyle(digits=1, notation="scientific")
PERCENT = NumberStyle(digits=1, notation="percent")


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (1.23456, PLAIN, "1.235"),
        (-0.2336, PLAIN, "−0.234"),
        (-0.00001, SIGNED, "0.000"),
        (0.0126, SIGNED, "+0.013"),
        (1234567, PLAIN, "1,234,567"),
        (-1200, SIGNED, "−1,200"),
        (np.int64(1200), PLAIN, "1,200"),
        (np.float32(0.5), NumberStyle(digits=1), "0.5"),
        (0.0002, P_VALUE, "<0.001"),
        (0.04, P_VALUE, "0.040"),
        (math.nan, PLAIN, MISSING),
        (np.float64("nan"), PLAIN, MISSING),
        (None, PLAIN, MISSING),
        (-math.inf, PLAIN, "−∞"),
        (1e300, PLAIN, "1.000e+300"),
        ("as it is", PLAIN, "as it is"),
        ("two\nlines\x1b", PLAIN, "two lines\N{REPLACEMENT CHARACTER}"),
        (True, PLAIN, "yes"),
        (False, FOUR, "no"),
        ((1 / 3, 2), FOUR, "0.3333, 2"),
        (1297.06, FOUR, "1,297"),
        (-0.000012345, FOUR, "−1.234e-05"),
        (123456, FOUR, "123,456"),
        (0.0, FOUR, "0"),
        (2.04e-12, ONE, "2.0e-12"),
        (-0.0, ONE, "0.0e+00"),
        (0.4567, PERCENT, "45.7%"),
        (1, PERCENT, "100.0%"),
        (-0.0001, PERCENT, "0.0%"),
        (1e-05, EXACT, "1e-05"),
        (-0.125, EXACT, "-0.125"),
        (4294967295, EXACT, "4294967295"),
        ([0, 1], EXACT, "0, 1"),
    ],
)
def test_values_are_written_in_the_given_style(value: object, style: NumberStyle, text: str) -> None:
    assert format_value(value, style) == text


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        (Spread(1.4, 0.012), ("1.400", "± 0.012")),
        (Spread(1.4), ("1.400", "")),
        (Spread(1.4, math.nan), ("1.400", "")),
        (Spread(math.nan, math.nan), (MISSING, "")),
        (Interval(-0.2, -0.25, -0.15), ("−0.200", "[−0.250, −0.150]")),
        (Interval(-0.2, None, -0.15), ("−0.200", "")),
    ],
)
def test_a_cell_is_a_value_and_its_uncertainty(cell: object, parts: tuple[str, str]) -> None:
    assert format_cell(cell) == parts
    assert format_measure(cell) == " ".join(parts).rstrip()


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(0, 6), st.booleans())
def test_decimals_read_back_to_within_their_digits(value: float, digits: int, signed: bool) -> None:
    text = format_value(value, NumberStyle(digits=digits, signed=signed))
    read = float(text.replace("−", "-").replace(",", ""))
    assert math.isclose(read, value, rel_tol=1e-3, abs_tol=0.51 * 10**-digits)
    assert text.startswith("+") == (signed and read > 0)


@given(st.floats(allow_nan=False), st.sampled_from(["significant", "scientific"]), st.integers(1, 6))
def test_significant_digits_read_back_to_within_themselves(value: float, notation: str, digits: int) -> None:
    text = format_value(value, NumberStyle(digits=digits, notation=notation))  # type: ignore[arg-type]
    read = float(text.replace("−", "-").replace(",", "").replace("∞", "inf"))
    assert math.isclose(read, value, rel_tol=10 ** (1 - digits)) or math.isinf(read)


@given(st.floats(allow_nan=False) | st.integers())
def test_an_exact_number_reads_back_as_itself(value: float) -> None:
    assert type(value)(format_value(value, EXACT)) == value


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5400, "90 min"), (9000, "2.5 h")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
