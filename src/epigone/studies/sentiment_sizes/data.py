"""The data of the study `sentiment-sizes`: labelled texts, divided for good, and texts without labels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from epigone.classification.folds import hold_out, nested_subsets
from epigone.classification.texts import LabelledTexts, UnlabelledTexts, read_labelled, read_unlabelled
from epigone.errors import UserError
from epigone.studies.experiment import Texts
from epigone.text.readers.registry import ReadOptions

ROLES = {"labelled": "texts with their labels, such as a table with a column of texts and one of labels"}
OPTIONAL = {
    "unlabelled": "more texts of the same kind, without labels",
    "other": "labelled texts of another kind with the same classes, to measure on",
}
HOLD_OUT_SEED = 0

T = TypeVar("T")


@dataclass(frozen=True)
class LabelledSource:
    """Labelled texts: their path, how they are read, and the hash that alone identifies them."""

    path: str
    hash: str
    read: ReadOptions = ReadOptions()

    def summary(self) -> dict[str, Any]:
        """How they were read, their number and their hash."""
        texts = open_labelled(self)
        counts = dict(zip(texts.classes, texts.counts.tolist(), strict=True))
        return {"texts": len(texts), "classes": counts, "hash": self.hash, "read": self.read.chosen()}

    def notices(self, tokenizer: str = "") -> list[str]:
        """Sentences on what was left out, guessed or decided."""
        return list(open_labelled(self).notices)

    def facts(self) -> dict[str, Any]:
        """Facts needed to read them again."""
        return {"name": Path(self.path).resolve().name, "path": self.path} | self.summary()


@dataclass(frozen=True)
class UnlabelledSource:
    """Texts without labels: their path, how they are read, and the hash that alone identifies them."""

    path: str
    hash: str
    read: ReadOptions = ReadOptions()

    def summary(self) -> dict[str, Any]:
        """How they were read, their number and their hash."""
        return {"texts": len(open_unlabelled(self).texts), "hash": self.hash, "read": self.read.chosen()}

    def notices(self, tokenizer: str = "") -> list[str]:
        """Sentences on what was left out, guessed or decided."""
        return list(open_unlabelled(self).notices)

    def facts(self) -> dict[str, Any]:
        """Facts needed to read them again."""
        return {"name": Path(self.path).resolve().name, "path": self.path} | self.summary()


def sources(data: Mapping[str, Path], read: ReadOptions, quick: bool) -> Texts:
    """Read the data of each role once, so that what is wrong with it is said before anything runs.

    Raises:
        UserError: a path cannot be read as its role asks for, or the other texts have a class that the first have not.
    """
    labelled = LabelledSource(str(data["labelled"]), _read_labelled(str(data["labelled"]), read).hash, read)
    found: dict[str, LabelledSource | UnlabelledSource] = {"labelled": labelled}
    if path := data.get("unlabelled"):
        found["unlabelled"] = UnlabelledSource(str(path), _hash(_read_unlabelled(str(path), read)), read)
    if path := data.get("other"):
        other = LabelledSource(str(path), _read_labelled(str(path), read).hash, read)
        classes, others = open_labelled(labelled).classes, open_labelled(other).classes
        if missing := [name for name in others if name not in classes]:
            raise UserError(
                f"{path} has the class {missing[0]!r}, which {data['labelled']} has not; its classes are "
                f"{', '.join(classes)}. Give texts with the same classes as other=PATH."
            )
        found["other"] = other
    return found, []


def open_labelled(source: LabelledSource) -> LabelledTexts:
    """Read labelled texts, once in a process.

    Raises:
        UserError: they have changed since they were named.
    """
    return _unchanged(source, texts := _read_labelled(source.path, source.read), texts.hash)


def open_unlabelled(source: UnlabelledSource) -> UnlabelledTexts:
    """Read unlabelled texts, once in a process.

    Raises:
        UserError: they have changed since they were named.
    """
    return _unchanged(source, texts := _read_unlabelled(source.path, source.read), _hash(texts))


def _unchanged(source: LabelledSource | UnlabelledSource, texts: T, found: str) -> T:
    if found != source.hash:
        raise UserError(f"{source.path} changed while it was being used; start again with another --out.")
    return texts


@lru_cache(maxsize=2)
def _read_labelled(path: str, read: ReadOptions) -> LabelledTexts:
    return read_labelled([path], read)


@lru_cache(maxsize=1)
def _read_unlabelled(path: str, read: ReadOptions) -> UnlabelledTexts:
    return read_unlabelled([path], read)


def _hash(texts: UnlabelledTexts) -> str:
    whole = hashlib.sha256()
    for text in texts.texts:
        whole.update(hashlib.sha256(text.encode("utf-8")).digest())
    return whole.hexdigest()


@dataclass(frozen=True)
class Division:
    """Labelled texts in three fixed parts: to learn from, for validation, and for the test."""

    source: LabelledSource
    validation: int
    test: int

    def identity(self) -> dict[str, Any]:
        """Its part of a run's identity."""
        return {"hash": self.source.hash, "validation": self.validation, "test": self.test}

    def parts(self) -> tuple[LabelledTexts, LabelledTexts, LabelledTexts]:
        """The texts to learn from, for validation and for the test."""
        return _parts(self)


