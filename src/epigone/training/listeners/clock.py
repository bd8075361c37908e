"""The clock of a run."""

import time

from epigone.training.listeners.base import Listener, Run


class Clock(Listener):
    """Counts the seconds of a run, breaks left out, and those of its steps alone."""

    def begin(self, run: Run) -> None:
        self.start = time.perf_counter() - run.counters.seconds

    def before_step(self, run: Run) -> None:
        self.step_start = time.perf_counter()

    def step(self, run: Run) -> None:
        now = time.perf_counter()
        run.counters.learning_seconds += now - self.step_start
        run.counters.seconds = now - self.start
