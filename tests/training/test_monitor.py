"""What watches a run, and what it shows."""

import io
import re
import sys

import pytest
from rich.console import Console

from understudy.errors import UserError
from understudy.training.monitor import ConsoleMonitor, Monitor, TensorBoardMonitor

START = {"epoch": 0.0, "step": 0, "train_loss": None, "validation_loss": 4.85203, "best": True}
LATER = {"epoch": 1.5, "step": 1234, "train_loss": 2.0, "validation_loss": 3.1, "best": False}


def shown(terminal, loss=3.1):
    """What a run with two validations writes."""
    file = io.StringIO()
    monitor = ConsoleMonitor(Console(file=file, force_terminal=terminal, width=100))
    monitor.validation(START)
    monitor.begin("training", 0, 2000)
    for step in range(1, 1235):
        monitor.step(step, 2.0, 98_765.4)
    monitor.validation(LATER | {"validation_loss": loss})
    monitor.end()
    monitor.end()  # a run that fails may end twice
    return file.getvalue()


def test_a_file_gets_plain_lines():
    assert shown(False).splitlines() == [
        "epoch   0.00  step      0  validation 4.8520  (best)",
        "epoch   1.50  step   1234  train 2.0000  validation 3.1000",
    ]


def test_a_line_is_not_broken():
    assert len(shown(False, loss=1e80).splitlines()) == 2


def test_a_terminal_gets_a_bar_with_loss_and_speed():
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown(True))
    assert "validation 3.1000" in text
    assert re.search(r"training .*1234/2000 .*loss 2\.000 .*98,765 tokens/s", text)
    assert "nan" not in text


def test_jobs_are_counted_with_the_time_left():
    file = io.StringIO()
    monitor = ConsoleMonitor(Console(file=file, width=100))
    monitor.jobs("search", 2)
    monitor.job("2 layers", 1.5)
    monitor.job("3 layers", 1.25)
    first, last = file.getvalue().splitlines()
    assert re.fullmatch(r"search 1/2  validation 1\.5000  about \d+ s left  2 layers", first)
    assert last == "search 2/2  validation 1.2500  3 layers"


def test_tensorboard_gets_every_number(tmp_path, train):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    result = train(tmp_path / "out", tensorboard=True)
    events = accumulator.EventAccumulator(str(tmp_path / "out" / "tensorboard"))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == ["lr", "train_loss", "validation_accuracy", "validation_loss"]
    points = events.Scalars("validation_loss")
    assert points[-1].step == result.steps
    assert min(point.value for point in points) == pytest.approx(result.loss, rel=1e-5)
    assert len(events.Scalars("train_loss")) == len(points) - 1  # none at the start


def test_without_tensorboard_there_is_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'understudy\[tensorboard\]'"):
        TensorBoardMonitor(tmp_path)


def test_the_silent_monitor_is_silent(capsys):
    monitor = Monitor()
    monitor.begin("training", 0, 1)
    monitor.step(1, 1.0, 1.0)
    monitor.validation(START)
    monitor.end()
    monitor.jobs("search", 1)
    monitor.job("name", 1.0)
    assert capsys.readouterr() == ("", "")
