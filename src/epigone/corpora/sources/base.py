"""Source: the record of a corpus that has a home on the web."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from epigone.corpora.downloads.fetcher import Arrived, Fetcher


@dataclass(frozen=True)
class Text:
    """A file of text to write."""

    name: str
    """Name of the file, without a folder."""
    pieces: Iterable[bytes]
    """Its consecutive parts."""


@dataclass(frozen=True)
class Got:
    """A part of a corpus that is at hand."""

    title: str
    arrived: tuple[Arrived, ...]
    """The files that it is made of."""
    texts: Iterable[Text]
    """The files to write, made one after the other."""
    notice: str = ""
    """A sentence on this part alone."""


@dataclass(frozen=True)
class Source:
    """A corpus and the function that gets it."""

    name: str
    title: str
    """The corpus in a few words."""
    rights: str
    """What may be done with the texts, in a sentence or two."""
    get: Callable[[str, Fetcher], Iterator[Got]]
    """Function that gets the part that follows the colon in `NAME:PART`, which is empty if there is none."""
    part: str = ""
    """The part in a word, such as `NUMBER`; empty if the corpus is got as a whole."""
    fault: Callable[[str], str] = lambda part: ""
    """Test of the part: what is wrong with it as a sentence, or the empty string."""
    by_hand: str = ""
    """How to fetch it, if only a person can; then `--from-file` is needed."""

    @property
    def form(self) -> str:
        """The name as it is given, such as `gutenberg:NUMBER`."""
        return f"{self.name}:{self.part}" if self.part else self.name
