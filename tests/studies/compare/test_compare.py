"""Scratch against transfer from the first file to the last, on very little text."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.evaluation.fingerprint_file import FILE
from epigone.evaluation.intervals import ratio_interval
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.description import weights_hash
from epigone.studies.compare import analysis as module
from epigone.studies.compare.compare import compare
from epigone.studies.compare.grid import CompareOptions, Grid, extended, in_words, transfer_rows
from epigone.studies.engine.jobs import Text
from epigone.studies.engine.rows import Labels, Row, diverged_notice, without_diverged
from epigone.studies.engine.search import SearchOptions
from epigone.studies.experiment import Context
from epigone.text.tokenizers.characters import ByteTokenizer, CharTokenizer
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import layer_subsets

SIZE = CompareOptions(seeds=2, workers=1, max_order=3, sample_length=120)
SEARCH = SearchOptions(trials=2, finalists=2, max_hidden=16, search_epochs=0.5)
RETRAINING = RetrainingOptions(steps=6, validate_every=3, batch_size=4, sequence_length=16, lr=1e-2)
TINY = {"options": SIZE, "searching": SEARCH, "training": RETRAINING}
BARE = {**TINY, "options": replace(SIZE, seeds=1), "train": ["head"]}


@pytest.fixture(scope="module")
def base(song_file, tmp_path_factory):
    """A base that was trained a little on text in lower case without two of the songs' letters."""
    folder = tmp_path_factory.mktemp("base")
    words = song_file.read_text().lower().replace("k", "").replace("w", "")
    (folder / "source.txt").write_text(words)
    pretrain(
        folder / "source.txt",
        out=folder / "small",
        tokenizer="char",
        model=ModelOptions(num_layers=2, hidden_size=8),
        training=TrainingOptions(steps=10, batch_size=4, sequence_length=16, lr=1e-2),
    )
    return folder / "small"


