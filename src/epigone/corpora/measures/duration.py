"""The time of `finetune` on this machine, from a few steps of it."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from epigone.corpora.measures.figures import Duration
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.splitting import MOSTLY, SplitOptions, learning_split
from epigone.text.streams import token_stream
from epigone.training.batches import fit_shape
from epigone.training.listeners.base import Listener, Run
from epigone.training.loop import train
from epigone.training.options import EPOCHS, MachineOptions, RetrainingOptions
from epigone.training.system.processes import launched
from epigone.transfer.finetune import adaptation_task
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import with_head
from epigone.transfer.trials import MOST, SHARE, advised

STEPS = 4
"""Steps that are timed, after one that warms up."""


class _Laps(Listener):
    """Times steps, and the validation after the last one."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.validated = 0.0
        self._last = 0.0

    def before_step(self, run: Run) -> None:
        self._last = time.perf_counter()

    def step(self, run: Run) -> None:
        now = time.perf_counter()
        self.steps.append(now - self._last)
        self._last = now

    def validation(self, run: Run, row: dict[str, Any]) -> None:
        self.validated = time.perf_counter() - self._last


def duration(base: str, sample: Sequence[str], characters: int) -> Duration:
    """Time a few steps of `finetune` with a base.

    Args:
        base: the folder of a model, or the name of a bundled one.
        sample: passages of the corpus, `TIMED` characters of them or the whole corpus.
        characters: those of the corpus.

    Raises:
        UserError: there is no such model.
        KeyboardInterrupt: the user stopped it.
    """
    learned, held_out, _ = learning_split(SplitOptions(), characters).fractions or MOSTLY
    recipe = RetrainingOptions(steps=STEPS + 1, validate_every=STEPS + 1, patience=0)
    machine, laps = MachineOptions(), _Laps()
    with (
        tempfile.TemporaryDirectory(prefix="epigone-", ignore_cleanup_errors=True) as folder,
        launched(machine, recipe.precision) as fabric,
    ):
        torch.manual_seed(recipe.seed)
        source = load_checkpoint(base)
        size = sum(map(len, sample))
        texts = _first(sample, min(size, round(learned * characters)))
        stream = token_stream(([text] for text in texts), source.tokenizer)
        validation = token_stream(([text] for text in _first(sample, round(held_out * size))), source.tokenizer)
        advice = source.config.get("advice", {})
        selection = with_head(source.model, advice.get("train", "all"))
        adaptation, lowest = Retrain().prepare(source.model, selection), selection.lowest_layer(source.model)
        task = adaptation_task(source.model, adaptation, lowest, stream, validation, source.tokenizer, recipe)
        if train(task, Path(folder), recipe, machine, fabric, [laps]).outcome == "interrupted":
            raise KeyboardInterrupt
    tokens = characters * len(stream) / sum(map(len, texts))
    rows, length = fit_shape(len(stream), recipe.batch_size, recipe.sequence_length)
    learning = learned * tokens * statistics.median(laps.steps[1:]) / (rows * length)
    epoch = learning + held_out * tokens * laps.validated / len(validation)
    searched = (RetrainingOptions.epochs or EPOCHS) * (1 + SHARE * MOST)
    tried = len(advised(advice, None, round(learned * characters))) if advice else 0
    return Duration(base, epoch, (advice["epochs"] * tried if advice else searched) * epoch)


def _first(passages: Sequence[str], characters: int) -> list[str]:
    """The first passages, so many characters of them, and at least one."""
    found: list[str] = []
    left = max(1, characters)
    for passage in passages:
        found.append(passage[:left])
        left -= len(found[-1])
        if left <= 0:
            break
    return found
