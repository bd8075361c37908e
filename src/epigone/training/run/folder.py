"""The folder of a run: refused if it holds something else, continued if asked, finished with a model card."""

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.folder_lock import FILE as LOCK
from epigone.models.files.card import model_card
from epigone.models.files.description import WEIGHTS, read_config, weights_hash
from epigone.models.language_model import LanguageModel
from epigone.results import Shown
from epigone.storage import atomic_write, write_json
from epigone.text.corpus import Corpus, ReadOptions, SplitOptions
from epigone.text.splitting import learning_split
from epigone.training.options import MachineOptions, recipe_of
from epigone.training.run.state import FILE as STATE
from epigone.training.task import Trained

log = logging.getLogger("epigone")

R = TypeVar("R", bound=Any)  # a result, which is a dataclass
KEPT_BASE, KEPT_INITIAL = "kept the base", "kept the initial weights"
"""Outcomes of runs in which validation never improved."""


@dataclass(frozen=True)
class TrainingResult(Shown):
    """The result of a training command; losses are those of the kept weights on the validation split."""

    folder: str
    outcome: str
    """`finished`, `stopped early` or `interrupted`; `kept the base` or `kept the initial weights` if no step improved
    on these, so that nothing was learned."""
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
    """Sentences about changes, omissions and decisions."""
    texts: list[str] = field(default_factory=list)
    """Files and folders, as given."""
    corpus: str = ""
    """The hash of the corpus."""
    split: str = "validation"
    """The split that the losses were measured on."""
    split_seed: int | None = None
    fractions: list[float] | None = None
    """The shares of train, validation and test."""
    trials: list[dict[str, Any]] = field(default_factory=list)
    """The short runs that chose rate and selection, with their lowest validation losses in nats per token."""
    refit: bool = False
    """True if all of the text was learned at the end, validation and test included; the losses are those of the weights
    before."""
    direction: str = "forward"
    """The direction in which the model reads."""

    @classmethod
    def of(
        cls,
        out: Path,
        trained: Trained,
        losses: Losses,
        model: LanguageModel,
        trained_parameters: int,
        corpus: Corpus,
        notices: list[str],
        unlearned: str = KEPT_INITIAL,
    ) -> "TrainingResult":
        """Gather the result of a run.

        Args:
            out: the folder.
            trained: the outcome.
            losses: those of the kept weights on the validation split.
            model: the model.
            trained_parameters: how many of its weights learned.
            corpus: the text.
            notices: sentences for the reader.
            unlearned: the outcome if the kept weights are those before the first step; empty if no step was wanted.
        """
        learned = trained.best_step > 0 or trained.outcome == "interrupted" or not unlearned
        return cls(
            folder=str(out),
            outcome=trained.outcome if learned else unlearned,
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
            trained_parameters=trained_parameters if learned else 0,
            notices=notices,
            texts=list(corpus.paths),
            corpus=corpus.hash,
            split_seed=corpus.split_seed,
            fractions=corpus.fractions and list(corpus.fractions),
            direction=model.config.direction,
        )


def learning_text(
    texts: Sequence[str | Path], read: ReadOptions, split: SplitOptions, out: Path, resume: bool
) -> Corpus:
    """Open the text of a training command; a run that goes on keeps the division that it began with.

    Args:
        texts: files and folders.
        read: options of reading.
        split: options of the division.
        out: the folder of the run.
        resume: go on with the run in the folder.

    Raises:
        UserError: bad input; the message says what to do.
    """
    corpus = Corpus.open(texts, read, None)
    if resume and split.fractions is None and (out / "config.json").exists():
        before = read_config(out).get("request", {}).get("corpus", {})
        today = learning_split(split, int(corpus.characters.sum()))
        if before.get("fractions") and before["fractions"] != list(today.fractions or ()):
            return corpus.resplit(replace(split, fractions=tuple(before["fractions"])))
    return corpus.for_learning(split)


def open_folder(
    out: Path, request: dict[str, Any], machine: MachineOptions, notices: list[str]
) -> dict[str, Any] | None:
    """Read what the folder of a run holds, and prepare to go on.

    Args:
        out: the folder, made and locked.
        request: everything that determines the run.
        machine: the machine options.
        notices: gets a sentence if the run may differ from one without a break.

    Returns:
        The result of the run if it is finished already.

    Raises:
        UserError: the folder holds another run.
    """
    if any(path.name != LOCK for path in out.iterdir()):
        if not (out / "config.json").exists():
            raise UserError(f"{out} holds no run to resume (there is no config.json); choose another --out.")
        config = read_config(out)
        command = config.get("request", {}).get("command")
        if command != request["command"]:
            held = f"a run of {command}" if command else "a model without its run"
            raise UserError(f"{out} holds {held}, which {request['command']} cannot resume; choose another --out.")
        changes = differences(identity(config.get("request", {})), identity(json.loads(json.dumps(request))))
        if changes:
            raise UserError(
                f"{out} holds a run with other settings, so it cannot be resumed: {'; '.join(changes[:4])}. "
                "Give the same settings or another --out."
            )
        if "result" in config:
            with suppress(OSError):  # it is left if the run was killed right after the result
                (out / STATE).unlink(missing_ok=True)
            return dict(config["result"])
        earlier = _machine_of(config)
        for name in ("threads", "backend", "device"):
            before, now = earlier.get(name), getattr(machine, name)
            if before not in (None, now):
                notices.append(
                    f"The run in {out} began with --{name} {before} and goes on with {now}, so its last bits may "
                    "differ from those of a run without a break."
                )
                log.info(notices[-1])
    return None


def finish(out: Path, result: R, outcome: str) -> R:
    """Write the model card, and the result into config.json unless the run was interrupted; return the result."""
    config = read_config(out)
    atomic_write(out / "README.md", model_card(out.name, {**config, "result": asdict(result)}))
    if outcome != "interrupted":
        write_json(out / "config.json", {**config, WEIGHTS: weights_hash(out), "result": asdict(result)})
        (out / STATE).unlink(missing_ok=True)  # last, so that a run that is killed before can still go on
    return result


def identity(request: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a request that decides the outcome.

    A base counts by its weights and a text by its documents and their split, whatever their paths and however the text
    was read.
    """
    found = dict(request)
    if "training" in (options := request.get("options", {})):
        found["options"] = options | {"training": recipe_of(options["training"])}
    if "base" in request:
        found["base"] = {"sha256": request["base"]["sha256"]}
    if "corpus" in request:
        found["corpus"] = {key: request["corpus"].get(key) for key in ("hash", "split_seed", "fractions")}
    return found


def digest(request: Mapping[str, Any]) -> str:
    """Hash the part of a request that decides the outcome; an option without a value counts as one that is missing."""
    found = _without_none(json.loads(json.dumps(identity(request))))
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value


def _machine_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The machine options in a config.json; version 0.1.0 wrote them among the training options."""
    return config.get("machine") or config["request"].get("options", {}).get("training", {})


def differences(old: Any, new: Any, free: Collection[str] = (), path: str = "") -> list[str]:
    """The differences of two requests in words, except in the keys that are `free` to differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            if key not in free
            for line in differences(old.get(key), new.get(key), free, f"{path}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{path} was {old} and is now {new}"]
