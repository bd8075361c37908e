"""The processors of this machine, PyTorch's share of them, and the processes that share a command."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


def cores() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # containers and `taskset` allow fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Set PyTorch's number of threads within a block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def torchrun_processes() -> int:
    """Count the processes on all machines that torchrun started to share a command; 0 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 0


LAUNCHER = "EPIGONE_LAUNCHER"
"""The environment variable with the number of the process that started the others of --devices."""


def is_helper() -> bool:
    """Tell if another process talks to the user: --devices and torchrun start several."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) != "0"


def follow_launcher() -> None:
    """Let a helper end with the process that started it, even if that is killed while both still start.

    The first process says who it is; without that, as under torchrun, a helper is left alone. Windows keeps the number
    of a parent that has ended, so there nothing is followed.
    """
    if os.environ.get("LOCAL_RANK", "0") == "0":
        os.environ[LAUNCHER] = str(os.getpid())
    elif LAUNCHER in os.environ and sys.platform != "win32":
        threading.Thread(target=_end_with, args=(int(os.environ[LAUNCHER]),), daemon=True).start()


def _end_with(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(0.2)
    os._exit(1)
