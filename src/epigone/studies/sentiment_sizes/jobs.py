"""The runs of the study `sentiment-sizes`: language models, approaches without training of weights, and networks."""

import json
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from epigone.classification.approaches.base import Setting, text_weights
from epigone.classification.approaches.registry import APPROACHES
from epigone.classification.approaches.ulmfit import NetworkClassifier, shares, vocabulary
from epigone.classification.network import NetworkOptions, Place, fit_network
from epigone.classification.network_files import rounded
from epigone.described import described
from epigone.errors import UserError
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.storage import atomic_write, read_json_lines
from epigone.studies.engine.jobs import Base
from epigone.studies.engine.stages import in_stages
from epigone.studies.engine.store import folder_of
from epigone.studies.sentiment_sizes.data import Plain, Subset
from epigone.studies.sentiment_sizes.measured import MeasuredSets, measured
from epigone.studies.sentiment_sizes.speed import reading_speed, speeds
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.training.options import FinetuneOptions, MachineOptions
from epigone.training.system.processes import launched
from epigone.training.task import Diverged
from epigone.transfer.finetune import finetune

MACHINE = MachineOptions()
READ = ReadOptions(column="text")


@dataclass(frozen=True)
class PlainRetraining:
    """A language model that is retrained on texts without their labels."""

    plain: Plain
    base: Base
    training: FinetuneOptions
    stage_minutes: float = 40.0

    @property
    def seed(self) -> int:
        """Of dropout and of the order of the texts."""
        return self.training.seed

    def settings(self) -> dict[str, Any]:
        return {"plain": self.plain.identity(), "base": self.base.hash, "training": described(self.training)}

    def compute(self, folder: Path) -> dict[str, Any]:
        out, source = folder / "model", folder / "texts.jsonl"
        if not (out / "config.json").exists():  # a run that was killed before its first save may have left a file
            shutil.rmtree(out, ignore_errors=True)
        texts = self.plain.texts()
        characters = sum(map(len, texts))
        tokens = vocabulary(load_checkpoint(self.base.path), characters)
        if not source.exists():
            atomic_write(source, "".join(json.dumps({"text": text}) + "\n" for text in texts))

        def work() -> Any:
            result = finetune(
                self.base.path, source, out=out, train="all", tokens=tokens, training=self.training,
                machine=MACHINE, read=READ, split=SplitOptions(fractions=shares(characters)), fingerprint=False,
                resume=(out / "config.json").exists(),
            )  # fmt: skip
            if result.outcome == "interrupted":
                raise KeyboardInterrupt
            return result

        try:
            result, stages = in_stages(folder, self.stage_minutes, work)
        except Diverged as error:
            return {"splits": {}, "details": {"failure": str(error)}}
        source.unlink()
        return {
            "splits": {},
            "measured_loss": result.loss,
            "seconds": sum(stages),
            "trained_parameters": result.trained_parameters,
            "history": read_json_lines(out / "history.jsonl"),
            "details": {"epochs": result.epochs, "outcome": result.outcome, "stages": stages},
        }

    def expected_seconds(self) -> float:
        """Seconds of the run, from the measured speed of the base."""
        found = speeds(self.base)
        tokens = sum(map(len, self.plain.texts())) / found.characters_per_token
        return tokens * (self.training.epochs or 1.0) / found.language_model


