"""The runs of the study `sentiment-sizes`, from its options and its data: rows with their jobs, stage by stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from epigone.classification.approaches.ulmfit import language_model_length
from epigone.models.files.bundled import resolve
from epigone.models.files.description import weights_hash
from epigone.studies.engine.jobs import Base
from epigone.studies.engine.rows import Row
from epigone.studies.experiment import Context
from epigone.studies.sentiment_sizes.data import (
    Division,
    LabelledSource,
    Plain,
    Subset,
    UnlabelledSource,
    division_of,
    sizes_of,
)
from epigone.studies.sentiment_sizes.grid import (
    FAMILIES,
    FITS,
    NETWORKS,
    SCRATCH,
    UNLABELLED,
    PlainLabels,
    SentimentSizesOptions,
    SizeLabels,
    quick,
)
from epigone.studies.sentiment_sizes.jobs import Fit, Network, PlainRetraining
from epigone.studies.sentiment_sizes.measured import MeasuredSets

QUICK_TEXTS = 60  # that a language model learns in a quick trial


@dataclass(frozen=True)
class Setup:
    """Everything that decides the runs."""

    options: SentimentSizesOptions
    division: Division
    sets: MeasuredSets
    sizes: Sequence[int]
    seeds: Sequence[int]
    unlabelled: UnlabelledSource | None
    limit: int
    """Most texts that a language model learns; 0 is all."""
    notices: list[str]
    """Sentences on what the data does not allow."""

    @classmethod
    def of(cls, context: Context[SentimentSizesOptions]) -> "Setup":
        """Read the data and settle what it allows.

        Raises:
            UserError: no size fits.
        """
        options = quick(context.options) if context.quick else context.options
        labelled, other = context.sources["labelled"], context.sources.get("other")
        unlabelled = context.sources.get("unlabelled")
        assert isinstance(labelled, LabelledSource)
        assert other is None or isinstance(other, LabelledSource)
        assert unlabelled is None or isinstance(unlabelled, UnlabelledSource)
        division, notices = division_of(labelled, options.validation, options.test)
        sizes, left_out = sizes_of(division, options.sizes)
        notices += left_out
        sets = MeasuredSets(division, other)
        limit = QUICK_TEXTS if context.quick else 0
        return cls(options, division, sets, sizes, context.seeds, unlabelled, limit, notices)

    def seeds_at(self, size: int) -> Sequence[int]:
        """The seeds of a size: all, or one if it is large."""
        return self.seeds if size <= self.options.repeated else self.seeds[:1]

    def subset(self, size: int, seed: int) -> Subset:
        """The texts of a size."""
        return Subset(self.division, size, seed)

    def base(self, name: str) -> Base:
        """A language model by its folder or name, with the hash of its weights.

        Raises:
            UserError: there is none.
        """
        folder = resolve(name)
        return Base(str(folder), weights_hash(folder))

    def fits(self) -> Iterator[Row]:
        """The rows that train no network."""
        states = self.base(self.options.states) if "states" in self.options.rows else None
        for row in FITS:
            for size in self.sizes if row in self.options.rows else ():
                base = states if row == "states" else None
                jobs = [Fit(row, self.subset(size, seed), self.sets, base) for seed in self.seeds_at(size)]
                yield Row(SizeLabels(family=FAMILIES[row], row=row, size=size), tuple(jobs))

    def network_rows(self) -> list[str]:
        """The rows whose networks are trained: those asked for, and those that they are computed from."""
        wanted = set(self.options.rows)
        if wanted & {"both", "blend"}:
            wanted.add("forward")
        if "both" in wanted:
            wanted.add("backward")
        return [row for row in NETWORKS if row in wanted]

    def places(self) -> Iterator[tuple[str, int]]:
        """The rows of networks at each size."""
        for row in self.network_rows():
            for size in self.sizes:
                if row in UNLABELLED or size <= self.options.scratch_up_to:
                    yield row, size

    def language_model(self, row: str, size: int, seed: int) -> PlainRetraining | None:
        """The language model that a row's classifier starts from; None if nothing is pretrained."""
        options = self.options
        if row in SCRATCH:
            return None
        base = self.base(options.backward if row == "backward" else options.base)
        if row == "own":
            plain = Plain(self.division, self.subset(size, seed))
            epochs = options.own_epochs or language_model_length(sum(map(len, plain.texts())), None)["epochs"]
            return PlainRetraining(plain, base, options.language_model(epochs, seed), options.stage_minutes)
        # One for all sizes and seeds.
        plain = Plain(self.division, None, self.unlabelled, self.limit)
        return PlainRetraining(plain, base, options.language_model(options.epochs, 0), options.stage_minutes)

    def language_models(self) -> list[Row]:
        """The language models, the longest runs first."""
        found: dict[str, Row] = {}
        for row, size in self.places():
            models = dict.fromkeys(self.language_model(row, size, seed) for seed in self.seeds_at(size))
            labels = PlainLabels(
                family="language model",
                direction="backward" if row == "backward" else "forward",
                reads="the labelled texts" if row == "own" else "all texts",
            )
            if row == "own":
                labels["size"] = size
            jobs = tuple(model for model in models if model is not None)
            if jobs:
                found.setdefault(labels.name, Row(labels, jobs))
        return sorted(found.values(), key=lambda row: -row.labels.get("size", 1 << 60))

    def networks(self) -> Iterator[Row]:
        """The classifiers."""
        for row, size in self.places():
            base = self.base(self.options.backward if row == "backward" else self.options.base)
            jobs = [
                Network(
                    self.subset(size, seed), self.sets, base, self.options.network(row),
                    self.language_model(row, size, seed), self.options.stage_minutes,
                )
                for seed in self.seeds_at(size)
            ]  # fmt: skip
            yield Row(SizeLabels(family=FAMILIES[row], row=row, size=size), tuple(jobs))
