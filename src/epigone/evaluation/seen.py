"""Text that a model has read before, by the fingerprints in its folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from epigone.evaluation.fingerprint_file import FILE, load_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.text.tokenizers.base import Tokenizer

LEAST, LEAST_PASSAGES = 0.01, 3
"""Share of a text, and number of its passages, from which on a model has read it: some lines are everyone's."""

_LINES, _LONGEST = 3, 60


@dataclass(frozen=True)
class Seen:
    """The part of a text that a model has read."""

    share: float
    """Share of the characters, or about that if only some passages were looked up."""
    lines: tuple[str, ...]
    """Some lines with such parts."""

    def sentence(self, text: str, model: str) -> str:
        """Say it.

        Args:
            text: the text in words: `the test documents`.
            model: the model in words.
        """
        return (
            f"about {self.share:.0%} of {text} stands in what {model} was trained on, such as "
            f"{'; '.join(map(repr, self.lines))}. Losses there say little about new text."
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
    best: tuple[float, Fingerprint] | None = None
    for print_ in prints:
        found = print_.copied(normalised)
        if not found.share or found.share < LEAST or found.found < LEAST_PASSAGES:
            continue
        if best is None or found.share > best[0]:
            best = found.share, print_
    return best and Seen(best[0], _copied_lines(best[1], normalised))


def _copied_lines(print_: Fingerprint, texts: Sequence[str]) -> tuple[str, ...]:
    """The first lines with a copied part, each once."""
    lines: dict[str, None] = {}
    for text in texts:
        for start, end in print_.stretches(text):
            lines[_line(text, start, end)] = None
            if len(lines) == _LINES:
                return tuple(lines)
    return tuple(lines)


def _line(text: str, start: int, end: int) -> str:
    """Return the longest line of a stretch as a whole, cut to `_LONGEST` characters."""
    begin = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end)
    lines = [line.strip() for line in text[begin : after if after >= 0 else None].split("\n")]
    longest = max(lines, key=len)
    return longest if len(longest) <= _LONGEST else longest[:_LONGEST].rstrip() + "…"
