"""`plot`: the losses of several runs in one figure."""

import json
import re
import shutil
import sys

import pytest

import epigone
from epigone.errors import UserError
from epigone.models.config import ModelOptions
from epigone.report.plots.characters import draw_lines
from epigone.training.options import TrainingOptions

TINY = ModelOptions(num_layers=1, hidden_size=4)


@pytest.fixture(scope="module")
def runs(song_file, tmp_path_factory):
    """Folders of two runs by character and one by word."""
    place = tmp_path_factory.mktemp("runs")
    for name, cell, tokenizer in (("one", "rnn", "char"), ("two", "lstm", "char"), ("words", "rnn", "word")):
        options = TrainingOptions(steps=6, validate_every=2)
        model = ModelOptions(num_layers=1, hidden_size=4, cell=cell)
        epigone.pretrain(song_file, out=place / name, model=model, tokenizer=tokenizer, training=options)
    return place


def test_the_losses_are_those_of_the_histories(runs):
    found = epigone.plot(runs / "one", runs / "two", against="epochs")
    rows = [json.loads(line) for line in (runs / "two" / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    curve = found.runs[1]
    assert (curve.name, curve.unit) == ("two", "nats per character")
    assert curve.x == [row["epoch"] for row in rows]
    assert curve.validation == [row["validation_loss"] for row in rows]
    assert curve.train == [row["train_loss"] for row in rows]
    panels = found.panels()
    assert list(panels) == ["training loss, nats per character", "validation loss, nats per character"]
    assert [list(lines) for lines in panels.values()] == [["one", "two"]] * 2
    assert len(panels["training loss, nats per character"]["one"][0]) == len(rows) - 1  # none before the first step
    assert not found.notices


def test_losses_per_word_and_per_character_are_never_in_one_panel(runs):
    found = epigone.plot(runs / "one", runs / "words")
    assert len(found.panels()) == 4
    assert all(len(lines) == 1 for lines in found.panels().values())
    assert "nats per character and in nats per word, which cannot be compared" in found.notices[0]


def test_a_figure_is_written_as_png_or_svg(runs, tmp_path, cli):
    for name in ("a.png", "deep/b.SVG"):
        result = cli("plot", runs / "one", runs / "two", "--against", "seconds", "--out", tmp_path / name)
        assert result.status == 0, result.err
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "deep" / "b.SVG").read_text(encoding="utf-8")
    assert "validation loss, nats per character" in svg
    assert "two" in svg


def test_the_terminal_shows_letters_with_their_names(runs, cli):
    pytest.importorskip("plotext")
    result = cli("plot", runs / "one", runs / "two")
    assert "validation loss, nats per character" in result.out
    assert re.search(r"^a = one\nb = two$", result.out, re.MULTILINE)
    assert "\x1b" not in result.out
    assert json.loads(cli("plot", runs / "one", "--json").out)["runs"][0]["name"] == "one"


def test_narrow_panels_are_drawn_below_each_other():
    pytest.importorskip("plotext")
    lines = {"x": ([0, 1, 2], [3, 2, 1])}
    wide, narrow = (draw_lines({"p": lines, "q": lines}, "steps", width).splitlines() for width in (100, 60))
    assert len(narrow) > 1.7 * len(wide)
    assert max(map(len, wide)) <= 100
    assert max(map(len, narrow)) <= 60


def test_without_plotext_the_terminal_needs_it_and_files_do_not(runs, tmp_path, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotext", None)
    result = cli("plot", runs / "one")
    assert result.status == 2
    assert "pip install plotext. Or give --out FILE.png." in result.err
    assert cli("plot", runs / "one", "--out", tmp_path / "a.png").status == 0
    assert cli("plot", runs / "one", "--json").status == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["one", "one"], "named twice"),
        (["none"], "no folder"),
        ([""], "holds no run"),
        (["one", "--out", "a.pdf"], "a.pdf; give it one of these endings"),
        (["one"] * 9, "9 were given"),
    ],
)
def test_mistakes_are_told(runs, cli, words, sentence):
    result = cli("plot", *(runs / word if word in ("", "one", "none") else word for word in words))
    assert result.status == 2
    assert sentence in result.err


def test_runs_of_the_same_name_are_told_apart_by_their_paths_and_those_of_a_study_are_listed(runs, tmp_path):
    for study in ("x", "y"):
        (tmp_path / study / "runs" / "r").mkdir(parents=True)
        (tmp_path / study / "runs" / "r" / "model").symlink_to(runs / "one")
    found = epigone.plot(*(tmp_path / study / "runs" / "r" for study in ("x", "y")))
    assert [run.name for run in found.runs] == ["x/runs/r", "y/runs/r"]
    with pytest.raises(UserError, match=r"holds 1 runs?; name those to draw, such as .*runs.r\."):
        epigone.plot(tmp_path / "x")


def test_a_notebook_shows_the_figure_and_a_terminal_letters(runs):
    found = epigone.plot(runs / "one", runs / "two")
    assert found._repr_html_().startswith("<svg")
    pytest.importorskip("plotext")
    assert "a = one\nb = two\n" in str(found)


def test_runs_of_a_study_are_named_by_their_settings_if_these_differ(runs, tmp_path):
    for name, seed in (("1f", 0), ("2e", 1), ("3d", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model").symlink_to(runs / "one")
        model = {"cell": "rnn", "num_layers": 1, "hidden_size": 4}
        job = {"model": model, "training": {"optimizer": "adam", "lr": 0.01, "seed": seed}}
        (tmp_path / name / "job.json").write_text(json.dumps(job), encoding="utf-8")
    first = epigone.plot(tmp_path / "1f", tmp_path / "2e")
    assert [run.name for run in first.runs] == ["rnn 1x4, adam 0.01, seed 0", "rnn 1x4, adam 0.01, seed 1"]
    assert [run.name for run in epigone.plot(tmp_path / "2e", tmp_path / "3d").runs] == ["2e", "3d"]


def test_a_run_without_a_validation_or_without_seconds_is_told(runs, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "one")
    history = tmp_path / "one" / "history.jsonl"
    history.write_text('{"epoch": 0, "step": 0, "validation_loss": 3, "best": true}\n', encoding="utf-8")
    assert epigone.plot(tmp_path / "one").runs[0].train == [None]
    with pytest.raises(UserError, match="has no seconds; choose another --against"):
        epigone.plot(tmp_path / "one", against="seconds")
    history.write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="has not come to a validation yet"):
        epigone.plot(tmp_path / "one")


def test_runs_on_other_texts_are_told(runs, tmp_path, song_file):
    other = tmp_path / "other.txt"
    other.write_text(song_file.read_text(encoding="utf-8") + "\n===\nOne more.\n", encoding="utf-8")
    epigone.pretrain(other, out=tmp_path / "run", model=TINY, training=TrainingOptions(steps=2))
    found = epigone.plot(runs / "one", tmp_path / "run")
    assert "different texts" in found.notices[0]
