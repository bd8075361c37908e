"""Progress in a notebook."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from epigone.app.notebook import LINES, NotebookMonitor, in_notebook
from epigone.models.config import ModelOptions
from epigone.training.options import TrainingOptions
from epigone.training.pretrain import pretrain


@pytest.fixture
def pages(monkeypatch):
    """The pages that a notebook would show, in one output that is updated in place."""
    shown = []
    module = ModuleType("IPython.display")
    module.HTML = str
    module.display = lambda page, display_id: shown.append(page) or SimpleNamespace(update=shown.append)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_a_notebook_is_known_by_its_kernel(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    for shell, expected in ((None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=1), True)):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert in_notebook() is expected


def test_a_run_shows_a_bar_and_leaves_its_last_validations(pages, song_file, tmp_path, monkeypatch):
    monkeypatch.setattr("epigone.app.notebook.PAUSE", 0)
    options = ModelOptions(num_layers=1, hidden_size=8), TrainingOptions(steps=6, validate_every=2)
    pretrain(song_file, out=tmp_path / "new", model=options[0], training=options[1], monitor=NotebookMonitor())
    assert any('<progress value="0" max="6">' in page for page in pages)
    assert any('<progress value="5" max="6"></progress> 5 of 6 loss ' in page for page in pages)
    assert "<progress" not in pages[-1]
    assert "validation " in pages[-1]


def test_names_of_runs_are_escaped_and_only_the_last_are_kept(pages):
    with NotebookMonitor() as monitor:
        monitor.jobs("rows", 20)
        for number in range(20):
            monitor.job(f"<b>{number}\n", float("nan") if number else 1.0)
    assert pages[-1].count("diverged") == LINES
    assert "&lt;b&gt;19" in pages[-1]
    assert "<b>" not in pages[-1]
    assert '<progress value="20" max="20">' in pages[-2]
