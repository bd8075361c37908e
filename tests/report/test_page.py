import builtins
import json
import re
from collections import Counter
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from epigone.errors import UserError
from epigone.report.page import Figure, Report, Sample, write_report
from epigone.report.plots.interval_bars import IntervalBars
from epigone.report.plots.loss_curves import LossCurves
from epigone.report.tables import Column, Table

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that tags are balanced and collects what the page holds."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(folder: Path, name: str = "report.html") -> str:
    return (folder / name).read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_complete_in_itself(written: Path) -> None:
    source = read(written)
    page = Page(source)
    assert not page.tags["script"]
    assert not page.tags["link"]
    assert not page.tags["img"]
    assert not re.search(r"https?:|@import|//", source)
    links = [value for _, name, value in page.attributes if name in ("src", "href", "xlink:href")]
    links += re.findall(r"url\(([^)]*)\)", source)
    assert links
    assert all(link.startswith("#") for link in links)
    ids = Counter(value for _, name, value in page.attributes if name == "id")
    assert set(ids.values()) == {1}
    assert page.tags["svg"] == 4  # each figure for a wide and for a narrow page
    assert page.tags["table"] == 1


def test_the_page_has_both_colour_schemes_and_defines_what_it_uses(written: Path) -> None:
    source = read(written)
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source
    used, defined = set(re.findall(r"var\((--[\w-]+)", source)), set(re.findall(r"(--[\w-]+):", source))
    assert used
    assert used <= defined


def test_both_documents_hold_everything_in_the_report(written: Path, example: Report) -> None:
    page = " ".join(Page(read(written)).text.split())
    source = MarkdownIt("commonmark").enable("table").render(read(written, "report.md"))
    plain = " ".join(Page(source).text.split())
    facts = ["0.003", "dropout.ordinary", "0, 1, 2, 3, 4", "x86_64, 2 cores", str(example.facts["hash"])]
    texts = [example.title, example.summary, *example.notices, *facts]
    texts += [figure.caption for figure in example.figures] + [figure.title for figure in example.figures]
    for sample in example.samples:
        texts += [sample.name, " ".join(sample.text.split()), *sample.measures]
    for table in example.tables:
        texts += [table.title, table.note, *(str(row["name"]) for row in table.rows)]
    for text in texts:
        assert text in page
        assert text in plain


def test_both_documents_put_the_first_figure_before_the_tables_and_the_settings_last(written: Path) -> None:
    parts = ["Figure 1.", "Table 1.", "Figure 2.", "Samples", "How to repeat this"]
    for text in (Page(read(written)).text, read(written, "report.md")):
        places = [text.index(part) for part in parts]
        assert places == sorted(places)


def test_markdown_points_at_existing_pictures(written: Path) -> None:
    paths = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", read(written, "report.md"))
    assert len(paths) == 2
    assert sorted(paths) == sorted(str(path.relative_to(written)) for path in written.glob("figures/*"))
    for path in paths:
        assert (written / path).read_bytes().startswith(b"\x89PNG")


def test_the_same_report_gives_the_same_bytes(written: Path, example: Report, tmp_path: Path) -> None:
    write_report(tmp_path, example)
    files = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    for file in files:
        assert (tmp_path / file).read_bytes() == (written / file).read_bytes(), file


def test_a_report_is_plain_data(example: Report) -> None:
    assert json.loads(json.dumps(asdict(example)))["samples"][0]["name"] == "scratch, best of 40 searched"


def test_a_report_may_lack_any_of_its_parts(tmp_path: Path) -> None:
    path = write_report(tmp_path / "deep" / "folder", Report("title", "summary"))
    assert path == tmp_path / "deep" / "folder" / "report.html"
    page = Page(read(path.parent))
    assert page.tags["h1"] == 1
    assert not page.tags["h2"]
    assert read(path.parent, "report.md") == "# title\n\nsummary\n"


def test_a_figure_without_data_says_so(tmp_path: Path) -> None:
    figures = [Figure("Curves", LossCurves({})), Figure("Bars", IntervalBars([], "loss"))]
    write_report(tmp_path, Report("t", "s", figures=figures))
    page = Page(read(tmp_path))
    assert not page.tags["svg"]
    assert page.text.count("There is nothing to draw.") == 2
    assert read(tmp_path, "report.md").count("There is nothing to draw.") == 2
    assert not list(tmp_path.glob("figures/*"))


def test_figures_whose_titles_look_alike_do_not_overwrite_each_other(tmp_path: Path, example: Report) -> None:
    bars = example.figures[0].plot
    write_report(tmp_path, Report("t", "s", figures=[Figure("손실", bars), Figure("../../손실", bars)]))
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == ["1-figure.png", "2-figure.png"]


def test_tables_are_files_too(tmp_path: Path, example: Report) -> None:
    words = Table("The claims: yes/no", [Column("claim", "claim", align="left")], [{"claim": "it pays"}])
    (main,) = example.tables
    write_report(tmp_path, Report("t", "s", [words, main, replace(main, title="손실")]))
    names = ["table", "tables/1-the-claims-yes-no", "tables/3-table"]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")) == [f"{n}.csv" for n in names]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.tex")) == [f"{n}.tex" for n in names]
    assert read(tmp_path, "tables/1-the-claims-yes-no.csv") == "claim\nit pays\n"
    assert read(tmp_path, "table.csv").startswith("name,family,mark,validation_loss")
    assert "\\toprule" in read(tmp_path, "table.tex")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=60) | st.sampled_from(["</main><script>x", "{{ 7 * 7 }}", "&lt;", "\x03\ud800"]))
def test_no_text_breaks_the_page(tmp_path: Path, text: str) -> None:
    sample = Sample(text, text, text, text)
    write_report(tmp_path, Report(text, text, samples=[sample], facts={text: text, "x": {text: text}}, notices=[text]))
    page = Page(read(tmp_path))
    assert not page.tags["script"]
    assert page.tags["article"] == 1
    read(tmp_path, "report.md")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_jinja(name: str, *rest: Any) -> Any:
        if name == "jinja2":
            raise ImportError("No module named 'jinja2'", name="jinja2")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_jinja)
    with pytest.raises(
        UserError, match=r"^A report needs the package jinja2, which is not installed\. Run: pip install jinja2$"
    ):
        write_report(tmp_path, Report("t", "s"))


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path, example: Report) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match="taken"):
        write_report(tmp_path / "taken", replace(example, figures=[]))
