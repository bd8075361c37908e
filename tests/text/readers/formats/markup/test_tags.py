"""Tags and texts of pages that break the rules."""

import pytest

from epigone.text.readers.formats.markup.tags import CLOSED, Tag, events


def told(markup):
    """The texts of a page, with tags as their names and ends as a slash."""
    return [
        "/" if event is CLOSED else f"<{event.name}>" if isinstance(event, Tag) else event
        for event in events(markup)
        if event != ""
    ]


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<p>a<b>b</b></p>c", ["<p>", "a", "<b>", "b", "/", "/", "c"]),
        ("<P>a</P >", ["<p>", "a", "/"]),
        ("<b><i>a</b>b", ["<b>", "<i>", "a", "/", "/", "b"]),
        ("a</i>b", ["a", "b"]),
        ("a<br>b<br/>c</br>d", ["a", "<br>", "/", "b", "<br>", "/", "c", "d"]),
        ("<div/>a<i x=y/>b", ["<div>", "/", "a", "<i>", "b", "/"]),
        ("<i x='y'/>b", ["<i>", "/", "b"]),
        ("<a title='>'>b", ["<a>", "b", "/"]),
        ('<a title="b>c', ["<a>", "c", "/"]),
        ("a < b <c", ["a < b <c"]),
        ("a <3 b", ["a <3 b"]),
        ("a<!-- <b> -->c<!-->d<!doctype x>e<?x y?>f", ["acdef"]),
        ("a<!-- b", ["a<!-- b"]),
        ("a<!-- b>c", ["ac"]),
        ("a<![CDATA[<b>&amp;]]>c", ["a<b>&amp;c"]),
        ("<![<![<p>a<p>b", ["a", "<p>", "b", "/"]),
        ("<script>a<b></script>c", ["<script>", "/", "c"]),
        ("<script>a", ["<script>", "/"]),
        ("<style/>a", ["<style>", "/", "a"]),
        ("</>a</ b>c", ["ac"]),
        (
            "&lt;b&gt; AT&T &amp;amp; &ampx &copy; &notanentity; &#65;&#x42;&#146;",
            ["<b> AT&T &amp; &x © &notanentity; AB’"],
        ),
        ("&#xD800;&#0;&#" + "9" * 5000 + ";&#x" + "f" * 5000, ["\ufffd" * 4]),
    ],
)
def test_pages_are_read_as_browsers_read_them(markup, found):
    assert told(markup) == found


def test_attributes():
    [tag, *_] = events("<a HREF=x Class='a b' title=\"&amp;&quot;\" hidden data-x = y>")
    assert tag.attributes == {"href": "x", "class": "a b", "title": '&"', "hidden": "", "data-x": "y"}
    assert events("<b>")[0].attributes == {}


@pytest.mark.parametrize(
    "markup", ["<b>" * 1000 + "</i>" * 1000, "<a x='" * 999, "<p" * 999, "</p" * 999, "<!--" * 999]
)
def test_every_tag_has_an_end(markup):
    found = events(markup)
    assert sum(isinstance(event, Tag) for event in found) == sum(event is CLOSED for event in found)
