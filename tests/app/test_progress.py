"""Bars, lines and curves in the terminal."""

import io
import re
import sys
import time
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.text import Text

from epigone.app import progress as module
from epigone.app.progress import ConsoleMonitor
from epigone.app.terminal import SteadyConsole
from epigone.errors import UserError
from epigone.training.options import DisplayOptions
from epigone.training.pretrain import pretrain

START = {"epoch": 0.0, "step": 0, "train_loss": None, "validation_loss": 4.85203, "best": True}
LATER = {"epoch": 1.5, "step": 1234, "train_loss": 2.0, "validation_loss": 3.1, "best": False}


def run_at(step, history=(), pace=0.0):
    """A run of 2,000 steps as a listener sees it; `pace` is the seconds of a step."""
    counters = SimpleNamespace(step=step, total=2000, history=history, seconds=pace * step)
    facts = {"mean_loss": 2.0, "smoothed_loss": 2.5, "characters_per_second": 98_765.4, "begun": (0, 0.0)}
    return SimpleNamespace(counters=counters, **facts)


def shown(terminal, loss=3.1):
    """What a run with two validations writes."""
    file = io.StringIO()
    monitor = ConsoleMonitor(Console(file=file, force_terminal=terminal, width=100))
    monitor.validation(run_at(0), START)
    monitor.begin(run_at(0))
    for step in range(1, 1235):
        monitor.step(run_at(step))
    monitor.validation(run_at(1234), LATER | {"validation_loss": loss})
    monitor.end()
    monitor.end()  # a run that fails may end twice
    return file.getvalue()


def plain(file):
    """What was written to a terminal, without its codes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())


def test_a_file_gets_plain_lines():
    assert shown(False).splitlines() == [
        "epoch   0.00  step      0  validation 4.8520  (best)",
        "epoch   1.50  step   1234  train 2.0000  validation 3.1000",
    ]


def test_a_line_is_not_broken():
    assert len(shown(False, loss=1e80).splitlines()) == 2


def test_a_terminal_gets_a_bar_with_loss_and_speed():
    text = plain(io.StringIO(shown(True)))
    assert "validation 3.1000" in text
    assert re.search(r"training .*1234/2000 .*loss 2\.000 .*98,765 characters/s", text)
    assert "nan" not in text


SAMPLE = {"step": 200, "epoch": 1.5, "smoothed_loss": 2.25, "text": "the river\n\n" + "word " * 30 + "\nrow\x1b[2J"}


def test_a_sample_is_shown_with_its_step_and_loss_in_plain_lines():
    file = io.StringIO()
    ConsoleMonitor(SteadyConsole(file=file, width=80)).sample(SAMPLE)
    head, first, long, last = file.getvalue().splitlines()
    assert head == "epoch   1.50  step    200  smoothed 2.2500  sample:"
    assert (first, last) == ("  | the river", "  | row\N{REPLACEMENT CHARACTER}[2J")
    assert long.split() == ["|", *["word"] * 30]


def test_a_sample_fits_a_terminal_and_a_long_one_is_cut():
    file = io.StringIO()
    monitor = ConsoleMonitor(SteadyConsole(file=file, force_terminal=True, width=40))
    monitor.begin(run_at(0))
    monitor.sample(SAMPLE | {"text": "the ferry " * 100})
    monitor.end()
    shown = [line for line in plain(file).splitlines() if "  | " in line]
    assert len(shown) == module.SAMPLE_LINES + 1
    assert shown[-1].endswith("  | …")
    assert max(len(line.partition("  | ")[2]) for line in shown) <= 36


@pytest.fixture
def clock(monkeypatch):
    """The monitor's clock, in the only element of a list."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def jobs_done(clock, moments):
    """What is said elsewhere than on a terminal of jobs that are done at these moments, in seconds."""
    file = io.StringIO()
    monitor = ConsoleMonitor(Console(file=file, width=100))
    with monitor:
        monitor.jobs("search", 6)
        for moment in moments:
            clock[0] = moment
            monitor.job("2 layers", 1.5)
    return file.getvalue().splitlines()


def test_jobs_are_counted_from_the_start_with_the_time_left_once_it_is_known(clock):
    assert jobs_done(clock, [10, 20, 30, 40, 50, 60]) == [
        "search: 6 runs",
        "search 1/6  validation 1.5000  2 layers",
        "search 2/6  validation 1.5000  2 layers",
        "search 3/6  validation 1.5000  about 30 s left  2 layers",
        "search 4/6  validation 1.5000  about 20 s left  2 layers",
        "search 5/6  validation 1.5000  about 10 s left  2 layers",
        "search 6/6  validation 1.5000  2 layers",
    ]


def test_what_was_finished_before_says_nothing_of_the_time_left(clock):
    lines = jobs_done(clock, [0.0, 0.1, 50.1, 100.1, 150.1])
    assert ["left" in line for line in lines] == [False] * 5 + [True]
    assert "about 50 s left" in lines[-1]


