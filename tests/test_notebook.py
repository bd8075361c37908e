"""The notebook of the sample songs, run from top to bottom."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "songs.ipynb"
nbformat = pytest.importorskip("nbformat")


def test_the_notebook_is_kept_without_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert len(cells) > 8
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the client are not ours
def test_the_notebook_runs_and_shows_tables_curves_and_texts(tmp_path, monkeypatch):
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    kernel = tmp_path / "kernels" / "here"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        f'{{"argv": ["{Path(sys.executable).as_posix()}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
        '"display_name": "here", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    shutil.copy(ROOT / "examples" / "songs.txt", tmp_path)
    notebook = nbformat.read(NOTEBOOK, 4)
    client.NotebookClient(
        notebook, timeout=300, kernel_name="here", resources={"metadata": {"path": tmp_path}}
    ).execute()
    if target := os.environ.get("EXECUTED_NOTEBOOK"):  # to look at it
        nbformat.write(notebook, target)
    pages, said = [], []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                said.append((output.name, output.text))
            else:
                pages.append(output.data.get("text/html", ""))
    assert [text for name, text in said if name == "stderr"] == []
    assert any("after 60 steps" in text for _, text in said)
    assert sum("english-tiny" in page for page in pages) >= 2
    assert sum("<svg" in page for page in pages) >= 3  # of both runs, and of both together
    assert any("The river" in page and "<pre" in page for page in pages)
    assert any("shaded" in page for page in pages)
    assert any("untouched" in page and "verdict" not in page for page in pages)
    assert not any("<progress" in page for page in pages)  # all have ended
