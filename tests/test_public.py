import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

import epigone
from epigone.app.classify import subcommands as classify_commands
from epigone.app.commands import COMMANDS
from epigone.app.corpus import subcommands as corpus_commands

WITHOUT_EXTRAS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("optuna", "scipy", "matplotlib", "jinja2", "tensorboard"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from epigone.app.cli import run
"""
FUNCTIONS = [
    "pretrain",
    "finetune",
    "compare",
    "study",
    "evaluate",
    "train_classifier",
    "classify",
    "evaluate_classifier",
    "generate",
    "import_fastai",
    "quantize",
    "gradcheck",
    "get_corpus",
    "corpus_stats",
    "info",
    "look",
    "probe",
    "record",
    "plot",
    "selection",
    "delta",
]


def python(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("name", epigone.__all__)
def test_what_is_public_exists_and_is_documented(name):
    found = getattr(epigone, name)
    assert name in dir(epigone)
    assert name == "__version__" or inspect.getdoc(found)


def test_what_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'finetun'"):
        epigone.finetun  # noqa: B018


@pytest.mark.slow
def test_the_public_functions_are_typed_in_a_users_script(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "import epigone\n"
        "from epigone import SamplingOptions, finetune\n"
        "reveal_type(epigone.finetune)\n"
        "reveal_type(finetune('base', 'a.txt', out='mine').loss)\n"
        "epigone.fintune\n"
        "SamplingOptions(temperature='hot')\n"
    )
    words = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path, script]
    environment = os.environ | {"MYPYPATH": str(Path(epigone.__file__).parents[1])}
    result = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    said = [line.partition(": ")[2] for line in result.stdout.splitlines() if line.startswith(str(script))]
    assert re.match(r'note: Revealed type is "def \(base: .*\) -> .*TrainingResult"$', said[0]), result.stdout
    assert re.match(r'note: Revealed type is "(builtins\.)?float"$', said[1]), result.stdout
    assert said[2].startswith('error: Module has no attribute "fintune"'), result.stdout
    assert "incompatible type" in said[3], result.stdout
    assert len(said) == 4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_and_results_of_a_public_function_are_public(name):
    hints = get_type_hints(getattr(epigone, name), localns={"Checkpoint": epigone.Checkpoint, "Stepper": object})
    missing = {kind.__name__ for kind in hints.values() if is_dataclass(kind)} - set(epigone.__all__)
    assert missing == set()


def test_each_command_is_a_public_function_of_the_same_name_or_several():
    groups = [*classify_commands().values(), *corpus_commands().values()]
    several = {function.__name__ for function, _ in groups}
    assert {name.replace("-", "_") for name in COMMANDS} - {"classify", "corpus"} | several == set(FUNCTIONS)
    for name in FUNCTIONS:
        assert callable(getattr(epigone, name))


def test_importing_the_package_imports_nothing_else():
    program = "import sys, epigone; print({'numpy', 'torch', 'rich', 'cyclopts'} & set(sys.modules))"
    result = python(program)
    assert (result.stdout, result.stderr) == ("set()\n", "")


@pytest.mark.parametrize(
    "name",
    [module.name for module in pkgutil.walk_packages(epigone.__path__, "epigone.") if "__" not in module.name],
)
def test_every_module_imports_and_says_what_it_is(name):
    module = importlib.import_module(name)
    empty = module.__file__ is not None and os.path.getsize(module.__file__) == 0
    assert empty or module.__doc__


def test_without_the_extras_every_module_imports_but_those_that_draw():
    program = WITHOUT_EXTRAS + (
        "import importlib, pkgutil, epigone\n"
        "for module in pkgutil.walk_packages(epigone.__path__, 'epigone.'):\n"
        "    try:\n"
        "        module.name.endswith('__main__') or importlib.import_module(module.name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        print(module.name)\n"
    )
    result = python(program)
    assert result.returncode == 0, result.stderr
    lacking = result.stdout.split()
    assert lacking, "the extras were not hidden"
    assert all(name.startswith(("epigone.report.", "epigone.studies.")) for name in lacking), lacking


def test_without_the_extras_the_commands_work_that_need_none(song_file, tmp_path):
    base, mine = tmp_path / "base", tmp_path / "mine"
    small = "'--steps', '2', '--quiet'"
    program = WITHOUT_EXTRAS + (
        "songs, base, mine = sys.argv[1:]\n"
        f"assert run(['pretrain', songs, '--out', base, '--hidden-size', '8', '--num-layers', '1', {small}]) == 0\n"
        f"assert run(['finetune', base, songs, '--out', mine, '--train', 'layers.0', {small}]) == 0\n"
        "assert run(['evaluate', mine, songs]) == 0\n"
        "assert run(['generate', mine, '--length', '10']) == 0\n"
        "assert run(['info']) == run(['info', mine]) == run(['info', songs]) == 0\n"
        "sys.exit(run(['compare', base, '--corpus', songs, '--out', mine + '2']))\n"
    )
    result = python(program, song_file, base, mine)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("Error: ") == 1
    assert re.search(r"needs the package (\w+), which is not installed. Run: pip install \1$", result.stderr)
    assert not (tmp_path / "mine2").exists()
