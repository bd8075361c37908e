"""Every benchmark runs at its smallest size and prints whole tables; no time is asserted."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from epigone.kernels import engine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks"
HELPERS = {"timing.py", "peers.py", "cells.py"}
TABLES = {
    "sampling": 3, "training": 2, "words": 2, "selections": 1, "quality": 1, "defaults": 1, "dropconnect": 1,
    "changes": 1, "inputs": 1, "board": 1, "bases": 4, "distillation": 1,
}  # fmt: skip
needs_engine = pytest.mark.skipif(engine() is None, reason="no native engine was compiled here")

Table = list[list[str]]  # rows of cells; the first is the header


def run(name: str, out: Path, *arguments: str) -> list[Table]:
    """Run a benchmark at its smallest size; the tables that it prints, which are those that it keeps."""
    command = [sys.executable, str(FOLDER / f"{name}.py"), *arguments, "--smallest", "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (out / f"{name}.md").read_text(encoding="utf-8") in done.stdout
    has_onnx = find_spec("onnx") and find_spec("onnxruntime")
    assert ("onnxruntime are not installed" in done.stdout) == (name == "sampling" and not has_onnx)
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", done.stdout, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()] for block in blocks
    ]


def check(table: Table) -> None:
    """Every row has a name and finite figures under every column."""
    header, rule, *rows = table
    assert rows
    assert set("".join(rule)) <= set("-:")
    for row in rows:
        assert len(row) == len(header)
        assert row[0]
        for cell in row[1:]:
            assert cell == "–" or re.search(r"\d", cell), row
            assert not re.search(r"\b(nan|inf)\b|∞", cell), row


def test_every_script_is_a_benchmark_or_helps_one():
    scripts = {path.name for path in FOLDER.glob("*.py")}
    assert scripts == HELPERS | {f"{name}.py" for name in TABLES}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("sampling", marks=needs_engine),
        pytest.param("training", marks=needs_engine),
        pytest.param("words", marks=needs_engine),
        pytest.param("dropconnect", marks=needs_engine),
        "selections",
    ],
)
def test_a_benchmark_prints_whole_tables(name, tmp_path):
    tables = run(name, tmp_path)
    assert len(tables) == TABLES[name]
    for table in tables:
        check(table)
    assert "epigone" in (tmp_path / f"{name}.md").read_text(encoding="utf-8")
    if name == "sampling":
        assert (tmp_path / "sampling.png").stat().st_size > 10_000


@pytest.mark.slow
@needs_engine
def test_quality_compares_losses_of_equal_seeds(tmp_path):
    (table,) = run("quality", tmp_path, "examples/songs.txt")
    check(table)
    assert [row[0] for row in table[2:]] == ["PyTorch, fp32", "epigone, fp32", "epigone, bf16"]
    assert all(len(row[1].split(",")) == 2 for row in table[2:])


def test_defaults_are_measured_against_the_grid_and_go_on_where_they_stopped(tmp_path):
    (table,) = run("defaults", tmp_path, "songs=examples/songs.txt")
    check(table)
    assert [row[:2] for row in table[2:]] == [["english-tiny on songs", "3,000"]]
    lines = (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["grid"] * 6 + ["default", "final", "untouched"]
    (tmp_path / "runs.jsonl").write_text("\n".join(lines[:-2]) + "\n", encoding="utf-8")
    assert run("defaults", tmp_path, "songs=examples/songs.txt") == [table]
    again = (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert again[:-2] == lines[:-2]


@pytest.mark.slow
def test_a_change_is_tested_on_held_out_text_and_every_test_is_kept(tmp_path):
    asked = ["--question", "Does it help to learn nothing?", "--change", "--lr 1e-9"]
    arguments = ["examples/songs.txt", "--held-out", "examples/songs.txt", *asked]
    (table,) = run("changes", tmp_path, *arguments)
    assert table[2][:2] == asked[1::2]
    (first,) = (json.loads(line) for line in (tmp_path / "tests.jsonl").read_text(encoding="utf-8").splitlines())
    assert first["verdict"] == "not kept"
    assert first["gain"][2] < 0  # it is worse, surely
    (again,) = run("changes", tmp_path, *arguments)
    assert again[:3] == table
    assert len(again) == len(table) + 1


@pytest.mark.slow
def test_ways_to_read_are_compared_with_the_plain_one(tmp_path):
    (table,) = run("inputs", tmp_path, "examples/songs.txt", "--held-out", "examples/songs.txt")
    check(table)
    assert [row[0] for row in table[2:]] == ["n-grams", "capitals"]
    assert all(1 < float(loss) < 6 for row in table[2:] for loss in row[1:3])  # near chance, which is log 128


@pytest.mark.slow
@pytest.mark.parametrize("share", [0, 1])
def test_a_student_differs_from_its_peer_by_the_teacher_alone(share, tmp_path):
    arguments = ["examples/songs.txt", "--held-out", "examples/songs.txt", "--share", str(share)]
    (table,) = run("distillation", tmp_path, *arguments)
    check(table)
    alone, taught = map(float, table[2][3:5])
    assert (alone == taught) == (share == 0)
    assert all(1 < loss < 6 for loss in (alone, taught))  # two steps are learned; both are near chance


@pytest.mark.slow
def test_the_board_measures_each_seed_once_and_goes_on_where_it_stopped(tmp_path):
    arguments = ["examples/songs.txt", "--recipes", "recipes/changes.toml"]
    (table,) = run("board", tmp_path, *arguments)
    check(table)
    (row,) = table[2:]
    assert row[0] == "changes"
    assert row[7] == "2"
    lines = (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [0, 1]
    for line in lines:
        found = json.loads(line)
        assert abs(found["carried"] - found["windows"]) < 0.5  # two steps are learned; both are near chance
    older = lines[0].replace(json.loads(lines[0])["options"], "0")
    (tmp_path / "runs.jsonl").write_text(f"{older}\n{lines[1]}\n", encoding="utf-8")
    run("board", tmp_path, *arguments)  # what an older recipe did is made again, and told no more
    kept, again = (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert kept == lines[1]
    assert [json.loads(line)[key] for line in (lines[0], again) for key in ("seed", "carried")] == [
        0, json.loads(lines[0])["carried"]
    ] * 2  # fmt: skip


@pytest.mark.slow
def test_bases_are_measured_before_and_after_and_on_held_out_text(tmp_path):
    songs = "examples/songs.txt"
    arguments = ["english-tiny", str(ROOT / "src/epigone/bundled/english-tiny"), "--texts", f"songs={songs}"]
    arguments += ["--held", f"others={songs}"]
    learned, held, costs, pairs = run("bases", tmp_path, *arguments)
    for table in (learned, held, costs, pairs):
        check(table)
    untouched, after = float(learned[2][1]), float(learned[2][3])
    assert 0 < abs(untouched - after) < 0.5  # two steps are learned
    assert held[2][1:] == [held[2][1], held[2][1], "+0.0000"]
    assert all(row[3] == "2" for row in pairs[2:])  # a base writes what it writes


@pytest.mark.parametrize("cell", ["ln-lstm", "mlstm", "residual-lstm", "highway-lstm", "mogrifier-lstm", "minlstm"])
def test_the_gradients_of_cells_to_try_are_right(cell):
    command = [sys.executable, "-m", "epigone", "gradcheck", "--cell", cell, "--hidden-size", "4"]
    command += ["--extension", str(FOLDER / "cells.py")]  # in a process of its own, where it leaves nothing behind
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "All gradients are within their tolerances" in done.stdout
