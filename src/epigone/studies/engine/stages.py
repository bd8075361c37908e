"""Long work in stages: after some minutes its state is saved, the cost of the stage is noted, and it goes on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from epigone.schema import each, number
from epigone.storage import read_json, write_json
from epigone.training.system.interruption import limited

T = TypeVar("T")
FILE = "stages.json"


def in_stages(folder: Path, minutes: float, work: Callable[[], T]) -> tuple[T, list[float]]:
    """Do work in stages of at most so many minutes, and note the seconds of each in stages.json.

    Args:
        folder: the folder of the run.
        minutes: of a stage. It ends at the next step of a training; measuring at the end is not cut.
        work: trains, and goes on where it stopped when it is called again; it raises KeyboardInterrupt if stopped.

    Returns:
        What the work gave, and the seconds of all stages.

    Raises:
        KeyboardInterrupt: the user stopped the work, which is saved.
    """
    path = folder / FILE
    stages: list[float] = read_json(path, each(number(0))) if path.exists() else []
    while True:
        began = time.perf_counter()
        with limited(60 * minutes) as over:
            try:
                return work(), stages
            except KeyboardInterrupt:
                if not over():
                    raise
            finally:
                stages.append(round(time.perf_counter() - began, 1))
                write_json(path, stages)
