"""The pages of docs/reference."""

import importlib.util
import re
from pathlib import Path

import cyclopts
import pytest

import epigone
from epigone.app.commands import COMMANDS

ROOT = Path(__file__).parents[2]
WRITTEN_WITH = re.search(r"^cyclopts==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[1]


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


@pytest.mark.skipif(cyclopts.__version__ != WRITTEN_WITH, reason=f"the pages are written with cyclopts {WRITTEN_WITH}")
def test_the_reference_is_up_to_date(pages):
    stored = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")}
    del stored["files.md"]  # written by hand; tests/test_files.py holds it to the files
    changed = [name for name in pages.keys() | stored.keys() if pages.get(name) != stored.get(name)]
    assert not changed, "a docstring has changed: run `make reference`"


def test_every_command_and_public_name_has_a_section(pages):
    commands = re.findall(r"^## (\S+)", pages["commands.md"], re.MULTILINE)
    assert list(dict.fromkeys(commands)) == list(COMMANDS)
    assert set(re.findall(r"^## (\S+)", pages["python.md"], re.MULTILINE)) == set(epigone.PUBLIC)


def test_options_are_explained_on_both_pages(pages):
    for page, option in (("commands.md", "`--num-layers INT`: "), ("python.md", "`num_layers: int = 3`: ")):
        assert f"{option}Recurrent layers" in pages[page]


def test_a_default_of_a_subclass_replaces_the_other(pages):
    (section,) = re.findall(r"^## RetrainingOptions\n(.*?)^## ", pages["python.md"], re.MULTILINE | re.DOTALL)
    assert section.count("- `lr: float") == 1
    assert f"`lr: float = {epigone.RetrainingOptions().lr}`" in section