@dataclass(frozen=True)
class Fit:
    """An approach of `classify train` that trains no network: n-grams, frozen states, the largest class."""

    approach: str
    subset: Subset
    sets: MeasuredSets
    base: Base | None = None
    """The language model whose states are read; None for approaches that read none."""

    @property
    def seed(self) -> int:
        """Of the subset, and of everything that the approach draws."""
        return self.subset.seed

    def settings(self) -> dict[str, Any]:
        return {
            "approach": self.approach,
            "subset": self.subset.identity(),
            "measured": self.sets.identity(),
            "base": self.base and self.base.hash,
        }

    def compute(self, folder: Path) -> dict[str, Any]:
        begin = time.perf_counter()
        work = folder / "work"
        work.mkdir(exist_ok=True)
        setting = Setting(folder=work, base=self.base.path if self.base else "", seed=self.seed, machine=MACHINE)
        classifier = APPROACHES[self.approach].fit(self.subset.texts(), setting)
        seconds = time.perf_counter() - begin
        shutil.rmtree(work)
        return measured(classifier.probabilities, self.sets) | {"seconds": seconds}

    def expected_seconds(self) -> float:
        """Seconds of the run: those of reading, if a language model reads; n-grams take far less than networks."""
        characters = sum(map(len, self.subset.texts().texts)) + _characters(self.sets)
        return characters / reading_speed(self.base) if self.base else 4e-6 * characters


@dataclass(frozen=True)
class Network:
    """A classifier that learns on top of a language model: a retrained one, or one with random weights."""

    subset: Subset
    sets: MeasuredSets
    base: Base
    options: NetworkOptions
    language_model: PlainRetraining | None = None
    """The retraining that gives the weights to begin with; None draws them, so that nothing is pretrained."""
    stage_minutes: float = 40.0

    @property
    def seed(self) -> int:
        """Of the subset, of the head's weights, of dropout and of the order of the texts."""
        return self.subset.seed

    def settings(self) -> dict[str, Any]:
        return {
            "subset": self.subset.identity(),
            "measured": self.sets.identity(),
            "base": self.base.hash,
            "options": described(self.options),
            "language_model": self.language_model and self.language_model.settings(),
        }

    def compute(self, folder: Path) -> dict[str, Any]:
        source, train = self._source(folder.parent), self.subset.texts()
        targets = np.eye(len(train.classes))[train.codes]
        targets *= text_weights(train.codes, len(train.classes), balance=True)[:, None]
        work = folder / "work"

        def fit() -> Any:
            with launched(MACHINE, "bf16") as fabric:
                place = Place(work, MACHINE, fabric)
                return fit_network(source, train.texts, targets, self.options, place, self.seed)

        try:
            model, stages = in_stages(folder, self.stage_minutes, fit)
        except Diverged as error:
            return {"splits": {}, "details": {"failure": str(error)}}
        rounded(model)  # what `classify train` would keep, and so what is measured
        classifier = NetworkClassifier(train.classes, model, source.tokenizer, self.options.most_tokens, bf16=True)
        found = measured(classifier.probabilities, self.sets)
        shutil.rmtree(work)
        return found | {
            "seconds": sum(stages),
            "trained_parameters": sum(each.numel() for each in model.parameters()),
            "details": {"stages": stages},
        }

    def _source(self, store: Path) -> Checkpoint:
        """The language model to begin with.

        Raises:
            UserError: the run that gives it has no weights any more.
        """
        if self.language_model is None:
            base = load_checkpoint(self.base.path)
            torch.manual_seed(self.seed)
            return replace(base, model=LanguageModel(base.shape))
        run = folder_of(self.language_model, store)
        if not (run / "model" / "model.safetensors").is_file():
            raise UserError(
                f"The weights of the language model in {run} were deleted, and further classifiers need them; delete "
                "the whole folder to train it again."
            )
        return load_checkpoint(run / "model")

    def expected_seconds(self) -> float:
        """Seconds of the run, from the measured speed of the base."""
        found = speeds(self.base)
        most = self.options.most_tokens * found.characters_per_token

        def tokens(texts: Any) -> float:
            return float(sum(min(len(text), most) for text in texts)) / found.characters_per_token

        texts = self.subset.texts().texts
        learned = tokens(texts)
        read = sum(tokens(each.texts) for each in self.sets.texts().values())
        return learned * sum(self.options.passes(len(texts))) / found.classifier + (learned + read) / found.reading


def _characters(sets: MeasuredSets) -> int:
    return sum(len(text) for each in sets.texts().values() for text in each.texts)
