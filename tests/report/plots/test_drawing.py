import re
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.figure import Figure as Canvas

from epigone.report.plots.drawing import INK, NARROW, VARIABLES, WIDE, Pictures, render, wrap
from epigone.report.plots.palette import SLOTS, Palette


@dataclass(frozen=True)
class Dots:
    label: str = "x"

    def draw(self, width: float, palette: Palette) -> Canvas | None:
        canvas = Canvas(figsize=(width, 1))
        axes = canvas.add_axes((0.1, 0.3, 0.8, 0.6))
        axes.plot([1, 2], [3, 4], "o", color=palette.colour("transfer"))
        axes.set_xlabel(self.label, color=INK)
        return canvas


class Nothing:
    def draw(self, width: float, palette: Palette) -> Canvas | None:
        return None


def pictures(label: str = "x") -> Pictures:
    drawn = render(Dots(label), "figure1", "two dots", Palette())
    assert drawn is not None
    return drawn


def test_nothing_to_draw_is_none() -> None:
    assert render(Nothing(), "figure1", "", Palette()) is None


def test_the_same_plot_gives_the_same_bytes() -> None:
    assert pictures() == pictures()


def test_matplotlib_settings_of_the_user_are_neither_used_nor_changed() -> None:
    before = pictures()
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        assert pictures() == before
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize("which", ["wide", "narrow"])
def test_svg_is_well_formed_themed_and_complete(which: str) -> None:
    svg = getattr(pictures("a <b> $x^2$ & \x03 한"), which)
    tree = ElementTree.fromstring(svg)
    assert tree.attrib["aria-label"] == "two dots"
    assert "a <b> $x^2$ & " in "".join(tree.itertext())
    assert "http" not in svg
    assert "font-family" not in svg
    assert f"var(--c{Palette().slot('transfer')})" in svg
    assert not re.search("|".join(VARIABLES), svg)
    ids = [element.attrib["id"] for element in tree.iter() if "id" in element.attrib]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert used <= set(ids)
    assert all(name.startswith(f"figure1-{which}-") for name in ids)
    width = float(tree.attrib["width"].removesuffix("in"))
    assert width == {"wide": WIDE, "narrow": NARROW}[which]


def test_a_label_that_looks_like_svg_stays_as_it_is() -> None:
    label = f'id="x" url(#y) font-family: z; style="fill: {INK}" <g id="a">'
    assert label in "".join(ElementTree.fromstring(pictures(label).wide).itertext())


def test_png_is_a_picture_without_a_date() -> None:
    png = pictures().png
    assert png.startswith(b"\x89PNG")
    assert b"Software" not in png
    assert b"tIME" not in png


def test_every_colour_of_the_palette_follows_the_scheme() -> None:
    assert {slot.light for slot in SLOTS} <= set(VARIABLES)
    assert len(set(VARIABLES.values())) == len(VARIABLES)


def test_a_long_name_is_broken_and_then_cut() -> None:
    assert wrap("", 2) == [""]
    assert wrap("retrain head", 2) == ["retrain head"]
    lines = wrap("a name " * 60, 2)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
