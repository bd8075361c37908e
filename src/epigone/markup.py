"""Escapes for foreign text in Markdown, pages and terminals."""

import re

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("[\n\u2028\u2029]")
# Only what Markdown would take as markup, so that the source reads well too: `<0.001` or a lone bracket stays.
_MARKDOWN = re.compile(r"[\\`*|$~]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|<(?=[A-Za-z/!?])|&(?=[#A-Za-z])")
_BLOCK = re.compile(r"^(\d*)([#+=.)>\[-])")


def clean(text: str) -> str:
    """Make control characters, lone surrogates and changes of the direction of writing visible, as U+FFFD.

    Newlines and tabs stay.
    """
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Make the breaks of lines in `text` visible too, as in a sentence that holds the name of a file."""
    return _BREAKS.sub("\N{REPLACEMENT CHARACTER}", clean(text))


def markdown(text: str) -> str:
    """Escape `text` so that Markdown shows it unchanged, on one line."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(clean(text).split()))


def paragraph(text: str) -> str:
    """Escape `text` that starts a line, where a dash or a number would start a list."""
    return _BLOCK.sub(r"\1\\\2", markdown(text))


def fenced(text: str, language: str = "text") -> str:
    """Put `text` into a Markdown code block, fenced by more backticks than the text has in a row."""
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{clean(text).rstrip()}\n{fence}"


def code(text: str) -> str:
    """Set `text` as code within a line of Markdown, on one line."""
    line = " ".join(clean(text).split())
    fence = "`" * (_longest(line) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def _longest(text: str) -> int:
    """Count the backticks in the longest row of them."""
    return max(map(len, re.findall("`+", text)), default=0)
