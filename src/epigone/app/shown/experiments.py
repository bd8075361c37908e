"""Comparisons and studies as blocks."""

from collections.abc import Iterator
from typing import Any

from epigone.app.blocks import Block, Facts, notices_of
from epigone.report.page import Sample

EXCERPT = 500  # characters that are shown of a sample beside others


def comparison(result: Any) -> Iterator[Block]:
    from epigone.studies.engine.tables import results_table

    yield results_table(result.rows, "Losses of all rows")
    for sample in result.samples:
        spans = [(run.start, run.end) for run in sample.copied]
        yield Sample(sample.row, _excerpt(sample.text), measures=sample.measures, copied=spans)
    yield result.verdict
    yield from notices_of(result.notices)
    yield Facts({"model": result.model, "report": result.report, "next": f"epigone generate {result.model}"})


def _excerpt(text: str) -> str:
    """The beginning of a text, up to the end of a line."""
    shown = text[:EXCERPT].rsplit("\n", 1)[0].rstrip()
    return shown + (" …" if len(shown) < len(text) else "")


def study(result: Any) -> Iterator[Block]:
    yield from result.texts
    yield from result.tables
    if result.claims:
        lines = [[(claim.answer.ljust(8), claim.claim), ("", claim.evidence)] for claim in result.claims]
        yield Facts([line for pair in lines for line in pair])
    yield from notices_of(result.notices)
    yield Facts({"report": result.report})
