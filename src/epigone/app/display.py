"""Results as text for people, or as JSON.

A function for each kind of result is chosen by the result's name, because importing every kind would import every room,
PyTorch included.
"""

import json
import logging
import math
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from epigone.report.numbers import Interval, NumberStyle, format_measure, format_value
from epigone.report.renderers.terminal import to_terminal
from epigone.report.tables import Column, Table, table_of

log = logging.getLogger("epigone")

WIDE = 180  # characters of a table's line in a file, which has no width of its own
EXCERPT = 500  # characters of a sample that are shown beside others
FACT = NumberStyle(digits=4, notation="significant")


class SteadyConsole(Console):
    """Goes on when its reader has gone, as `| head` goes; rich would end the program."""

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def show(result: Any) -> None:
    """Print a result on standard output."""
    SHOWN[type(result).__name__](result)


def as_json(result: Any) -> str:
    """A result as JSON in one line; what is not a finite number becomes null."""
    figures = result.figures() if hasattr(result, "figures") else asdict(result)
    return json.dumps(_plain(figures), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case _:  # NumPy's numbers and arrays, paths
            return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)


def _narrow() -> bool:
    """Whether lines must be broken: in a file they need not."""
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def _console() -> Console:
    """Standard output."""
    return SteadyConsole(width=None if _narrow() else WIDE, soft_wrap=not _narrow(), highlight=False, markup=False)


def _print_table(table: Table) -> None:
    console = _console()
    console.print(to_terminal(table, console.width))


def _say(facts: dict[str, Any]) -> None:
    """Print lines of a name and what is to be said about it, the latter aligned."""
    facts = {name: format_value(value, FACT) for name, value in facts.items() if value not in (None, "", [], ())}
    left = max(map(len, facts)) + 2
    width = max(40, _console().width - left) if _narrow() else sys.maxsize
    for name, text in facts.items():
        lines = [text]
        if not text.startswith("epigone "):  # a command stays whole, to be copied
            lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
        print(f"\n{' ' * left}".join([name.ljust(left) + lines[0], *lines[1:]]))


def _training(result: Any) -> None:
    epochs = f"{result.epochs:g} epoch{'s' * (result.epochs != 1)}"
    facts = _text(result) | {
        result.outcome: f"{result.steps:,} steps, {epochs}, {result.seconds:,.0f} s",
        "kept": f"the weights of step {result.best_step:,}, which are best on validation",
        "validation": f"loss {result.loss:.4f} nats per token, {result.bits_per_char:.4f} bits per character, "
        f"accuracy {result.accuracy:.2%}, perplexity {result.perplexity:.3f}",
        "learned": f"{result.trained_parameters:,} of {result.parameters:,} weights",
        "model": result.folder,
        "next": f"epigone generate {result.folder}",
    }
    if not result.best_step:
        facts["kept"] = "the initial weights, because validation never improved; a smaller --lr may help"
    if result.outcome == "interrupted":
        facts["next"] = "the same command with --resume goes on where it stopped"
    _say(facts)


def _text(result: Any) -> dict[str, str]:
    """What every figure rests on: the text and how it was split."""
    shares = " / ".join(f"{share:.4g}" for share in result.fractions or ())
    return {
        "text": f"{', '.join(result.texts)}, sha256 {result.corpus[:16]}" if result.texts else "",
        "split": f"seed {result.split_seed}, {shares} for train / validation / test" if shares else "",
    }


def _evaluation(result: Any) -> None:
    documents = f"{result.documents:,} document{'s' * (result.documents != 1)}"
    _say(
        {
            "model": result.model,
            **_text(result),
            "measured": f"{result.split}: {documents}, {result.characters:,} characters, {result.tokens:,} tokens",
            "loss": f"{result.loss:.4f} nats per token",
            "bits per character": f"{result.bits_per_char:.4f}",
            "accuracy": f"{result.accuracy:.2%}",
            "perplexity": f"{result.perplexity:.3f}",
            "time": f"{result.seconds:.1f} s",
        }
    )


def _generation(result: Any) -> None:
    if result.next:
        _print_table(_next_tokens(result.next))
        return
    print("\n\n===\n\n".join(result.texts), flush=True)
    facts_of_generation(result)


def _next_tokens(likely: Sequence[Any]) -> Table:
    rows = [{"token": _visible(each.token), "probability": each.probability} for each in likely]
    rest = max(0.0, 1 - sum(each.probability for each in likely))
    probability = Column("probability", "probability", digits=2, notation="percent")
    return Table(
        "",
        [Column("token", "token", align="left"), probability],
        [*rows, {"token": "(anything else)", "probability": rest}],
    )


def _visible(token: str) -> str:
    """A token as a table shows it: what is or has white space at its edges is named or quoted."""
    named = {" ": "(space)", "\n": "(newline)", "\t": "(tab)"}
    return named.get(token, token if token == token.strip() else repr(token))


