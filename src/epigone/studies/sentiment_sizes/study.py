"""The study `sentiment-sizes`: classification with few and many labels, by transfer and from scratch.

After a work that trained classifiers of film reviews by ULMFiT (Howard and Ruder 2018) and from scratch at five sizes.
Each size is measured in its setting, in which the language model reads the labelled texts alone, and with one that
reads all texts that are not held out; beside n-grams, frozen states, and networks from scratch.
"""

from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Row, diverged_notice
from epigone.studies.engine.store import folder_of
from epigone.studies.experiment import Context, Experiment
from epigone.studies.sentiment_sizes.analysis import SizesFindings, analyse
from epigone.studies.sentiment_sizes.data import OPTIONAL, ROLES, sources
from epigone.studies.sentiment_sizes.grid import SentimentSizesOptions
from epigone.studies.sentiment_sizes.jobs import Fit, Network, PlainRetraining
from epigone.studies.sentiment_sizes.report import report
from epigone.studies.sentiment_sizes.setup import Setup


def rows(context: Context[SentimentSizesOptions]) -> list[Row]:
    """Fit the cheap rows, retrain the language models, then train the classifiers on top of them."""
    setup = Setup.of(context)
    context.notices += setup.notices
    fits = list(setup.fits())
    context.run(fits, "rows without training")
    models = setup.language_models()
    runs = context.run(models, "language models")
    diverged = [row for row in models if any(run.diverged for run in runs[row.name])]
    context.notices += [diverged_notice(row, runs[row.name]) for row in diverged]
    failed = {folder_of(job, context.store) for row in diverged for job in row.jobs}

    def stands(row: Row) -> bool:
        models = [job.language_model for job in row.jobs if isinstance(job, Network)]
        return not any(model is not None and folder_of(model, context.store) in failed for model in models)

    networks = [row for row in setup.networks() if stands(row)]
    # The longest runs first, so that no core is idle at the end.
    context.run(sorted(networks, key=lambda row: -row.labels["size"]), "networks")
    return fits + networks


def plan(context: Context[SentimentSizesOptions]) -> list[Stage]:
    """The stages, with the time of each run by the speed of this machine."""
    setup = Setup.of(context)
    found = []
    for title, rows in (
        ("rows without training", setup.fits()),
        ("language models", setup.language_models()),
        ("networks", setup.networks()),
    ):
        jobs = {job: None for row in rows for job in row.jobs if isinstance(job, Fit | Network | PlainRetraining)}
        if jobs:
            found.append(Stage(title, len(jobs), tuple(jobs)))
    return found


STUDY: Experiment[SentimentSizesOptions, SizesFindings] = Experiment(
    name="sentiment-sizes",
    summary="Classifiers of texts from ten labels to thousands, by transfer and from scratch.",
    roles=ROLES,
    optional=OPTIONAL,
    options=SentimentSizesOptions,
    texts=sources,
    rows=rows,
    plan=plan,
    analyse=analyse,
    report=report,
)
