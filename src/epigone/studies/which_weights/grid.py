"""The grid of the study `which-weights`: its options, the parts and methods that it compares, and their labels."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from epigone.errors import UserError, check_options
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.studies.engine.rows import Labels
from epigone.transfer.methods.base import Method
from epigone.transfer.methods.initial_state import InitialState
from epigone.transfer.methods.l2_to_base import L2ToBase
from epigone.transfer.methods.lhuc import Lhuc
from epigone.transfer.methods.lora import LoRA
from epigone.transfer.methods.priming import Priming
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import checked
from epigone.typed import typed

PROBED, SCORED = ("top", "bottom"), ("fisher", "gradient", "change")
SEED, PROBE, CHANGED = "{seed}", "{probe}", "{all}"
"""Stand in a selection for the number of the draw, the probe.json, and the folder of the model whose weights all
learned the same text, so that a run's name does not depend on where these are."""


@dataclass(frozen=True)
@typed
class WhichWeightsOptions:
    """The grid of the study which-weights."""

    base: str = "english-small"
    """The base: a folder, or the name of a bundled model."""
    probe: str = ""
    """A probe.json of the base, whose first and last units are retrained too."""
    shares: tuple[float, ...] = (1, 5, 10, 25)
    """Shares of the units and of the weights that are chosen by a ranking, a score or by chance (per cent)."""
    draws: int = 5
    """Draws of each choice by chance."""
    rates: tuple[float, ...] = (5e-4, 2e-3, 8e-3)
    """Learning rates; each row has the one that is best on the validation split of the targets."""
    dynamic_rates: tuple[float, ...] = (2e-5, 6e-5, 2e-4)
    """Learning rates of dynamic evaluation."""
    epochs: float = 2.0
    """Passes over the training split; the best on validation counts."""
    batch_size: int = 16
    """Streams of text read side by side, at most."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """Arithmetic of the products while the weights learn."""
    judged: int = 0
    """Rows that learn the writers of the verdict too: so many that validated best on the targets, with their controls
    by chance, and all weights. 0 takes all rows."""
    best: int = 10
    """Rows that are trained with more seeds in the end, together with their controls."""
    best_seeds: int = 5
    """Seeds of these."""
    only: tuple[str, ...] = ()
    """Groups of rows, such as layer, gate, units or method; by default all."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "draws", "best", "best_seeds", "batch_size")
        check_options(self, "be 0 or more", lambda value: value >= 0, "judged")
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, "epochs")
        for name in ("rates", "dynamic_rates"):
            if not getattr(self, name) or min(getattr(self, name)) <= 0:
                raise UserError(f"{name} must hold rates above 0, but is {getattr(self, name)}.")
        if not self.shares or min(self.shares) <= 0 or max(self.shares) >= 100:
            raise UserError(f"shares must hold percentages above 0 and below 100, but is {self.shares}.")
        if unknown := set(self.only) - set(GROUPS):
            raise UserError(f"only must hold some of {', '.join(GROUPS)}, but has {', '.join(sorted(unknown))}.")


GROUPS = ("all", "head", "layer", "gate", "matrix", "biases", "units", "weights", "method", "reading")


@dataclass(frozen=True)
class Part:
    """A part of a base that learns in a row, and the way in which it learns and is read.

    Args:
        group: the kind of part, one of `GROUPS`.
        name: its printed name.
        selection: the expression, with `{seed}`, `{probe}` and `{all}` in it. Nothing learns if it is empty.
        method: how it learns.
        recipe: options of the recipe that differ.
        choice: how the units or the weights were chosen: top, bottom, random, fisher, gradient or change.
        share: how many of them (per cent).
        reading: how the adapted model is read: with `n-grams` of the text mixed in, or by `dynamic` evaluation.
        of: the name of the part that is read so.
        rehearsed: as much text like the base's own is learned beside.
    """

    group: str
    name: str
    selection: str
    method: Method = Retrain()
    recipe: dict[str, Any] = field(default_factory=dict)
    choice: str = ""
    share: float = 0.0
    reading: str = ""
    of: str = ""
    rehearsed: bool = False

    def written(self, seed: int, probe: str, changed: str = "") -> str:
        """The expression for a draw, a probe.json and a model whose weights all learned."""
        return self.drawn_as(seed).replace(PROBE, probe).replace(CHANGED, changed)

    def drawn_as(self, seed: int) -> str:
        """The expression for a draw, wherever the files are."""
        return self.selection.replace(SEED, str(seed))

    def seeds(self, options: WhichWeightsOptions, seeds: int) -> int:
        """The number of runs: draws if chance chooses, one if nothing is drawn at all."""
        return options.draws if self.drawn else 1 if self.reading and not self.selection else seeds

    def rates(self, options: WhichWeightsOptions) -> tuple[float, ...]:
        """The rates that are tried: of learning or of dynamic evaluation; where there is none, one stands for all."""
        if self.reading == "n-grams" or not self.method.learns:
            return options.rates[:1]
        return options.dynamic_rates if self.reading else options.rates

    @property
    def drawn(self) -> bool:
        """True if chance chooses what learns, so that each run draws anew."""
        return self.choice == "random"


