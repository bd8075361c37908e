"""Keeping every core busy with whole runs: worker processes, one thread each."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

import torch


class Executor:
    """Runs functions in worker processes, as many at a time as there are workers."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        # A fresh interpreter for each worker: a forked one would inherit the locks of PyTorch's threads.
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(workers, context, initializer=_one_thread)

    def map(
        self,
        function: Callable[..., Any],
        arguments: Sequence[tuple[Any, ...]],
        done: Callable[[int, Any], None] = lambda index, result: None,
    ) -> list[Any]:
        """Call `function(*a)` for each a and give the results in that order; `done` is told of each as it comes."""
        futures = {self.pool.submit(function, *a): index for index, a in enumerate(arguments)}
        results: list[Any] = [None] * len(futures)
        try:
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                done(futures[future], future.result())
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        return results


@contextmanager
def executor(workers: int = 0) -> Iterator[Executor]:
    """An executor that ends with its running calls; `workers` 0 is one for each core."""
    pool = Executor(workers or os.cpu_count() or 1)
    try:
        yield pool
    finally:
        pool.pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    torch.set_num_threads(1)
