"""Keeping every core busy with whole runs: worker processes, one thread each."""

import functools
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import torch

from understudy.errors import UserError

log = logging.getLogger("understudy")


class Executor:
    """Calls functions in the processes of a pool; without one, in this process, one after the other."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self.pool = pool

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Have a call made as soon as there is room; what is returned waits for its result."""
        if self.pool is None:
            return functools.cache(functools.partial(function, *arguments))
        return functools.partial(_result, self.pool.submit(function, *arguments))

    def map(
        self,
        function: Callable[..., Any],
        arguments: Sequence[tuple[Any, ...]],
        done: Callable[[int, Any], None] = lambda index, result: None,
    ) -> list[Any]:
        """Call `function(*a)` for each a and give the results in that order; `done` is told of each as it comes."""
        results: list[Any] = [None] * len(arguments)
        for index, result in self._each(function, arguments):
            results[index] = result
            done(index, result)
        return results

    def _each(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        if self.pool is None:
            yield from ((index, function(*a)) for index, a in enumerate(arguments))
        else:
            futures = {self.pool.submit(function, *a): index for index, a in enumerate(arguments)}
            yield from ((futures[future], _result(future)) for future in as_completed(futures))


@contextmanager
def executor(workers: int = 0) -> Iterator[Executor]:
    """An executor that ends with its running calls; `workers` 0 is one for each core.

    A single worker is this process, with one thread and as silent as the others are.
    """
    workers = workers or os.cpu_count() or 1
    if workers == 1:
        threads, level = torch.get_num_threads(), log.level
        torch.set_num_threads(1)
        log.setLevel(logging.WARNING)
        try:
            yield Executor(None)
        finally:
            torch.set_num_threads(threads)
            log.setLevel(level)
        return
    # A fresh interpreter for each worker: a forked one would inherit the locks of PyTorch's threads.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield Executor(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Make a process a worker: one thread, no noise at Ctrl-C (training hears it by itself), no life of its own."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End with the parent, even if it is killed: two processes must not write the same run when it is resumed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "A worker process was killed, perhaps because memory ran out; what is finished is kept. "
            "Give fewer --workers, and --resume to go on."
        ) from error
