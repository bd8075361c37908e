"""Marks of other formats in plain text, which would be learned as text."""

import re
from collections.abc import Callable
from dataclasses import dataclass


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
    Markup(
        "a text that was decoded as cp1252 and saved as UTF-8, so that ’ became â€™",
        "Repair it, for example with the Python package ftfy: `ftfy {file} -o text.txt`.",
        _has("â€[™œ\u009d�“”˜¦]|Ã[©¨¤¶¼ ³¡±§]|Â[ «»°£]", 3),
    ),
)
"""The known formats."""


def markup_of(text: str) -> Markup | None:
    """Recognise the marks in the beginning of a text; None if it has none that are known."""
    return next((markup for markup in MARKUP if markup.recognises(text)), None)
