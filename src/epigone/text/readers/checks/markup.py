"""Marks of other formats in plain text, which would be learned as text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from epigone.text.readers.encodings.unicode import SEQUENCE


@dataclass(frozen=True)
class Markup:
    """A format of text with marks."""

    name: str
    """The format, to follow "looks like"."""
    remedy: str
    """A way to plain text, as a sentence; `{file}` is the name of the file."""
    recognises: Callable[[str], bool]
    """Test of the beginning of a text."""


def _has(pattern: str, least: int = 1) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.MULTILINE)

    def test(text: str) -> bool:
        return sum(1 for _, _ in zip(range(least), compiled.finditer(text), strict=False)) == least

    return test


def _is_mail(text: str) -> bool:
    if re.match(r"From \S+.* \d\d:\d\d:\d\d .*\d{4}\n", text):
        return True
    known = r"^(?:From|To|Cc|Date|Subject|Message-ID|Received|Return-Path|MIME-Version):[ \t]"
    head = text[:5_000].split("\n\n", 1)[0]
    return len(re.findall(known, head, re.MULTILINE | re.IGNORECASE)) > 2


def _is_misread(text: str, codec: str) -> bool:
    """True if UTF-8 was decoded in this encoding, so that each of its letters became two or three characters."""
    words = set(_FOREIGN.findall(text))
    encoded = [word.encode(codec, "ignore") for word in words if len(word) > 1]
    found = [data for data in encoded if SEQUENCE.search(data)]
    return len(set(SEQUENCE.findall(b" ".join(found)))) >= 3 and len(found) > 0.7 * len(words)


def _is_misread_cyrillic(text: str) -> bool:
    """True if most letters are those that Cyrillic in cp1251 becomes in Latin-1."""
    letters = sum(map(str.isalpha, text))
    return letters > 50 and sum("À" <= letter <= "ÿ" for letter in text) > 0.8 * letters


def _is_json(text: str) -> bool:
    return bool(re.match(r'\s*(?:\{\s*"[^"]{1,80}"\s*:|\[\s*[\[{"])', text)) and not _has(r"^\s*\{.*\}\s*$", 2)(text)


def _is_notebook(text: str) -> bool:
    return _is_json(text) and '"cell_type"' in text


_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_MISREAD = (
    ("cp1252", "’ became â€™"),
    ("latin-1", "é became Ã©"),
    ("cp1251", "и became Рё"),
    ("mac_roman", "é became √©"),
    ("cp437", "é became ├⌐"),
    ("cp850", "é became ├®"),
)
"""Encodings that UTF-8 is often decoded in by mistake, each with an example."""

MARKUP = (
    Markup(
        "subtitles",
        "Remove their numbers and times, for example with `grep -v -e '-->' -e '^[0-9]*.$' {file} > text.txt`.",
        _has(r"^(?:\d+:)?\d\d:\d\d[,.]\d+[ \t]+-->[ \t]+(?:\d+:)?\d\d:\d\d[,.]\d+"),
    ),
    Markup(
        "lyrics with times (LRC)",
        r"Remove the times, for example with `sed 's/\[[0-9:.]*\]//g' {file} > text.txt`.",
        _has(r"^\[\d+:\d\d(?:\.\d+)?\]", 3),
    ),
    Markup(
        "LaTeX",
        "Convert it, for example with `pandoc -f latex -t plain --wrap=none {file} -o text.txt`.",
        _has(r"^[ \t]*\\(?:documentclass|documentstyle|begin\{document\}|usepackage|chapter\*?\{|section\*?\{)"),
    ),
    Markup(
        "mail with its headers",
        "Remove the headers and what is quoted, or export the messages as plain text.",
        _is_mail,
    ),
    Markup(
        "quoted-printable mail",
        "Decode it, for example with `python -m quopri -d {file} > text.txt`.",
        _has(r"=[0-9A-F]{2}=[0-9A-F]{2}|[^=\n]=\n", 5),
    ),
    Markup("HTML", "Give it the suffix .html.", _has(r"</(?:p|div|span|a|li|td|h[1-6]|b|i|em|strong)>", 5)),
    Markup(
        "XML",
        "Take its text out, for example with `xmllint --xpath 'string(/)' {file} > text.txt`.",
        lambda text: text.startswith("<?xml"),
    ),
    *(
        Markup(
            f"a text that was decoded as {codec} and saved as UTF-8, so that {example}",
            "Repair it, for example with the Python package ftfy: `ftfy {file} -o text.txt`.",
            partial(_is_misread, codec=codec),
        )
        for codec, example in _MISREAD
    ),
    Markup(
        "Cyrillic that was decoded as Latin-1 and saved as UTF-8, so that и became è",
        "Repair it with `iconv -f utf-8 -t latin1 {file} | iconv -f cp1251 -t utf-8 > text.txt`.",
        _is_misread_cyrillic,
    ),
    Markup(
        "HTML with the codes of characters",
        "Decode them: `python -c 'import html, sys; sys.stdout.write(html.unescape(sys.stdin.read()))' < {file} > "
        "text.txt`.",
        _has(r"&(?:#\d{1,5}|#x[0-9a-fA-F]{1,5}|quot|amp|lt|gt|nbsp|apos);|<br ?/?>", 5),
    ),
    Markup(
        "a chat with its times",
        "Remove the date and time that begin its lines, for example with `sed -E "
        r"'s/^\[?[0-9][0-9./:, -]*([AaPp][Mm])?\]?( -)? //' {file} > text.txt`.",
        _has(
            r"^\u200e?\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\.?)?(?:\]| -) \S", 5
        ),
    ),
    Markup(
        "a notebook of Jupyter",
        "Take its text out, for example with `jupyter nbconvert --to markdown {file}`.",
        _is_notebook,
    ),
    Markup(
        "JSON",
        "Give it the suffix .json if it is a list of objects; else write its texts to a table or a text file.",
        _is_json,
    ),
)
"""The known formats."""


def markup_of(text: str) -> Markup | None:
    """Recognise the marks in the beginning of a text; None if it has none that are known."""
    return next((markup for markup in MARKUP if markup.recognises(text)), None)
