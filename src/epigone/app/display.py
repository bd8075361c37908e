"""The results of the public functions as blocks for people, or as JSON.

The function for a result is chosen by the name of its class, because importing the classes would load PyTorch.
"""

import io
import itertools
import json
import logging
import math
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from epigone.app.blocks import Block, Columns, Facts
from epigone.app.terminal import print_blocks
from epigone.report.numbers import Interval, NumberStyle, format_measure
from epigone.report.page import Sample
from epigone.report.plots.characters import draw_lines
from epigone.report.tables import Column, Table, table_of

log = logging.getLogger("epigone")

_CONTROLS = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # as `clean` knows them
SMALL = 100_000  # characters of a text; of a longer one, the part that is kept apart is hardly missed
RULE = "\n\n===\n\n"  # between texts
EXCERPT = 500  # characters that are shown of a sample beside others


def show(result: Any) -> None:
    """Print a result on standard output."""
    print_blocks(blocks(result))
    if type(result).__name__ == "Generation" and not result.next:
        log_generation(result)


def as_text(result: Any) -> str:
    """Write a result as the command prints it, without a last newline."""
    file = io.StringIO()
    print_blocks(blocks(result), file)
    return file.getvalue().rstrip("\n")


def blocks(result: Any) -> Iterator[Block]:
    """The parts of a result in their order."""
    return SHOWN[type(result).__name__](result)


def as_json(result: Any) -> str:
    """Write a result as one line of JSON; numbers that are not finite become null."""
    figures = result.figures() if hasattr(result, "figures") else asdict(result)
    text = json.dumps(_plain(figures), ensure_ascii=False, allow_nan=False)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # JSON escapes those below U+0020 itself


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


def _training(result: Any) -> Iterator[Block]:
    epochs = f"{result.epochs:g} epoch{'s' * (result.epochs != 1)}"
    facts = _text(result) | {
        result.outcome: f"{result.steps:,} steps, {epochs}, {result.seconds:,.0f} s",
        "kept": f"the weights of step {result.best_step:,}, the best on validation",
        "validation": f"loss {result.loss:.4f} nats per token, {result.bits_per_char:.4f} bits per character, "
        f"accuracy {result.accuracy:.2%}, perplexity {result.perplexity:.3f}",
        "chosen": _chosen(result.trials),
        "learned": f"{result.trained_parameters:,} of {result.parameters:,} weights",
        "refit": "at the end, all of the text was learned; the loss is that of the weights before" * result.refit,
        "model": result.folder,
        "held out": _held_out(result),
        "next": f"epigone generate {result.folder}",
    }
    if not result.best_step and result.outcome != "interrupted":
        facts["kept"] = "the weights before the first step, because validation never improved"
        facts["learned"] = "nothing"
        facts["next"] = "try a smaller --lr, another --train, or more text"
    if result.outcome == "interrupted":
        facts["next"] = "run the same command with --resume to continue"
    yield Facts(facts)


def _held_out(result: Any) -> str:
    """Offer to learn what was kept apart, if a text is so small that it lacks this part."""
    small = result.fractions and result.characters < SMALL * result.fractions[1]
    learned = result.best_step and not result.refit and result.outcome != "interrupted"
    return "--final with another --out learns the documents that were kept apart, too" if small and learned else ""


def _chosen(trials: Sequence[dict[str, Any]]) -> str:
    """The rate and the selection that short trials chose, if there were any."""
    finite = [trial for trial in trials if trial["loss"] is not None]
    if not finite:
        return ""
    best = min(finite, key=lambda trial: trial["loss"])
    return f"rate {best['lr']:g} on {best['selection']}, the best of {len(trials)} trials on validation"


def _text(result: Any) -> dict[str, str]:
    """Name the text and its split, on which every figure rests."""
    shares = " / ".join(f"{share:.4g}" for share in result.fractions or ())
    return {
        "text": f"{', '.join(result.texts)}, sha256 {result.corpus[:16]}" if result.texts else "",
        "split": f"seed {result.split_seed}, {shares} for train / validation / test" if shares else "",
    }


