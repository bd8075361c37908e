"""Ctrl-C during a run."""

import signal
import threading

import pytest
from stopping import press_ctrl_c

from epigone.training.system import interruption
from epigone.training.system.interruption import interruptions, listen_to


def test_the_first_sets_a_flag_and_the_second_insists():
    before = signal.getsignal(signal.SIGINT)
    with interruptions() as asked:
        assert not asked()
        press_ctrl_c()
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_another_thread_leaves_interruption_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with interruptions() as asked:
            seen.extend([asked(), signal.getsignal(signal.SIGINT) is before])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False, True]


def test_another_process_may_ask_too(monkeypatch):
    monkeypatch.setattr(interruption, "_elsewhere", bool)
    wish = []
    listen_to(lambda: bool(wish))
    with interruptions() as asked:
        assert not asked()
        wish.append("stop")
        assert asked()
        press_ctrl_c()  # the same wish again, which does not insist
        assert asked()
