"""Links and paths in the documentation lead somewhere, and every page is reached from another."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "epigone"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md"])
WRITTEN = [page for page in PAGES if page.name != "report.md"]  # a study writes that one
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
MADE = (
    "demo/",
    "probe/",
    "runs/",
    "comparison/",
    "books/",
    "model/",
    "final/",
)  # folders that a reader makes or brings
CELLS = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "reference" / "files.md").read_text("utf-8"), re.MULTILINE)
FILES_OF_A_RUN = {word for cell in CELLS for word in QUOTED.findall(cell)}
SUFFIXES = {".py", ".md", ".toml", ".hpp", ".cpp", ".cff", ".yml", ".yaml", ".html"}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> Iterator[str]:
    """The targets within the repository, without anchors."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if "://" not in target and not target.startswith("#"):
            yield target.split("#")[0]


def paths(text: str) -> Iterator[str]:
    """Quoted words that are meant as paths of the repository."""
    for word in QUOTED.findall(FENCED.sub("", text)):
        ours = PATH.fullmatch(word) and word not in FILES_OF_A_RUN and not word.startswith(MADE)
        if ours and ("/" in word or Path(word).suffix in SUFFIXES):
            yield word


def exists(path: str, page: Path) -> bool:
    """Look for a path from the top, the package and the page's folder, or for a file name anywhere in the package."""
    pattern = path.rstrip("/")
    if "/" not in path and any(HOUSE.rglob(pattern)):
        return True
    return any(any(start.glob(pattern)) for start in (ROOT, HOUSE, page.parent))


def test_paths_are_told_from_other_words():
    text = (
        "`text/readers/` `cells.py` `--out` `epigone info` `layers.2` `config.json` `demo/model`\n```\n`no/path`\n```\n"
    )
    assert list(paths(text)) == ["text/readers/", "cells.py"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files(page):
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_paths_exist(page):
    assert [path for path in paths(page.read_text(encoding="utf-8")) if not exists(path, page)] == []


def test_every_page_is_linked_from_another():
    linked = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    starts = {ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/index.md")}
    assert [name(page) for page in WRITTEN if page.resolve() not in linked and page not in starts] == []


def test_every_figure_is_shown():
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    assert [name(path) for path in (ROOT / "docs").rglob("*.png") if path.resolve() not in shown] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "log").glob("*.md")), ids=name)
def test_entries_of_the_log_are_questions_with_dates(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for title, rest in re.findall(r"^## (.*)\n\n(.*)", text, re.MULTILINE):
        assert re.fullmatch(r"[^?]+\? [^?]+\.", title), title
        assert re.match(r"\*\d{4}-\d\d-\d\d\.\*", rest), title
