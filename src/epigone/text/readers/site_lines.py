"""Words of lyrics sites among the words of songs, which copying and downloading bring along."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

_HEAD = re.compile(r"\A\s*\d[\d,.]* Contributors?[^\n]{0,300}?Lyrics(?=\W|[A-Z]|\Z)[ \t]*\n?")
_INSIDE = re.compile(
    r"^(?P<like>You might also like)[ \t]*\n?|^(?P<tickets>See [^\n]{1,80} LiveGet tickets as low as \$\d+)[ \t]*\n?",
    re.MULTILINE,
)
_END = re.compile(r"(?:(?<=[^\W\d])|(?<=[^\w\s])|(?<=\s)|\A)\d*\.?\d*K?Embed(?:Share URLCopyEmbedCopy)?\s*\Z")
_MARKS = ("Contributor", "You might also like", "Get tickets as low as", "Embed")
_REACH = 300


def without_site_lines(pieces: Iterable[str], found: Counter[str], keep: bool = True) -> Iterator[str]:
    """Remove the words of lyrics sites from a document, or only count them.

    Args:
        pieces: consecutive parts of the document.
        found: counts the occurrences of each kind.
        keep: only count.
    """
    first = True
    last = ""
    begun = False  # a head or a line inside was found, so that the end may be theirs too
    for piece in pieces:
        if any(mark in piece for mark in _MARKS):
            shorter, heads = _HEAD.subn("", piece) if first else (piece, 0)
            found["12 Contributors"] += heads
            for match in _INSIDE.finditer(shorter):
                found["You might also like" if match["like"] else "Get tickets"] += 1
            without = _INSIDE.sub("", shorter)
            begun = begun or len(without) < len(piece)
            piece = piece if keep else without
        first = False
        if last:
            yield last
        last = piece
    if last:
        end = (
            _END.search(last, max(0, len(last) - _REACH))
            if last[-_REACH:].rstrip().endswith(("Embed", "Copy"))
            else None
        )
        if end and (begun or end[0].strip() != "Embed"):
            found["Embed"] += 1
            last = last if keep else last[: end.start()]
        yield last
