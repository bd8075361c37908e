"""Every import runs downwards: a room knows those below it and none above."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import epigone

HOUSE = Path(epigone.__file__).parent
ROOMS = (
    "errors", "storage", "machine", "kernels", "text", "models", "evaluation", "generation", "training",
    "transfer", "export", "report", "studies", "app", "__main__",
)  # fmt: skip


def imported(source: str) -> Iterator[str]:
    """The rooms of which something is imported anywhere, in functions too; the version is no room."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        rooms = [name.split(".")[1] for name in names if name.startswith("epigone.")]
        yield from (room for room in rooms if room != "__version__")


def test_imports_are_found_wherever_they_stand():
    source = "import os\nfrom epigone import storage, __version__\ndef f():\n    import epigone.text.corpus as c\n"
    assert list(imported(source)) == ["storage", "text"]
    assert list(imported("from epigone.text.corpus import Corpus")) == ["text"]


def test_every_room_has_its_place():
    found = {path.stem for path in HOUSE.iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    assert found - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_below(room):
    paths = [*(HOUSE / room).rglob("*.py"), *HOUSE.glob(f"{room}.py")]
    used = {(path.name, other) for path in paths for other in imported(path.read_text(encoding="utf-8"))}
    below = ROOMS[: ROOMS.index(room) + 1]
    assert [(path, other) for path, other in sorted(used) if other not in below] == []