def facts_of_generation(result: Any) -> None:
    """How a text came about, as notices: standard output holds the text alone."""
    speed = result.characters / max(1e-9, result.seconds)
    english = f", {result.quality.english_words:.0%} of the words English" if result.quality.english_words else ""
    log.info(f"seed {result.sampling.seed}, {result.characters:,} characters, {speed:,.0f} a second{english}")
    for name, copying in (result.copying or {}).items():
        about = "" if copying["exact"] else "about "
        if not copying["lookups"]:
            log.info(f"copied from the {name} text: too little was written to tell")
        elif not copying["longest_run"]:
            log.info(
                f"copied from the {name} text: nothing of 30 characters or more{' was found' * (not copying['exact'])}"
            )
        else:
            share, longest = f"{about}{copying['share']:.1%}", f"{about}{copying['longest_run']}"
            log.info(f"copied from the {name} text: {share} in runs of 30 characters or more, the longest of {longest}")


def _quantisation(result: Any) -> None:
    difference = Interval(result.difference, *result.interval)
    _say(
        {
            "weights": f"{result.megabytes:.2f} MB, {result.base_megabytes:.2f} MB in {result.base}",
            "measured on": f"{result.text}, {result.tokens:,} tokens",
            "loss": f"{result.loss:.4f} nats per token in int8, {result.base_loss:.4f} in fp32",
            "difference": format_measure(difference, NumberStyle(digits=5, signed=True)),
            "model": result.model,
            "next": f"epigone generate {result.model}",
        }
    )


def _gradcheck(result: Any) -> None:
    columns = [
        Column("parameter", "parameter", align="left"),
        Column("backend", "backend", align="left"),
        Column("precision", "precision", align="left"),
        Column("relative_error", "relative error", digits=1, notation="scientific"),
        Column("floor", "floor", digits=1, notation="scientific"),
        Column("below", "below the floor"),
        Column("entries", "entries"),
    ]
    _print_table(Table("", columns, [asdict(row) for row in result.rows]))
    print()
    limits = ", ".join(f"{precision} {limit:.0e}" for precision, limit in result.tolerances.items())
    print(f"{'All' if result.passed else 'NOT all'} gradients are within their tolerances: {limits}.")


def _comparison(result: Any) -> None:
    from epigone.studies.engine.tables import results_table

    _print_table(results_table(result.rows, "Losses of all rows"))
    for sample in result.samples:
        _sample(sample)
    print()
    _console().print(result.verdict)
    _notices(result.notices)
    print()
    _say({"model": result.model, "report": result.report, "next": f"epigone generate {result.model}"})


def _sample(sample: Any, whole: bool = False) -> None:
    text = sample.text if whole else sample.text[:EXCERPT].rsplit("\n", 1)[0].rstrip()
    print(f"\n── {sample.row}\n")
    print(text + (" …" if len(text) < len(sample.text) else ""))
    print()
    for measure in sample.measures:
        print(f"   {measure}")


def _notices(notices: list[str]) -> None:
    """What must be known before the figures are believed; some of it was told long ago."""
    if notices:
        print()
    for notice in notices:
        _say({"notice": notice})


def _study(result: Any) -> None:
    if result.study == "vanilla-rnn":
        _vanilla_rnn(result)
    for table in result.tables:
        print()
        _print_table(table)
    if result.claims:
        print()
    for claim in result.claims:
        _say({claim.answer.ljust(8): claim.claim, "": claim.evidence})
    _notices(result.notices)
    print()
    _say({"report": result.report})


def _vanilla_rnn(result: Any) -> None:
    for line in _of(result, "evolution"):
        print(f"\n── step {line['step']:,}, epoch {line['epoch']:.2f}, smoothed loss {line['summed_loss']:.1f}\n")
        print(line["text"])
    for sample in result.samples:
        _sample(sample, whole=True)
    print("\nThe hardest passages\n")
    for line in _of(result, "hardest passages"):
        place = f"{line['document']}, at {line['place']:.1%}"
        print(f"{place}: {line['loss']:.3f} nats a character, {line['loss'] - line['average']:+.3f} to the average")
        print(f"   {' '.join(line['text'].split())}\n")


def _of(result: Any, table: str) -> list[dict[str, Any]]:
    return [row for row in result.rows if row["table"] == table]


def _info(result: Any) -> None:
    if result.kind == "bundled models":
        if result.rows:
            _print_table(table_of([_bundled(row) for row in result.rows]))
            print("\nepigone info NAME says more of one, epigone generate NAME lets it write.")
        else:
            print("No models are bundled with this installation; train one with epigone pretrain.")
        native = result.facts["engine"]
        runner = "PyTorch" if native == "none" else f"the native engine (build {native})"
        print(f"On the CPU, {runner} runs them.")
        return
    # Notices were told while the text was read.
    facts = {name.replace("_", " "): value for name, value in result.facts.items() if name != "notices"}
    _say({result.kind: result.path} | facts)
    if result.rows:
        print()
        _print_table(table_of(result.rows))


def _bundled(row: dict[str, Any]) -> dict[str, Any]:
    """What fits on a line of a narrow terminal."""
    return {
        "name": row["name"],
        "network": f"{row['cell']} {row['layers']}x{row['units']}",
        "weights": row["parameters"],
        "tokenizer": row["tokenizer"],
        "trained on": row["characters"] and f"{row['characters'] / 1e6:.1f} M chars",
        "loss": row["validation_loss"],
        "MB": row["megabytes"],
    }


SHOWN: dict[str, Callable[[Any], None]] = {
    "TrainingResult": _training,
    "Evaluation": _evaluation,
    "Generation": _generation,
    "Quantisation": _quantisation,
    "Gradcheck": _gradcheck,
    "Comparison": _comparison,
    "StudyResult": _study,
    "Info": _info,
}