def _evaluation(result: Any) -> Iterator[Block]:
    documents = f"{result.documents:,} document{'s' * (result.documents != 1)}"
    seen = f"; about {result.seen:.0%} of it was read in training" if result.seen else ""
    yield Facts(
        {
            "model": result.model,
            **_text(result),
            "measured": f"{result.split}: {documents}, {result.characters:,} characters, {result.tokens:,} tokens"
            + seen,
            "loss": f"{result.loss:.4f} nats per token",
            "bits per character": f"{result.bits_per_char:.4f}",
            "accuracy": f"{result.accuracy:.2%}",
            "perplexity": f"{result.perplexity:.3f}",
            "time": f"{result.seconds:.1f} s",
        }
    )


def _generation(result: Any) -> Iterator[Block]:
    if result.next:
        yield _next_tokens(result.next)
        return
    temperatures = result.sampling.temperatures
    each = len(result.texts) // len(temperatures)
    samples = []
    for place, temperature in enumerate(temperatures):
        name = f"temperature {temperature:g}" if len(temperatures) > 1 else ""
        chosen = slice(place * each, (place + 1) * each)
        samples.append(_joined(name, result.texts[chosen], result.copied[chosen]))
    yield Columns(samples) if len(samples) > 1 else samples[0]


def _joined(name: str, texts: Sequence[str], copied: Sequence[Sequence[Any]]) -> Sample:
    """One sample of several texts with rules between them."""
    spans, offset = [], 0
    for text, runs in itertools.zip_longest(texts, copied, fillvalue=()):
        spans += [(offset + run.start, offset + run.end) for run in runs]
        offset += len(text) + len(RULE)
    return Sample(name, RULE.join(texts), copied=spans)


def _next_tokens(likely: Sequence[Any]) -> Table:
    rows = [{"token": _visible(each.token), "probability": each.probability} for each in likely]
    rest = max(0.0, 1 - sum(each.probability for each in likely))
    columns = [
        Column("token", "token", align="left"),
        Column("probability", "probability", digits=2, notation="percent"),
    ]
    return Table("", columns, [*rows, {"token": "(anything else)", "probability": rest}])


def _visible(token: str) -> str:
    """Name a white-space token, and quote one with white space at an end."""
    named = {" ": "(space)", "\n": "(newline)", "\t": "(tab)"}
    return named.get(token, token if token == token.strip() else repr(token))


def log_generation(result: Any) -> None:
    """Log seed, speed and copying of generated text as notices; standard output holds the text alone."""
    from epigone.evaluation.copied import ADVICE, MOST, passages  # here, so that light commands start quickly
    from epigone.evaluation.memorisation import Copying

    speed = result.characters / max(1e-9, result.seconds)
    english = f", {result.quality.english_words:.0%} of the words English" if result.quality.english_words else ""
    log.info(f"seed {result.sampling.seed}, {result.characters:,} characters, {speed:,.0f} a second{english}")
    for name, copying in (result.copying or {}).items():
        log.info(f"copied from the {name} text: {Copying(**copying).in_words()}")
    found = [line for text, runs in zip(result.texts, result.copied, strict=True) for line in passages(text, runs)]
    for line in found[:MOST]:
        log.info(f"  {line}")
    if found:
        log.info(ADVICE)
    if any(not run.document for runs in result.copied for run in runs) and "given" not in result.copying:
        log.info("Name the text that was learned with --corpus TEXT to see which document a run is from.")


def _quantisation(result: Any) -> Iterator[Block]:
    difference = Interval(result.difference, *result.interval)
    yield Facts(
        {
            "weights": f"{result.megabytes:.2f} MB, {result.base_megabytes:.2f} MB in {result.base}",
            "measured on": f"{result.text}, {result.tokens:,} tokens",
            "loss": f"{result.loss:.4f} nats per token in int8, {result.base_loss:.4f} in fp32",
            "difference": format_measure(difference, NumberStyle(digits=5, signed=True)),
            "model": result.model,
            "next": f"epigone generate {result.model}",
        }
    )


def _gradcheck(result: Any) -> Iterator[Block]:
    errors = {"numerical": "differences", "float64": "float64", "fp32": "fp32", "bf16": "bf16"}
    columns = [
        Column("weight", "weight", align="left"),
        Column("symbol", "symbol", align="left", optional=True),
        Column("entries", "entries"),
        *(Column(key, label, digits=1, notation="scientific") for key, label in errors.items()),
    ]
    note = "Largest relative errors: against numerical differences, then by precision over all backends."
    yield Table("", columns, result.summary(), note)
    if result.options.details:
        yield _gradients(result)
    limits = ", ".join(f"{precision} {limit:.0e}" for precision, limit in result.tolerances.items())
    hint = "" if result.passed or result.options.details else " --details shows each backend."
    yield f"{'All' if result.passed else 'NOT all'} gradients are within their tolerances: {limits}.{hint}"


