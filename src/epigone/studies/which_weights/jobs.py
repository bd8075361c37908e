"""The runs of the study `which-weights`: a part that learns, with what it costs and what the base forgets by it."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from epigone.evaluation.losses import Losses, document_losses
from epigone.export.delta import delta
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.jobs import Base, Text, Training, Untouched, open_text
from epigone.studies.which_weights.grid import CHANGED
from epigone.studies.which_weights.texts import OWN
from epigone.text.tokenizers.base import Tokenizer
from epigone.training.system.processes import device_of


@dataclass(frozen=True)
class Adapted:
    """A part of a base that learns a text.

    Args:
        training: the part, the text, the recipe.
        own: text like the base's own that it has not read; None measures no forgetting.
        changed: the model of the same base whose weights all learned, if the selection names it.
        kept: keep the model.
    """

    training: Training
    own: Text | None = None
    changed: Base | None = None
    kept: bool = False

    @property
    def text(self) -> Text:
        """What is learned."""
        return self.training.text

    @property
    def seed(self) -> int:
        """Of the order of the documents, and of what is drawn."""
        return self.training.seed

    def settings(self) -> dict[str, Any]:
        return {
            **self.training.settings(),
            "own": self.own and self.own.identity(),
            "changed": self.changed and self.changed.hash,
        }

    def compute(self, folder: Path) -> dict[str, Any]:
        training = self.training
        if self.changed is not None:
            training = replace(training, selection=training.selection.replace(CHANGED, self.changed.path))
        found = training.compute(folder)
        if not found["splits"]:
            return found
        made = load_checkpoint(folder / "model")
        if self.own is not None:
            found["splits"][OWN] = losses_on(made.model, made.tokenizer, self.own, training.machine.device)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            found["details"]["kilobytes"] = delta(folder / "model", out=Path(place) / "delta").kilobytes
        if not self.kept:
            shutil.rmtree(folder / "model")
        return found


@dataclass(frozen=True)
class UntouchedOn:
    """An untouched base, on a text and on text like its own."""

    untouched: Untouched
    own: Text | None = None

    @property
    def text(self) -> Text:
        """What it is measured on."""
        return self.untouched.text

    def settings(self) -> dict[str, Any]:
        return {**self.untouched.settings(), "own": self.own and self.own.identity()}

    def compute(self, folder: Path) -> dict[str, Any]:
        found = self.untouched.compute(folder)
        if self.own is not None:
            base = load_checkpoint(self.untouched.base.path)
            found["splits"][OWN] = losses_on(base.model, base.tokenizer, self.own)
        return found


def losses_on(model: Any, tokenizer: Tokenizer, own: Text, device: str = "auto") -> Losses:
    """Measure a model on the whole of a text."""
    return document_losses(model.to(device_of(device)), open_text(own).stream("all", tokenizer))
