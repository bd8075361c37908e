"""Text that a model has read before, by the fingerprints in its folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from epigone.evaluation.memorisation import FILE, RUN, load_fingerprints
from epigone.text.tokenizers.base import Tokenizer

LEAST, LEAST_RUNS = 0.01, 3
"""Share of a text, and number of its runs, from which on a model has read it: some phrases are everyone's, and the
fingerprint of a large text holds one run in a thousand."""

_LONGEST = 60


@dataclass(frozen=True)
class Seen:
    """The part of a text that a model has read."""

    share: float
    """Share of the characters, or about that if only some runs were looked up."""
    example: str
    """A line with such a part."""

    def sentence(self, text: str, model: str) -> str:
        """Say it.

        Args:
            text: the text in words: `the test documents`.
            model: the model in words.
        """
        return (
            f"about {self.share:.0%} of {text} is in the text that {model} was trained on, in runs of {RUN} or "
            f"more characters, such as {self.example!r}; its losses there say little about new text."
        )


def seen(folder: Path, tokenizer: Tokenizer, texts: Iterable[str]) -> Seen | None:
    """Find out if a model has read a text.

    Args:
        folder: the model's folder.
        tokenizer: the model's tokenizer.
        texts: documents or parts of them.

    Returns:
        None if it has not, or if it has no fingerprints.

    Raises:
        UserError: the fingerprints are damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    prints = load_fingerprints(path).values()
    normalised = [tokenizer.normalise(text) for text in texts]
    best = None
    for print_ in prints:
        found = print_.copied(normalised)
        if not found.share or found.share < LEAST or found.share * found.lookups < LEAST_RUNS:
            continue
        if best is None or found.share > best[0]:
            best = found.share, print_
    if best is None:
        return None
    share, print_ = best
    text, place = next((text, place) for text in normalised if (place := print_.first_copied(text)) is not None)
    return Seen(share, _line(text, place))


def _line(text: str, place: int) -> str:
    """Return the line at a place, cut to `_LONGEST` characters, or the next one if nearly all of it is before."""
    line = text[text.rfind("\n", 0, place) + 1 : place + RUN].strip()
    end = text.find("\n", place + RUN)
    line += text[place + RUN : end if end >= 0 else None][: max(0, _LONGEST - len(line))]
    lines = [part.strip() for part in line.split("\n") if part.strip()]
    longest = max(lines, key=len, default="")
    return longest if len(longest) <= _LONGEST else longest[:_LONGEST].rstrip() + "…"
