"""The texts of the study `stacked-lstm`: their roles, their splits, and the sizes they need."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from epigone.studies.engine.jobs import Text, open_text
from epigone.studies.engine.thirds import THIRDS, check_documents
from epigone.text.readers.registry import ReadOptions
from epigone.text.splitting import SplitOptions

ROLES = {
    "target": "the few texts of one writer, such as songs",
    "near": "much text of the same kind by others",
    "far": "much text of another kind, such as novels",
}
SOURCE_SPLIT = SplitOptions((0.9, 0.05, 0.05))


def texts(data: Mapping[str, Path], read: ReadOptions, quick: bool) -> tuple[dict[str, Text], list[str]]:
    """The target in thirds and both sources cut to one size, with sentences on the cuts.

    Raises:
        UserError: the target has too few documents.
    """
    target = Text.of(data["target"], read=read, split=THIRDS)
    sources, notices = size_matched(data, read, quick)
    check_documents(target)
    return {"target": target} | sources, notices


def size_matched(data: Mapping[str, Path], read: ReadOptions, quick: bool) -> tuple[dict[str, Text], list[str]]:
    """Both sources cut to the size of the smaller one (characters), with sentences on the cuts."""
    whole = {role: Text.of(data[role], read=read, split=SOURCE_SPLIT) for role in ("near", "far")}
    sizes = {role: int(open_text(text).characters.sum()) for role, text in whole.items()}
    limit = min(*sizes.values(), 200_000 if quick else max(sizes.values()))
    cut = {role: Text.of(data[role], read=replace(read, limit=limit), split=SOURCE_SPLIT) for role in whole}
    return cut, [
        f"{role}: of {size:,} characters the first {limit:,} are read, so that both sources have the same size."
        for role, size in sizes.items()
        if size > limit
    ]
