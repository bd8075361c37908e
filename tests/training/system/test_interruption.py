"""Ctrl-C, SIGTERM and SIGHUP during a run."""

import signal
import threading

import pytest
from stopping import press_ctrl_c

from epigone.training.system.interruption import (
    TERMINATIONS,
    Terminated,
    exit_status,
    heed_terminations,
    interruptions,
    listen_to,
    stopped_by,
)


@pytest.fixture
def heeded():
    """SIGTERM and SIGHUP are heeded, as in the `epigone` command."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in TERMINATIONS}
    heed_terminations()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", TERMINATIONS)
def test_a_termination_is_an_interruption_with_a_status_of_its_own(heeded, number):
    assert exit_status() == 130
    with pytest.raises(KeyboardInterrupt) as stopped:
        signal.raise_signal(number)
    assert stopped.type is Terminated
    assert exit_status() == 128 + number
    signal.raise_signal(TERMINATIONS[0])  # while the work is saved, a second changes nothing
    assert exit_status() == 128 + number


@pytest.mark.parametrize("number", TERMINATIONS)
def test_terminations_come_in_pairs_and_do_not_insist_but_ctrl_c_does(heeded, number):
    with interruptions() as asked:
        signal.raise_signal(number)
        assert asked()
        for again in TERMINATIONS:
            signal.raise_signal(again)
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
    for again in TERMINATIONS:  # while the state is written
        signal.raise_signal(again)
    assert exit_status() == 128 + number


@pytest.mark.parametrize("number", TERMINATIONS)
def test_a_termination_that_is_ignored_or_heeded_elsewhere_is_left_alone(number):
    heard = []
    for handler in (signal.SIG_IGN, lambda *arguments: heard.append(arguments)):
        before = signal.signal(number, handler)
        try:
            heed_terminations()
            with interruptions() as asked:
                signal.raise_signal(number)
                assert not asked()
        finally:
            signal.signal(number, before)
    assert len(heard) == 1


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


@pytest.fixture
def wish():
    """Another process that asks to stop as soon as something is in this list."""
    found = []
    listen_to(lambda: bool(found))
    yield found
    listen_to(bool)


def test_another_thread_is_asked_by_itself(wish):
    def work():
        with interruptions() as asked:
            seen.append(asked())
        with stopped_by(lambda: True), interruptions() as asked:
            seen.append(asked())

    seen = []
    wish.append("stop")
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False, True]


def test_another_process_may_ask_too(wish):
    with interruptions() as asked:
        assert not asked()
        wish.append("stop")
        assert asked()
        press_ctrl_c()  # the same wish again, which does not insist
        assert asked()
