"""Whole runs on other machines: Dask distributed, and submitit for Slurm, with one folder that all machines share."""

import logging
import os
import platform
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Literal

from epigone.errors import UserError, missing_package
from epigone.extensions import load, loaded
from epigone.machine import cores, torch_threads
from epigone.studies.engine.executor import Executor, executor, signals_held
from epigone.studies.engine.lease import LEASE, POLL, is_held
from epigone.studies.engine.store import stop_file
from epigone.typed import typed

log = logging.getLogger("epigone")

DAY = 24 * 60  # minutes of a Slurm job, unless told otherwise; submitit's own default is 5


@dataclass(frozen=True)
@typed
class ExecutorOptions:
    """Where the runs of a comparison or a study are done; their results are the same everywhere."""

    executor: Literal["local", "dask", "submitit"] = "local"
    """Processes of this machine; the workers of a Dask cluster; or jobs of Slurm through submitit, which are processes
    of this machine where there is no Slurm."""
    scheduler: str = ""
    """Address of Dask's scheduler, such as tcp://node1:8786; without one, --workers processes here are the cluster."""
    slurm: tuple[str, ...] = ()
    """A parameter of each Slurm job as submitit names it, such as partition=short or timeout_min=240; may be
    repeated."""

    def __post_init__(self) -> None:
        if self.scheduler and self.executor != "dask":
            raise UserError(f"--scheduler {self.scheduler} is for --executor dask.")
        if self.slurm and self.executor != "submitit":
            raise UserError(f"--slurm {self.slurm[0]} is for --executor submitit.")
        for each in self.slurm:
            if not all(each.partition("=")[::2]):
                raise UserError(f"--slurm '{each}' is not of the form NAME=VALUE, such as partition=short.")


@contextmanager
def opened(options: ExecutorOptions, workers: int, store: Path) -> Iterator[Executor]:
    """Open the executor that the options name.

    If the block ends by an error or by a signal, running trainings save and stop at their next step, and no other
    begins, because of the stop file.

    Args:
        options: the kind of executor.
        workers: calls at the same time; 0 is one for each core. A Dask cluster that runs already has its own.
        store: the folder of the runs.

    Raises:
        UserError: a package is missing, or the cluster cannot be reached.
    """
    stop_file(store).unlink(missing_ok=True)  # of a call before
    if options.executor == "local":
        with executor(workers) as found:
            yield found
        return
    kind = _dask if options.executor == "dask" else _submitit
    with kind(options, workers or cores(), store) as (found, cancel):
        try:
            yield found
        except BaseException as error:
            _stop(store, cancel, isinstance(error, KeyboardInterrupt))
            raise


def _stop(store: Path, cancel: Callable[[], None], told: bool) -> None:
    """Begin no other call, and wait until all runs are saved; the stop file stays for workers that come late."""
    store.mkdir(parents=True, exist_ok=True)
    stop_file(store).touch()
    cancel()
    if told:
        log.info("Stopping: running trainings are being saved. A second Ctrl-C does not wait for them.")
    until = time.monotonic() + LEASE
    while time.monotonic() < until and any(is_held(path.parent) for path in store.glob("*/job.json")):
        time.sleep(POLL)


Opened = tuple[Executor, Callable[[], None]]
"""An executor, and a function that cancels the calls that have not begun."""


@dataclass(frozen=True)
class _Outcome:
    """The outcome of a call: its result, or the reason why there is none."""

    kind: Literal["done", "stopped", "refused", "failed"]
    value: Any = None


