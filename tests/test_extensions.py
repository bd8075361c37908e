"""Modules that a user names, on the command line and in Python."""

import json
import sys
from pathlib import Path

import pytest
from processes import epigone

from epigone import extensions
from epigone.errors import UserError
from epigone.models.cells.base import CELLS

CELL = """
from epigone.models.cells.base import CELLS, Cell, stacked

def step(x, state, weights):
    (h,) = state
    return ((x + h @ weights["weight_hh"].T + weights["bias_hh"]).sin(),)

CELLS.register(Cell("{name}", "Sine (nowhere)", ("state",), step, stacked(1), bounded=True))
"""
BRIEF = ("--steps", 4, "--batch-size", 4, "--sequence-length", 16, "--device", "cpu")
SHAPE = ("--num-layers", 1, "--hidden-size", 8)


pytestmark = pytest.mark.usefixtures("registries")


@pytest.fixture
def sine(tmp_path) -> Path:
    """A file of the user's that registers the cell sine."""
    path = tmp_path / "of_mine" / "sine_cell.py"
    path.parent.mkdir()
    path.write_text(CELL.format(name="sine"))
    return path


def test_a_file_is_imported_once(sine):
    extensions.load(sine)
    extensions.load(str(sine))
    assert CELLS["sine"].gates == ("state",)
    assert extensions.loaded == [str(sine)]
    assert sys.modules["sine_cell"].step is CELLS["sine"].step  # so that its objects can be pickled


def test_a_file_may_import_those_beside_it(sine):
    (sine.parent / "both_cells.py").write_text("import sine_cell\n")
    extensions.load(sine.parent / "both_cells.py")
    assert "sine" in CELLS


def test_an_installed_module_is_named_without_a_suffix(sine, monkeypatch):
    monkeypatch.syspath_prepend(sine.parent)
    extensions.load("sine_cell")
    assert "sine" in CELLS
    assert extensions.loaded == ["sine_cell"]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("", None, "--extension needs the path of a Python file"),
        ("no_such_module", None, "There is no module no_such_module; name an installed one, or a Python file such as"),
        ("no_such.module", None, "There is no module no_such.module"),
        ("missing.py", None, r"There is no extension .*missing\.py; give the path of a Python file"),
        ("json.py", "", r"json\.py has the name of another module, json; give the file another name"),
        ("needy.py", "import no_such_package", "needy.py needs the package no_such_package, which is missing"),
        (
            "broken.py",
            "1 / 0",
            r"broken.py fails when it is imported .ZeroDivisionError: division by zero.\. Correct it",
        ),
        (
            "taken.py",
            CELL.format(name="gru"),
            "taken.py is refused: There is a cell 'gru' already; choose another name",
        ),
    ],
)
def test_an_extension_that_cannot_be_loaded_gets_a_sentence(tmp_path, name, code, said):
    if code is not None:
        (tmp_path / name).write_text(code)
    with pytest.raises(UserError, match=said):
        extensions.load(str(tmp_path / name) if name.endswith(".py") else name)
    assert extensions.loaded == []


def test_the_command_line_loads_it_before_it_reads_the_options(sine, cli, song_file, tmp_path):
    unknown = cli("pretrain", song_file, "--cell", "sine", "--out", tmp_path / "none")
    assert unknown.status == 2
    assert cli(
        "pretrain", song_file, "--extension", sine, "--cell", "sine", *BRIEF, *SHAPE, "--out", tmp_path / "a"
    ).out
    assert "sine" in cli("pretrain", "--help").out
    assert "--extension MODULE" in " ".join(cli("--help").out.split())


def test_no_recipe_names_an_extension(sine, cli, song_file, tmp_path):
    (tmp_path / "recipe.toml").write_text(f'[options]\nextension = "{sine}"\n')
    refused = cli("pretrain", song_file, "--recipe", tmp_path / "recipe.toml", "--out", tmp_path / "out")
    assert refused.status == 2
    assert "sets 'extension', which is not an option" in refused.err
    assert "sine" not in CELLS


@pytest.mark.slow
def test_a_model_of_an_extension_in_other_processes(sine, song_file, tmp_path):
    """Trained, refused without the extension, compared by two workers, and gone on with."""
    mine, base, out = ("--extension", sine), tmp_path / "base", tmp_path / "out"
    trained = epigone("pretrain", song_file, *mine, "--cell", "sine", *BRIEF, *SHAPE, "--out", base)
    assert trained.returncode == 0, trained.stderr
    refused = epigone("evaluate", base, song_file)
    assert refused.returncode == 2
    assert "There is no cell 'sine'" in refused.stderr
    assert "If it is your own, name its module with --extension" in refused.stderr
    size = ("--seeds", 2, "--trials", 1, "--finalists", 1, "--search-epochs", 1, "--max-order", 2, "--max-hidden", 8)
    call = ("compare", base, "--corpus", song_file, "--train", "head", "--workers", 2, "--sample-length", 20)
    compared = epigone(*call, *mine, *BRIEF, *size, "--out", out, "--json")
    assert compared.returncode == 0, compared.stderr
    (row,) = (row for row in json.loads(compared.stdout)["rows"] if row["family"] == "transfer")
    assert len(row["folders"]) == 2
    results = [path.stat().st_mtime_ns for path in sorted(out.glob("runs/*/result.json"))]
    again = epigone(*call, *mine, *BRIEF, *size, "--out", out, "--json", "--resume")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["rows"] == json.loads(compared.stdout)["rows"]
    assert [path.stat().st_mtime_ns for path in sorted(out.glob("runs/*/result.json"))] == results


@pytest.mark.slow
def test_every_process_of_a_training_loads_it(sine, song_file, tmp_path):
    call = ("pretrain", song_file, "--extension", sine, "--cell", "sine", *BRIEF, *SHAPE, "--out", tmp_path / "out")
    trained = epigone(*call, "--devices", 2)
    assert trained.returncode == 0, trained.stderr
