"""The request of a probe: properties, labelled texts, lists, and how much of the text."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.probing.properties.base import Pairs, Property
from epigone.probing.properties.registry import PROPERTIES
from epigone.probing.read_text import parts_of
from epigone.storage import MOST_BYTES, read_bounded
from epigone.text.corpus import Corpus

LEAST = 1_000  # characters of a long document to read
PART = 2_000  # characters that are read from one zero state
FEWEST = 10  # documents, else their parts are held out


def read_pairs(path: Path) -> Pairs:
    """Read lines of `wrong->right`; of several right words, divided by commas, the first counts.

    Raises:
        UserError: the file is missing or has no such line.
    """
    lines = read_bounded(path, MOST_BYTES).decode("utf-8", "replace").splitlines()
    split = [line.partition("->") for line in lines if "->" in line]
    found: dict[str, list[str]] = {}
    for wrong, _, right in split:
        if wrong.strip() and (word := right.split(",")[0].strip().lower()):
            found.setdefault(word, []).append(wrong.strip())
    if not found:
        raise UserError(f"{path} has no line such as `wierd->weird`; give a list of wrong and right words.")
    return found


def sources_of(labelled: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """The paths of each labelled property; one without a name is what --property names beside the known ones."""
    own = [name for name in names if name not in PROPERTIES]
    found: dict[str, list[str]] = {}
    for given in labelled:
        name, equals, path = given.partition("=")
        if not equals or not re.fullmatch(r"[\w-]+", name) or Path(given).exists():
            name, path = own[0] if len(own) == 1 else "label", given
        if name in PROPERTIES:
            raise UserError(
                f"The property {name} needs no labels; give these texts another name: --labelled NAME={path}."
            )
        found.setdefault(name, []).append(path)
    return found


def chosen_properties(names: Sequence[str], sources: Mapping[str, object], text: bool, pairs: bool) -> list[Property]:
    """The properties that need no labels; by default all that are measured in the user's text."""
    if not names and text:
        return [each for each in PROPERTIES.values() if (pairs or not each.needs_pairs) and not each.sentences]
    if not names and not sources:
        raise UserError("Give a property with --property and a text with --text, or labelled texts with --labelled.")
    found = []
    for name in dict.fromkeys(names):
        if name in sources:
            continue
        if name not in PROPERTIES:
            raise UserError(
                f"There is no property '{name}'; choose one of {PROPERTIES.choices()}. For one of your own, give texts "
                f"with labels: --labelled {name}=PATH."
            )
        if PROPERTIES[name].needs_pairs and not pairs:
            raise UserError(f"The property {name} needs a list with --pairs, of lines such as `wierd->weird`.")
        found.append(PROPERTIES[name])
    return found


def beginnings_of(corpus: Corpus, characters: int) -> tuple[list[str], NDArray[np.int64]]:
    """The beginnings of documents, as long as they may be together, in parts; of many documents only some.

    Returns:
        The parts, and the document of each; if there are few documents, each part counts as one.
    """
    texts: dict[int, str] = {}
    sizes = corpus.characters.tolist()
    usual = min(LEAST, max(1, sum(sizes) // len(sizes)))
    number = min(len(sizes), max(1, characters // usual))
    chosen = np.linspace(0, len(sizes) - 1, number).astype(int).tolist()
    room = characters
    for place, index in enumerate(sorted(chosen, key=sizes.__getitem__)):  # the short ones leave room
        share = room // (number - place)
        texts[index] = corpus.text(index)[:share]
        room -= len(texts[index])
    parts = [(index, part) for index in chosen for part in parts_of(texts[index], PART)]
    documents = np.array([index for index, _ in parts])
    return [part for _, part in parts], documents if number >= FEWEST else np.arange(len(parts))
