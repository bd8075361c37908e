"""The commands of `classify`, by name."""

from collections.abc import Callable
from typing import Any

from epigone.classification.evaluate import evaluate_classifier
from epigone.classification.predict import classify
from epigone.classification.train import train_classifier


def subcommands() -> dict[str, tuple[Callable[..., Any], str]]:
    """Each command's function and its usage."""
    return {
        "train": (train_classifier, "TEXT... [--unlabelled TEXT]... [--rows NAME]... --out FOLDER [--resume]"),
        "predict": (classify, "MODEL TEXT... [--out FILE.csv|.jsonl]"),
        "evaluate": (evaluate_classifier, "MODEL TEXT..."),
    }
