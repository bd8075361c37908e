import math
from itertools import pairwise

import pytest
from matplotlib.figure import Figure as Canvas

from epigone.report.plots.drawing import NARROW, WIDE, render
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.palette import Palette

ROWS = [
    IntervalRow("scratch", 1.75, 1.70, 1.80, "scratch"),
    IntervalRow("retrain head", 1.25, 1.20, 1.30, "transfer"),
    IntervalRow("retrain layer 0", 1.22, None, None, "transfer"),
]


def draw(plot: IntervalBars, width: float = WIDE) -> Canvas:
    canvas = plot.draw(width, Palette())
    assert canvas is not None
    return canvas


def shown(canvas: Canvas) -> str:
    return "\n".join(text.get_text() for text in canvas.axes[0].texts)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_row_has_its_name_and_its_numbers(width: float) -> None:
    canvas = draw(IntervalBars(ROWS, "loss (nats per character)", 1.75, "best from scratch"), width)
    for text in ("scratch", "retrain head", "1.250", "[1.200, 1.300]", "1.220", "best from scratch"):
        assert text in shown(canvas)
    axes = canvas.axes[0]
    assert axes.get_xlabel() == "loss (nats per character)"
    low, high = axes.get_xlim()
    assert low < 1.20 < 1.80 < high
    assert [text.get_text() for text in canvas.legends[0].texts] == ["scratch", "transfer"]


def test_rows_go_down_in_the_given_order() -> None:
    axes = draw(IntervalBars(ROWS, "loss")).axes[0]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_marker() in "so"]
    assert heights == sorted(heights)
    assert axes.yaxis_inverted()


def test_the_name_of_the_winner_is_bold() -> None:
    axes = draw(IntervalBars(ROWS, "loss", winner="retrain head")).axes[0]
    assert [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"] == ["retrain head"]


def test_a_row_far_away_becomes_an_arrow_and_keeps_its_number() -> None:
    rows = [IntervalRow(f"row {i}", 1.2 + 0.01 * i, 1.1, 1.4) for i in range(6)]
    canvas = draw(IntervalBars([*rows, IntervalRow("far", 3.1, 3.0, 3.2)], "loss"))
    axes = canvas.axes[0]
    assert axes.get_xlim()[1] < 1.5
    (arrow,) = [line for line in axes.lines if line.get_marker() == ">"]
    assert arrow.get_xdata()[0] == axes.get_xlim()[1]
    assert "3.100" in shown(canvas)


@pytest.mark.parametrize("rows", [[], [IntervalRow("a", math.nan, 1.0, 2.0)]])
def test_without_numbers_there_is_nothing_to_draw(rows: list[IntervalRow]) -> None:
    assert IntervalBars(rows, "loss").draw(WIDE, Palette()) is None


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_names_of_any_length_leave_room_for_the_dots(count: int, width: float) -> None:
    rows = [IntervalRow("retrain a rather long list of layers " * (1 + i % 3), 1.2, 1.1, 1.3) for i in range(count)]
    canvas = draw(IntervalBars(rows, "loss"), width)
    box = canvas.axes[0].get_position()
    assert 0 < box.x0 < box.x1 < 1
    assert 0 < box.y0 < box.y1 < 1
    assert box.width * width > 3.5
    lines = sorted({text.get_position()[1] for text in canvas.axes[0].texts})
    assert all(below - above > 0.05 for above, below in pairwise(lines))


@pytest.mark.parametrize("name", ["a <b> & $x_1$", "한국어", "", "\x03\x1b"])
def test_any_name_can_be_drawn(name: str) -> None:
    assert render(IntervalBars([IntervalRow(name, 1.0, math.nan, 2.0, name)], name), "f", "", Palette())
