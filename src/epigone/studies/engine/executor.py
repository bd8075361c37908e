"""Whole runs on every core: worker processes, one thread each."""

import ctypes
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

from epigone.errors import UserError
from epigone.extensions import load, loaded
from epigone.machine import cores, torch_threads
from epigone.training.system.interruption import TERMINATIONS, listen_to

log = logging.getLogger("epigone")

MOST_WORKERS = 1024
STOPS = (signal.SIGINT, *TERMINATIONS)


class Executor:
    """Calls functions in workers, or one after the other in this process if there are none."""

    def __init__(
        self,
        begin: Callable[..., Future[Any]] | None = None,
        result: Callable[[Future[Any]], Any] = lambda future: future.result(),
        workers: int = 1,
    ) -> None:
        """Name what makes the calls.

        Args:
            begin: hands a function and its arguments to the workers; None for none.
            result: waits for the result of what was handed over.
            workers: calls at the same time.
        """
        self.begin, self.result, self.workers = begin, result, workers

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Make a call as soon as a worker is free; the returned function waits for its result."""
        if self.begin is None:
            return functools.cache(functools.partial(function, *arguments))
        return functools.partial(self.result, self.begin(function, *arguments))

    def map(
        self,
        function: Callable[..., Any],
        arguments: Sequence[tuple[Any, ...]],
        done: Callable[[int, Any], None] = lambda index, result: None,
    ) -> list[Any]:
        """Call `function(*a)` for each a and return the results in that order; `done` hears of each as it comes."""
        results: list[Any] = [None] * len(arguments)
        for index, result in self._each(function, arguments):
            results[index] = result
            done(index, result)
        return results

    def _each(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        if self.begin is None:
            yield from ((index, function(*a)) for index, a in enumerate(arguments))
        else:
            futures = {self.begin(function, *a): index for index, a in enumerate(arguments)}
            yield from ((futures[future], self.result(future)) for future in as_completed(futures))


@contextmanager
def executor(workers: int = 0) -> Iterator[Executor]:
    """Open an executor that ends with its running calls; `workers` 0 is one for each core.

    If the block ends by an error or by a signal, running trainings save and stop at their next step. A single worker is
    this process, with one thread and as silent as the others.
    """
    workers = workers or cores()
    if workers == 1:
        level = log.level
        log.setLevel(logging.WARNING)
        try:
            with torch_threads(1):
                yield Executor()
        finally:
            log.setLevel(level)
        return
    # A fresh interpreter for each worker: a forked one would inherit the locks of PyTorch's threads.
    context = multiprocessing.get_context("spawn")
    over = context.RawValue(ctypes.c_bool, False)  # no lock, which a worker that is killed might hold
    with signals_held(*STOPS):  # the resource tracker, which starts here, would end at SIGHUP
        pool = ProcessPoolExecutor(workers, context, _begin, (over, tuple(loaded)))

    def begin(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        with signals_held(*STOPS):
            return pool.submit(_call, function, *arguments)

    try:
        yield Executor(begin, _result, workers)
    except KeyboardInterrupt:
        log.info("Stopping: running trainings are being saved. A second Ctrl-C stops at once.")
        raise
    finally:
        over.value = True  # for running calls, and for those that the pool can no longer cancel
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.kill()
            raise


@contextmanager
def signals_held(*numbers: int) -> Iterator[None]:
    """Hold signals back until the block ends, so that a worker that starts in it can finish its imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_over = ctypes.c_bool(False)  # no call begins and no training goes on after this; a worker shares its parent's value
_busy = _leaving = False  # of a worker: in a call; told to end by SIGTERM


def _begin(over: ctypes.c_bool, extensions: Sequence[str]) -> None:
    """Make a process a worker: one thread, silent at Ctrl-C (training hears it by itself), ending with its parent.

    At SIGTERM, which the pool sends too when another worker was killed, a running training saves before the end. It
    loads the extensions of its parent.
    """
    global _over
    _over = over
    listen_to(lambda: over.value)
    torch.set_num_threads(1)
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    threading.Thread(target=_follow_parent, daemon=True).start()
    for extension in extensions:
        load(extension)


def _follow_parent() -> None:
    """End with the parent, even if it is killed: on resume, two processes must not write the same run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _leave(number: int, frame: Any) -> None:
    """End this worker, after its call if there is one."""
    global _leaving
    _leaving = _over.value = True
    if not _busy:
        os._exit(1)


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    global _busy
    if _over.value:
        raise KeyboardInterrupt
    _busy = True
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        _over.value = True
        raise
    finally:
        _busy = False
        if _leaving:
            os._exit(1)


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "A worker process was killed, perhaps because memory ran out; finished runs are kept. "
            "Give fewer --workers, and --resume to go on."
        ) from error
