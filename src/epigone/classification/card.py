"""The files that describe a finished classifier: table.csv, table.md, README.md, and last config.json."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from epigone.classification.files import write_config
from epigone.classification.result import ClassifierTraining
from epigone.classification.table import results_table
from epigone.markup import code, fenced, markdown
from epigone.report.renderers.csv import to_csv
from epigone.report.renderers.markdown import to_markdown
from epigone.report.tables import Table
from epigone.storage import atomic_write
from epigone.text.document import counted

FLATTERED = (
    "These figures chose the winner, so they flatter it a little; epigone classify evaluate on other labelled texts "
    "gives honest ones."
)
MOST_CLASSES = 50  # that the card lists


def table_of_training(result: ClassifierTraining, title: str = "") -> Table:
    """The table of a training."""
    winner = next(row.title for row in result.rows if row.name == result.winner)
    return results_table(result.rows, winner, f"Measured {result.measured}.", title)


def write_result(out: Path, result: ClassifierTraining, request: dict[str, Any]) -> None:
    """Write the description of a classifier; config.json comes last, so that a killed training goes on."""
    table = table_of_training(result)
    atomic_write(out / "table.csv", to_csv(table))
    atomic_write(out / "table.md", to_markdown(table))
    atomic_write(out / "README.md", _card(out.name, result))
    facts = {"approach": result.winner, "classes": result.classes, "request": request, "result": asdict(result)}
    write_config(out, facts)


def _card(name: str, result: ClassifierTraining) -> str:
    winner = next(row.title for row in result.rows if row.name == result.winner)
    classes = [
        f"- {markdown(label)}: {counted(number, 'text')}"
        for label, number in list(zip(result.classes, result.examples, strict=True))[:MOST_CLASSES]
    ]
    more = len(result.classes) - MOST_CLASSES
    lines = [
        f"# {markdown(name)}",
        "",
        f"A classifier of texts: {markdown(winner)}.",
        "",
        "## Classes",
        "",
        *classes,
        *[f"- and {more:,} more"] * (more > 0),
        "",
        "## Figures",
        "",
        to_markdown(table_of_training(result)),
        "",
        FLATTERED,
        "",
        *[f"- left out: {markdown(line)}" for line in result.left_out],
        *[f"- {markdown(line)}" for line in result.notices],
        "",
        "## Texts",
        "",
        f"{counted(sum(result.examples), 'labelled text')}, sha256 {code(result.corpus[:16])}, and "
        f"{counted(result.unlabelled, 'text')} without a label.",
        "",
        "## Use",
        "",
        fenced(f'import epigone\n\nprint(epigone.classify({name!r}, "A text."))', "python"),
        "",
    ]
    return "\n".join(lines)
