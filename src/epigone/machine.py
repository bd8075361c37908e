"""The processors of this machine, and PyTorch's share of them."""

import os
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
