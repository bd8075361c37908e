"""Tags and texts of a page of HTML, in linear time.

A page is read as browsers read it, whatever is wrong with it: an element ends with its own end tag or with that of one
around it, and a tag that never ends is text.
"""

import re
from collections import Counter
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import NamedTuple

VOID = {
    "area", "base", "basefont", "bgsound", "br", "col", "command", "embed", "frame", "hr", "image", "img", "input",
    "isindex", "keygen", "link", "menuitem", "meta", "nextid", "param", "source", "spacer", "track", "wbr",
}  # fmt: skip
"""Elements without an end tag."""

_RAW = {"script", "style"}  # their contents are no markup
_NAME = re.compile(r"[a-zA-Z][^\s/>]*+")
# A quotation mark has a meaning after an equals sign only. Nothing here is tried twice, so that the time is linear.
_REST = re.compile(r"""(?:[^>="']++|=\s*+(?:"[^"]*+"|'[^']*+')?+|["'])*+>""")
_ATTRIBUTE = re.compile(r"""([^\s"'>/=][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>]*+))?""")
_UNENDED = 8  # tags that never end because of their quotation marks, until such marks lose their meaning
_ENORMOUS = re.compile(r"&#(?:0*+\d{8,}|[xX]0*+[0-9a-fA-F]{8,});?")
_UNKNOWN = re.compile(r"&([a-zA-Z][a-zA-Z0-9]{1,40};)")

CLOSED = None
"""The event of an element's end."""


class Tag(NamedTuple):
    """The event of an element's beginning."""

    name: str
    """Name in lower case."""
    source: str
    """The attributes as they are written."""

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes by their names in lower case; empty without a value."""
        return _attributes(self.source) if self.source else {}


Event = Tag | str | None
"""A tag, a text, or `CLOSED`."""


@lru_cache(1024)
def _attributes(source: str) -> dict[str, str]:
    found = {}
    for name, value in _ATTRIBUTE.findall(source):
        found[name.lower()] = unescape(value[1:-1] if value[:1] in ("'", '"') and value else value)
    return found


def events(markup: str) -> list[Event]:
    """List the texts and the tags of a page; each tag has an end."""
    found: list[Event] = []
    names: list[str] = []  # of the open elements
    number: Counter[str] = Counter()  # of the open elements of each name
    known: dict[str, Tag] = {}
    scanner = _Scanner(markup)
    text: list[str] = []  # since the last tag
    at = 0
    while (start := markup.find("<", at)) >= 0:
        if start > at:
            text.append(_unescaped(markup[at:start]))
        if markup.startswith("<![CDATA[", start) and (end := scanner.find("]]>", start)) >= 0:
            text.append(markup[start + 9 : end])
            at = end + 3
            continue
        closes = markup.startswith("/", start + 1)
        name = _NAME.match(markup, start + 1 + closes)
        at = scanner.end_of_tag(name.end()) if name else scanner.end_of_comment(start)
        if not at:
            text.append("<")
            at = start + 1
        if not name or at == start + 1:
            continue
        if text:
            found.append("".join(text))
            text = []
        source = markup[name.start() : at - 1]
        tag = known.get(source)
        if tag is None:
            tag = Tag(name[0].lower(), source[len(name[0]) :].strip())
            if len(known) < 1000:
                known[source] = tag
        if closes:
            while number[tag.name]:
                closed = names.pop()
                number[closed] -= 1
                found.append(CLOSED)
                if closed == tag.name:
                    break
            continue
        found.append(tag)
        if tag.name in VOID or (source.endswith("/") and _closes_itself(tag.source)):
            found.append(CLOSED)
        elif tag.name in _RAW:
            at = scanner.end_of_raw(tag.name, at)
            found.append(CLOSED)
        else:
            names.append(tag.name)
            number[tag.name] += 1
    text.append(_unescaped(markup[at:]))
    return [*found, "".join(text), *[CLOSED] * len(names)]


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    return unescape(_UNKNOWN.sub(_kept, _ENORMOUS.sub("\ufffd", text)))


def _kept(reference: re.Match[str]) -> str:
    return reference[0] if reference[1] in html5 else f"&amp;{reference[1]}"


def _closes_itself(source: str) -> bool:
    """True for attributes with a slash at their end that is no part of a value."""
    last = source.split()[-1]
    return "=" not in last or last[-2:-1] in ("'", '"')


class _Scanner:
    """Searches in a page that read no part of it twice in vain, so that their time is linear."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._absent: set[str] = set()
        self._unended = 0

    def find(self, wanted: str, start: int) -> int:
        """Return the place of the next occurrence; -1 without one."""
        if wanted in self._absent:  # then it does not occur further on either
            return -1
        found = self._markup.find(wanted, start)
        if found < 0:
            self._absent.add(wanted)
        return found

    def end_of_comment(self, start: int) -> int:
        """Return the place after a comment, a declaration or an end tag without a name; 0 for other text."""
        if not self._markup.startswith(("<!", "<?", "</"), start):
            return 0
        if self._markup.startswith("<!--", start) and not self._markup.startswith(("<!-->", "<!--->"), start):
            end = self.find("-->", start)
            if end >= 0:
                return end + 3
        return self.find(">", start) + 1

    def end_of_tag(self, start: int) -> int:
        """Return the place after a tag, given that after its name; 0 for a tag that never ends."""
        if (end := self.find(">", start)) < 0:
            return 0
        if self._unended < _UNENDED:
            if match := _REST.match(self._markup, start):
                return match.end()
            self._unended += 1
        return end + 1

    def end_of_raw(self, name: str, start: int) -> int:
        """Return the place of the end tag of a script or a style, or the end of the page without one."""
        match = re.compile(rf"</{name}", re.IGNORECASE).search(self._markup, start)
        return match.start() if match else len(self._markup)