@pytest.fixture(scope="module")
def finished(base, song_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("comparison") / "out"
    return compare(base, corpus=[song_file], source=[base.parent / "source.txt"], out=out, **TINY)


def figures(comparison):
    """All figures that must repeat exactly, which excludes times."""
    return [{key: value for key, value in asdict(row).items() if key != "seconds"} for row in comparison.rows]


def written(folder):
    """The time at which each file of the runs was written."""
    return {path: path.stat().st_mtime_ns for path in (Path(folder) / "runs").rglob("*") if path.is_file()}


# The whole of it.


def test_rows(finished):
    assert [(row.name, row.family, row.seeds) for row in finished.rows] == [
        ("small, untouched", "base", 1),
        ("scratch, best of 2", "scratch", 2),
        ("n-grams of the text", "n-gram", 1),
        ("n-grams, mixed with the source", "n-gram", 1),
        ("small, layer 0 + head", "transfer", 2),
        ("small, layer 1 + head", "transfer", 2),
        ("small, layers 0, 1 + head", "transfer", 2),
    ]
    assert len({(row.tokens, row.characters, row.documents) for row in finished.rows}) == 1
    assert [row.labels for row in finished.rows] == [
        {"family": "base", "base": "small"},
        {"family": "scratch", "trials": 2, "seeds": [0, 1]},
        {"family": "n-gram"},
        {"family": "n-gram", "source": True},
        {"family": "transfer", "base": "small", "selection": "layers.0", "seeds": [0, 1]},
        {"family": "transfer", "base": "small", "selection": "layers.1", "seeds": [0, 1]},
        {"family": "transfer", "base": "small", "selection": "layers.0, layers.1", "seeds": [0, 1]},
    ]
    untouched = finished.rows[0]
    for row in finished.rows[4:]:  # retraining keeps the best epoch, the one before the first included
        assert row.validation_loss <= untouched.validation_loss
    assert finished.winner == min(finished.rows, key=lambda row: row.validation_loss).name
    # Eight test documents, each a block, are few but enough.
    assert [row.name for row in finished.rows if row.difference is None] == ["scratch, best of 2"]
    assert "95 % interval over blocks of the text" in finished.verdict


def test_trained_weights(finished):
    untouched, scratch, *_, first, second, both = (row.trained_parameters for row in finished.rows)
    model = load_checkpoint(Path(finished.folder) / "runs" / finished.rows[-1].folders[0] / "model").model
    head = model.head.weight.numel() + model.head.bias.numel()
    assert both == model.num_parameters() == first + second - head
    assert (untouched, scratch > 0) == (0, True)


def test_files(finished):
    out = Path(finished.folder)
    stored = json.loads((out / "comparison.json").read_text(), parse_constant=pytest.fail)  # no NaN
    assert stored == json.loads(json.dumps(asdict(finished)))
    assert list(stored) == [
        "folder", "report", "verdict", "winner", "model", "corpus", "split_seed", "notices", "rows", "samples",
        "seconds",
    ]  # fmt: skip
    assert list(stored["rows"][0]) == [
        "name", "family", "note", "train_loss", "validation_loss", "loss", "gap", "bits_per_char", "accuracy",
        "perplexity", "deviations", "interval", "difference", "p_holm", "trained_parameters", "seconds", "seeds",
        "tokens", "characters", "documents", "folders", "labels",
    ]  # fmt: skip
    assert json.loads((out / "study.json").read_text())["corpus"]["hash"] == finished.corpus
    page, markdown = (out / "report.html").read_text(), (out / "report.md").read_text()
    for row in finished.rows:
        assert row.name in page
        assert row.name in markdown
    assert finished.verdict.split("”")[0] in markdown
    assert len(list((out / "figures").glob("*.png"))) == 2
    assert str(out) not in markdown  # no path of this machine


def test_the_intervals_follow_from_losses_csv(finished):
    with (Path(finished.folder) / "losses.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["split"] == "test"]
    for row in finished.rows:
        mine = [[line for line in lines if (line["row"], line["run"]) == (row.name, run)] for run in row.folders]
        nats = np.mean([[float(line["nats"]) for line in run] for run in mine], axis=0)
        assert ratio_interval(nats, np.array([float(line["tokens"]) for line in mine[0]])) == row.interval


def test_model_and_samples(finished):
    checkpoint = load_checkpoint(finished.model)
    networks = [row for row in finished.rows if row.family != "n-gram"]
    best = min(networks, key=lambda row: row.validation_loss)
    model = Path(finished.model) / "model.safetensors"
    runs = Path(finished.folder) / "runs"
    assert model.read_bytes() in [(runs / f / "model" / "model.safetensors").read_bytes() for f in best.folders]
    again = generate(checkpoint, GenerateOptions(length=120), SamplingOptions(temperature=0.8, seed=0))
    (sample,) = (sample for sample in finished.samples if sample.row == best.name)
    assert again.texts == [sample.text]
    assert {sample.family for sample in finished.samples} >= {"base", "scratch"}
    # The base is there with its fingerprint; a network from scratch has no base.
    assert {sample.family for sample in finished.samples if sample.from_base is None} == {"scratch"}


def test_the_report_says_what_was_chosen_and_how_to_repeat_it(finished, song_file):
    markdown = (Path(finished.folder) / "report.md").read_text()
    notes = {row.name: row.note for row in finished.rows if row.family == "n-gram"}
    assert re.fullmatch(r"order [23]", notes["n-grams of the text"])
    assert re.fullmatch(
        r"order [23], with a share of \d+% for the source's n-grams of order [23]",
        notes["n-grams, mixed with the source"],
    )
    for name, note in notes.items():
        assert f"“{name}”: {note}." in markdown
    for fact in (f"path: {song_file}", "name: songs.txt", "split_seed: 0", "training.patience: ", "model.init: "):
        assert f"- {fact}" in markdown
    assert "pairs of words distinct" in markdown
    assert "Copied from the corpus: " in markdown
    assert "Copied from the base's text: " in markdown
    (limit,) = (notice for notice in finished.notices if "still improved" in notice)
    assert re.search(r"limit of 0\.\d+ epochs, with 2 of 2 seeds; give a larger --search-epochs\.$", limit)
    assert limit in markdown


def test_a_base_that_wins_is_kept(base, song_file, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "kept", lambda rows: rows[0])
    found = compare(base, corpus=[song_file], out=tmp_path / "out", **BARE)
    assert weights_hash(Path(found.model)) == weights_hash(base)
    assert (Path(found.model) / FILE).read_bytes() == (base / FILE).read_bytes()
    assert generate(found.model).texts


def test_the_grid_may_come_from_a_recipe(cli, base, song_file, tmp_path):
    recipe = tmp_path / "grid.toml"
    recipe.write_text(
        '[options]\ntrain = ["head", "layers.0, layers.1"]\nseeds = 1\ntrials = 2\nfinalists = 1\nmax_hidden = 16\n'
        "search_epochs = 0.5\nsteps = 2\nworkers = 1\nmax_order = 3\nsample_length = 40\n"
    )
    found = cli("compare", base, "--corpus", song_file, "--recipe", recipe, "--out", tmp_path / "out", "--json")
    assert found.status == 0, found.err
    rows = json.loads(found.out)["rows"]
    assert [row["labels"].get("selection") for row in rows if row["family"] == "transfer"] == [
        "head", "layers.0, layers.1",
    ]  # fmt: skip


def test_the_first_seed_may_be_chosen(base, song_file, tmp_path):
    training = replace(RETRAINING, seed=7)
    compare(base, corpus=[song_file], out=tmp_path / "out", **TINY | {"training": training, "train": ["head"]})
    jobs = [json.loads(path.read_text()) for path in tmp_path.glob("out/runs/*/job.json")]
    seeds = [(job.get("selection"), job["training"]["seed"]) for job in jobs if job["kind"] == "Training"]
    trials, finalists, rows = [(None, 0)] * 2, [(None, 7), (None, 8)] * 2, [("head, head", 7), ("head, head", 8)]
    assert Counter(seeds) == Counter([*trials, *finalists, *rows])


def test_what_the_vocabulary_lacked_is_said(finished):
    (notice,) = (n for n in finished.notices if "carried over" in n)
    assert notice.startswith("small: ")
    assert "'A', 'B'" in notice
    assert notice.replace("'", "&#39;") in (Path(finished.folder) / "report.html").read_text()


class Titles(Monitor):
    """Notes the title and size of each stage."""

    def __init__(self):
        self.said = []

    def jobs(self, title, total, under_way=tuple):
        self.said.append((title, total))


def test_resume_repeats_nothing_and_adds_what_is_new(finished, base, song_file, tmp_path, caplog):
    out = tmp_path / "out"
    shutil.copytree(finished.folder, out)
    before = written(out)
    call = {"corpus": [song_file], "source": [base.parent / "source.txt"], "out": out, "resume": True}
    titles = Titles()
    with caplog.at_level("INFO", "epigone"):
        again = compare(base, **call, **TINY, monitor=titles)
    assert figures(again) == figures(finished)
    assert written(out) == before
    assert titles.said == [("search from scratch", 2), ("finalists", 4), ("rows", 9)]
    assert "Writing the samples and the report." in caplog.messages
    assert again.seconds > finished.seconds
    more = compare(base, **call, **TINY | {"options": replace(SIZE, seeds=3)})
    after = written(out)
    assert {path: after[path] for path in before} == before
    assert len(list((out / "runs").iterdir())) == 13 + 5  # a third seed for two finalists and three selections
    assert [row.seeds for row in more.rows] == [1, 3, 1, 1, 3, 3, 3]
    assert [row.folders[:2] for row in more.rows] == [row.folders for row in finished.rows]


def test_the_halves_of_two_machines_give_the_table_of_one(base, song_file, tmp_path):
    """The second machine has the base and the text elsewhere, other rows, and the smallest search."""
    text, model = (
        shutil.copy(song_file, tmp_path / "other.txt"),
        shutil.copytree(base, tmp_path / "elsewhere" / "small"),
    )
    one = {"options": replace(SIZE, seeds=1), "training": RETRAINING, "searching": SEARCH}
    whole = compare(base, corpus=[song_file], out=tmp_path / "whole", train=["head", "layers.1"], **one)
    compare(base, corpus=[song_file], out=tmp_path / "first", train=["head"], **one)
    tiny = one | {"searching": replace(SEARCH, trials=1, finalists=1)}
    compare(model, corpus=[text], out=tmp_path / "second", train=["layers.1"], **tiny)
    shutil.copytree(tmp_path / "second" / "runs", tmp_path / "first" / "runs", dirs_exist_ok=True)
    before = written(tmp_path / "first")
    merged = compare(base, corpus=[song_file], out=tmp_path / "first", train=["head", "layers.1"], resume=True, **one)
    assert written(tmp_path / "first") == before, "nothing is run again"
    assert figures(merged) == figures(whole)
    table = [(tmp_path / name / "table.csv").read_text() for name in ("first", "whole")]
    timeless = [[line.rsplit(",", 1)[0] for line in lines.splitlines()] for lines in table]
    assert timeless[0] == timeless[1]


def test_the_plan_of_a_comparison_is_what_it_runs(base, song_file, tmp_path):
    class Planned(Titles):
        plans = True

        def plan(self, stages, workers):
            self.stages, self.workers = stages, workers

    monitor = Planned()
    compare(base, corpus=[song_file], out=tmp_path / "out", monitor=monitor, **TINY)
    assert monitor.workers == 1
    assert [(title, runs) for title, runs, _ in monitor.stages] == monitor.said
    assert all(seconds > 0 for *_, seconds in monitor.stages)


def test_resume_with_other_selections_keeps_the_rows_and_says_so(base, song_file, tmp_path):
    call = {"corpus": [song_file], "out": tmp_path / "out"}
    first = compare(base, **call, **BARE)
    more = compare(base, **call, **BARE | {"train": ["layers.1"]}, resume=True)
    names = [row.name for row in more.rows]
    assert names == [*(row.name for row in first.rows), "small, layer 1 + head"]
    assert [row.loss for row in more.rows[:-1]] == [row.loss for row in first.rows]
    assert "The rows that this comparison already had stay in it: head." in more.notices
    assert "New rows are added to those of the earlier call: layers.1." in more.notices
    lowest = min((row for row in more.rows if row.family != "n-gram"), key=lambda row: row.validation_loss)
    kept = json.loads((tmp_path / "out" / "model" / "config.json").read_text())
    assert lowest.validation_loss <= min(row.validation_loss for row in first.rows if row.family != "n-gram")
    assert lowest.family == "base" or kept["result"]["loss"] <= lowest.validation_loss + 1e-6
    again = compare(base, **call, **BARE | {"train": ["head"]}, resume=True)
    assert [row.name for row in again.rows] == names, "asking for less loses nothing"


@pytest.mark.parametrize(
    ("earlier", "asked", "both"),
    [
        ([], [], []),
        (["head"], ["head"], ["head"]),
        (["head"], ["all"], ["head", "all"]),
        ([], ["all"], ["", "all"]),
        (["all"], [], ["all", ""]),
        (["", "all"], ["head"], ["", "all", "head"]),
    ],
)
def test_selections_of_both_calls_are_joined(earlier, asked, both):
    before = {"train": earlier, "options": {"seeds": 5}, "search": {"trials": 40, "finalists": 3}}
    train, options, searching, notices = extended(before, asked, SIZE, SEARCH)
    assert train == both
    assert (options.seeds, searching.trials, searching.finalists) == (5, 40, 3)
    assert any("5 seeds of the earlier call" in notice for notice in notices)


KILLED = """
import sys
import time
from epigone.studies.compare.compare import compare
from epigone.studies.compare.grid import CompareOptions
from epigone.studies.engine.search import SearchOptions
from epigone.training.options import RetrainingOptions
if __name__ == "__main__":
    base, source, songs, out = sys.argv[1:]
    sizes = dict(options={options}, searching={searching}, training={training})
    compare(base, corpus=[songs], source=[source], out=out, **sizes)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "workers_too"), [(0, True), (3, True), (7, False)])
def test_a_killed_comparison_ends_like_one_that_was_not(runs, workers_too, finished, base, song_file, tmp_path):
    out, source = tmp_path / "out", base.parent / "source.txt"
    script = KILLED.format(options=replace(SIZE, workers=2), searching=SEARCH, training=RETRAINING)
    command = [sys.executable, "-c", script, *map(str, (base, source, song_file, out))]
    process = subprocess.Popen(command, start_new_session=True)
    while len(list(out.glob("runs/*/result.json"))) < runs or not list(out.glob("runs/*")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    if workers_too:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()  # the workers find out by themselves, while others begin where they are
    process.wait()
    assert not (out / "comparison.json").exists()
    before = written(out)
    resumed = compare(base, corpus=[song_file], source=[source], out=out, resume=True, **TINY)
    assert figures(resumed) == figures(finished)
    assert resumed.verdict == finished.verdict
    after = written(out)
    assert all(after[path] == before[path] for path in before if path.name == "result.json")


# What is refused, before anything is run.


def test_another_comparison_does_not_go_on_in_the_folder(finished, base, song_file, make_base, tmp_path):
    call = {"corpus": [song_file], "source": [base.parent / "source.txt"], "out": finished.folder}
    with pytest.raises(UserError, match="is not empty"):
        compare(base, **call, **TINY)
    other = tmp_path / "other.txt"
    other.write_text(song_file.read_text() + "\n\n===\n\nOne song more.\n")
    with pytest.raises(UserError, match=r"corpus\.characters was .* corpus\.hash was"):
        compare(base, **call | {"corpus": [other]}, resume=True, **TINY)
    with pytest.raises(UserError, match=r"bases\.small was"):
        compare(make_base("small", tokenizer=load_checkpoint(base).tokenizer), **call, resume=True, **TINY)
    with pytest.raises(UserError, match=r"training\.lr was 0\.01 and is now 0\.1"):
        compare(base, **call, resume=True, **TINY | {"training": replace(RETRAINING, lr=0.1)})
    with pytest.raises(UserError, match="source was"):
        compare(base, **call | {"source": []}, resume=True, **TINY)


def test_bad_requests_leave_nothing_behind(base, song_file, make_base, tmp_path):
    call = {"corpus": [song_file], "out": tmp_path / "out"}
    with pytest.raises(UserError, match=r"different tokenizers \(byte, char\)"):
        compare(base, make_base("other", tokenizer=ByteTokenizer()), **call, **TINY)
    with pytest.raises(UserError, match="at least one base"):
        compare(**call, **TINY)
    with pytest.raises(UserError, match="no bundled model"):
        compare("nowhere", **call, **TINY)
    with pytest.raises(UserError, match=r"'layers\.5' in the selection 'layers\.5' matches no weight"):
        compare(base, **call, train=["layers.0", "layers.5"], **TINY)
    with pytest.raises(UserError, match="no file or folder"):
        compare(base, **call, source=[tmp_path / "nothing.txt"], **TINY)
    with pytest.raises(UserError, match=r"leave out --devices 2.*--workers"):
        compare(base, **call, **TINY, machine=MachineOptions(devices=2))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "size", [{"seeds": 0}, {"workers": -1}, {"max_order": 1}, {"sample_length": 0}, {"temperature": -1.0}]
)
def test_impossible_sizes_are_refused(size):
    with pytest.raises(UserError):
        CompareOptions(**size)


# Bases and texts of other kinds.


def test_two_bases_of_one_name_are_two_rows_each(base, song_file, make_base, tmp_path):
    twin = make_base("small", tokenizer=CharTokenizer("\x03\n abcdefghij"))
    found = compare(base, twin, corpus=[song_file], out=tmp_path / "out", **BARE)
    names = [row.name for row in found.rows]
    assert names[:2] == [f"{base}, untouched", f"{twin}, untouched"]
    assert names[-2:] == [f"{base}, head", f"{twin}, head"]
    assert len(set(names)) == 6
    assert found.rows[0].loss != found.rows[1].loss
    assert len({row.tokens for row in found.rows}) == 1  # though each base knows other letters
    assert sum("carried over" in notice for notice in found.notices) == 2


def test_a_single_short_text_in_bytes_has_no_interval(make_base, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("강물은 흐르고 배는 떠난다\n" * 30)
    base = make_base(tokenizer=ByteTokenizer())
    found = compare(base, corpus=[path], out=tmp_path / "out", **BARE)
    assert {(row.interval, row.difference, row.p_holm) for row in found.rows} == {(None, None, None)}
    assert "nats per token" in found.verdict
    assert "there is too little test text for an interval." in found.verdict
    assert "nats per token" in (tmp_path / "out" / "report.md").read_text()
    assert found.rows[0].tokens > found.rows[0].characters


# The parts.


def test_subsets_of_layers():
    assert layer_subsets(1) == ["layers.0"]
    assert layer_subsets(3) == [
        "layers.0", "layers.1", "layers.2",
        "layers.0, layers.1", "layers.0, layers.2", "layers.1, layers.2",
        "layers.0, layers.1, layers.2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ("layers.0", "layer 0 + head"),
        ("layers.0, layers.2", "layers 0, 2 + head"),
        ("head", "head"),
        ("layers.*.weight_hh", "layers.*.weight_hh + head"),
        ("!layers.0", "!layers.0 + head"),
    ],
)
def test_selections_in_words(selection, words):
    assert in_words(selection) == words
    assert in_words(selection, head=False) == selection


@pytest.mark.parametrize(
    ("selection", "expression", "name"),
    [
        ("layers.0", "layers.0, head", "b, layer 0 + head"),
        ("head", "head, head", "b, head"),
        ("!head", "!head", "b, !head"),
        ("all - head", "all - head", "b, all - head"),
        ("layers.0, head.bias", "layers.0, head.bias", "b, layers.0, head.bias"),
    ],
)
def test_the_head_learns_too_unless_the_selection_says_otherwise(make_base, selection, expression, name):
    grid = Grid(
        {"b": load_checkpoint(make_base())}, "ascii", [selection], None, SIZE, SEARCH, RETRAINING, MachineOptions(),
        DisplayOptions(), Retrain(),
    )  # fmt: skip
    text = Text(("a.txt",), "0" * 64)
    [row] = transfer_rows(Context(out=Path("out"), sources={"corpus": text}, options=grid, seeds=range(1)))
    assert (row.jobs[0].selection, row.name) == (expression, name)


def test_rows_that_diverged_are_left_out_and_named(make_finished):
    rows = [Row(Labels(family=family, row=name), ()) for name, family in (("a", "scratch"), ("b", "transfer"))]
    runs = {"a": [make_finished(1, 1)] * 2, "b": [make_finished(1, 1), make_finished()]}
    assert without_diverged(rows, runs) == (rows[:1], rows[1:])
    assert diverged_notice(rows[1], runs["b"]) == "“b” is left out: with 1 of 2 seeds the loss diverged."
