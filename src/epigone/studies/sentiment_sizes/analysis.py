"""The findings of the study `sentiment-sizes`: the finished runs brought together, size by size."""

import csv
import io
from dataclasses import asdict, dataclass
from typing import Any

from epigone.studies.engine.rows import Row, seed_of
from epigone.studies.engine.store import folder_of
from epigone.studies.experiment import Context, Findings
from epigone.studies.sentiment_sizes.bootstrap import right
from epigone.studies.sentiment_sizes.grid import ROWS, SentimentSizesOptions
from epigone.studies.sentiment_sizes.jobs import Network
from epigone.studies.sentiment_sizes.measured import TEST
from epigone.studies.sentiment_sizes.published import PUBLISHED, Published
from epigone.studies.sentiment_sizes.results import (
    Codes,
    Gap,
    Passing,
    Run,
    SizeResult,
    blend,
    both,
    gaps,
    named_blend,
    passing,
    result,
)
from epigone.studies.sentiment_sizes.setup import Setup
from epigone.studies.sentiment_sizes.tables import (
    accuracy_table,
    costs_table,
    figures_table,
    gaps_table,
    passing_table,
    published_table,
)


@dataclass(frozen=True, kw_only=True)
class SizesFindings(Findings):
    """The findings, for the page."""

    results: list[SizeResult]
    gaps: list[Gap]
    passing: Passing | None
    works: list[Published]


def analyse(context: Context[SentimentSizesOptions]) -> SizesFindings:
    """Compute every figure; the test texts decide nothing."""
    setup = Setup.of(context)
    wanted = setup.options.rows
    codes = {name: each.codes for name, each in setup.sets.texts().items()}
    finished = {(row.labels["row"], row.labels["size"]): runs_of(context, row) for row in context.rows}
    results: list[SizeResult] = []
    differences: list[Gap] = []
    for size in setup.sizes:
        runs = {name: finished[name, size] for name in ROWS if (name, size) in finished}
        if "both" in wanted and {"forward", "backward"} <= runs.keys():
            runs["both"] = both(runs["forward"], runs["backward"])
        found = {name: result(name, size, each, codes) for name, each in runs.items()}
        differences += gaps(size, runs, found, codes[TEST])
        if "blend" in wanted and (joined := blend(runs, found, codes)) is not None:
            mixed, names = joined
            found["blend"] = named_blend(result("blend", size, mixed, codes), names)
        results += [found[name] for name in ROWS if name in found and name in wanted]
    works = [each for name in setup.options.works() for each in PUBLISHED[name]]
    passed = passing(results)
    models = [row for row in context.ran if row.family == "language model"]
    tables = [
        *([accuracy_table(results), figures_table(results)] if results else []),
        *([published_table(works)] if works else []),
        *([gaps_table(differences)] if differences else []),
        *([passing_table(passed)] if passed else []),
        *([costs_table(models, context.runs)] if models else []),
    ]
    return SizesFindings(
        rows=[
            *({"table": "accuracy"} | asdict(each) for each in results),
            *({"table": "gaps"} | asdict(each) for each in differences),
        ],
        tables=tables,
        facts={"held out": {"validation": setup.division.validation, "test": setup.division.test}},
        extra={"passing": passed and asdict(passed)},
        pages={"runs.csv": runs_csv(context, codes)},
        results=results,
        gaps=differences,
        passing=passed,
        works=works,
    )


def runs_of(context: Context[SentimentSizesOptions], row: Row) -> list[Run]:
    """The runs of a row, with the cost of the language model below each."""

    def of_language_model(job: Any) -> float:
        if not isinstance(job, Network) or job.language_model is None:
            return 0.0
        return seconds[folder_of(job.language_model, context.store)]

    seconds = {
        run.folder: run.seconds
        for each in context.ran
        if each.family == "language model"
        for run in context.runs[each.name]
    }
    return [
        Run(run.probabilities, run.seconds, of_language_model(job))
        for job, run in zip(row.jobs, context.runs[row.name], strict=True)
    ]


def runs_csv(context: Context[SentimentSizesOptions], codes: Codes) -> str:
    """Write the accuracy of every run on every set; the folder of the run holds its probabilities."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "size", "seed", "run", "set", "texts", "accuracy", "seconds"])
    for row in context.rows:
        for job, run in zip(row.jobs, context.runs[row.name], strict=True):
            for name, found in run.probabilities.items():
                writer.writerow(
                    [
                        row.labels["row"], row.labels["size"], seed_of(job), run.folder.name, name, len(found),
                        repr(float(right(found, codes[name]).mean())), repr(run.seconds),
                    ]
                )  # fmt: skip
    return out.getvalue()
