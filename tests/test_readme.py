"""The commands and programs that README and the guides show, run as they are printed.

Each block of commands (```sh) or of Python has a comment in front of it that says how it is tested:

    <!-- test -->               run as it is
    <!-- test: --epochs 1 -->   run with these flags added to every command
    <!-- test: pretrain --epochs 1 -->   run with these flags added to every `pretrain`, or `classify train`
    <!-- no test -->            not run

A block runs in a folder of its own that has the texts of `examples/`, `books/` and `recipes/`.
"""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from epigone.models.files.bundled import bundled_models

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md")))
}
FENCE = re.compile(r"^```(sh|python)$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARKED = re.compile(r"^<!-- (?:(no )?test)(?:: ([^\n]+))? -->\n```(sh|python)$\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    page: str
    skipped: str
    flags: str
    language: str
    text: str


BLOCKS = [Block(page, *match) for page, text in PAGES.items() for match in MARKED.findall(text)]


def commands(block: Block) -> list[list[str]]:
    """The commands of a block, each as a list of words."""
    lines = [shlex.split(line, comments=True) for line in block.text.replace("\\\n", " ").splitlines()]
    assert {words[0] for words in lines if words} <= {"epigone", "torchrun"}, "only epigone's own are tested"
    named = re.match(r"[a-z]+(?: [a-z]+)?(?= )", block.flags)
    flags = shlex.split(block.flags.removeprefix(named[0] if named else ""))
    name = named[0].split() if named else []
    return [[*words, *(flags if words[1 : 1 + len(name)] == name else ())] for words in lines if words]


def run_apart(words: list[str], folder: Path) -> tuple[int, str, str]:
    """Run a program in a process of its own."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "Warning" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_how_it_is_tested(page):
    shown = [text for _, text in FENCE.findall(PAGES[page])]
    assert shown == [block.text for block in BLOCKS if block.page == page]


@pytest.mark.parametrize("page", ["README.md", "docs/guides/first-model.md"])
def test_a_beginner_finds_commands_and_python_that_are_tested(page):
    tested = [block for block in BLOCKS if block.page == page and not block.skipped]
    assert any(block.language == "python" for block in tested)
    assert any(block.language == "sh" for block in tested)


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}: {block.text.split(chr(10))[0][:60]}")
def test_a_block_runs(block, tmp_path, monkeypatch, cli):
    if block.skipped:
        pytest.skip("marked <!-- no test -->")
    for name in set(re.findall(r"\benglish-\w+", block.text)) - set(bundled_models()):
        pytest.skip(f"{name} is not in the package yet")
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    for name in ("songs.txt", "remarks.csv", "remarks-unlabelled.txt"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    (tmp_path / "books").mkdir()
    shutil.copy(ROOT / "examples" / "songs.txt", tmp_path / "books" / "ferry.txt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    if block.language == "python":
        status, _, err = run_apart([sys.executable, "-W", "error", "-c", block.text], tmp_path)
        assert status == 0, err
        return
    for program, *words in commands(block):
        torchrun = [sys.executable, "-m", "torch.distributed.run"]
        status, out, err = run_apart([*torchrun, *words], tmp_path) if program == "torchrun" else cli(*words)
        assert status == 0, f"{shlex.join([program, *words])}\n{err}"
        assert out, shlex.join([program, *words])


@pytest.mark.parametrize("name", bundled_models())
def test_the_python_on_a_model_card_runs(name):
    card = (bundled_models()[name] / "README.md").read_text(encoding="utf-8")
    [(language, program)] = FENCE.findall(card)
    assert language == "python"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout) > 300
