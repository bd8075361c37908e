"""Cost of each selection against training everything, and the time saved by keeping a frozen prefix's outputs.

    python benchmarks/selections.py [--rounds 5] [--out docs/results/speed]

Seconds of one epoch with its validation on the sample songs, base `english-tiny`, one thread; the selections take
turns.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from timing import Case, Timings, markdown_table, parse_arguments, publish

from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus
from epigone.training.loop import train
from epigone.training.options import MachineOptions, RetrainingOptions
from epigone.training.system.processes import make_fabric
from epigone.transfer import frozen_prefix as prefix
from epigone.transfer.finetune import adaptation_task
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import select

SELECTIONS = ("all", "layers.0", "layers.1", "layers.2", "layers.1, layers.2", "head")
SONGS = Path(__file__).parents[1] / "examples" / "songs.txt"


def seconds_per_epoch(base: str, selection: str, keep: bool, epochs: int) -> float:
    """Train for a few epochs; the preparation is included, in which the outputs of the prefix are computed once."""
    checkpoint, corpus = load_checkpoint(base), Corpus.open(SONGS)
    streams = [corpus.stream(split, checkpoint.tokenizer) for split in ("train", "validation")]
    options = replace(RetrainingOptions(), epochs=epochs, patience=0)
    chosen = select(checkpoint.model, f"({selection}), head")
    limit = prefix.LIMIT if keep else 0
    with tempfile.TemporaryDirectory() as folder, patch.object(prefix, "LIMIT", limit):
        begin = time.perf_counter()
        adaptation, lowest = Retrain().prepare(checkpoint.model, chosen), chosen.lowest_layer(checkpoint.model)
        task = adaptation_task(checkpoint.model, adaptation, lowest, *streams, checkpoint.tokenizer, options)
        machine = MachineOptions(threads=1)
        train(task, Path(folder), options, machine, make_fabric(machine))
        return (time.perf_counter() - begin) / epochs


def main() -> None:
    """Measure and print the table."""
    options = {"--base": {"default": "english-tiny"}, "--epochs": {"type": int, "default": 4}}
    arguments = parse_arguments(__doc__, options, {"epochs": 1})
    seconds: dict[Case, list[float]] = {(s, keep): [] for s in SELECTIONS for keep in (True, False)}
    for _ in range(arguments.rounds):
        for selection, keep in seconds:
            taken = seconds_per_epoch(arguments.base, str(selection), bool(keep), arguments.epochs)
            seconds[selection, keep].append(taken)
    title = f"Seconds an epoch of epigone, retraining {arguments.base}; medians of {arguments.rounds} rounds."
    publish(arguments.out, "selections.md", f"{title}\n\n{selection_table(Timings(seconds))}")


def selection_table(timings: Timings) -> str:
    """Seconds, and parts of what training everything takes, as Markdown."""
    whole = timings.median(("all", False))
    rows = []
    for selection in SELECTIONS:
        kept, computed = (timings.median((selection, keep)) for keep in (True, False))
        rows.append([selection, f"{kept:.3f}", f"{kept / whole:.0%}", f"{computed:.3f}", f"{computed / whole:.0%}"])
    header = ["learns, with the head", "seconds", "of all", "prefix computed at every step", "of all then"]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
