"""The folder of a run: refused when it holds something else, continued when asked, finished with a model card."""

import json
import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.models.files.card import model_card
from epigone.models.language_model import LanguageModel
from epigone.storage import atomic_write, read_json, remove_leftovers, write_json
from epigone.text.corpus import Corpus
from epigone.training.run.state import FILE as STATE
from epigone.training.task import Trained

log = logging.getLogger("epigone")

NOT_IDENTITY = ("backend", "threads", "save_every", "live", "tensorboard")
"""Training options that say how a run is done, not what comes of it."""
# May differ when a run goes on; a base is known by the hash of its weights and a text by that of its documents,
# wherever they lie and however they were read.
NOT_COMPARED = (*NOT_IDENTITY, "notices", "name", "documents", "read")


@dataclass(frozen=True)
class TrainingResult:
    """What a training command made: losses are those of the kept weights on the validation split."""

    folder: str
    outcome: str
    loss: float
    """Nats per token."""
    bits_per_char: float
    accuracy: float
    perplexity: float
    tokens: int
    characters: int
    documents: int
    seconds: float
    steps: int
    epochs: float
    best_step: int
    parameters: int
    trained_parameters: int
    notices: list[str]
    """Sentences on what was changed, left out or decided."""
    texts: list[str] = field(default_factory=list)
    """Files and folders as they were given."""
    corpus: str = ""
    """The hash of the corpus."""
    split: str = "validation"
    """What the losses were measured on."""
    split_seed: int | None = None
    fractions: list[float] | None = None
    """The shares of train, validation and test."""


def open_folder(out: Path, request: dict[str, Any], resume: bool, notices: list[str]) -> TrainingResult | None:
    """Make ready the folder of a run.

    Args:
        out: the folder; made when it is missing.
        request: everything that determines the run.
        resume: go on with the run that the folder holds.
        notices: where it is said if the run may not be what it would have been without a break.

    Returns:
        The result of the run if it is finished already.

    Raises:
        UserError: the folder is not empty and `resume` was not asked for, or it holds another run.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give a folder with --out.")
    if resume:
        remove_leftovers(out)
    if out.exists() and any(out.iterdir()):
        if not resume:
            raise UserError(
                f"{out} is not empty. Choose another folder with --out, or add --resume to go on with the run in it."
            )
        if not (out / "config.json").exists():
            raise UserError(f"{out} holds no run to resume (there is no config.json); choose another --out.")
        config = read_json(out / "config.json")
        changes = differences(config.get("request", {}), json.loads(json.dumps(request)))
        if changes:
            raise UserError(
                f"{out} holds a run with other settings, so it cannot be resumed: {'; '.join(changes[:4])}. "
                "Give the same settings or another --out."
            )
        if "result" in config:
            return TrainingResult(**config["result"])
        for name in ("threads", "backend"):
            before, now = (r["options"]["training"].get(name) for r in (config["request"], request))
            if before != now:
                notices.append(
                    f"The run in {out} was begun with --{name} {before} and goes on with {now}; only with the same is "
                    "it, bit for bit, what it would have been without a break."
                )
                log.info(notices[-1])
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Could not make the folder {out}: {error.strerror}. Choose another --out.") from error
    return None


def finish(
    out: Path,
    model: LanguageModel,
    trained: Trained,
    losses: Losses,
    trained_parameters: int,
    corpus: Corpus,
    notices: list[str],
) -> TrainingResult:
    """Write the model card and the result into config.json, and return it; an interrupted run gets no result."""
    result = TrainingResult(
        folder=str(out),
        outcome=trained.outcome,
        loss=losses.loss,
        bits_per_char=losses.bits_per_char,
        accuracy=losses.accuracy,
        perplexity=losses.perplexity,
        tokens=int(losses.tokens.sum()),
        characters=int(losses.characters.sum()),
        documents=len(losses.characters),
        seconds=round(trained.seconds, 2),
        steps=trained.steps,
        epochs=round(trained.epochs, 3),
        best_step=trained.best_step,
        parameters=model.num_parameters(),
        trained_parameters=trained_parameters,
        notices=notices,
        texts=list(corpus.paths),
        corpus=corpus.hash,
        split_seed=corpus.split_seed,
        fractions=corpus.fractions and list(corpus.fractions),
    )
    config = read_json(out / "config.json")
    atomic_write(out / "README.md", model_card(out.name, {**config, "result": asdict(result)}))
    if trained.outcome != "interrupted":
        write_json(out / "config.json", {**config, "result": asdict(result)})
        (out / STATE).unlink(missing_ok=True)  # last: killed before, the run still goes on where it was
    return result


def differences(old: Any, new: Any, free: Collection[str] = NOT_COMPARED, path: str = "") -> list[str]:
    """Where two requests differ, in words, save in the keys that are free to."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            if key not in free
            for line in differences(old.get(key), new.get(key), free, f"{path}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{path} was {old} and is now {new}"]
