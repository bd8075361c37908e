"""The silent monitor."""

from epigone.training.listeners.base import Run
from epigone.training.listeners.monitor import Monitor
from epigone.training.run.state import Counters


def test_the_silent_monitor_is_silent(capsys):
    monitor = Monitor()
    run = Run(task=None, folder=None, counters=Counters())
    monitor.draw_curves()
    monitor.begin(run)
    monitor.before_step(run)
    monitor.step(run)
    monitor.validation(run, {})
    monitor.flush(run)
    monitor.end()
    monitor.jobs("search", 1)
    monitor.job("name", 1.0)
    assert capsys.readouterr() == ("", "")
