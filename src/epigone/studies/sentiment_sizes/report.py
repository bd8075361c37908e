"""The page of the study `sentiment-sizes`: accuracy against labels and against seconds, and the tables."""

from collections.abc import Iterator

from epigone.report.numbers import NumberStyle, format_value
from epigone.report.page import Figure, Report
from epigone.report.plots.line_panels import Line, LinePanels
from epigone.studies.experiment import Context
from epigone.studies.sentiment_sizes.analysis import SizesFindings
from epigone.studies.sentiment_sizes.grid import NGRAMS, TITLES, SentimentSizesOptions
from epigone.studies.sentiment_sizes.results import SizeResult

BEST_NGRAMS = "better row of n-grams"
PANELS = {
    "unlabelled texts too": ("scratch-longer", "forward", "both"),
    "other rows": (BEST_NGRAMS, "states", "blend"),
    "labelled texts only": ("scratch", "own"),
}
"""The rows of each panel: eight, since there are as many colours. Published figures come last and repeat two."""
PERCENT = NumberStyle(digits=1, notation="percent")


def report(context: Context[SentimentSizesOptions], findings: SizesFindings) -> Report:
    """Lay out the page; it shows no text of the corpus."""
    return Report(
        title="Classification with few and many labels",
        summary=_summary(findings),
        tables=findings.tables,
        figures=list(_figures(findings)),
    )


def _summary(findings: SizesFindings) -> str:
    """The best row at the smallest, the middle and the largest size, chosen on validation."""
    sizes = sorted({each.size for each in findings.results})
    if not sizes:
        return "Every row diverged, so there is nothing to compare."
    said = []
    for size in dict.fromkeys([sizes[0], sizes[len(sizes) // 2], sizes[-1]]):
        best = max((each for each in findings.results if each.size == size), key=lambda each: each.validation_accuracy)
        said.append(
            f"With {size:,} labels {TITLES[best.row]} is best on validation, and right about "
            f"{format_value(best.accuracy.estimate, PERCENT)} of the test texts."
        )
    return " ".join(said)


def _figures(findings: SizesFindings) -> Iterator[Figure]:
    drawn = [each for each in findings.works if len(each.accuracy) > 1]
    beside = "; ".join(
        f"{each.name} {format_value(value, PERCENT)} at {size:,} labels"
        for each in findings.works
        for size, value in each.accuracy.items()
        if each not in drawn
    )
    panels = {title: [line for row in rows if (line := _line(findings, row))] for title, rows in PANELS.items()}
    panels["labelled texts only"] += [
        Line(list(each.accuracy), list(each.accuracy.values()), f"published: {each.name}", dots=True, open=True)
        for each in drawn
    ]
    yield Figure(
        "Accuracy against the number of labels",
        LinePanels(panels, "labelled texts", "accuracy on the test texts", x_scale="log"),
        "Means over seeds; bars are 95 % intervals over texts and seeds."
        + " Hollow points are figures that another work published; they were not run again." * bool(drawn)
        + f" Published too, and not drawn: {beside}." * bool(beside),
    )
    timed = {title: [line for row in rows if (line := _timed(findings, row))] for title, rows in PANELS.items()}
    yield Figure(
        "Accuracy against the time to learn the labels",
        LinePanels(timed, "seconds of one thread", "accuracy on the test texts", x_scale="log"),
        "A point for each size. The language model that reads all texts is trained once and not in this time; the one "
        "that reads the labelled texts alone is.",
    )


def _results(findings: SizesFindings, row: str) -> list[SizeResult]:
    """The figures of a row by size; of `BEST_NGRAMS`, those of the row that is better on validation."""
    sizes = sorted({each.size for each in findings.results})
    rows = NGRAMS if row == BEST_NGRAMS else (row,)
    found = [[each for each in findings.results if each.row in rows and each.size == size] for size in sizes]
    return [max(each, key=lambda result: result.validation_accuracy) for each in found if each]


def _line(findings: SizesFindings, row: str) -> Line | None:
    """Accuracy against size; None for a row that did not run."""
    found = _results(findings, row)
    if not found:
        return None
    return Line(
        [each.size for each in found],
        [each.accuracy.estimate for each in found],
        TITLES.get(row, row),
        dots=True,
        low=[each.accuracy.low for each in found],
        high=[each.accuracy.high for each in found],
    )


def _timed(findings: SizesFindings, row: str) -> Line | None:
    """Accuracy against seconds; None for a row that did not run."""
    points = sorted(
        (each.seconds + each.language_model_seconds * (row == "own"), each.accuracy.estimate)
        for each in _results(findings, row)
        if each.seconds > 0
    )
    return Line([x for x, _ in points], [y for _, y in points], TITLES.get(row, row), dots=True) if points else None