def test_the_time_of_all_stages_is_corrected_as_runs_end(clock):
    file = io.StringIO()
    monitor = ConsoleMonitor(Console(file=file, width=100))
    with monitor:
        monitor.plan([("search", 4, 20.0), ("finalists", 2, 10.0), ("rows", 10, 100.0)], 2)
        for title, number in (("search", 4), ("finalists", 2), ("rows", 10)):
            monitor.jobs(title, number)
            for _ in range(number):
                clock[0] += 10.0  # twice as long as expected
                monitor.job("2 layers", 1.5)
    assert file.getvalue().startswith("About 2 min on 2 cores (16 runs); less if runs stop early, more")
    left = {line.split("  ")[0]: re.findall("about .* left", line) for line in file.getvalue().splitlines()}
    assert left["search 3/4"] == ["about 4 min left"]  # 10 s, and twice 110 s
    assert left["search 4/4"] == ["about 4 min left"]
    assert left["rows 9/10"] == ["about 10 s left"]
    assert left["rows 10/10"] == []


@pytest.mark.parametrize(
    ("pace", "said"), [(0.1, ["about 3 min left for 1,900 more steps, less if it stops early"]), (0.02, [])]
)
def test_a_long_run_says_once_how_long_it_takes(pace, said):
    file = io.StringIO()
    monitor = ConsoleMonitor(Console(file=file, width=100))
    monitor.begin(run_at(0))
    for step in range(1, 300):
        monitor.step(run_at(step, pace=pace))
    monitor.end()
    assert file.getvalue().splitlines() == said


def wait_until(true):
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("nothing came in ten seconds")


def test_a_terminal_has_a_bar_at_once_with_what_is_under_way(monkeypatch):
    monkeypatch.setattr(module, "LOOK_ON_TERMINAL", 0.01)
    file = io.StringIO()
    with ConsoleMonitor(Console(file=file, force_terminal=True, width=100)) as monitor:
        monitor.jobs("bases", 4, lambda: ["near: epoch 3 of 60, validation 1.5"])
        assert re.search(r"bases .*0/4 ", plain(file))
        assert "left" not in plain(file)
        wait_until(lambda: "near: epoch 3 of 60, validation 1.5" in plain(file))
    assert "\x1b[?25h" in file.getvalue()  # the cursor is back
    assert monitor.live is None


def test_elsewhere_what_is_under_way_is_said_from_time_to_time_until_the_end(monkeypatch):
    monkeypatch.setattr(module, "LOOK_ELSEWHERE", 0.01)
    file = io.StringIO()
    with ConsoleMonitor(Console(file=file, width=100)) as monitor:
        monitor.jobs("bases", 4, lambda: ["near: epoch 3"])
        wait_until(lambda: "  near: epoch 3\n" in file.getvalue())
    time.sleep(0.1)
    said = file.getvalue()
    time.sleep(0.1)
    assert file.getvalue() == said


ROWS = [
    {"epoch": float(i), "train_loss": 3 / (1 + i), "validation_loss": 3.5 / (1 + i), "validation_accuracy": 0.1 * i}
    | {"train_accuracy": 0.12 * i if i else None, "step": i, "best": True}
    for i in range(5)
]


def test_curves_stand_side_by_side():
    pytest.importorskip("plotext")
    drawn = Text.from_ansi(module.curves(ROWS, 90)).plain
    assert re.search(r"loss: train .*validation .*accuracy: train", drawn.splitlines()[0])
    assert max(map(len, drawn.splitlines())) <= 90
    assert any("⠁" <= character <= "⣿" for character in drawn)
    module.curves([], 90)  # before the first validation


def test_live_curves_are_drawn_anew_at_each_validation_and_stay_at_the_end():
    pytest.importorskip("plotext")
    file, history = io.StringIO(), []
    monitor = ConsoleMonitor(Console(file=file, width=100, force_terminal=True))
    monitor.draw_curves()
    monitor.begin(run_at(0, history))
    for row in ROWS:
        history.append(row)
        monitor.validation(run_at(row["step"], history), row)
    monitor.end()
    text = plain(file)
    assert text.count("loss: train") >= len(ROWS)
    last = Text.from_ansi(module.curves(ROWS, 100)).plain.splitlines()
    assert last[5].rstrip() in text.rpartition("loss: train")[2]


def test_without_plotext_live_says_what_it_needs_before_anything_is_written(monkeypatch, song_file, tmp_path):
    monkeypatch.setitem(sys.modules, "plotext", None)
    with pytest.raises(UserError, match=r"--live needs the package plotext: pip install plotext"):
        pretrain(song_file, out=tmp_path / "out", display=DisplayOptions(live=True), monitor=ConsoleMonitor())
    assert not (tmp_path / "out").exists()
