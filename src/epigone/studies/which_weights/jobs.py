"""The runs of the study `which-weights`: a part that learns, with what it costs and what the base forgets by it."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from epigone.evaluation.dynamic import DynamicOptions, dynamic_losses
from epigone.evaluation.losses import Losses, document_losses, sum_losses, token_nats
from epigone.evaluation.ngram import fit_mixture_weight, search_order
from epigone.export.delta import delta
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.studies.engine.jobs import SPLITS, Base, Text, Training, Untouched, open_text
from epigone.studies.which_weights.texts import OWN
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer
from epigone.training.system.processes import device_of
from epigone.transfer.vocabulary import fit_tokenizer


@dataclass(frozen=True)
class Adapted:
    """A part of a base that learns a text.

    Args:
        training: the part, the text, the recipe.
        selection: the part's expression, wherever the files that it names are.
        own: text like the base's own that it has not read; None measures no forgetting.
        kept: keep the model.
    """

    training: Training
    selection: str
    own: Text | None = None
    kept: bool = False

    @property
    def text(self) -> Text:
        """The text that is learned."""
        return self.training.text

    @property
    def seed(self) -> int:
        """Of the order of the documents, and of what is drawn."""
        return self.training.seed

    def settings(self) -> dict[str, Any]:
        return {**self.training.settings(), "selection": self.selection, "own": self.own and self.own.identity()}

    def compute(self, folder: Path) -> dict[str, Any]:
        found = self.training.compute(folder)
        if not found["splits"]:
            return found
        made = load_checkpoint(folder / "model")
        if self.own is not None:
            found["splits"][OWN] = losses_on(made.model, made.tokenizer, self.own, self.training.machine.device)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            found["details"]["kilobytes"] = delta(folder / "model", out=Path(place) / "delta").kilobytes
        if not self.kept:
            shutil.rmtree(folder / "model")
        return found


@dataclass(frozen=True)
class Read:
    """A base, untouched or adapted, that is read in another way: mixed with n-grams, or while it goes on learning.

    Args:
        text: the text; n-grams are those of its training split.
        base: the base.
        training: what the base learned before; None for the untouched base.
        dynamic: the rate of dynamic evaluation; 0 mixes with n-grams instead.
    """

    text: Text
    base: Base
    training: Training | None
    dynamic: float = 0.0

    @property
    def seed(self) -> int:
        """Of the training."""
        return 0 if self.training is None else self.training.seed

    def settings(self) -> dict[str, Any]:
        training = self.training and self.training.settings()
        return {"text": self.text.identity(), "base": self.base.hash, "before": training, "dynamic": self.dynamic}

    def compute(self, folder: Path) -> dict[str, Any]:
        begin = time.perf_counter()
        learned: dict[str, Any] = {}
        path = self.base.path
        if self.training is not None:
            learned = self.training.compute(folder)
            if not learned["splits"]:
                return learned
            path = str(folder / "model")
        model, tokenizer = fit_tokenizer(load_checkpoint(path), open_text(self.text), None, [])
        model = model.to(device_of("auto"))
        streams = {split: open_text(self.text).stream(split, tokenizer) for split in SPLITS}
        if self.dynamic:
            options = DynamicOptions(dynamic=self.dynamic)
            splits = {split: dynamic_losses(model, streams[split], options) for split in SPLITS[1:]}
        else:
            splits = _mixed_with_ngrams(model, streams, len(tokenizer.vocabulary))
        shutil.rmtree(folder / "model", ignore_errors=True)
        parameters = learned.get("trained_parameters", 0)
        return {"splits": splits, "seconds": time.perf_counter() - begin, "trained_parameters": parameters}


def _mixed_with_ngrams(model: LanguageModel, streams: dict[str, TokenStream], size: int) -> dict[str, Losses]:
    """Losses of a model and an n-gram model of the training split, mixed by a weight that validation decides."""
    held_out = streams["validation"]
    ngrams = search_order(streams["train"].tokens, held_out.tokens, size, held_out.end, range(2, 9)).model
    own = {split: -token_nats(model, streams[split]) for split in SPLITS[1:]}
    counted = np.asarray(held_out.targets) != held_out.end
    theirs = {split: ngrams.log_probs(streams[split].tokens) for split in SPLITS[1:]}
    share = fit_mixture_weight(own["validation"][counted], theirs["validation"][counted])
    mixed = {split: np.log(share * np.exp(own[split]) + (1 - share) * np.exp(theirs[split])) for split in SPLITS[1:]}
    return {split: sum_losses(streams[split], -log_probs) for split, log_probs in mixed.items()}


@dataclass(frozen=True)
class UntouchedOn:
    """An untouched base, on a text and on text like its own."""

    untouched: Untouched
    own: Text | None = None

    @property
    def text(self) -> Text:
        """The text that it is measured on."""
        return self.untouched.text

    def settings(self) -> dict[str, Any]:
        return {**self.untouched.settings(), "own": self.own and self.own.identity()}

    def compute(self, folder: Path) -> dict[str, Any]:
        found = self.untouched.compute(folder)
        if self.own is not None:
            base = load_checkpoint(self.untouched.base.path)
            found["splits"][OWN] = losses_on(base.model, base.tokenizer, self.own)
        return found


def losses_on(model: LanguageModel, tokenizer: Tokenizer, own: Text, device: str = "auto") -> Losses:
    """Measure a model on the whole of a text."""
    return document_losses(model.to(device_of(device)), open_text(own).stream("all", tokenizer))
