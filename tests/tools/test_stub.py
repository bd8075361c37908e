"""The stub for editors and type checkers."""

import ast
import importlib.util
import inspect
from pathlib import Path

import pytest

import epigone

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("stub", ROOT / "tools" / "stub.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stub_is_up_to_date(module):
    stored = module.FILE.read_text(encoding="utf-8")
    assert stored == module.stub(), "an option or a docstring has changed: run `make reference`"


def test_the_stub_has_every_public_name_and_keyword(module):
    tree = ast.parse(module.stub()).body
    imported = {alias.asname: node.module for node in tree if isinstance(node, ast.ImportFrom) for alias in node.names}
    functions = {node.name: node.args for node in tree if isinstance(node, ast.FunctionDef)}
    for name, place in epigone.PUBLIC.items():
        if name not in functions:
            assert imported[name] == f"epigone.{place}"
            continue
        arguments = functions[name]
        stars = [each for each in (arguments.vararg, arguments.kwarg) if each]
        written = {each.arg for each in [*arguments.args, *arguments.kwonlyargs, *stars]}
        assert written == set(inspect.signature(getattr(epigone, name)).parameters), name
