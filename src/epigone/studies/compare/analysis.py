"""The analysis of a comparison: its figures, the kept model, samples, and the verdict in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from epigone.models.files.bundled import resolve
from epigone.studies.compare.grid import Grid
from epigone.studies.engine.claims import signed
from epigone.studies.engine.jobs import Training, Untouched, facts_of_run
from epigone.studies.engine.rows import Row, RowResult, labelled, stopped_by_limit, summarise
from epigone.studies.engine.samples import fingerprints, sample_text
from epigone.studies.engine.tables import best_scratch, resampled, unit, winning
from epigone.studies.engine.workspace import keep_copy, keep_model
from epigone.studies.experiment import Context, Findings


@dataclass(frozen=True, kw_only=True)
class Compared(Findings):
    """The rows of a comparison and their verdict."""

    results: list[RowResult]
    verdict: str


def analyse(context: Context[Grid]) -> Compared:
    """Choose the winner on validation, keep the best network, and let it and its rivals write samples."""
    text, runs, size = context.texts["corpus"], context.runs, context.options.size
    (best,) = labelled(context.rows, family="scratch")
    context.notices += stopped_by_limit(
        "The best network from scratch", runs[best.name], "; give a larger --search-epochs"
    )
    results = summarise(context.rows, runs)
    bases = bases_of(context.rows)
    network = kept(results)
    if network.family == "base":
        keep_copy(context.out / "model", bases[network.name])
    else:
        keep_model(context.out / "model", runs[network.name], text)
    writers = {network.name: context.out / "model", best.name: context.best_model(best)}
    writers |= {row.name: bases[row.name] for row in labelled(context.rows, family="base")}
    families = {row.name: row.family for row in context.rows}
    return Compared(
        rows=[],
        samples=[
            sample_text(
                name, families[name], folder, text, size.sample_length, size.temperature, fingerprints(bases.get(name))
            )
            for name, folder in writers.items()
        ],
        facts={"best network from scratch": facts_of_run(best.jobs[0])},
        results=results,
        verdict=verdict(results),
    )


def bases_of(rows: Sequence[Row]) -> dict[str, Path]:
    """The folder of the base that a row starts from, by the row's name; rows without a base are left out."""
    jobs = [(row.name, job) for row in rows for job in row.jobs]
    return {name: resolve(job.base.path) for name, job in jobs if isinstance(job, Training | Untouched) and job.base}


def kept(rows: Sequence[RowResult]) -> RowResult:
    """The network with the lowest validation loss: the winner, unless an n-gram model wins. It may be a base."""
    return winning([row for row in rows if row.family != "n-gram"])


def verdict(rows: Sequence[RowResult]) -> str:
    """The winner and the kept network, in a few sentences."""
    winner, network = winning(rows), kept(rows)
    said = _found(rows, winner, best_scratch(rows))
    if winner.family == "n-gram":
        said += (
            " An n-gram model beats every network here. It cannot be saved as a model, so the best network is kept: "
            f"“{network.name}” ({network.loss:.3f})."
        )
    if winner.family == "base":
        said += " No retrained selection does better than this base, which is kept as it is."
    return said


def _found(rows: Sequence[RowResult], winner: RowResult, scratch: RowResult | None) -> str:
    said = f"“{winner.name}” has the lowest validation loss; its test loss is {winner.loss:.3f} nats per {unit(rows)}"
    if scratch is None:
        return said + "."
    if winner.name == scratch.name:
        transfer = min((r for r in rows if r.family == "transfer"), key=lambda r: r.validation_loss, default=None)
        said += ". No retrained selection does better than training from scratch"
        return said + (f" (“{transfer.name}”: {transfer.loss:.3f})." if transfer else ".")
    said += f", that of the best network from scratch {scratch.loss:.3f}"
    if winner.difference is None or winner.p_holm is None:
        return said + "; there is too little test text for an interval."
    d = winner.difference
    said += f". The difference is {signed(d.estimate, d.low, d.high)}"
    certain = winner.p_holm < 0.05
    said += f" (95 % interval over {resampled(rows)}, {p_value(winner.p_holm)} after Holm's correction)"
    return said + ("." if certain else ": with so little text that may be chance.")


def p_value(p: float) -> str:
    """A p-value as papers write it."""
    return "p < 0.0005" if p < 0.0005 else f"p = {p:.2g}"
