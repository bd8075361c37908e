"""Text that somebody else wrote, made safe to set in Markdown or in a page."""

import re

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Only what would be read as markup, so that the source reads well too: a lone bracket or `<0.001` is text.
_MARKDOWN = re.compile(r"[\\`*|$~]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|<(?=[A-Za-z/!?])|&(?=[#A-Za-z])")
_BLOCK = re.compile(r"^(\d*)([#+=.)>\[-])")


def clean(text: str) -> str:
    """Replace what no page or terminal can show (control characters, lone surrogates) by U+FFFD."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def markdown(text: str) -> str:
    """Escape `text` so that Markdown shows it as it is, on one line."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(clean(text).split()))


def paragraph(text: str) -> str:
    """Like `markdown`, for text that starts a line, where a dash or a number would start a list."""
    return _BLOCK.sub(r"\1\\\2", markdown(text))


def fenced(text: str) -> str:
    """A Markdown code block around `text`, fenced by more backticks than the text has in a row."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{clean(text).rstrip()}\n{fence}"
