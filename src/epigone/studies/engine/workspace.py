"""The folder of a study: opened or gone on with, timed, and given the best model."""

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from epigone import __version__
from epigone.errors import UserError
from epigone.kernels import in_use
from epigone.machine import cores
from epigone.models.files.bundled import resolve
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.storage import read_json, write_json
from epigone.studies.engine.jobs import Text, open_text
from epigone.studies.engine.store import Finished
from epigone.training.options import recipe_of
from epigone.training.run.folder import differences
from epigone.training.run.state import FILE as STATE
from epigone.transfer.finetune import write_fingerprints

# What a study that goes on may have more of, or other than before: rows, runs and samples beside those that it has.
MAY_CHANGE = (
    "notices", "name", "documents", "read", "seconds", "seeds", "trials", "finalists", "train", "sample_length",
    "temperature",
)  # fmt: skip


def open_study(out: Path, request: dict[str, Any], resume: bool) -> None:
    """Make ready the folder of a study.

    Args:
        out: the folder; made when it is missing.
        request: everything that determines the study.
        resume: go on with the study that the folder holds, perhaps with more seeds, trials or selections.

    Raises:
        UserError: the folder is not empty and `resume` was not asked for, or it holds another study.
    """
    described = json.loads(json.dumps(request))
    before: dict[str, Any] = {}
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give a folder with --out.")
    if out.exists() and any(out.iterdir()):
        if not resume:
            raise UserError(f"{out} is not empty. Choose another folder with --out, or add --resume to go on in it.")
        path = out / "study.json"
        before = read_json(path) if path.exists() else {}
        if before.get("command") != described["command"]:
            raise UserError(f"{out} does not hold a {described['command']} that could go on; choose another --out.")
        if changes := differences(_with_recipe(before), _with_recipe(described), MAY_CHANGE):
            raise UserError(
                f"{out} holds a {described['command']} with other settings, so it cannot go on: "
                f"{'; '.join(changes[:4])}. Give the same settings or another --out; more seeds, trials and selections "
                "may be asked for."
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Could not make the folder {out}: {error.strerror}. Choose another --out.") from error
    write_json(out / "study.json", before | described)


def _with_recipe(request: dict[str, Any]) -> dict[str, Any]:
    """A request with the recipe alone among its training options, as files of version 0.1.0 do not have it."""
    return request | {"training": recipe_of(request["training"])} if "training" in request else request


@contextmanager
def seconds_of_all_calls(out: Path, begin: float) -> Iterator[Callable[[], float]]:
    """Add the seconds of this call to those in the study's study.json, even if it is interrupted; they tell the sum.

    A call that is killed adds nothing.

    Args:
        out: the folder of the study, made ready.
        begin: when the call began, by `time.perf_counter`.
    """
    path = out / "study.json"
    earlier = read_json(path).get("seconds", 0.0)

    def so_far() -> float:
        return round(earlier + time.perf_counter() - begin, 1)

    try:
        yield so_far
    finally:
        write_json(path, read_json(path) | {"seconds": so_far()})


def keep_model(folder: Path, runs: Sequence[Finished], text: Text) -> Path:
    """Copy the run with the lowest validation loss, complete with the fingerprint of what it was trained on."""
    kept = keep_copy(folder, best_run(runs).folder / "model")
    base = kept.config["request"].get("base")
    write_fingerprints(folder, open_text(text), kept.tokenizer, resolve(base["name"]) if base else None)
    return folder


def keep_copy(folder: Path, model: Path) -> Checkpoint:
    """Copy a checkpoint as it is, without what would only let its training go on."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for file in model.iterdir():
        if file.is_file() and file.name != STATE:
            shutil.copy2(file, folder)
    kept = load_checkpoint(folder)
    if "result" in kept.config:
        write_json(folder / "config.json", kept.config | {"result": kept.config["result"] | {"folder": str(folder)}})
    return kept


def best_run(runs: Sequence[Finished]) -> Finished:
    """The run with the lowest validation loss."""
    return min(runs, key=lambda run: run.validation_loss)


def machine() -> dict[str, str | int]:
    """What the study ran on, as far as it matters to repeat it."""
    return {
        "epigone": __version__,
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "engine": in_use(),
    }
