import math

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from epigone.report.plots.drawing import NARROW, WIDE, render
from epigone.report.plots.loss_curves import LossCurves, Run
from epigone.report.plots.palette import Palette


def run(*validation: float | None) -> Run:
    return [
        {"epoch": epoch, "train_loss": 2.0 - 0.1 * epoch, "validation_loss": loss}
        for epoch, loss in enumerate(validation, 1)
        if loss is not None
    ]


def draw(plot: LossCurves, width: float = WIDE) -> Canvas:
    canvas = plot.draw(width, Palette())
    assert canvas is not None
    return canvas


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_a_panel_for_each_row_with_its_best_loss() -> None:
    canvas = draw(LossCurves({"a": [run(2.0, 1.5, 1.6), run(2.0, 1.8, 1.7)], "b": [run(1.9, 1.4)]}))
    first, second = canvas.axes
    assert texts(first) == ["1.600 ± 0.141", "a"]
    assert texts(second) == ["1.400", "b"]
    assert first.get_ylim() == second.get_ylim()
    assert first.get_xlim() == second.get_xlim()


def test_a_run_without_a_step_has_no_panel() -> None:
    untrained: Run = [{"epoch": 0.0, "train_loss": None, "validation_loss": 2.0}]
    assert LossCurves({"a": [untrained]}).draw(WIDE, Palette()) is None
    (axes,) = draw(LossCurves({"a": [untrained], "b": [untrained + run(1.9)]})).axes
    assert "b" in texts(axes)


def test_the_best_epoch_of_each_seed_is_marked() -> None:
    (axes,) = draw(LossCurves({"a": [run(2.0, 1.5, 1.6), run(2.0, 1.8, 1.7)]})).axes
    (dots,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert list(zip(dots.get_xdata(), dots.get_ydata(), strict=True)) == [(2, 1.5), (3, 1.7)]


def test_the_mean_ends_where_the_first_seed_stopped() -> None:
    (axes,) = draw(LossCurves({"a": [run(2.0, 1.0), run(3.0, 2.0, 1.5, 1.4)]})).axes
    solid = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert list(solid[0].get_ydata()) == [2.5, 1.5]
    assert [list(line.get_xdata()) for line in solid[1:]] == [[2, 3, 4], [2, 3, 4]]
    assert list(solid[2].get_ydata()) == [2.0, 1.5, 1.4]


def test_a_mean_over_a_few_last_steps_is_not_drawn() -> None:
    end = {"epoch": 3.01, "train_loss": 9.0, "validation_loss": 1.2}
    (axes,) = draw(LossCurves({"a": [[*run(2.0, 1.5, 1.3), end]]})).axes
    drawn = np.concatenate([np.asarray(line.get_ydata()) for line in axes.lines])
    assert 1.2 in drawn
    assert np.nanmax(drawn) < 9


def test_the_reference_goes_through_every_panel() -> None:
    curves = {"scratch": [run(1.8, 1.7), run(1.8, 1.5)], "a": [run(1.4)]}
    for axes in draw(LossCurves(curves, reference="scratch")).axes:
        assert any(set(np.asarray(line.get_ydata())) == {1.6} for line in axes.lines)


def test_very_different_lengths_get_their_own_scale() -> None:
    long, short = draw(LossCurves({"long": [run(*[1.5] * 40)], "short": [run(1.5, 1.4)]})).axes
    assert long.get_xlim()[1] > 10 * short.get_xlim()[1]


@pytest.mark.parametrize("curves", [{}, {"a": []}, {"a": [[]]}])
def test_without_runs_there_is_nothing_to_draw(curves: dict[str, list[Run]]) -> None:
    assert LossCurves(curves).draw(WIDE, Palette()) is None


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("rows", [1, 3, 30])
def test_panels_stay_inside_and_apart(rows: int, width: float) -> None:
    name = "retrain a rather long list of layers, with the head and the embedding as well"
    canvas = draw(LossCurves({f"{name} {i}": [run(2.0, 1.5)] for i in range(rows)}), width)
    boxes = [axes.get_position() for axes in canvas.axes]
    assert len(boxes) == rows
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])


@pytest.mark.parametrize(
    "runs",
    [
        [run(math.nan, math.nan)],
        [run(math.inf, 1.5), run(1.6)],
        [run(1.5)],
        [run(1.5), run(math.nan)],
        [[{"epoch": 1, "train_loss": 2.0}]],
        [run(2.0, None, 1.0), run(None, 1.5)],
    ],
)
def test_odd_histories_are_drawn(runs: list[Run]) -> None:
    assert render(LossCurves({"a": runs}, reference="a"), "f", "", Palette()) is not None