@lru_cache(maxsize=2)
def _parts(division: Division) -> tuple[LabelledTexts, LabelledTexts, LabelledTexts]:
    texts = open_labelled(division.source)
    held = hold_out(texts, division.validation, division.test, HOLD_OUT_SEED)
    return texts.subset(held.train), texts.subset(held.validation), texts.subset(held.test)


@dataclass(frozen=True)
class Subset:
    """Labelled texts to learn from. Those of one seed are nested: each holds every smaller one."""

    division: Division
    size: int
    seed: int

    def identity(self) -> dict[str, Any]:
        """Its part of a run's identity."""
        return {"division": self.division.identity(), "size": self.size, "seed": self.seed}

    def texts(self) -> LabelledTexts:
        """The texts."""
        train, *_ = self.division.parts()
        (places,) = nested_subsets(train, [self.size], self.seed)
        return train.subset(places)


@dataclass(frozen=True)
class Plain:
    """Texts that a language model learns, without their labels: those of a subset, or all that are not held out."""

    division: Division
    subset: Subset | None = None
    """The only texts; None for all texts of the division to learn from, and all unlabelled ones."""
    unlabelled: UnlabelledSource | None = None
    limit: int = 0
    """Learn no more than this many texts; 0 learns all."""

    def identity(self) -> dict[str, Any]:
        """Its part of a run's identity."""
        if self.subset is not None:
            return self.subset.identity()
        return {
            "division": self.division.identity(),
            "unlabelled": self.unlabelled and self.unlabelled.hash,
            "limit": self.limit,
        }

    def texts(self) -> list[str]:
        """The texts, each once, and none that is held out.

        An unlabelled text that is held out under a label is left out.
        """
        train, *held = self.division.parts()
        if self.subset is not None:
            found = list(self.subset.texts().texts)
        else:
            further = open_unlabelled(self.unlabelled).texts if self.unlabelled else ()
            found = [*train.texts, *open_labelled(self.division.source).unlabelled, *further]
        unseen = {text for part in held for text in part.texts}
        return [text for text in dict.fromkeys(found) if text not in unseen][: self.limit or None]


def division_of(source: LabelledSource, validation: int, test: int) -> tuple[Division, list[str]]:
    """Hold out as many texts as asked for, but no more than a fifth for each part; and say if it is fewer."""
    number = len(open_labelled(source))
    fifth = number // 5
    found = Division(source, min(validation, fifth), min(test, fifth))
    if (found.validation, found.test) == (validation, test):
        return found, []
    return found, [
        f"Of {number:,} labelled texts {found.validation:,} are held out for validation and {found.test:,} for the "
        "test, a fifth for each at most."
    ]


def sizes_of(division: Division, sizes: tuple[int, ...]) -> tuple[list[int], list[str]]:
    """The sizes that the texts allow, ascending, and a sentence on those left out.

    Raises:
        UserError: none is left.
    """
    train, *_ = division.parts()
    least = int(np.count_nonzero(train.counts))
    wanted = sorted(set(sizes))
    found = [size for size in wanted if least <= size <= len(train)]
    if not found:
        raise UserError(
            f"None of the sizes {', '.join(map(str, wanted))} fits: there are {len(train):,} texts of {least} classes "
            "to learn from. Give others with --sizes."
        )
    if left := [size for size in wanted if size not in found]:
        return found, [
            f"Left out, as there are {len(train):,} texts of {least} classes to learn from: "
            f"{', '.join(f'{size:,}' for size in left)} labels."
        ]
    return found, []
