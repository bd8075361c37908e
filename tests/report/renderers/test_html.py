from epigone.report.page import Report
from epigone.report.plots.palette import Palette
from epigone.report.renderers.html import to_html
from epigone.report.tables import Column, Table


def test_marks_bold_and_families(example: Report) -> None:
    table = example.tables[0]
    page = to_html(table, 1, Palette())
    assert page.count('<tr class="winner">') == page.count('<span class="tag">winner</span>') == 1
    assert page.count('class="rule"') + page.count(" rule") == 3
    best = [column for column in table.columns if column.best]
    assert page.count("<b>") == 1 + len(best)


def test_everything_is_escaped_and_headings_name_their_scopes() -> None:
    table = Table("<t>", [Column("name", "<row>"), Column("x", "a & b", "<u>")], [{"name": "<script>", "x": "<b>"}])
    page = to_html(table, 2, Palette())
    assert "<script>" not in page
    for escaped in ("&lt;t&gt;", "&lt;row&gt;", "a &amp; b", "&lt;u&gt;", "&lt;script&gt;", "&lt;b&gt;"):
        assert escaped in page
    assert '<th scope="col"' in page
    assert '<th scope="row">' in page
