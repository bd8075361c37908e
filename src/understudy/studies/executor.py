"""Keeping every core busy with whole runs: worker processes, one thread each."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

import torch


class Executor:
    """Runs functions on arguments in worker processes, in any order, and gives the results in the order asked."""

    def __init__(self, workers: int) -> None:
        self.workers = workers or os.cpu_count() or 1
        # A fresh interpreter for each worker: a forked one would inherit the threads' locks of PyTorch.
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(self.workers, context, initializer=_one_thread)

    def map(
        self, function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]], done: Callable[[Any], None] | None = None
    ) -> list[Any]:
        """Call `function(*a)` for each a; `done` is told of each result as it comes."""
        futures = [self.pool.submit(function, *a) for a in arguments]
        try:
            for future in as_completed(futures):
                if done is not None:
                    done(future.result())
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def close(self) -> None:
        """Let running calls end, and drop those that have not begun."""
        self.pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def executor(workers: int) -> Iterator[Executor]:
    """An executor that is closed at the end; `workers` 0 is one for each core."""
    pool = Executor(workers)
    try:
        yield pool
    finally:
        pool.close()


def _one_thread() -> None:
    torch.set_num_threads(1)
