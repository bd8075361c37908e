"""The folder of a study: refusals, resuming, and the copy of the best run."""

import json
import time

import pytest

from epigone.errors import UserError
from epigone.evaluation.fingerprint_file import FILE, load_fingerprints, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.folder_lock import output_folder
from epigone.generation.generate import generate
from epigone.studies.engine.workspace import best_run, keep_copy, keep_model, machine, open_study, seconds_of_all_calls

REQUEST = {
    "command": "compare",
    "bases": {"small": "abc"},
    "train": ["layers.0"],
    "corpus": {"hash": "123", "split_seed": 0, "notices": ["songs.txt was read."]},
    "options": {"seeds": 3, "max_order": 8, "sample_length": 1000},
    "search": {"trials": 4, "finalists": 2, "max_hidden": 64},
    "training": {"lr": 0.001, "threads": 0},
}


def opened(out, request, resume):
    """Open the folder of a study as the skeleton does."""
    with output_folder(out, resume):
        open_study(out, request)


def changed(path, value):
    """The request with another value at a path such as `options.seeds`."""
    request = json.loads(json.dumps(REQUEST))
    *parents, key = path.split(".")
    inner = request
    for parent in parents:
        inner = inner[parent]
    inner[key] = value
    return request


def test_a_new_folder_is_made(tmp_path):
    out = tmp_path / "deep" / "out"
    opened(out, REQUEST, resume=False)
    assert json.loads((out / "study.json").read_text()) == REQUEST
    (tmp_path / "empty").mkdir()
    opened(tmp_path / "empty", REQUEST, resume=True)


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    opened(tmp_path / "out", REQUEST, resume=False)
    with pytest.raises(UserError, match=r"is not empty.*--resume"):
        opened(tmp_path / "out", REQUEST, resume=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        opened(tmp_path / "file", REQUEST, resume=False)
    with pytest.raises(UserError, match="Could not make the folder"):
        opened(tmp_path / "file" / "out", REQUEST, resume=False)


def test_only_a_study_of_the_same_kind_goes_on(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("Dear")
    with pytest.raises(UserError, match="holds nothing that compare could"):
        opened(tmp_path / "other", REQUEST, resume=True)
    opened(tmp_path / "out", REQUEST, resume=False)
    with pytest.raises(UserError, match="holds nothing that stacked-lstm could"):
        opened(tmp_path / "out", REQUEST | {"command": "stacked-lstm"}, resume=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("options.seeds", 5),
        ("options.sample_length", 10),
        ("search.trials", 40),
        ("search.finalists", 3),
        ("train", ["layers.0", "layers.1"]),
        ("training.threads", 2),
        ("corpus.notices", ["other/songs.txt was read."]),
    ],
)
def test_a_study_goes_on_with_more(path, value, tmp_path):
    opened(tmp_path / "out", REQUEST, resume=False)
    opened(tmp_path / "out", changed(path, value), resume=True)
    assert json.loads((tmp_path / "out" / "study.json").read_text()) == changed(path, value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("corpus.hash", "456", "corpus.hash was 123 and is now 456"),
        ("corpus.split_seed", 1, "corpus.split_seed was 0 and is now 1"),
        ("bases", {"small": "abd"}, "bases.small was abc and is now abd"),
        ("bases", {"small": "abc", "large": "x"}, "bases.large was None and is now x"),
        ("training.lr", 0.01, "training.lr was 0.001 and is now 0.01"),
        ("search.max_hidden", 128, "search.max_hidden was 64 and is now 128"),
    ],
)
def test_a_study_of_something_else_does_not_go_on(path, value, said, tmp_path):
    opened(tmp_path / "out", REQUEST, resume=False)
    with pytest.raises(UserError) as failure:
        opened(tmp_path / "out", changed(path, value), resume=True)
    assert said in str(failure.value)
    assert "another --out" in str(failure.value)
    assert json.loads((tmp_path / "out" / "study.json").read_text()) == REQUEST


def test_the_seconds_of_all_calls_are_added_up_those_of_one_that_was_interrupted_too(tmp_path):
    opened(tmp_path, REQUEST, resume=False)
    with pytest.raises(KeyboardInterrupt), seconds_of_all_calls(tmp_path, time.perf_counter() - 10):
        raise KeyboardInterrupt
    opened(tmp_path, REQUEST, resume=True)
    with seconds_of_all_calls(tmp_path, time.perf_counter() - 5) as seconds:
        assert seconds() == pytest.approx(15, abs=1)
    kept = json.loads((tmp_path / "study.json").read_text())
    assert kept == REQUEST | {"seconds": pytest.approx(15, abs=1)}


def test_the_best_run_is_that_of_the_lowest_validation_loss(make_finished):
    runs = [make_finished(2.0, 1.0), make_finished(1.0, 3.0), make_finished(), make_finished(1.5, 0.5)]
    assert best_run(runs) is runs[1]


def test_the_kept_model_is_complete_and_knows_what_it_was_trained_on(run, tmp_path):
    text, finished = run
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "left by a comparison that was killed").write_text("")
    folder = keep_model(tmp_path / "model", [finished], text)
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors", "config.json", "tokenizer.json", "history.jsonl", "README.md", FILE,
    }  # fmt: skip
    assert load_fingerprints(folder / FILE).keys() == {"training", "base training"}
    config = json.loads((folder / "config.json").read_text())
    source = json.loads((finished.folder / "model" / "config.json").read_text())
    assert config == source | {"result": source["result"] | {"folder": str(folder)}}
    written = generate(folder)
    assert len(written.texts[0]) == 1000
    assert written.copying.keys() == {"training", "base training"}


def test_a_base_is_kept_as_it_was(run, make_base, tmp_path):
    _, finished = run
    base = finished.folder / "model"
    (base / "trainer.safetensors").write_text("what would let it go on")
    (base / "tensorboard").mkdir()
    save_fingerprints(base / FILE, {"training": Fingerprint.build(["x" * 50])})
    kept = tmp_path / "model"
    kept.mkdir()
    (kept / "left by a comparison that was killed").write_text("")
    assert keep_copy(kept, base).folder == kept
    assert {path.name for path in kept.iterdir()} == {
        "model.safetensors", "config.json", "tokenizer.json", "history.jsonl", "README.md", FILE,
    }  # fmt: skip
    for name in ("model.safetensors", FILE):
        assert (kept / name).read_bytes() == (base / name).read_bytes()
    assert json.loads((kept / "config.json").read_text())["result"]["folder"] == str(kept)
    assert "result" not in keep_copy(kept, make_base("untrained")).config


def test_the_machine_is_named():
    facts = machine()
    assert facts.keys() == {"epigone", "Python", "PyTorch", "system", "cores", "engine"}
    assert all(facts.values())
