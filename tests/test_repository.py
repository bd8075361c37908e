"""Files around the code agree with it and with each other."""

import re
import tomllib
from pathlib import Path

import pytest

import epigone

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def checks() -> list[str]:
    """The commands of `make check`, without the folder of the tools."""
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    return [line.strip().removeprefix("$(BIN)/") for line in recipe.splitlines()]


def test_one_version_is_told_everywhere():
    assert re.search(r"^version: (\S+)$", read("CITATION.cff"), re.MULTILINE)[1] == epigone.__version__
    assert re.search(r"^## (\S+) \(", read("CHANGELOG.md"), re.MULTILINE)[1] == epigone.__version__
    project = tomllib.loads(read("pyproject.toml"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "epigone.__version__"}


def test_the_newest_change_is_dated_as_the_citation_is():
    released = re.search(r"^date-released: (\S+)$", read("CITATION.cff"), re.MULTILINE)[1]
    assert f"## {epigone.__version__} ({released})" in read("CHANGELOG.md")


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        (".pre-commit-config.yaml", r"entry: \.venv/bin/(.*)"),
        (".github/workflows/check.yml", r"- run: ((?:ruff|mypy).*|mypy)"),
    ],
)
def test_hooks_and_windows_run_the_commands_of_make_check(file, pattern):
    assert re.findall(pattern, read(file)) == checks()


def test_every_script_of_make_bench_exists_and_the_others_need_a_text():
    called = set(re.findall(r"python (benchmarks/\w+\.py)", read("Makefile")))
    scripts = {f"benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("*.py")}
    helpers = {"timing", "peers", "cells"}
    on_texts = {"quality", "defaults", "changes", "inputs", "board", "bases", "distillation"}
    assert scripts - called == {f"benchmarks/{name}.py" for name in helpers | on_texts}
    assert called <= scripts
