"""Fair timings: each figure from a process of its own, the cases by turns, medians of the rounds."""

import ctypes
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from rich.console import Console
from rich.progress import track

LAYERS, V = 3, 128  # of the network that all are measured with: characters of ASCII, and layers

Case = tuple[str | int, ...]


class Timings:
    """Seconds of each case, one for each round."""

    def __init__(self, seconds: dict[Case, list[float]]) -> None:
        self.seconds = seconds

    def median(self, case: Case) -> float:
        """The median over the rounds."""
        return statistics.median(self.seconds[case])

    def best(self, cases: Sequence[Case]) -> Case:
        """The case of the least median."""
        return min(cases, key=self.median)

    def ratio(self, slow: Case, quick: Case) -> float:
        """How many times quicker the second is: the median of the rounds' ratios."""
        return statistics.median(a / b for a, b in zip(self.seconds[slow], self.seconds[quick], strict=True))


def by_turns(measure: Callable[..., float], cases: Sequence[Case], rounds: int, what: str) -> Timings:
    """Measure each case in every round, in a process that runs nothing else.

    `measure(*case)` must be a function of the script that is running, which calls `answer_as_child(measure)` first.
    """
    seconds: dict[Case, list[float]] = {case: [] for case in cases}
    turns = [case for _ in range(rounds) for case in cases]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    for case in track(turns, what, console=Console(stderr=True), transient=True):
        command = [sys.executable, sys.argv[0], "--measure", json.dumps([measure.__name__, *case])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        seconds[case].append(json.loads(done.stdout))
    return Timings(seconds)


def answer_as_child(*measures: Callable[..., float]) -> None:
    """In such a process: print what was asked for, and end."""
    if sys.argv[1:2] != ["--measure"]:
        return
    name, *case = json.loads(sys.argv[2])
    (measure,) = (each for each in measures if each.__name__ == name)
    print(json.dumps(measure(*case)))
    sys.exit()


def seconds_of(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """The median duration of a call, after some that are not counted."""
    begin = time.perf_counter()
    call()
    while time.perf_counter() - begin < seconds / 4:
        call()
    taken: list[float] = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds or len(taken) < 3:
        last = time.perf_counter()
        call()
        taken.append(time.perf_counter() - last)
    return statistics.median(taken)


def bandwidth(size: int, cores: int) -> float:
    """Seconds until so many bytes have been read once; a small size lies in a cache, as weights of that size do."""
    with ProcessPoolExecutor(cores) as pool:
        return max(pool.map(_reading, [size // cores] * cores))


def _reading(size: int) -> float:
    """Seconds to look for a one among that many zeros, which the C library does as fast as it can read."""
    find = ctypes.CDLL(None).memchr
    find.argtypes = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
    zeros = ctypes.create_string_buffer(size)
    address = ctypes.addressof(zeros)
    repeats = max(1, 20_000_000 // size)

    def read(length: int) -> None:
        for _ in range(repeats):
            find(address, 1, length)

    full, empty = (seconds_of(lambda length=length: read(length), 0.5) for length in (size, 1))
    return (full - empty) / repeats


def matrix_peak(precision: str, threads: int) -> float:
    """Seconds for 10^9 operations of the quickest matrix product that PyTorch has, of square matrices."""
    import torch

    torch.set_num_threads(threads)
    size = 2048
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    out = torch.empty(size, size, dtype=dtype)
    return seconds_of(lambda: torch.mm(a, b, out=out)) / (2 * size**3 / 1e9)
