"""The folder of a study: opened or resumed, timed, and given the best model."""

import json
import platform
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from epigone import __version__
from epigone.errors import UserError
from epigone.folder_lock import FILE as LOCK
from epigone.kernels import in_use
from epigone.machine import cores
from epigone.models.files.bundled import resolve
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.schema import each, mapping, number, record, text, whole
from epigone.storage import read_json, write_json
from epigone.studies.engine.jobs import Text, open_text
from epigone.studies.engine.search import MOST_SEEDS, MOST_TRIALS
from epigone.studies.engine.store import Finished
from epigone.training.options import recipe_of
from epigone.training.run.folder import differences
from epigone.training.run.state import FILE as STATE
from epigone.transfer.finetune import write_fingerprints

# May differ when a study goes on: these add rows, runs and samples, and change none.
MAY_CHANGE = (
    "notices", "name", "documents", "read", "seconds", "seeds", "trials", "finalists", "draws", "judged", "best",
    "best_seeds", "train", "sample_length", "temperature",
)  # fmt: skip
STUDY = record(
    {
        "command": text, "seconds": number(), "training": mapping, "train": each(text),
        "options": record({"seeds": whole(1, MOST_SEEDS)}),
        "search": record(dict.fromkeys(("trials", "finalists"), whole(1, MOST_TRIALS))),
    },
    "command",
)  # fmt: skip
OPTIONS_OF_010 = ("network", "networks")  # names of a study's options in folders that version 0.1.0 wrote


def open_study(
    out: Path,
    request: dict[str, Any],
    free: Collection[str] = (),
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write the request of a study to its study.json, if it fits what the folder holds.

    Args:
        out: the folder, made and locked.
        request: everything that determines the study.
        free: further keys that may differ when a study goes on.
        defaults: options of the study; a folder that was written before there was such an option has these.

    Raises:
        UserError: the folder holds another study.
    """
    described = json.loads(json.dumps(request))
    before: dict[str, Any] = {}
    if any(path.name != LOCK for path in out.iterdir()):
        path = out / "study.json"
        before = read_json(path, STUDY) if path.exists() else {}
        if before.get("command") != described["command"]:
            raise UserError(f"{out} holds nothing that {described['command']} could go on with; choose another --out.")
        for old in OPTIONS_OF_010:
            if old in before:
                before["options"] = before.pop(old)
        if "options" in described:
            before["options"] = json.loads(json.dumps(dict(defaults))) | before.get("options", {})
        if changes := differences(_with_recipe(before), _with_recipe(described), (*MAY_CHANGE, *free)):
            raise UserError(
                f"{out} was begun with other settings of {described['command']}, so it cannot go on: "
                f"{'; '.join(changes[:4])}. Give the same settings or another --out. More seeds, trials and selections "
                "are allowed."
            )
    write_json(out / "study.json", before | described)


def _with_recipe(request: dict[str, Any]) -> dict[str, Any]:
    """A request with the recipe alone among its training options, as files of version 0.1.0 do not have it."""
    return request | {"training": recipe_of(request["training"])} if "training" in request else request


@contextmanager
def seconds_of_all_calls(out: Path, begin: float) -> Iterator[Callable[[], float]]:
    """Give the seconds of all calls so far, and add those of this call to study.json, even after an interruption.

    A call that is killed adds nothing.

    Args:
        out: the folder of the study, made ready.
        begin: the start of the call, by `time.perf_counter` (seconds).
    """
    path = out / "study.json"
    earlier = read_json(path, STUDY).get("seconds", 0.0)

    def so_far() -> float:
        return round(earlier + time.perf_counter() - begin, 1)

    try:
        yield so_far
    finally:
        write_json(path, read_json(path, STUDY) | {"seconds": so_far()})


def keep_model(folder: Path, runs: Sequence[Finished], text: Text) -> Path:
    """Copy the model with the lowest validation loss, and add the fingerprint of its training text."""
    kept = keep_copy(folder, best_run(runs).folder / "model")
    base = kept.config.get("request", {}).get("base")
    write_fingerprints(folder, open_text(text), kept.tokenizer, resolve(base["name"]) if base else None)
    return folder


def keep_copy(folder: Path, model: Path) -> Checkpoint:
    """Copy a checkpoint without the file that only resuming its training needs."""
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
    """Facts about this machine that matter to repeat a study."""
    return {
        "epigone": __version__,
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "engine": in_use(),
    }
