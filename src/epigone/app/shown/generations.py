"""Generated texts and next tokens as blocks."""

import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from epigone.app.blocks import Block, Columns
from epigone.report.page import Sample
from epigone.report.tables import Column, Table

log = logging.getLogger("epigone")

RULE = "\n\n===\n\n"  # between texts


def generation(result: Any) -> Iterator[Block]:
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
