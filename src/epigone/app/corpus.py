"""The commands of `corpus`, by name."""

from collections.abc import Callable
from typing import Any

from epigone.corpora.get import get_corpus
from epigone.corpora.stats import corpus_stats


def subcommands() -> dict[str, tuple[Callable[..., Any], str]]:
    """Each command's function and its usage."""
    return {
        "get": (get_corpus, "NAME... [--out FOLDER] [--mirror URL] [--from-file FILE]"),
        "stats": (corpus_stats, "TEXT... [--base MODEL]... [--sample CHARACTERS] [--no-timing]"),
    }