def _gradients(result: Any) -> Table:
    columns = [
        Column("parameter", "parameter", align="left"),
        Column("backend", "backend", align="left"),
        Column("precision", "precision", align="left"),
        Column("relative_error", "relative error", digits=1, notation="scientific"),
        Column("floor", "floor", digits=1, notation="scientific", optional=True),
        Column("below", "below the floor", optional=True),
        Column("entries", "entries", optional=True),
    ]
    return Table("", columns, [asdict(row) for row in result.rows])


def _curves(result: Any) -> Iterator[Block]:
    if not result.out:
        yield Sample("", draw_lines(result.panels(), result.against, shutil.get_terminal_size().columns))
    yield table_of([_end(run, result.against) for run in result.runs])
    yield from _notices(result.notices)
    yield Facts({"figure": result.out})


def _end(run: Any, against: str) -> dict[str, Any]:
    """The lowest validation loss of a run."""
    best = min(range(len(run.validation)), key=run.validation.__getitem__)
    return {"run": run.name, "best validation": run.validation[best], "unit": run.unit, f"at {against}": run.x[best]}


def _look(result: Any) -> Iterator[Block]:
    if not result.out:
        yield from result.shaded()
    columns = [
        Column("name", "unit", align="left"),
        Column("mean", "mean", digits=2),
        Column("deviation", "deviation", digits=2),
        Column("least", "least", digits=2),
        Column("most", "most", digits=2),
    ]
    yield Table("", columns, [_range(unit) for unit in result.units])
    yield from _notices(result.notices)
    yield Facts({"model": result.model, "tokens": len(result.tokens), "picture": result.out})


def _range(unit: Any) -> dict[str, Any]:
    values = unit.values
    mean = sum(values) / len(values)
    return {"name": unit.name, "mean": mean, "deviation": unit.deviation, "least": min(values), "most": max(values)}


def _comparison(result: Any) -> Iterator[Block]:
    from epigone.studies.engine.tables import results_table

    yield results_table(result.rows, "Losses of all rows")
    for sample in result.samples:
        spans = [(run.start, run.end) for run in sample.copied]
        yield Sample(sample.row, _excerpt(sample.text), measures=sample.measures, copied=spans)
    yield result.verdict
    yield from _notices(result.notices)
    yield Facts({"model": result.model, "report": result.report, "next": f"epigone generate {result.model}"})


def _excerpt(text: str) -> str:
    """The beginning of a text, up to the end of a line."""
    shown = text[:EXCERPT].rsplit("\n", 1)[0].rstrip()
    return shown + (" …" if len(shown) < len(text) else "")


def _notices(notices: list[str]) -> Iterator[Block]:
    """Repeat what a reader must know before believing the figures: some of it was logged hours ago."""
    if notices:
        yield Facts([("notice", notice) for notice in notices])


def _study(result: Any) -> Iterator[Block]:
    yield from result.texts
    yield from result.tables
    if result.claims:
        lines = [[(claim.answer.ljust(8), claim.claim), ("", claim.evidence)] for claim in result.claims]
        yield Facts([line for pair in lines for line in pair])
    yield from _notices(result.notices)
    yield Facts({"report": result.report})


def _info(result: Any) -> Iterator[Block]:
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
        "weights": row["parameters"],
        "tokenizer": row["tokenizer"],
        "trained on": row["characters"] and f"{row['characters'] / 1e6:.1f} M chars",
        "loss": row["validation_loss"],
        "MB": row["megabytes"],
    }


SHOWN: dict[str, Callable[[Any], Iterator[Block]]] = {
    "TrainingResult": _training,
    "Evaluation": _evaluation,
    "Generation": _generation,
    "Quantisation": _quantisation,
    "Gradcheck": _gradcheck,
    "Curves": _curves,
    "Look": _look,
    "Comparison": _comparison,
    "StudyResult": _study,
    "Info": _info,
}
