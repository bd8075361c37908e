"""A study of many tiny trainings, as an extension for the command line."""

from dataclasses import asdict, dataclass

from epigone.models.config import ModelOptions
from epigone.report.page import Report
from epigone.studies.engine.jobs import Training
from epigone.studies.engine.rows import Labels, Row, summarise
from epigone.studies.engine.tables import results_table
from epigone.studies.experiment import Experiment, Findings
from epigone.studies.registry import STUDIES
from epigone.training.options import TrainingOptions


@dataclass(frozen=True)
class ManyOptions:
    """The size of the study many."""

    runs: int = 200
    """Trainings, each with a seed of its own."""
    units: int = 8
    """Units of each network."""
    length: int = 20
    """Steps of each training."""


@dataclass(frozen=True, kw_only=True)
class ManyFindings(Findings):
    results: list


def rows(context):
    options = context.options
    recipe = {"steps": options.length, "validate_every": 10, "batch_size": 4, "sequence_length": 16, "patience": 0}
    found = [
        Row(
            Labels(family="scratch", seed=f"seed {seed}"),
            (
                Training(
                    context.texts["text"],
                    TrainingOptions(seed=seed, **recipe),
                    model=ModelOptions(num_layers=1, hidden_size=options.units),
                ),
            ),
        )
        for seed in range(options.runs)
    ]
    context.run(found)
    return found


def analyse(context):
    results = summarise(context.rows, context.runs)
    return ManyFindings(rows=[{"table": "many"} | asdict(row) for row in results], results=results)


def report(context, findings):
    return Report("Many", "Many runs.", [results_table(findings.results, "Many")])


STUDIES.register(
    Experiment(
        name="many",
        summary="Train many tiny networks.",
        roles={"text": "any text"},
        options=ManyOptions,
        rows=rows,
        analyse=analyse,
        report=report,
    )
)
