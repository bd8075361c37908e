"""Numbers as text, written alike in tables, sentences and plots."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

from epigone.markup import clean

MISSING = "–"
MINUS = "\N{MINUS SIGN}"

Notation = Literal["decimal", "significant", "scientific", "percent", "exact"]


@dataclass(frozen=True, kw_only=True)
class NumberStyle:
    """The way numbers are written; integers keep all their digits, with commas between thousands."""

    digits: int = 3
    """Digits after the decimal point; in all with notation `significant`."""
    notation: Notation = "decimal"
    """`percent` writes a share of 1 in per cent; `exact` writes a setting so that it can be copied."""
    signed: bool = False
    """Put a plus before positive numbers: for differences."""
    floor: float | None = None
    """Write smaller numbers as `<floor`: for p-values."""


EXACT = NumberStyle(notation="exact")


@dataclass(frozen=True)
class Spread:
    """A mean and its standard deviation over runs (None for a single run)."""

    mean: float
    deviation: float | None = None


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its confidence interval."""

    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Range:
    """The ends of an interval whose estimate is another cell."""

    low: float
    high: float


def format_value(value: object, style: NumberStyle = NumberStyle()) -> str:
    """Write a number, a word, a truth value, a list or a mapping of them on one line; None and NaN become a dash."""
    match value:
        case None:
            return MISSING
        case bool():
            return "yes" if value else "no"
        case Integral() if style.notation not in ("exact", "percent"):
            return _signed(f"{abs(int(value)):,d}", int(value), style)
        case Real():
            return _format_real(float(value), style) if style.notation != "exact" else str(value)
        case str():
            return " ".join(clean(value).split())
        case Mapping():
            return ", ".join(f"{format_value(key)} {format_value(item, style)}" for key, item in value.items())
        case Iterable():
            return ", ".join(format_value(item, style) for item in value)
        case _:
            return format_value(str(value))


def _format_real(value: float, style: NumberStyle) -> str:
    size, digits = abs(value), style.digits
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return _signed("∞", value, style)
    match style.notation:
        case "percent":
            text = f"{size:,.{digits}%}"
        case "significant":
            text = f"{size:,.{digits}g}"
        case "scientific":
            text = f"{size:.{digits}e}"
        case _:
            text = f"{size:,.{digits}f}" if size < 1e12 else f"{size:.3e}"
    return _signed(text, value, style)


def _signed(text: str, value: float, style: NumberStyle) -> str:
    """Put the sign before the digits of |value|; numbers that round to zero have none."""
    if style.floor is not None and value < style.floor:
        return f"<{style.floor:g}"
    if not text.strip("0.,e+%"):
        return text
    return (MINUS if value < 0 else "+" if style.signed else "") + text


def format_cell(cell: object, style: NumberStyle = NumberStyle()) -> tuple[str, str]:
    """Write a value and its uncertainty: `± 0.012`, `[1.2, 1.4]`, or nothing for a plain value."""
    if isinstance(cell, Spread):
        return format_value(cell.mean, style), _uncertainty("± {}", style, cell.deviation)
    if isinstance(cell, Interval):
        return format_value(cell.estimate, style), _uncertainty("[{}, {}]", style, cell.low, cell.high)
    if isinstance(cell, Range):
        return _uncertainty("{}–{}", style, cell.low, cell.high) or MISSING, ""
    return format_value(cell, style), ""


def _uncertainty(pattern: str, style: NumberStyle, *numbers: float | None) -> str:
    known = all(number is not None and not math.isnan(number) for number in numbers)
    return pattern.format(*(format_value(number, style) for number in numbers)) if known else ""


def format_measure(cell: object, style: NumberStyle = NumberStyle()) -> str:
    """Write a value and its uncertainty in one piece, as in a sentence: `−0.233 [−0.251, −0.214]`."""
    return " ".join(filter(None, format_cell(cell, style)))


def estimate(cell: object) -> float:
    """Return the number that a cell stands for; NaN if it is not a number."""
    value = cell.mean if isinstance(cell, Spread) else cell.estimate if isinstance(cell, Interval) else cell
    return float(value) if isinstance(value, Real) else math.nan


def duration(seconds: float) -> str:
    """A rough duration in words, such as `40 s`, `12 min` or `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
