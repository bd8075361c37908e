"""The runs: stopped stages go on exactly, and a finished run needs no weights and holds no text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from epigone.classification.network import NetworkOptions
from epigone.errors import UserError
from epigone.models.files.description import weights_hash
from epigone.studies.engine.jobs import Base
from epigone.studies.engine.store import run_job
from epigone.studies.sentiment_sizes.data import Plain
from epigone.studies.sentiment_sizes.jobs import Network, PlainRetraining
from epigone.training.options import FinetuneOptions
from epigone.training.system import interruption

FEW = 4 / 60  # minutes of a stage while the clock goes on by a second each time it is read


@pytest.fixture
def fast_clock(monkeypatch):
    """A clock that goes on by a second each time a training looks at it."""

    def clock() -> float:
        clock.now += 1.0
        return clock.now

    clock.now = 0.0
    monkeypatch.setattr(interruption.time, "monotonic", clock)


@pytest.fixture
def base(bases):
    return Base(bases["forward"], weights_hash(Path(bases["forward"])))


@pytest.fixture
def plain(subset, base):
    training = FinetuneOptions(lr=1e-2, steps=10, epochs=None, batch_size=2, sequence_length=16, patience=0)
    return PlainRetraining(Plain(subset.division, subset), base, training)


@pytest.fixture
def network(subset, sets, base):
    options = NetworkOptions(most_tokens=16, head_steps=2, epochs=(1, 1), layer_steps=1, batch_size=4)
    return Network(subset, sets, base, options)


def test_a_language_model_in_stages_is_the_same(plain, tmp_path, fast_clock):
    whole, pieces = (run_job(replace(plain, stage_minutes=m), tmp_path / str(m)) for m in (40.0, FEW))
    assert len(whole.details["stages"]) == 1 < 3 <= len(pieces.details["stages"])
    weights = [(run.folder / "model" / "model.safetensors").read_bytes() for run in (whole, pieces)]
    assert weights[0] == weights[1]
    assert whole.measured_loss == pieces.measured_loss
    assert sorted(path.name for path in whole.folder.iterdir()) == ["job.json", "model", "result.json", "stages.json"]


def test_a_network_in_stages_is_the_same(network, tmp_path, fast_clock):
    whole, pieces = (run_job(replace(network, stage_minutes=m), tmp_path / str(m)) for m in (40.0, FEW))
    assert len(whole.details["stages"]) == 1 < 3 <= len(pieces.details["stages"])
    assert whole.measured_loss == pieces.measured_loss
    for name, found in whole.probabilities.items():
        assert (found == pieces.probabilities[name]).all()


def test_a_network_that_was_stopped_goes_on_and_is_the_same(network, tmp_path):
    whole = run_job(network, tmp_path / "whole")
    asked = [False] * 3 + [True] * 100
    interruption.listen_to(lambda: asked.pop(0))
    try:
        with pytest.raises(KeyboardInterrupt):
            run_job(network, tmp_path / "stopped")
    finally:
        interruption.listen_to(bool)
    again = run_job(network, tmp_path / "stopped")
    assert len(again.details["stages"]) == 2
    assert {name: found.tolist() for name, found in again.probabilities.items()} == {
        name: found.tolist() for name, found in whole.probabilities.items()
    }


def test_a_finished_run_needs_no_weights_and_holds_no_text(network, sets, tmp_path):
    run = run_job(network, tmp_path)
    assert sorted(path.name for path in run.folder.iterdir()) == ["job.json", "result.json", "stages.json"]
    written = "".join(path.read_text() for path in run.folder.iterdir())
    assert not [text for each in sets.texts().values() for text in each.texts if text in written]
    assert {name: len(found) for name, found in run.probabilities.items()} == {
        name: len(each) for name, each in sets.texts().items()
    }
    assert run.probabilities["test"].sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert json.loads((run.folder / "job.json").read_text())["kind"] == "Network"


def test_a_network_begins_with_its_language_model(network, plain, tmp_path):
    store = tmp_path / "runs"
    retrained = run_job(plain, store)
    above = replace(network, language_model=plain)
    assert (
        run_job(above, store).probabilities["test"].tolist() != run_job(network, store).probabilities["test"].tolist()
    )
    (retrained.folder / "model" / "model.safetensors").unlink()
    other = replace(above, options=replace(above.options, lr=1e-3))
    with pytest.raises(UserError, match=f"weights of the language model in {retrained.folder} were deleted"):
        run_job(other, store)


def test_a_longer_run_is_expected_to_take_longer(network, plain, subset):
    larger = replace(network, subset=replace(subset, size=100))
    assert 0 < network.expected_seconds() < larger.expected_seconds()
    longer = replace(plain, training=replace(plain.training, steps=None, epochs=9.0))
    short = replace(longer, training=replace(longer.training, epochs=1.0))
    assert longer.expected_seconds() == pytest.approx(9 * short.expected_seconds())
