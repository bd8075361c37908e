"""Fair timings: every case in a process of its own, all cases in turn, medians over the rounds."""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

LAYERS, V = 3, 128  # layers of the measured network, and its vocabulary: the characters of ASCII
LONGEST = "EPIGONE_BENCHMARK_SECONDS"  # environment variable with the most seconds that a timing may take

Case = tuple[str | int, ...]


class Timings:
    """Seconds of each case, one for each round."""

    def __init__(self, seconds: dict[Case, list[float]]) -> None:
        self.seconds = seconds

    def median(self, case: Case) -> float:
        """The median over the rounds."""
        return statistics.median(self.seconds[case])

    def best(self, cases: Sequence[Case]) -> Case:
        """The case with the smallest median."""
        return min(cases, key=self.median)

    def ratio(self, slow: Case, fast: Case) -> float:
        """How many times faster the second case is: the median over the rounds of their ratios."""
        return statistics.median(a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True))


def parse_arguments(
    description: str, options: dict[str, dict[str, Any]], smallest: dict[str, Any]
) -> argparse.Namespace:
    """Read a benchmark's command line.

    Args:
        description: the script's docstring; its first line is shown.
        options: what `add_argument` takes, by the option's name.
        smallest: values of the options that --smallest sets.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times that every case is measured")
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed"), help="folder for the tables")
    parser.add_argument("--smallest", action="store_true", help="only show that the benchmark runs; times nothing")
    for name, settings in options.items():
        parser.add_argument(name, **settings)
    arguments = parser.parse_args()
    if arguments.smallest:
        arguments.rounds = 1
        os.environ[LONGEST] = "0.01"
        vars(arguments).update(smallest)
    return arguments


def require_engine() -> None:
    """Exit if there is nothing to measure, because no native engine was compiled."""
    from epigone.kernels import engine

    if engine() is None:
        raise SystemExit("There is no native engine to measure, because none was compiled here.")


def take_turns(measure: Callable[..., float], cases: Sequence[Case], rounds: int, title: str) -> Timings:
    """Measure every case once in each round, in a process that runs nothing else.

    `measure(*case)` must be a function of the running script, which calls `answer_as_child(measure)` first. At the
    smallest size, where starting processes would take most of the time, one process measures all cases.
    """
    together = LONGEST in os.environ
    turns = [list(cases)] if together else [[case] for _ in range(rounds) for case in cases]
    seconds: dict[Case, list[float]] = {case: [] for case in cases}
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    for turn in track(turns, title, console=Console(stderr=True), transient=True):
        command = [sys.executable, sys.argv[0], "--measure", json.dumps([measure.__name__, turn])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        for case, taken in zip(turn, json.loads(done.stdout), strict=True):
            seconds[case].append(taken)
    return Timings(seconds)


def answer_as_child(*measures: Callable[..., float]) -> None:
    """In a process that `take_turns` started: print the seconds that it asks for, and exit."""
    if sys.argv[1:2] != ["--measure"]:
        return
    name, cases = json.loads(sys.argv[2])
    (measure,) = (each for each in measures if each.__name__ == name)
    print(json.dumps([measure(*case) for case in cases]))
    sys.exit()


def seconds_of(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """The median duration of a call, repeated for this long after a warm-up."""
    seconds = min(seconds, float(os.environ.get(LONGEST, "inf")))
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
    """Seconds to read so many bytes once, from a cache if they fit into one, as weights would be."""
    with ProcessPoolExecutor(cores) as pool:
        return max(pool.map(_search_seconds, [size // cores] * cores))


def _search_seconds(size: int) -> float:
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
    """Seconds for 10^9 operations of PyTorch's fastest matrix product, of square matrices."""
    import torch

    torch.set_num_threads(threads)
    size = 2048
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    out = torch.empty(size, size, dtype=dtype)
    return seconds_of(lambda: torch.mm(a, b, out=out)) / (2 * size**3 / 1e9)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts; the first column names the rows."""
    from epigone.report.renderers.markdown import to_markdown
    from epigone.report.tables import Column, Table

    keys = [str(i) for i in range(len(header))]  # labels may be equal
    columns = [
        Column(key=key, label=label, align="right" if i else "left")
        for i, (key, label) in enumerate(zip(keys, header, strict=True))
    ]
    return to_markdown(Table("", columns, [dict(zip(keys, row, strict=True)) for row in rows])).rstrip()


def publish(folder: Path, name: str, text: str) -> None:
    """Print a benchmark's tables, and keep them in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text + "\n", encoding="utf-8")
    print(text)
