"""Results about a language model as blocks: trained, evaluated, quantised."""

from collections.abc import Iterator, Sequence
from typing import Any

from epigone.app.blocks import Block, Facts
from epigone.report.numbers import Interval, NumberStyle, format_measure

CLAMPS = 8
"""Clamps that are named; --json names all."""
SMALL = 100_000  # characters of a text; of a longer one, the part that is kept apart is hardly missed


def training(result: Any) -> Iterator[Block]:
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
        "next": f"epigone evaluate {result.folder} TEXT" * (result.direction == "backward")
        or f"epigone generate {result.folder}",
    }
    if not result.steps:
        facts["kept"] = "no step was taken"
    if not result.trained_parameters:
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
    """The rate and the selection that trials chose, if there were any."""
    if not any(trial["loss"] is not None for trial in trials):
        return ""
    from epigone.transfer.trials import read_trials, taken  # it loads PyTorch, which a training has done already

    best = taken(read_trials(trials))
    return f"rate {best.lr:g} on {best.selection}, chosen from {len(trials)} trials on validation"


def _text(result: Any) -> dict[str, str]:
    """Name the text and its split, on which every figure rests."""
    shares = " / ".join(f"{share:.4g}" for share in result.fractions or ())
    return {
        "text": f"{', '.join(result.texts)}, sha256 {result.corpus[:16]}" if result.texts else "",
        "split": f"seed {result.split_seed}, {shares} for train / validation / test" if shares else "",
    }


def evaluation(result: Any) -> Iterator[Block]:
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
            "clamped": ", ".join(result.clamps[:CLAMPS]) + " and more" * (len(result.clamps) > CLAMPS),
            "time": f"{result.seconds:.1f} s",
        }
    )


def quantisation(result: Any) -> Iterator[Block]:
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


def delta(result: Any) -> Iterator[Block]:
    yield Facts(
        {
            "stored": f"{result.weights:,} numbers beside the {result.of:,} weights of {result.base}",
            "size": f"{result.kilobytes:,.1f} kB, {result.whole_kilobytes:,.1f} kB before",
            "model": result.model,
            "next": f"epigone generate {result.model}",
        }
    )


def imported(result: Any) -> Iterator[Block]:
    *lower, top = map(str, result.units)
    yield Facts(
        {
            "layers": f"{', '.join(lower)} and {top} units" if lower else f"{top} units",
            "embedding": f"{result.embedding_size:,} numbers for each of {result.tokens:,} tokens",
            "weights": f"{result.parameters:,}",
            "notices": " ".join(result.notices),
            "model": result.folder,
            "next": f"epigone finetune {result.folder} TEXT --out FOLDER",
        }
    )
