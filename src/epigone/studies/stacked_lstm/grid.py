"""The grid of the study `stacked-lstm`: its options, its two recipes, and the labels of its rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions
from epigone.models.files.description import weights_hash
from epigone.models.files.model_folder import read_folder
from epigone.studies.engine.jobs import Base, Text, Training
from epigone.studies.engine.rows import Labels
from epigone.text.document import counted
from epigone.training.options import RetrainingOptions, TrainingOptions
from epigone.typed import typed

SOURCES = ("far", "near")
RECIPES = ("paper", "better", "larger")


@dataclass(frozen=True)
@typed
class StackedLstmOptions:
    """The grid of the study stacked-lstm."""

    num_layers: int = 3
    """LSTM layers of the bases."""
    hidden_size: int = 64
    """Units of a layer."""
    sources: tuple[str, ...] = SOURCES
    """Sources whose bases are retrained: far, near, or both."""
    recipes: tuple[str, ...] = RECIPES[:2]
    """Recipes, each a pair of tables: paper, better, or larger, which retrains bases that were made elsewhere."""
    larger_far: str = ""
    """Base of recipe "larger" that has read far text: the folder of a model of as many layers."""
    larger_near: str = ""
    """The same, of near text."""
    selections: tuple[str, ...] = ()
    """Selections of weights to retrain, each together with the head; by default every subset of the layers."""
    pretraining_epochs: int = 60
    """Largest number of epochs of the bases of recipe "paper"."""
    falling_epochs: int = 6
    """Epochs in which the rate of the bases falls, in recipe "better"."""
    paper_rates: tuple[float, ...] = (1e-2, 1e-3)
    """Learning rates of retraining in recipe "paper" (RMSprop)."""
    paper_epochs: int = 40
    """Largest number of epochs of retraining in recipe "paper"."""
    better_rates: tuple[float, ...] = (3e-3, 1e-3)
    """Learning rates of retraining in recipe "better" (AdamW)."""
    better_epochs: int = 10
    """Epochs of retraining in recipe "better"."""
    larger_rates: tuple[float, ...] = (1e-3,)
    """Learning rates of retraining in recipe "larger" (AdamW)."""
    larger_epochs: int = 2
    """Epochs of retraining in recipe "larger"."""
    scratch_epochs: int = 120
    """Largest number of epochs of the networks from scratch in recipe "paper"."""
    trials: int = 40
    """Networks of each search for the best from scratch."""
    finalists: int = 3
    """Best trials of a search that are trained with every seed."""

    def __post_init__(self) -> None:
        epochs = (
            "pretraining_epochs", "falling_epochs", "paper_epochs", "better_epochs", "larger_epochs", "scratch_epochs"
        )  # fmt: skip
        sizes = ("num_layers", "hidden_size", "trials", "finalists")
        check_options(self, "be 1 or more", lambda value: value >= 1, *sizes, *epochs)
        for name in ("paper_rates", "better_rates", "larger_rates"):
            if not getattr(self, name) or min(getattr(self, name)) <= 0:
                raise UserError(f"{name} must hold rates above 0, but is {getattr(self, name)}.")
        if not self.sources or set(self.sources) - set(SOURCES):
            raise UserError(f"sources must be far, near, or both, but is {', '.join(self.sources) or 'empty'}.")
        if not self.recipes or set(self.recipes) - set(RECIPES):
            raise UserError(
                f"recipes must hold some of {', '.join(RECIPES)}, but is {', '.join(self.recipes) or 'empty'}."
            )
        if "better" in self.recipes and "paper" not in self.recipes:
            raise UserError("Recipe better goes on with the bases of recipe paper; give both: --recipes paper better.")
        if ("larger" in self.recipes) != all(self.larger_bases().values()):
            raise UserError(
                "Recipe larger needs a base for each source, and these bases need the recipe: --recipes larger "
                "--larger-far FOLDER --larger-near FOLDER."
            )

    def larger_bases(self) -> dict[str, str]:
        """The bases of recipe "larger" by the role of their source."""
        return {role: {"far": self.larger_far, "near": self.larger_near}[role] for role in self.sources}


class StackedLabels(Labels):
    """Labels of this study: recipe, base (the role of its source), selection, layers, rate, network, split."""

    @property
    def name(self) -> str:
        scope = f"{self['recipe']}: " if "recipe" in self else ""
        return f"{scope}{self.words}" + (f", split {self['split']}" if "split" in self else "")

    @property
    def words(self) -> str:
        """The name without recipe and split."""
        match self["family"]:
            case "n-gram":
                return f"n-grams mixed with {self['source']}" if "source" in self else "n-grams of the target"
            case "pretraining":
                return f"base of {self['base']}"
            case "base":
                return f"{self['base']}, untouched"
            case "scratch":
                layers = f", {counted(self['num_layers'], 'layer')}" if "num_layers" in self else ""
                dropout = f", dropout {self['dropout']:g}" if self.get("dropout") else ""
                best = f", best of {self['trials']}" if "trials" in self else ""
                return f"scratch{layers}{dropout}{best}"
        return f"{self['base']}, {part_in_words(self)}, {rate_in_words(self['rate'])}"


def base_labels(recipe: str, role: str) -> StackedLabels:
    """The labels of a base's pretraining."""
    return StackedLabels(family="pretraining", recipe=recipe, base=role)


