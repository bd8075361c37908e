"""HTML: the visible text of a page."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from epigone.errors import UserError
from epigone.text.document import UNITS, Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import first_bytes, read_text
from epigone.text.readers.formats.markup.archive import check_marks, joined
from epigone.text.readers.formats.markup.blocks import with_lines
from epigone.text.readers.formats.markup.page import blocks_of_html
from epigone.text.readers.formats.markup.sections import STRUCTURE, documents

_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<(?:!doctype\s+html|html[\s>])", re.IGNORECASE
)
_DECLARED = re.compile(rb"<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# As browsers do: pages that declare the first are written in the second.
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
          "shift_jis": "cp932"}  # fmt: skip
# Names of codecs that are no encodings of text; and a page whose declaration is legible in ASCII is not in UTF-16.
_NO_ENCODINGS = ("undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "charmap", "mbcs", "oem",
                 "utf-16", "utf-32", "utf_16", "utf_32")  # fmt: skip


def read_html(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the text of a page, without scripts, styles and navigation: one document, or one for each section.

    Args:
        path: the file, gzipped or not.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the encoding, the units of documents, titles and notes, and Gutenberg's header and footer.
        report: counts the changes.

    Raises:
        NotText: the file is not text, or too large.
        UserError: the file cannot be read or decoded.
    """
    declared = declared_encoding(first_bytes(path))
    # These codecs use only the bytes of ASCII, so their text is valid UTF-8.
    encoding = declared if declared and declared.startswith(("iso2022", "hz", "utf_7")) else None
    try:
        markup = joined(read_text(path, options.encoding or encoding, report, fallback=declared), path)
    except UserError:
        if options.encoding or not declared or "\0" in path.name:
            raise
        markup = joined(read_text(path, None, report), path)
    check_marks(markup.count("<"), path)
    left_out = None if options.notes else report.left_out
    blocks = with_lines(blocks_of_html(markup, left_out), keep_blank=options.blank_lines is not None)
    del markup
    yield from documents(blocks, name, options, report)


def declared_encoding(head: bytes) -> str | None:
    """Return the codec that an HTML or XML file means by the name in its first bytes; None without one for text."""
    match = _DECLARED.search(head)
    try:
        info = codecs.lookup(match[1].decode("ascii")) if match else None
    except (LookupError, ValueError):
        return None
    if info is None or not info._is_text_encoding or info.name.startswith(_NO_ENCODINGS):
        return None
    return _MEANT.get(info.name, info.name)


HTML = Reader(
    "html",
    read_html,
    suffixes=(".html", ".htm", ".xhtml"),
    disguised=lambda path, head: _PAGE.match(head) is not None,
    options=("encoding", *STRUCTURE),
    units=UNITS,
)
