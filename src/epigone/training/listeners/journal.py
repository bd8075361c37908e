"""The journal of a run: history.jsonl, a line for each validation, and trace.jsonl, lines between them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from epigone.storage import atomic_write
from epigone.training.listeners.base import Listener, Run

FILE = "history.jsonl"


class Journal(Listener):
    """Writes history.jsonl, and every `trace_every` steps a line of trace.jsonl; 0 writes no trace."""

    def __init__(self, trace_every: int = 0) -> None:
        self.trace_every = trace_every

    def begin(self, run: Run) -> None:
        self.flush(run)

    def step(self, run: Run) -> None:
        if self.trace_every and run.counters.step % self.trace_every == 0:
            run.counters.trace.close(run.counters.step)

    def validation(self, run: Run, row: dict[str, Any]) -> None:
        self.flush(run)

    def flush(self, run: Run) -> None:
        write_rows(run.folder / FILE, run.counters.history)
        write_rows(run.folder / "trace.jsonl", run.counters.trace.rows)


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as lines of JSON; without rows, delete the file, which an interrupted run may have left."""
    if rows:
        atomic_write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    else:
        path.unlink(missing_ok=True)
