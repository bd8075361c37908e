"""What each selection costs against training everything, and what keeping the outputs of a frozen prefix saves.

    python benchmarks/selections.py [--rounds 5]

Seconds of one epoch with its validation on the sample songs, base `english-tiny`; the selections take turns.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch

from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus
from epigone.training.listeners.monitor import Monitor
from epigone.training.loop import train
from epigone.training.options import RetrainingOptions
from epigone.training.system.processes import make_fabric
from epigone.transfer import frozen_prefix as prefix
from epigone.transfer.finetune import retraining_task
from epigone.transfer.selection import select

SELECTIONS = ("all", "layers.0", "layers.1", "layers.2", "layers.1, layers.2", "head")
SONGS = Path(__file__).parents[1] / "examples" / "songs.txt"
EPOCHS = 4


def seconds_per_epoch(base: str, selection: str, keep: bool) -> float:
    """Train for a few epochs; the preparation (the prefix walked once) is counted too."""
    checkpoint, corpus = load_checkpoint(base), Corpus.open(SONGS)
    streams = [corpus.stream(split, checkpoint.tokenizer) for split in ("train", "validation")]
    options = replace(RetrainingOptions(), epochs=EPOCHS, patience=0)
    chosen = select(checkpoint.model, f"({selection}), head")
    limit = prefix.LIMIT if keep else 0
    with tempfile.TemporaryDirectory() as folder, patch.object(prefix, "LIMIT", limit):
        begin = time.perf_counter()
        task = retraining_task(checkpoint.model, chosen, *streams, checkpoint.tokenizer, options)
        train(task, Path(folder), options, Monitor(), make_fabric(options))
        return (time.perf_counter() - begin) / EPOCHS


def main() -> None:
    """Print a line for each selection."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--base", default="english-tiny")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    times: dict[tuple[str, bool], list[float]] = {(s, keep): [] for s in SELECTIONS for keep in (True, False)}
    for _ in range(arguments.rounds):
        for selection, keep in times:
            times[selection, keep].append(seconds_per_epoch(arguments.base, selection, keep))
    print(f"{arguments.base}, one thread; seconds an epoch, medians of {arguments.rounds} alternated rounds")
    print(f"{'selection + head':22s}{'seconds':>9s}{'of all':>8s}{'prefix not kept':>17s}{'of all':>8s}")
    whole = statistics.median(times["all", False])
    for selection in SELECTIONS:
        kept, walked = (statistics.median(times[selection, keep]) for keep in (True, False))
        print(f"{selection:22s}{kept:9.3f}{kept / whole:8.0%}{walked:17.3f}{walked / whole:8.0%}")


if __name__ == "__main__":
    main()
