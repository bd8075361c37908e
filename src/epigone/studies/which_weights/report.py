"""The page of the study `which-weights`: questions, gains against the number of weights, costs."""

from collections.abc import Iterator, Sequence

from epigone.report.page import Figure, Report
from epigone.report.plots.line_panels import Line, LinePanels
from epigone.studies.engine.claims import claims_table
from epigone.studies.experiment import Context
from epigone.studies.which_weights.analysis import WhichFindings
from epigone.studies.which_weights.grid import WhichWeightsOptions
from epigone.studies.which_weights.measured import Measured

CAPTION = (
    "Gains on the test documents of writers on whom nothing was chosen, with 95 % intervals over documents. Random "
    "choices are the mean of their draws."
)


def report(context: Context[WhichWeightsOptions], findings: WhichFindings) -> Report:
    """Lay out the page."""
    found = findings.measured
    panels = {"gain on new writers (nats per character)": list(_lines(found, forgotten=False))}
    if any(each.forgetting for each in found):
        panels["what the base forgets of its own text"] = list(_lines(found, forgotten=True))
    best = found[0]
    return Report(
        title="Which weights carry the writer?",
        summary=f"Best on validation is “{best.name}”, which gains {best.gain.estimate:.4f} nats per token "
        f"[{best.gain.low:.4f}, {best.gain.high:.4f}] on writers on whom nothing was chosen.",
        tables=[claims_table("The questions", findings.claims, " (nats per token, 95 % interval)"), *findings.tables],
        figures=[Figure("Gain and forgetting against the weights that learn", _plot(panels), CAPTION)],
    )


def _plot(panels: dict[str, list[Line]]) -> LinePanels:
    return LinePanels(panels, "weights that learn", "nats per character", x_scale="log")


def _lines(found: Sequence[Measured], forgotten: bool) -> Iterator[Line]:
    """A line for each ranking or score, and a dot for every other part."""
    single = {"method": "ways of adapting"}
    for each in found:
        if not each.choice:
            yield _line([each], single.get(each.group, "layers, gates, matrices"), forgotten)
    for group, choice in dict.fromkeys((each.group, each.choice) for each in found if each.choice):
        several = [each for each in found if (each.group, each.choice) == (group, choice)]
        yield _line(sorted(several, key=lambda each: each.share), f"{group}: {choice}", forgotten)


def _line(parts: Sequence[Measured], label: str, forgotten: bool) -> Line:
    values = [each.forgetting if forgotten else each.gain for each in parts]
    known = [(each.weights, value) for each, value in zip(parts, values, strict=True) if value is not None]
    return Line(
        [weights for weights, _ in known],
        [value.estimate for _, value in known],
        label,
        dots=True,
        low=[value.low for _, value in known],
        high=[value.high for _, value in known],
    )
