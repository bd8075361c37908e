"""The config.json of a model folder: its schema, and the hash by which it knows its weights."""

import hashlib
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.schema import by_name, each, flag, mapping, number, optional, record, text, whole
from epigone.storage import read_object

WEIGHTS = "weights_sha256"
"""The key of the hash (sha256) of model.safetensors; folders that version 0.1.0 wrote have none."""

_SIZE = whole(0, 1 << 24)
_CORPUS = record(
    {
        "documents": whole(), "characters": whole(), "hash": text, "split_seed": optional(whole()),
        "fractions": optional(each(number(0, 1), 3)), "by_position": flag, "read": mapping, "notices": each(text),
        "splits": by_name(by_name(whole())),
    },
    "hash",
)  # fmt: skip
_REQUEST = record(
    {
        "command": text, "corpus": _CORPUS, "selection": text, "selected": text, "tokenizer": text,
        "options": record(
            {"tokenizer": text, "training": mapping, "model": mapping, "vocabulary": mapping, "final": flag}
        ),
        "base": record({"name": text, "sha256": text}, "name", "sha256"),
        "method": record({"name": text}, "name"),
    },
)  # fmt: skip
TRIAL = record(
    {
        "lr": number(0, 1e9), "selection": text, "loss": optional(number()), "best_step": whole(), "steps": whole(),
        "seconds": number(), "share": number(0, 1),
    },
    "lr", "selection", "loss", "best_step",
)  # fmt: skip
"""A short run that chose rate or selection."""
_RESULT = record(
    {
        "folder": text, "outcome": text, "loss": number(), "bits_per_char": number(), "accuracy": number(),
        "perplexity": number(), "tokens": whole(), "characters": whole(), "documents": whole(), "seconds": number(),
        "steps": whole(), "epochs": number(), "best_step": whole(), "parameters": whole(),
        "trained_parameters": whole(), "notices": each(text), "texts": each(text), "corpus": text, "split": text,
        "split_seed": optional(whole()), "fractions": optional(each(number(0, 1), 3)),
        "trials": each(TRIAL, 1000), "refit": flag, "direction": text,
    },
    "outcome", "loss", "bits_per_char", "accuracy", "perplexity", "seconds", "steps", "epochs", "best_step",
    "parameters", "trained_parameters",
)  # fmt: skip
_QUANTISED = record(
    {
        "base": text, "text": text, "tokens": whole(), "loss": number(), "base_loss": number(),
        "difference": number(), "interval": each(number(), 2),
    },
    "base", "text", "tokens", "loss", "base_loss", "difference", "interval",
)  # fmt: skip
ADVICE = record(
    {"train": text, "rates": each(number(0, 1e9), 16, 1), "epochs": number(), "schedule": text, "sure_from": whole()},
    "train", "rates", "epochs",
)  # fmt: skip
"""Recipe for retraining a base, as it was measured: the selection, the rates to try, passes over the text and schedule;
and the characters to learn from which the last rate was always the best, so that it alone is tried."""
CONFIG = record(
    {
        "epigone": text, "understudy": text, "dtype": text, WEIGHTS: text, "new_tokens": whole(), "machine": mapping,
        "request": _REQUEST, "result": _RESULT, "quantised": _QUANTISED, "stages": each(_REQUEST, 100),
        "trials": each(TRIAL, 1000), "advice": ADVICE,
        "delta": record({"base": text, "sha256": text}, "base", "sha256"),
    }
)  # fmt: skip
MODEL = record(
    {
        "cell": text, "num_layers": whole(0, 10_000), "hidden_size": _SIZE, "embedding_size": _SIZE,
        "tied": flag, "dropout": number(0, 1), "dropout_kind": text, "output_dropout": number(0, 1), "init": text,
        "init_std": number(0, 1e9), "softmax": text, "one_bias": flag, "vocabulary_size": _SIZE,
        "cutoffs": each(_SIZE, 16), "direction": text, "top_size": _SIZE, "embedding_dropout": number(0, 1),
        "input_dropout": number(0, 1), "weight_dropout": number(0, 1), "start_state": flag, "ngrams": whole(0, 8),
        "ngram_buckets": _SIZE, "end": _SIZE,
    }
)  # fmt: skip


def read_config(folder: Path) -> dict[str, Any]:
    """Read the config.json of a folder.

    Raises:
        UserError: it is missing or damaged.
    """
    return read_object(folder / "config.json", CONFIG)


def hash_of(data: bytes) -> str:
    """Hash the bytes of a model.safetensors (sha256)."""
    return hashlib.sha256(data).hexdigest()


def weights_hash(folder: Path) -> str:
    """Hash the weights of a model folder (sha256), which identifies it whatever its path."""
    return hash_of((folder / "model.safetensors").read_bytes())


def check_hash(folder: Path, config: dict[str, Any], data: bytes) -> None:
    """Refuse weights that are not those of the config.json beside them.

    Raises:
        UserError: the hash of the weights is another.
    """
    if WEIGHTS in config and config[WEIGHTS] != (found := hash_of(data)):
        raise UserError(
            f"{folder / 'model.safetensors'} has changed since it was written: its sha256 begins with {found[:12]}, "
            f"and config.json says {config[WEIGHTS][:12]}. Restore both files from a copy, or train again; if you "
            f"changed the weights on purpose, delete {WEIGHTS} from config.json."
        )
