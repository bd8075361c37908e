"""Registry of the corpora that can be got by name."""

import difflib

from epigone.corpora.sources.base import Source
from epigone.corpora.sources.cornell import CORNELL
from epigone.corpora.sources.gutenberg import GUTENBERG
from epigone.corpora.sources.lyrics import LYRICS
from epigone.corpora.sources.wikitext import WIKITEXT
from epigone.errors import UserError
from epigone.registry import Registry

SOURCES: Registry[Source] = Registry("corpus", (GUTENBERG, CORNELL, *WIKITEXT, LYRICS))


def source_of(name: str) -> tuple[Source, str]:
    """Find the corpus and the part that a name means.

    Raises:
        UserError: there is no such corpus, or no such part of it.
    """
    if name.isascii() and name.isdigit():
        raise UserError(f"{name} is only a number; a book of Project Gutenberg is named gutenberg:{name}.")
    corpus, colon, part = name.partition(":")
    source = SOURCES.get(corpus.lower())
    if source is None:
        close = difflib.get_close_matches(corpus.lower(), SOURCES, n=1)
        hint = f" did you mean {SOURCES[close[0]].form}?" if close else ""
        raise UserError(f"There is no corpus {corpus!r} to get;{hint}{' Known' if hint else ' known'} are {known()}.")
    if colon and not source.part:
        raise UserError(f"{source.name} has no parts; leave out :{part}.")
    if fault := source.fault(part):
        raise UserError(f"{name}: {fault}" if colon else fault)
    return source, part


def known() -> str:
    """The forms of all names, in a list."""
    return ", ".join(source.form for source in SOURCES.values())
