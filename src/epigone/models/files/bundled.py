"""Folders of models by name, found without loading PyTorch."""

import difflib
from importlib.resources import files
from pathlib import Path

from epigone.errors import UserError
from epigone.storage import read_object

CLASSIFIER = "classifier"
"""The `kind` of a folder that holds a classifier; a language model has none."""


def bundled_models() -> dict[str, Path]:
    """List the models that come with the package, by name."""
    root = Path(str(files("epigone") / "bundled"))
    return {path.parent.name: path.parent for path in sorted(root.glob("*/config.json"))}


def is_classifier(folder: Path) -> bool:
    """Tell if a folder says that it holds a classifier; one whose config.json is damaged says nothing."""
    try:
        return read_object(folder / "config.json").get("kind") == CLASSIFIER
    except UserError:
        return False


def resolve(name_or_folder: str | Path) -> Path:
    """Find the folder of a checkpoint, given as a path or the name of a bundled model.

    Raises:
        UserError: there is no such folder and no such model.
    """
    folder = Path(name_or_folder)
    if is_classifier(folder):
        raise UserError(
            f"{folder} holds a classifier of texts, not a language model; epigone classify predict and epigone "
            "classify evaluate use it."
        )
    if (folder / "config.json").is_file() and (folder / "model.safetensors").is_file():
        return folder
    bundled = bundled_models()
    if str(name_or_folder) in bundled:
        return bundled[str(name_or_folder)]
    if folder.is_dir():
        raise UserError(
            f"{folder} is not a checkpoint: it has no model.safetensors with a config.json. "
            "Give the folder that pretrain or finetune wrote with --out."
        )
    if folder.is_file():
        raise UserError(f"{folder} is a file, not a model; give the folder that pretrain or finetune wrote with --out.")
    close = difflib.get_close_matches(str(name_or_folder), bundled, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    names = ", ".join(bundled) or "none"
    raise UserError(f"There is no model folder {folder}, and no bundled model of that name (there are: {names}).{hint}")
