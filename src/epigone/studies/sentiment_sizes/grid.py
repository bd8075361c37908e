"""The grid of the study `sentiment-sizes`: its options, the labels of its rows, and the recipes of its networks."""

from dataclasses import dataclass, replace
from typing import Literal

from epigone.classification.approaches.ulmfit import BACKWARD, BASE, LANGUAGE_MODEL
from epigone.classification.network import NetworkOptions
from epigone.errors import UserError, check_options
from epigone.studies.engine.rows import Labels
from epigone.training.options import FinetuneOptions
from epigone.typed import typed

FITS = ("majority", "tfidf", "nb-svm", "states")
"""Rows that train no network: approaches of `classify train`."""
NETWORKS = ("scratch", "scratch-longer", "own", "forward", "backward")
JOINED = ("both", "blend")
"""Rows that are computed from other rows."""
ROWS = (*FITS, *NETWORKS, *JOINED)
TITLES = {
    "majority": "largest class",
    "tfidf": "TF-IDF, logistic regression",
    "nb-svm": "NB-SVM",
    "states": "frozen states",
    "scratch": "scratch",
    "scratch-longer": "scratch, longer",
    "own": "transfer, labelled texts only",
    "forward": "transfer, unlabelled texts too",
    "backward": "the same, backward",
    "both": "forward and backward",
    "blend": "blend with n-grams",
}
FAMILIES = {
    "majority": "baseline", "tfidf": "n-gram", "nb-svm": "n-gram", "states": "states", "scratch": "scratch",
    "scratch-longer": "scratch", "own": "transfer", "forward": "transfer", "backward": "transfer", "both": "transfer",
    "blend": "blend",
}  # fmt: skip
SCRATCH, NGRAMS, UNLABELLED = ("scratch", "scratch-longer"), ("tfidf", "nb-svm"), ("forward", "backward", "both")


@dataclass(frozen=True)
@typed
class SentimentSizesOptions:
    """The sizes and rows of the study sentiment-sizes, and how its networks learn."""

    sizes: tuple[int, ...] = (10, 50, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000)
    """Numbers of labelled texts to learn from, as far as there are so many."""
    rows: tuple[str, ...] = ROWS
    """Rows of the table."""
    validation: int = 2_400
    """Texts held out for validation; a fifth of all at most."""
    test: int = 2_400
    """Texts held out for the test; a fifth of all at most."""
    repeated: int = 2_500
    """Largest size at which each row has all seeds; above it, where seeds differ little, one is run."""
    scratch_up_to: int = 10_000
    """Largest size for networks from scratch, and for those whose language model learns the labelled texts alone."""
    base: str = BASE
    """Language model to start from: a folder or the name of a bundled model. Networks from scratch have its shape and
    its tokenizer."""
    backward: str = BACKWARD
    """Language model that reads backward, for the rows `backward` and `both`."""
    states: str = "english-tiny"
    """Language model whose frozen states are read."""
    epochs: float = 1.0
    """Passes of the language model over all texts without their labels."""
    own_epochs: float = 0.0
    """Passes of the language model over the labelled texts alone; 0 is as `classify train` does, from ten passes over a
    few texts to one over many."""
    language_model_lr: float = 2e-3
    """Highest learning rate of the language models."""
    longer_epochs: int = 8
    """Passes of the row `scratch-longer`, in which all layers learn from the beginning."""
    most_tokens: int = 400
    """Tokens that a network reads of a text; of a longer one the first quarter of them and the last three."""
    stage_minutes: float = 40.0
    """Minutes after which a training is saved and its cost noted, before it goes on."""
    published: Literal["none", "imdb"] = "none"
    """Figures of other works to show beside these: `imdb` if the texts are its reviews."""

    def __post_init__(self) -> None:
        counts = ("validation", "test", "repeated", "scratch_up_to", "longer_epochs")
        check_options(self, "be 1 or more", lambda value: value >= 1, *counts)
        check_options(self, "be 8 or more", lambda value: value >= 8, "most_tokens")
        check_options(
            self, "be greater than 0", lambda value: value > 0,
            "epochs", "language_model_lr", "stage_minutes",
        )  # fmt: skip
        check_options(self, "not be negative", lambda value: value >= 0, "own_epochs")
        if not self.sizes or min(self.sizes) < 1:
            raise UserError("sizes must hold numbers of texts of 1 or more, such as --sizes 100 1000.")
        if not self.rows or set(self.rows) - set(ROWS):
            raise UserError(f"rows must hold some of {', '.join(ROWS)}, but is {', '.join(self.rows) or 'empty'}.")

    def language_model(self, epochs: float, seed: int) -> FinetuneOptions:
        """The recipe of a language model."""
        return FinetuneOptions(**LANGUAGE_MODEL | {"lr": self.language_model_lr}, epochs=epochs, patience=0, seed=seed)

    def network(self, row: str) -> NetworkOptions:
        """The recipe of a classifier: the work's epochs, one for each layer that is unfrozen and two for the rest."""
        recipe = NetworkOptions(most_tokens=self.most_tokens, epochs=(1, 1, 1, 2))
        if row != "scratch-longer":
            return recipe
        # One phase, in which everything learns at the same rate; features of random weights teach a head little.
        return replace(recipe, head_steps=1, epochs=(self.longer_epochs,), rate_decay=1.0)

    def works(self) -> tuple[str, ...]:
        """The names of the works whose figures are shown."""
        return () if self.published == "none" else (self.published,)


def quick(options: SentimentSizesOptions) -> SentimentSizesOptions:
    """The same in a few minutes: two small sizes, short texts, and trainings of a few steps."""
    return replace(
        options, sizes=tuple(sorted(options.sizes)[:2]), validation=min(options.validation, 40),
        test=min(options.test, 40), epochs=min(options.epochs, 0.5), own_epochs=0.5,
        longer_epochs=1, most_tokens=min(options.most_tokens, 32),
    )  # fmt: skip


class SizeLabels(Labels):
    """Labels of this study: row, size, and reads, the texts that its language model read."""

    @property
    def name(self) -> str:
        return f"{TITLES.get(self['row'], self['row'])}, {self['size']:,} labels"


class PlainLabels(Labels):
    """Labels of a language model: direction, reads, and size if it reads a subset."""

    @property
    def name(self) -> str:
        size = f" of {self['size']:,} labels" if self.get("size") else ""
        return f"language model, {self['direction']}, {self['reads']}{size}"
