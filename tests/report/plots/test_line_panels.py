"""Lines in small multiples."""

import numpy as np
import pytest

from epigone.report.plots.drawing import NARROW, WIDE, render
from epigone.report.plots.line_panels import Line, LinePanels, _short
from epigone.report.plots.palette import Palette

X = np.arange(50.0)
PANELS = {f"epoch {i}": [Line(X + 50 * i, 60 / (1 + X + 50 * i) + 40, "train"), Line([], [], "none")] for i in range(6)}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_panel_for_each_title_and_a_line_for_each_that_has_points(width):
    canvas = LinePanels(PANELS, "step", "loss", own_x=True).draw(width, Palette())
    assert [axes.get_title() for axes in canvas.axes] == list(PANELS)
    assert [len(axes.lines) for axes in canvas.axes] == [1] * 6
    assert canvas.axes[2].get_xlim() == (100, 149)
    assert len({axes.get_ylim() for axes in canvas.axes}) == 1


def test_labels_have_one_colour_in_all_panels_and_a_legend():
    panels = {"a": [Line(X, X + 1, "one"), Line(X, X + 2, "two", True)], "b": [Line(X, X + 3, "two")]}
    canvas = LinePanels(panels, "x", "y", "log").draw(WIDE, Palette())
    first, second = canvas.axes
    assert first.lines[1].get_color() == second.lines[0].get_color() != first.lines[0].get_color()
    assert [text.get_text() for text in canvas.legends[0].get_texts()] == ["one", "two"]
    assert first.get_yscale() == "log"
    canvas.draw_without_rendering()
    assert all("$" not in label.get_text() for label in first.get_yticklabels(which="both"))


def test_rules_are_drawn_at_the_marks():
    (axes,) = LinePanels({"": [Line(X, X)]}, "x", "y", marks=[10, 30]).draw(WIDE, Palette()).axes
    assert [list(line.get_xdata()) for line in axes.lines[:2]] == [[10, 10], [30, 30]]


def test_a_logarithmic_scale_shows_the_beginning():
    (axes,) = LinePanels({"": [Line(X + 1, X)]}, "x", "y", x_scale="log").draw(WIDE, Palette()).axes
    assert (axes.get_xscale(), axes.get_xlim()) == ("log", (1, 50))


def test_powers_of_ten_are_written_plainly():
    assert [_short(value) for value in (0.01, 1.0, 1000.0, 1e10, 1e-7)] == ["0.01", "1", "1,000", "1e10", "1e-07"]


def test_the_first_steps_of_a_training_may_leave_the_panel():
    y = np.full(1000, 2.0)
    y[0] = 1e6
    (axes,) = LinePanels({"": [Line(np.arange(1000), y)]}, "x", "y").draw(WIDE, Palette()).axes
    assert axes.get_ylim()[1] < 10


def test_nothing_to_show():
    assert LinePanels({"": [Line([], [])]}, "x", "y").draw(WIDE, Palette()) is None
    assert render(LinePanels({}, "x", "y"), "f", "nothing", Palette()) is None


def test_intervals_are_bars_that_fit_and_figures_of_others_are_hollow():
    own = Line([10, 100], [0.5, 0.6], "own", dots=True, low=[0.1, 0.5], high=[0.9, 0.7])
    published = Line([100, 1000], [0.55, 0.6], "published", dots=True, open=True)
    canvas = LinePanels({"": [own, published]}, "x", "y", x_scale="log").draw(WIDE, Palette())
    (axes,) = canvas.axes
    (bars,) = axes.collections
    assert [bar.tolist() for bar in bars.get_segments()] == [[[10, 0.1], [10, 0.9]], [[100, 0.5], [100, 0.7]]]
    low, high = axes.get_ylim()
    assert low < 0.1 < 0.9 < high
    assert axes.get_xlim()[0] < 10 < 1000 < axes.get_xlim()[1]  # no point is cut
    assert [line.get_markerfacecolor() == line.get_color() for line in axes.lines] == [True, False]
    assert [line.get_linestyle() for line in canvas.legends[0].get_lines()] == ["-", "--"]
