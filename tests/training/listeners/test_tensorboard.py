"""The figures of a run in TensorBoard."""

import sys

import pytest

from epigone.errors import UserError
from epigone.training.listeners.tensorboard import TensorBoard
from epigone.training.options import DisplayOptions


def test_tensorboard_gets_every_number(tmp_path, train):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    result = train(tmp_path / "out", display=DisplayOptions(tensorboard=True))
    events = accumulator.EventAccumulator(str(tmp_path / "out" / "tensorboard"))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == [
        "lr",
        "train_accuracy",
        "train_loss",
        "validation_accuracy",
        "validation_loss",
    ]
    points = events.Scalars("validation_loss")
    assert points[-1].step == result.steps
    assert min(point.value for point in points) == pytest.approx(result.loss, rel=1e-5)
    assert len(events.Scalars("train_loss")) == len(points) - 1  # none at the start


def test_without_tensorboard_there_is_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install tensorboard"):
        TensorBoard(tmp_path)