@dataclass(frozen=True)
class _Call:
    """A call on its way to another process, which makes it as a worker does: one at a time, with one thread."""

    folder: str
    """The working directory, on which relative paths of texts and models depend."""
    extensions: tuple[str, ...]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __call__(self) -> _Outcome:
        try:
            os.chdir(self.folder)
        except OSError as error:
            return _Outcome(
                "refused",
                f"The worker on {platform.node()} has no folder {self.folder} ({error.strerror}): start the command in "
                "a folder that all machines share.",
            )
        with _one_at_a_time, torch_threads(1):
            try:
                for extension in self.extensions:
                    load(extension)
                return _Outcome("done", self.function(*self.arguments))
            except KeyboardInterrupt:
                return _Outcome("stopped")
            except UserError as error:
                return _Outcome("refused", str(error))
            except Exception:
                return _Outcome("failed", traceback.format_exc())

    def checkpoint(self) -> Any:
        """Let submitit queue the call again if its time ran out: a run goes on where it was saved."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


_one_at_a_time = threading.Lock()  # seeds and the number of threads are those of a process


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> _Call:
    return _Call(os.getcwd(), tuple(loaded), function, arguments)


def _result(future: Future[_Outcome], workers: str) -> Any:
    """Wait for a call.

    Raises:
        KeyboardInterrupt: it was stopped.
        UserError: what it raised, or what became of its worker.
    """
    try:
        outcome = future.result()
    except CancelledError as error:
        raise UserError(f"{workers} is gone; finished runs are kept. Give --resume to go on.") from error
    except Exception as error:
        raise UserError(
            f"{workers} lost a run ({type(error).__name__}: {error}); finished runs are kept. Give --resume to go on."
        ) from error
    match outcome.kind:
        case "stopped":
            raise KeyboardInterrupt
        case "refused":
            raise UserError(outcome.value)
        case "failed":
            raise RuntimeError(f"a worker failed:\n{outcome.value}")
    return outcome.value


@contextmanager
def _dask(options: ExecutorOptions, workers: int, store: Path) -> Iterator[Opened]:
    """Workers of a Dask cluster: one that runs, or one of processes here."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UserError(missing_package("--executor dask", "distributed")) from error
    # What they report of a cluster that is gone, with stack traces, is said in a sentence of our own.
    for name in ("distributed.client", "distributed.nanny", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if options.scheduler:
        try:
            client = Client(options.scheduler, timeout=20)
        except (OSError, ValueError) as error:
            raise UserError(
                f"There is no Dask scheduler at {options.scheduler} ({error}). Start one with: dask scheduler"
            ) from error
        threads = {name: each["nthreads"] for name, each in client.scheduler_info()["workers"].items()}
        if wide := [name for name, number in threads.items() if number > 1]:
            client.close()
            raise UserError(
                f"The Dask worker {wide[0]} has {threads[wide[0]]} threads, and a run takes one: start workers with "
                "--nthreads 1, and with --nworkers as many of them as a machine has cores."
            )
        if not threads:
            log.info(f"No worker has joined the cluster at {options.scheduler} yet; the runs wait for one.")
        cluster, workers = None, max(1, len(threads))
    else:
        # Memory is not limited, as it is not for local processes.
        resource_tracker.ensure_running()  # whose start lets signals through again
        with signals_held(signal.SIGINT):  # in all workers: the stop file ends their runs
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
            )
        client = Client(cluster)
    pool = client.get_executor(pure=False)
    found = Executor(
        lambda function, *arguments: pool.submit(_call(function, arguments)),
        lambda future: _result(future, "The Dask cluster"),
        workers,
    )
    try:
        yield found, lambda: pool.shutdown(wait=False)
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


@contextmanager
def _submitit(options: ExecutorOptions, workers: int, store: Path) -> Iterator[Opened]:
    """A job of Slurm for each call, so many at a time."""
    try:
        import submitit
    except ImportError as error:
        raise UserError(missing_package("--executor submitit", "submitit")) from error
    folder = store.parent / "submitit"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # its pickles are nobody else's to write
    slurm = submitit.AutoExecutor(folder=folder)
    try:
        slurm.update_parameters(name="epigone", cpus_per_task=1, **{"timeout_min": DAY} | dict(_parameters(options)))
    except (NameError, TypeError, ValueError) as error:
        raise UserError(f"--slurm {' --slurm '.join(options.slurm)} is refused: {error}") from error
    jobs: set[Any] = set()

    def do(call: _Call) -> _Outcome:
        with signals_held(signal.SIGINT):  # in the processes that it starts without Slurm
            job = slurm.submit(call)
        jobs.add(job)
        found: _Outcome = job.result()
        jobs.discard(job)
        return found

    pool = ThreadPoolExecutor(workers)

    def cancel() -> None:
        pool.shutdown(wait=False, cancel_futures=True)
        for job in [*jobs]:
            if job.state == "PENDING":
                job.cancel()

    found = Executor(
        lambda function, *arguments: pool.submit(do, _call(function, arguments)),
        lambda future: _result(future, "Slurm"),
        workers,
    )
    yield found, cancel
    pool.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def _parameters(options: ExecutorOptions) -> Iterator[tuple[str, Any]]:
    """The parameters of a job as submitit takes them, in which those of Slurm alone begin with its name."""
    for each in options.slurm:
        name, _, value = each.partition("=")
        slurm = name not in ("timeout_min", "mem_gb") and not name.startswith("slurm_")
        yield f"slurm_{name}" if slurm else name, int(value) if value.isdecimal() else value
