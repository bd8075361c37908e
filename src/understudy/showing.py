"""Results as text for people: a function for each kind of result, chosen by the result's name.

By name, because importing every kind would import every room, PyTorch included.
"""

import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table


def show(result: Any) -> None:
    """Print a result on standard output."""
    SHOWN[type(result).__name__](result)


def _say(*lines: str) -> None:
    print("\n".join(lines))


def _training(result: Any) -> None:
    kept = f"the weights of step {result.best_step:,} are kept" if result.best_step else "the initial weights are kept"
    _say(
        f"{result.folder}: {result.outcome} after {result.steps:,} steps ({result.epochs:g} epochs, "
        f"{result.seconds:,.0f} s); {kept}.",
        f"validation: {result.loss:.4f} nats per token, {result.bits_per_char:.4f} bits per character, "
        f"accuracy {result.accuracy:.2%}; {result.trained_parameters:,} of {result.parameters:,} weights learned.",
    )
    if result.outcome == "interrupted":
        _say("The same command with --resume goes on where it stopped.")


def _evaluation(result: Any) -> None:
    _say(
        f"{result.model} on {result.split}: {result.documents:,} documents, {result.tokens:,} tokens, "
        f"{result.characters:,} characters in {result.seconds:.1f} s",
        f"loss {result.loss:.4f} nats per token   bits per character {result.bits_per_char:.4f}   "
        f"accuracy {result.accuracy:.2%}   perplexity {result.perplexity:.3f}",
    )


def _generation(result: Any) -> None:
    for index, text in enumerate(result.texts):
        if index:
            _say("", "===", "")
        _say(text)
    facts_of_generation(result)


def facts_of_generation(result: Any) -> None:
    """On standard error, so that standard output holds the text alone."""
    speed = result.characters / max(1e-9, result.seconds)
    lines = [f"seed {result.sampling.seed}, {result.characters:,} characters, {speed:,.0f} a second"]
    for name, copying in (result.copying or {}).items():
        about = "" if copying["exact"] else "about "
        share = "unknown" if copying["share"] is None else f"{about}{copying['share']:.1%}"
        longest = f"{copying['longest_run']} characters" if copying["longest_run"] else "under 30 characters"
        lines.append(f"copied from the {name} text: {share} in runs of 30 or more; longest run {longest}")
    print("\n".join(lines), file=sys.stderr)


def _comparison(result: Any) -> None:
    from understudy.report.tables import to_terminal
    from understudy.studies.findings import results_table

    console = Console()
    console.print(to_terminal(results_table(result.rows, "Losses of all rows"), console.width))
    for sample in result.samples:
        text = sample.text[:500].rsplit("\n", 1)[0]
        console.rule(
            f"{sample.row}: {sample.english_share:.0%} English words, longest copied run {sample.longest_copied}"
        )
        console.print(text, highlight=False, markup=False)
    console.rule()
    console.print(result.verdict, highlight=False, markup=False)
    _say("", f"model:  {result.model}", f"report: {result.report}")


def _study(result: Any) -> None:
    for claim in result.claims:
        _say(f"{claim.answer:8s} {claim.claim}", f"         {claim.evidence}")
    _say("", f"report: {result.report}")


def _info(result: Any) -> None:
    _say(f"{result.path or 'bundled'}: {result.kind}")
    for key, value in result.facts.items():
        if value not in (None, [], ""):
            _say(f"  {key}: {_number(value)}")
    if result.rows:
        table = Table(box=None, pad_edge=False)
        columns = list(dict.fromkeys(key for row in result.rows for key in row))
        for column in columns:
            table.add_column(column, justify="left" if column in ("name", "family", "split") else "right")
        for row in result.rows:
            table.add_row(*(_number(row.get(column)) for column in columns))
        Console().print(table)


def _number(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return "; ".join(map(_number, value))
        case _:
            return str(value)


SHOWN: dict[str, Callable[[Any], None]] = {
    "TrainingResult": _training,
    "Evaluation": _evaluation,
    "Generation": _generation,
    "Comparison": _comparison,
    "StudyResult": _study,
    "Info": _info,
}
