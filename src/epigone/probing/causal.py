"""Causal tests: does a unit that can be read also matter when it is held still, and when it is held high or low?

Three tests have to agree before a unit is said to carry a property. *Reading*: a probe on the unit alone tells the
property better than chance and than its control task. *Ablating*: with the unit held at its mean the model predicts
worse what follows, and more so than with any of twenty random units of the same state. *Clamping*: with the unit held
high the model writes more of the property than with it held low, and the difference is larger than for random units.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.evaluation.activations import Floats, recorded
from epigone.evaluation.intervals import MIN_DOCUMENTS, Difference, paired_difference
from epigone.evaluation.losses import token_nats
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.models.clamps import Clamp, clamped
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.unit_names import UnitName, VectorName
from epigone.probing.judge import Judge, counting, learned
from epigone.probing.labelled import Passages
from epigone.probing.measures.measure import Measured
from epigone.probing.measures.ranking import Probed, strength
from epigone.probing.measures.targets import Target
from epigone.probing.properties.base import Property
from epigone.probing.read_text import ReadTexts, read_texts
from epigone.text.tokenizers.base import Tokenizer

CHARACTERS = 60_000  # of a text, on which the loss is measured
ABLATED, CLAMPED = 20, 5  # random units of the same state beside the one that is tested
SAMPLES, LENGTH, TEMPERATURE = 20, 400, 0.8  # of the texts that are written with a unit held
DEVIATIONS = 2.0  # from the mean, at which a unit is held high or low
SURE = 0.01


@dataclass(frozen=True)
class CausalRow:
    """A unit, and what three tests say of it."""

    property: str
    unit: str
    accuracy: float
    """Balanced accuracy of a logistic probe on the unit alone, on held-out documents."""
    rise: tuple[float, float, float]
    """Low end, estimate and high end: by how much the loss of what follows a token rises, in nats, with the unit held
    at its mean."""
    rise_with: float | None
    """The same where the text has the property, or more of it than the median; None if it does so nowhere."""
    rise_without: float | None
    rise_random: float
    """The largest rise for a random unit of the same state."""
    high: float
    """Mean of the property in texts that are written with the unit held high, by the text itself or by a classifier."""
    low: float
    difference: tuple[float, float, float]
    """Low end, estimate and high end of the difference, in the direction in which the unit follows the property."""
    difference_random: float
    """The largest difference, in either direction, for a random unit."""
    judge: float | None
    """Of a classifier that judges the texts: its balanced accuracy, or correlation, on held-out texts; None if the text
    shows the property itself."""
    reads: bool
    ablates: bool
    clamps: bool
    carries: bool
    """All three tests agree."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A text with properties at its tokens, on which units are tested."""

    text: ReadTexts
    documents: NDArray[np.int64]
    """(D,): what is resampled together, for each document of the text."""
    targets: Sequence[Target]
    """Of the M tokens."""
    judges: Sequence[Judge]
    """One for each target."""

    @classmethod
    def of_characters(
        cls, texts: Sequence[str], documents: NDArray[np.int64], properties: Sequence[Property], codec: Tokenizer
    ) -> "Scene":
        """Take parts from all over some texts, with properties of their characters.

        Args:
            texts: P parts of documents.
            documents: (P,) the document of each.
            properties: those with values at each character.
            codec: the tokenizer of the model.
        """
        number = max(1, min(len(texts), CHARACTERS * len(texts) // max(1, sum(map(len, texts)))))
        taken = np.linspace(0, len(texts) - 1, number).astype(int)
        text = read_texts([texts[place] for place in taken.tolist()], codec)
        with_values = [(each, each.values) for each in properties if each.values]
        targets = [
            Target(each.name, each.level, text.at_tokens(values).astype(np.float32)) for each, values in with_values
        ]
        return cls(text, documents[taken], targets, [counting(each) for each, _ in with_values])

    @classmethod
    def of_passages(cls, passages: Passages, codec: Tokenizer) -> "Scene":
        """Take labelled passages, every token of which has the label."""
        sizes = np.cumsum(list(map(len, passages.texts)))
        number = max(1, int(np.searchsorted(sizes, CHARACTERS)))
        text = read_texts(passages.texts[:number], codec)
        targets = [replace(each, values=each.values[:number][text.documents]) for each in passages.targets]
        judges = [learned(passages.texts, each, passages.documents) for each in passages.targets]
        return cls(text, passages.documents[:number], targets, judges)


def check_documents(documents: NDArray[np.int64]) -> None:
    """Refuse a text of too few documents to resample.

    Raises:
        UserError: there are fewer than five.
    """
    if (number := len(np.unique(documents))) < MIN_DOCUMENTS:
        raise UserError(
            f"Tests by ablation need {MIN_DOCUMENTS} documents or more, and this text has {number}; give more text, or "
            "leave out --causal."
        )


class CausalTests:
    """The tests of a model; what random units do in a text is measured once for all of its properties."""

    def __init__(self, source: Checkpoint, seed: int) -> None:
        self._source, self._seed = source, seed
        self._written: dict[str, list[str]] = {}

    def rows(self, scene: Scene, probed: Sequence[Probed], count: int, told: Callable[[], None]) -> Iterator[CausalRow]:
        """Test the best units for each property of a scene.

        Args:
            scene: the text.
            probed: what was read, from which the units are taken.
            count: units of each property.
            told: is called after each.
        """
        by_name = {each.name: each for each in probed}
        tests = [
            (by_name[target.name], target, judge, name)
            for target, judge in zip(scene.targets, scene.judges, strict=True)
            if target.name in by_name
            for name in self._best(by_name[target.name], count)
        ]
        vectors = sorted({VectorName(name.layer, name.state) for *_, name in tests}, key=lambda v: (v.layer, v.index))
        states = recorded(self._source.model, scene.text.stream, vectors)
        whole = self._nats(scene, ())
        after: dict[UnitName, Floats] = {}
        for each, target, judge, name in tests:
            vector = VectorName(name.layer, name.state)
            others = self._random(name)
            for unit in (name, *others):
                if unit not in after:
                    mean = float(states[vector][:, unit.unit].mean())
                    after[unit] = self._nats(scene, (Clamp(unit, mean),)) - whole
            yield self._row(scene, each, target, judge, name, others, after, states[vector])
            told()

    def _best(self, each: Probed, count: int) -> list[UnitName]:
        """The units of states that tell most of a property; gates cannot be held."""
        states = self._source.model.cell.num_states
        found = [
            (float(value), UnitName(vector.layer, vector.index, unit))
            for vector, figures in each.vectors.items()
            if isinstance(figures, Measured) and vector.index < states
            for unit, value in enumerate(strength(figures).tolist())
        ]
        return [name for _, name in sorted(found, key=lambda pair: -pair[0])[:count]]

    def _random(self, name: UnitName) -> list[UnitName]:
        """Random other units of the same state."""
        size = self._source.shape.layer_sizes[name.layer]
        generator = np.random.default_rng([self._seed, name.layer, name.state])
        others = [unit for unit in generator.permutation(size).tolist() if unit != name.unit]
        return [UnitName(name.layer, name.state, unit) for unit in others[:ABLATED]]

    def _nats(self, scene: Scene, clamps: Sequence[Clamp]) -> Floats:
        """The loss of what follows each token (M,), NaN at the end of a document."""
        stream, owner = scene.text.stream, scene.text.documents
        with clamped(self._source.model, clamps):
            nats = token_nats(self._source.model, stream)
        places = np.arange(len(owner)) + owner + 1
        return np.where(np.asarray(stream.targets[places]) == stream.end, np.nan, nats[places]).astype(np.float32)

    def _row(
        self,
        scene: Scene,
        each: Probed,
        target: Target,
        judge: Judge,
        name: UnitName,
        others: Sequence[UnitName],
        after: dict[UnitName, Floats],
        states: Floats,
    ) -> CausalRow:
        vector = VectorName(name.layer, name.state)
        figures = each.vectors[vector]
        assert isinstance(figures, Measured)
        accuracy = figures.accuracy
        counted = target.said & ~np.isnan(after[name])
        rise = self._difference(scene, after[name], counted)
        rises = [float(after[unit][counted].mean()) for unit in others]
        sign = 1.0 if figures.correlation.estimate[name.unit] >= 0 else -1.0
        high, low = (judge.judged(self._texts(name, states, end * sign)) for end in (1.0, -1.0))
        differences = []
        for unit in others[:CLAMPED]:
            above, below = (judge.judged(self._texts(unit, states, end)) for end in (1.0, -1.0))
            differences.append(abs(float((above - below).mean())))
        difference = paired_difference(high, low, np.ones(len(high)))
        most = max(0.5, float(figures.control[name.unit]), float(figures.shuffled.max()))
        reads = bool(accuracy.low[name.unit] > most)
        ablates = bool(rise.estimate > max(0.0, *rises) and rise.p_value < SURE)
        clamps = bool(difference.estimate > max(differences, default=0.0) and difference.p_value < SURE)
        return CausalRow(
            property=target.name,
            unit=name.written(self._source.shape),
            accuracy=float(accuracy.estimate[name.unit]),
            rise=(rise.low, rise.estimate, rise.high),
            rise_with=_mean(after[name][counted & target.classes]),
            rise_without=_mean(after[name][counted & ~target.classes]),
            rise_random=max(rises, default=0.0),
            high=float(high.mean()),
            low=float(low.mean()),
            difference=(difference.low, difference.estimate, difference.high),
            difference_random=max(differences, default=0.0),
            judge=judge.score,
            reads=reads,
            ablates=ablates,
            clamps=clamps,
            carries=reads and ablates and clamps,
        )

    def _difference(self, scene: Scene, rise: Floats, counted: NDArray[np.bool_]) -> Difference:
        _, group = np.unique(scene.documents[scene.text.documents], return_inverse=True)
        sums = np.bincount(group[counted], rise[counted])
        tokens = np.bincount(group[counted], minlength=len(sums))
        check_documents(np.flatnonzero(tokens))
        return paired_difference(sums, np.zeros(len(sums)), tokens)

    def _texts(self, unit: UnitName, states: Floats, end: float) -> list[str]:
        """Texts that are written while a unit is held at one end of what is usual for it."""
        mean, deviation = float(states[:, unit.unit].mean()), float(states[:, unit.unit].std())
        clamp = Clamp(unit, mean + end * DEVIATIONS * deviation).written(self._source.shape)
        if clamp not in self._written:
            options = GenerateOptions(samples=SAMPLES, length=LENGTH)
            sampling = SamplingOptions(temperature=TEMPERATURE, seed=self._seed)
            self._written[clamp] = generate(self._source, options, sampling, clamp=[clamp]).texts
        return self._written[clamp]


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
