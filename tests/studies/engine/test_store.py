"""The run store: a run has one folder and is done once."""

import json
import os
import time
from dataclasses import dataclass

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.studies.engine.store import folder_of, run_job, under_way


def test_the_same_settings_are_one_folder_and_done_once(numbered, tmp_path):
    first, again, other = (run_job(numbered(n), tmp_path) for n in (1, 1, 2))
    assert first == again
    assert first.folder != other.folder
    assert numbered.done == [1, 2]
    assert json.loads((first.folder / "job.json").read_text()) == {"kind": "Numbered", "number": 1}


def test_what_an_earlier_call_left_is_not_under_way(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "job.json").write_text("{}")
    assert under_way({folder: "a"}, time.time() - 1) == ["a"]  # nothing is known of it yet
    os.utime(folder / "job.json", (0, 0))
    assert under_way({folder: "a"}, time.time() - 1) == []


@dataclass(frozen=True)
class Measured:
    """A job whose result has every field that is read from a file."""

    def settings(self):
        return {"kind": "measured"}

    def compute(self, folder):
        losses = Losses(np.ones(3), np.full(3, 2), np.ones(3, int), np.array([0, 0, 1]), np.array([5, 6]), np.ones(2))
        row = {"epoch": 1.0, "step": 3, "validation_loss": 0.5, "best": True, "train_loss": None}
        details = {"order": 3, "weight": 0.5, "source_order": 2, "outcome": "finished", "epochs": 1.0}
        return {
            "splits": {"test": losses}, "seconds": 1.0, "trained_parameters": None, "history": [row], "details": details
        }  # fmt: skip


def places(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


def changed(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("new", [None, True, -1, 10**30, 0.5, "a", [], [[]], {}, [1, 2, 3, 4]])
def test_a_damaged_result_is_refused_or_as_good_as_whole(tmp_path, new):
    good = run_job(Measured(), tmp_path)
    path = good.folder / "result.json"
    whole = json.loads(path.read_text())
    refused = []
    for place in places(whole):
        path.write_text(json.dumps(changed(whole, place, new)))
        try:
            found = run_job(Measured(), tmp_path)
        except UserError as error:
            refused.append(str(error))
        else:  # everything that a study asks for is there, and of a kind that it can reckon with
            for losses in found.losses.values():
                assert losses.by_document()[0].shape == (len(losses.characters),)
                assert np.isfinite([losses.loss, losses.bits_per_char]).all()
            assert all(row["step"] >= 0 and np.isfinite(row["epoch"] + row["validation_loss"]) for row in found.history)
            assert f"{found.details.get('weight', 0):.2f}"
    assert len(refused) > 12
    remedy = f"delete the folder {good.folder} to do the run again."
    assert all(str(path) in sentence and remedy in sentence for sentence in refused)


@pytest.mark.parametrize("lost", ["splits", "tokens", "nats", "correct", "document", "characters", "step", "best"])
def test_a_result_without_something_is_refused(tmp_path, lost):
    path = run_job(Measured(), tmp_path).folder / "result.json"
    path.write_text(path.read_text().replace(f'"{lost}":', '"other":'))
    with pytest.raises(UserError, match=rf"result\.json is damaged \(.*{lost} is missing"):
        run_job(Measured(), tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("tokens", [2, 2]), ("document", [0, 0]), ("document", [0, 0, 2]), ("correct", [1]), ("spelling", [1.0])],
)
def test_losses_of_other_sizes_are_refused(tmp_path, key, value):
    path = folder_of(Measured(), tmp_path) / "result.json"
    run_job(Measured(), tmp_path)
    whole = json.loads(path.read_text())
    whole["splits"]["test"][key] = value
    path.write_text(json.dumps(whole))
    with pytest.raises(UserError, match=rf"result\.json is damaged \(splits\.test: .*{key}"):
        run_job(Measured(), tmp_path)


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    folder = folder_of(Measured(), tmp_path)
    folder.mkdir()
    (folder / ".result.json.123.tmp").write_text("{")
    run_job(Measured(), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "result.json"]


@dataclass(frozen=True)
class Classified:
    """A job of a classifier: probabilities of two sets, and a loss."""

    def settings(self):
        return {"kind": "classified"}

    def compute(self, folder):
        found = {"test": np.array([[0.25, 0.75], [1.0, 0.0]]), "other": np.array([[1 / 3, 2 / 3]])}
        return {"splits": {}, "probabilities": found, "measured_loss": 0.5, "seconds": 1.0}


def test_a_run_may_have_probabilities_in_place_of_losses(tmp_path):
    first, again = (run_job(Classified(), tmp_path) for _ in range(2))
    assert first.losses == {}
    assert (first.diverged, first.validation_loss) == (False, 0.5)
    assert first.probabilities["test"].tolist() == again.probabilities["test"].tolist() == [[0.25, 0.75], [1.0, 0.0]]
    assert first.probabilities["other"] == pytest.approx(np.array([[1 / 3, 2 / 3]]), abs=1e-7)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[1.0, 0.0]", "[1.0]", r"probabilities\.test: 1 classes of one text and 2 of another"),
        ("[1.0, 0.0]", "[]", r"probabilities\.test"),
        ("0.75", "1.75", r"probabilities\.test\[0\]\[1\]: 1\.75 instead of a number from 0 to 1"),
        ("0.75", "NaN", r"probabilities\.test"),
        ("0.5", '"low"', "measured_loss"),
    ],
)
def test_damaged_probabilities_are_refused(tmp_path, old, new, sentence):
    path = run_job(Classified(), tmp_path).folder / "result.json"
    written = json.dumps(json.loads(path.read_text()))
    assert old in written
    path.write_text(written.replace(old, new))
    with pytest.raises(UserError, match=rf"result\.json is damaged \(.*{sentence}"):
        run_job(Classified(), tmp_path)


def test_a_run_without_anything_measured_diverged(numbered, tmp_path):
    assert run_job(numbered(1), tmp_path).diverged
    assert not run_job(Measured(), tmp_path).diverged