def labels_of_scratch(job: Training, recipe: str) -> StackedLabels:
    """The labels of a network from scratch."""
    return StackedLabels(family="scratch", recipe=recipe, num_layers=job.model.num_layers, dropout=job.model.dropout)


def part_in_words(labels: Mapping[str, Any]) -> str:
    """The retrained part: `layers 0+2`, or a selection as it was given."""
    layers = labels.get("layers")
    return f"layers {'+'.join(map(str, layers))}" if isinstance(layers, Sequence) else str(labels["selection"])


def rate_in_words(rate: float) -> str:
    """A learning rate: `lr 1e-2`."""
    mantissa, _, exponent = f"{rate:e}".partition("e")
    return f"lr {float(mantissa):g}e{int(exponent)}"


def selections(options: StackedLstmOptions) -> Iterator[dict[str, Any]]:
    """The labels of each retrained part: the selection, and the numbers of its layers if it is made of whole layers."""
    layers = range(options.num_layers)
    subsets = {
        ", ".join(f"layers.{layer}" for layer in subset): list(subset)
        for size in range(1, options.num_layers + 1)
        for subset in combinations(layers, size)
    }
    for selection in dict.fromkeys(options.selections) or subsets:
        yield {"selection": selection} | ({"layers": subsets[selection]} if selection in subsets else {})


@dataclass(frozen=True)
class Recipe:
    """A way to pretrain and to retrain, and the networks from scratch to compare with."""

    name: str
    model: ModelOptions
    pretraining: TrainingOptions | None
    """None if the bases are given."""
    after: str
    """The recipe whose bases are pretrained further; empty to begin with new weights."""
    bases: Mapping[str, Base]
    """The bases that are given, by the role of their source."""
    retraining: tuple[RetrainingOptions, ...]
    """One for each rate."""
    scratch: tuple[Training, ...]
    """Networks from scratch."""


def recipes(target: Text, options: StackedLstmOptions, quick: bool) -> list[Recipe]:
    """The paper's recipe and ours, as far as they are asked for; `quick` trains for a few steps.

    Raises:
        UserError: a base that is given cannot be read, or has another number of layers.
    """
    # PyTorch's initial weights, in 2018 as today.
    paper = ModelOptions(cell="lstm", num_layers=options.num_layers, hidden_size=options.hidden_size, init="uniform")
    best = replace(paper, num_layers=2, dropout=0.2)  # the paper's best network from scratch
    steps: dict[str, Any] = {"steps": 20, "validate_every": 10} if quick else {}
    rmsprop: dict[str, Any] = {"optimizer": "rmsprop", "alpha": 0.99, "clip": 5.0, **steps}
    pretraining = TrainingOptions(
        lr=1e-2, schedule="constant", epochs=options.pretraining_epochs, patience=6, **rmsprop
    )
    gentle = RetrainingOptions(lr=1e-2, schedule="constant", epochs=options.paper_epochs, patience=8, **rmsprop)
    # A rate that stays high leaves a base above the bottom of its valley; a few epochs of falling rate take it there.
    falling = RetrainingOptions(
        lr=5e-3, schedule="cosine", epochs=options.falling_epochs, patience=0, batch_size=64, **rmsprop
    )
    # Chosen on the validation split of the songs; dropout between such narrow layers only hurts.
    ours = RetrainingOptions(
        optimizer="adamw", schedule="cosine", epochs=options.better_epochs, patience=0, batch_size=8, **steps
    )
    alone = replace(gentle, epochs=options.scratch_epochs, patience=None)  # it needs hundreds of steps to begin
    gentler = replace(ours, epochs=options.larger_epochs, batch_size=16, precision="bf16")
    bases = {role: _given(folder, options) for role, folder in options.larger_bases().items() if folder}
    found = [
        Recipe(
            "paper",
            paper,
            pretraining,
            "",
            {},
            tuple(replace(gentle, lr=rate) for rate in options.paper_rates),
            (Training(target, alone, model=best), Training(target, alone, model=paper)),
        ),
        Recipe(
            "better", paper, falling, "paper", {}, tuple(replace(ours, lr=rate) for rate in options.better_rates), ()
        ),
        Recipe(
            "larger", paper, None, "", bases, tuple(replace(gentler, lr=rate) for rate in options.larger_rates), ()
        ),
    ]  # fmt: skip
    return [recipe for recipe in found if recipe.name in options.recipes]


def _given(folder: str, options: StackedLstmOptions) -> Base:
    """A base that was made elsewhere.

    Raises:
        UserError: it cannot be read, or has another number of layers.
    """
    model = read_folder(folder)
    if model.shape.num_layers != options.num_layers:
        raise UserError(
            f"{folder} has {counted(model.shape.num_layers, 'layer')}, and the study retrains subsets of "
            f"{options.num_layers}; give --num-layers {model.shape.num_layers}, or another base."
        )
    return Base(str(model.folder), weights_hash(model.folder))
