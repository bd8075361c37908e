"""The folder of a classifier: config.json says what it holds, the other files are those of its approach."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from epigone import __version__
from epigone.classification.approaches.base import Classifier
from epigone.classification.approaches.blend import approach_of
from epigone.errors import UserError
from epigone.folder_lock import FILE as LOCK
from epigone.models.files.bundled import CLASSIFIER, bundled_models
from epigone.schema import each, mapping, record, text, whole
from epigone.storage import read_object, write_json
from epigone.text.document import ReadOptions
from epigone.training.run.folder import differences

FORMAT = 1
T = TypeVar("T")
_CONFIG = record(
    {
        "format": whole(), "kind": text, "epigone": text, "approach": text, "classes": each(text, least=0),
        "request": mapping, "result": mapping,
    },
    "kind", "approach", "classes",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ClassifierFolder:
    """A classifier and the facts about it."""

    classifier: Classifier
    config: dict[str, Any]
    folder: Path

    @property
    def approach(self) -> str:
        """The name of the approach that made it."""
        return str(self.config["approach"])


def write_config(folder: Path, facts: dict[str, Any]) -> None:
    """Write config.json, which marks the folder as a classifier."""
    write_json(folder / "config.json", {"format": FORMAT, "kind": CLASSIFIER, "epigone": __version__, **facts})


def read_classifier_config(folder: str | Path) -> dict[str, Any]:
    """Read the config.json of a classifier's folder.

    Raises:
        UserError: the folder holds something else, or the file is damaged.
    """
    path = Path(folder) / "config.json"
    ours = "give the folder that epigone classify train wrote with --out"
    if str(folder) in bundled_models() and not path.is_file():
        raise UserError(f"{folder} is a language model, not a classifier; {ours}. --base takes language models.")
    if not path.is_file():
        what = "has no config.json" if Path(folder).is_dir() else "is no folder"
        raise UserError(f"{folder} {what}, so it is no classifier; {ours}.")
    config = read_object(path)
    if config.get("kind") != CLASSIFIER:
        what = "a language model" if "model" in config else "no classifier"
        raise UserError(f"{folder} holds {what}, not a classifier; {ours}. --base takes language models.")
    config = read_object(path, _CONFIG)
    if config.get("format", FORMAT) != FORMAT:
        raise UserError(f"{path} has format {config['format']}: it comes from a newer version. Upgrade epigone.")
    if "result" not in config:
        raise UserError(
            f"The training of the classifier in {folder} is unfinished; run the same command with --resume."
        )
    if len(config["classes"]) < 2 or len(set(config["classes"])) < len(config["classes"]):
        raise UserError(f"{path} is damaged: it needs two classes or more, each once. Restore it from a copy.")
    return config


def load_classifier(folder: str | Path) -> ClassifierFolder:
    """Read a classifier.

    Raises:
        UserError: the folder holds something else, or a file is damaged.
    """
    config = read_classifier_config(folder)
    classifier = approach_of(config["approach"]).load(Path(folder), tuple(config["classes"]))
    return ClassifierFolder(classifier, config, Path(folder))


def open_folder(out: Path, request: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any] | None:
    """Begin a training in a folder, or go on with the one that it holds.

    Args:
        out: the folder, made and locked.
        request: everything that decides the outcome; of its options, `minutes` may differ from those before.
        classes: the classes.

    Returns:
        The result, if the training is finished.

    Raises:
        UserError: the folder holds something else, or another training.
    """
    if all(path.name == LOCK for path in out.iterdir()):
        write_config(out, {"approach": "", "classes": list(classes), "request": request})
        return None
    path = out / "config.json"
    if not path.is_file():
        raise UserError(f"{out} holds no training to resume (there is no config.json); choose another --out.")
    config = read_object(path)
    if config.get("kind") != CLASSIFIER:
        raise UserError(f"{out} holds no classifier, so classify train cannot resume it; choose another --out.")
    config = read_object(path, _CONFIG)
    free = ("minutes", "texts", "read")  # a text counts by its content, whatever its path and however it was read
    if changes := differences(config.get("request", {}), json.loads(json.dumps(request)), free):
        raise UserError(
            f"{out} holds a training with other settings, so it cannot be resumed: {'; '.join(changes[:4])}. "
            "Give the same settings or another --out."
        )
    found: dict[str, Any] | None = config.get("result")
    return found


def with_columns_of(config: Mapping[str, Any], read: ReadOptions, reading: Callable[[ReadOptions], T]) -> T:
    """Read texts by the columns that the training named, or by their own if they have no such columns.

    Args:
        config: the config.json of the classifier.
        read: the options that are given, which go first.
        reading: reads the texts.

    Raises:
        UserError: the texts cannot be read by their own columns either.
    """
    before = config.get("request", {}).get("read", {})
    named = {key: before[key] for key in ("column", "label") if before.get(key) and not getattr(read, key)}
    if named:
        with suppress(UserError):
            return reading(replace(read, **named))
    return reading(read)
