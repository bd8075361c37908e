"""The facts about a path, and the list of bundled models, as blocks."""

from collections.abc import Iterator
from typing import Any

from epigone.app.blocks import Block, Facts
from epigone.report.tables import table_of


def info(result: Any) -> Iterator[Block]:
    if result.kind == "bundled models":
        yield from _bundled_models(result)
        return
    # Notices were logged while the text was read.
    facts = {name.replace("_", " "): value for name, value in result.facts.items() if name != "notices"}
    yield Facts({result.kind: result.path} | facts)
    if result.rows:
        yield table_of(result.rows)
    shares = result.facts.get("fractions") if result.kind == "corpus" else None
    if shares and max(shares) - min(shares) < 1e-6:
        yield "compare and the studies divide it so; pretrain and finetune learn from four fifths of it."


def _bundled_models(result: Any) -> Iterator[Block]:
    if result.rows:
        yield table_of([_bundled(row) for row in result.rows])
        advice = "epigone info NAME describes one; epigone generate NAME lets it write."
    else:
        advice = "No models are bundled with this installation; train one with epigone pretrain."
    native = result.facts["engine"]
    runner = "PyTorch" if native == "none" else f"the native engine (build {native})"
    yield f"{advice} On the CPU, {runner} runs them."


def _bundled(row: dict[str, Any]) -> dict[str, Any]:
    """Choose the facts of a model that fit on a line of a narrow terminal."""
    return {
        "name": row["name"],
        "network": f"{row['cell']} {row['layers']}x{row['units']}",
        "weights": row["parameters"] and _short(row["parameters"]),
        "tokenizer": row["tokenizer"],
        "trained on": row["characters"] and f"{row['characters'] / 1e6:.1f} M chars",
        "loss": row["validation_loss"],
        "MB": row["megabytes"] and round(row["megabytes"], 1),
    }


def _short(number: int) -> str:
    """A number as millions, if it has some."""
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"
