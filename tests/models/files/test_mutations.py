"""Damage to any file of a model folder ends in a sentence or in a sane result, never in another error."""

import json
import random
import shutil
from pathlib import Path

import pytest

from epigone.app.cli import run

SHORT = ("--num-layers", "1", "--hidden-size", "8", "--steps", "2", "--validate-every", "1", "--threads", "1")
VALUES = (
    None, True, -1, 0, 3, 10**9, 2**63, 10**400, 0.5, -2.5, float("nan"), float("inf"), "", "a", "\ud800", "x" * 9999,
    [], [[]], {}, {"a": {"b": []}}, ["a"], [1, 2, 3],
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory, song_file):
    folder = tmp_path_factory.mktemp("mutations") / "model"
    assert run(["pretrain", str(song_file), "--out", str(folder), *SHORT, "--quiet"]) == 0
    return folder


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The paths of all values in JSON, of long lists the first ones."""
    items = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))[:4]
        if isinstance(value, list)
        else []
    )
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


def with_value(root: object, path: tuple, value: object) -> object:
    if not path:
        return value
    copy = list(root) if isinstance(root, list) else dict(root)
    copy[path[0]] = with_value(copy[path[0]], path[1:], value)
    return copy


def mutated_json(data: bytes, draw: random.Random) -> bytes:
    root = json.loads(data)
    path = draw.choice(places(root))
    if path and draw.random() < 0.15 and isinstance(path[-1], str):
        parent = root
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]
        return json.dumps(root).encode()
    if draw.random() < 0.05:
        return with_nesting(draw.choice([40, 1200, 100_000]))
    return json.dumps(with_value(root, path, draw.choice(VALUES))).encode()


def with_nesting(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def mutated_bytes(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    match draw.randrange(4):
        case 0:
            del changed[draw.randrange(len(changed) + 1) :]
        case 1:
            changed += draw.randbytes(draw.randrange(1, 50))
        case _:
            for _ in range(draw.choice([1, 1, 8])):
                changed[draw.randrange(min(len(changed), draw.choice([8, 400, len(changed)])))] = draw.randrange(256)
    return bytes(changed)


def mutated_header(data: bytes, draw: random.Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = mutated_json(data[8 : 8 + length], draw)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def mutated(path: Path, draw: random.Random) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".json":
        return draw.choice([mutated_json, mutated_json, mutated_bytes])(data, draw)
    if path.suffix == ".safetensors":
        return draw.choice([mutated_header, mutated_bytes])(data, draw)
    return mutated_bytes(data, draw)


def damage(model: Path, song_file: Path, tmp_path: Path, capsys, seed: int) -> None:
    draw = random.Random(seed)
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    file = draw.choice(sorted(path for path in folder.iterdir() if path.suffix != ".md" and path.stat().st_size))
    file.write_bytes(mutated(file, draw))
    command = draw.choice(
        [
            ("info", folder),
            ("info", folder, "--json"),
            ("evaluate", folder, song_file),
            ("generate", folder, "--length", 40, "--seed", 1),
            ("generate", folder, "--next", 3, "--backend", "torch"),
            ("finetune", folder, song_file, "--steps", 1, "--out", tmp_path / f"out{seed}"),
            ("pretrain", song_file, "--out", folder, *SHORT, "--resume"),
        ]
    )
    status = run([str(word) for word in command])
    said = capsys.readouterr()
    assert status in (0, 2), f"seed {seed}, {file.name}: {command} ended with {status}: {said.err}"
    told = said.err.splitlines()  # notices come first
    assert status == 0 or any(line.startswith("Error: ") for line in told), f"seed {seed}: {said.err}"
    shutil.rmtree(tmp_path / f"out{seed}", ignore_errors=True)


@pytest.mark.parametrize("first", range(0, 300, 60))
def test_damaged_files(model, song_file, tmp_path, capsys, first):
    for seed in range(first, first + 60):
        damage(model, song_file, tmp_path, capsys, seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1750, 250))
def test_many_damaged_files(model, song_file, tmp_path, capsys, first):
    for seed in range(first, first + 250):
        damage(model, song_file, tmp_path, capsys, seed)
