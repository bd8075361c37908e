"""Work in stages: it is called again until it is done, and the seconds of each stage are kept."""

import json

import pytest

from epigone.studies.engine.stages import FILE, in_stages
from epigone.training.system import interruption
from epigone.training.system.interruption import interruptions, listen_to


class Work:
    """Counts to a number; it looks at each step if it is to stop, and goes on from what it kept."""

    def __init__(self, steps):
        self.steps, self.done, self.calls = steps, 0, 0

    def __call__(self):
        self.calls += 1
        with interruptions() as asked:
            while self.done < self.steps:
                self.done += 1
                if asked():
                    raise KeyboardInterrupt
        return self.done


def test_work_that_takes_longer_is_called_again(tmp_path, monkeypatch):
    now = iter(range(1000))
    monkeypatch.setattr(interruption.time, "monotonic", lambda: float(next(now)))
    work = Work(10)
    done, stages = in_stages(tmp_path, 4 / 60, work)
    assert (done, work.calls) == (10, 3)
    assert len(stages) == 3
    assert json.loads((tmp_path / FILE).read_text()) == stages


def test_a_user_who_stops_it_is_heeded_and_the_next_call_adds_its_stages(tmp_path):
    work = Work(10)
    listen_to(lambda: True)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_stages(tmp_path, 40, work)
    finally:
        listen_to(bool)
    assert work.calls == 1
    done, stages = in_stages(tmp_path, 40, work)
    assert (done, len(stages)) == (10, 2)


def test_nothing_is_limited_after_the_block(tmp_path):
    in_stages(tmp_path, 1e-9, Work(3))
    with interruptions() as asked:
        assert not asked()