class WhichLabels(Labels):
    """Labels of this study: text (its role), group, name of the part, rate."""

    @property
    def name(self) -> str:
        name = self.get("part", "untouched")
        rate = f", lr {self['rate']:g}" if "rate" in self else ""
        return f"{self['text']}: {name}{rate}"


def checked_parts(options: WhichWeightsOptions, rehearsable: bool = False) -> list[Part]:
    """All parts and methods that are compared on the base; the first is all weights.

    Args:
        options: the grid.
        rehearsable: there is text for rehearsal.

    Raises:
        UserError: the base cannot be read, or the probe.json is of another model.
    """
    checkpoint = load_checkpoint(options.base)
    whole, *others = _parts(checkpoint.model, options)
    asked = (part for part in others if not options.only or part.group in options.only)
    found = [whole, *(part for part in asked if rehearsable or not part.rehearsed)]
    for part in found:
        if part.selection and CHANGED not in part.selection:
            checked(checkpoint.model, part.written(0, options.probe), checkpoint.tokenizer)
    return found


def with_controls(parts: Iterable[Part], among: Iterable[Part]) -> list[Part]:
    """Parts, and the random ones that are as large as those of them that were chosen by a ranking or a score."""
    found = list(parts)
    sizes = {(part.group, part.share) for part in found if part.choice}
    return found + [part for part in among if part.drawn and (part.group, part.share) in sizes and part not in found]


def _parts(model: LanguageModel, options: WhichWeightsOptions) -> Iterator[Part]:
    numbers, gates = range(len(model.layers)), model.cell.gates
    top = f"layers.{numbers[-1]}, head"
    yield Part("all", "all", "all")
    yield Part("head", "head", "head")
    for i in numbers:
        yield Part("layer", f"layer {i}", f"layers.{i}")
    for i in numbers:
        yield Part("layer", f"layer {i} + head", f"layers.{i}, head")
    if len(gates) > 1:
        for gate in gates:
            yield Part("gate", f"{gate} gates", f"layers.*[{gate}]")
        for i in numbers:
            for gate in gates:
                yield Part("gate", f"{gate} gate of layer {i}", f"layers.{i}[{gate}]")
    for i in numbers:
        matrices = [name for name, weight in model.layers[i].named_parameters() if weight.ndim == 2]
        for name in matrices:
            yield Part("matrix", f"{name} of layer {i}", f"layers.{i}.{name}")
    yield Part("biases", "biases", "layers.*.bias*, head.bias")
    for share in options.shares:
        for choice in PROBED if options.probe else ():
            chosen = f'units(from="{PROBE}", {choice}={share:g}%)'
            yield Part("units", f"{choice} {share:g} % of the units", chosen, choice=choice, share=share)
        chosen = f"units(random={share:g}%, seed={SEED})"
        yield Part("units", f"random {share:g} % of the units", chosen, choice="random", share=share)
    for share in options.shares:
        for choice in SCORED:
            source = f', from="{CHANGED}"' if choice == "change" else ""
            chosen = f"weights({choice}={share:g}%{source})"
            yield Part("weights", f"{choice} {share:g} % of the weights", chosen, choice=choice, share=share)
        chosen = f"weights(random={share:g}%, seed={SEED})"
        yield Part("weights", f"random {share:g} % of the weights", chosen, choice="random", share=share)
    every = options.epochs / (2 * (len(model.layers) + 1))
    yield Part("method", "l2-to-base", "all", L2ToBase())
    yield Part("method", "lora, rank 8", "layers.*", LoRA())
    yield Part("method", "lora, rank 8, and head", "all", LoRA())
    yield Part("method", "lhuc", "layers.*", Lhuc())
    if model.config.softmax == "adapted":
        yield Part("method", "adaptation layer", "head.adaptation.*")
    yield Part("method", "rates that fall by depth", "all", recipe={"rate_decay": 2.6})
    yield Part("method", "unfrozen from the top", "all", recipe={"unfreeze_every": every})
    yield Part("method", f"layer {numbers[-1]} + head, cosine", top, recipe={"schedule": "cosine"})
    yield Part("method", "a learned initial state", "all", InitialState())
    yield Part("method", "priming", "all", Priming())
    yield Part("method", f"layer {numbers[-1]} + head, rehearsal", top, rehearsed=True)
    for reading, words in (("n-grams", "mixed with n-grams"), ("dynamic", "dynamic evaluation")):
        yield Part("reading", f"untouched, {words}", "", reading=reading)
        best = f"layer {numbers[-1]} + head"
        yield Part("reading", f"{best}, {words}", top, reading=reading, of=best)
