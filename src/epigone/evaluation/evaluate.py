"""`evaluate`: the loss of a model on a text."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from epigone.errors import UserError
from epigone.evaluation.dynamic import DynamicOptions, dynamic_losses
from epigone.evaluation.losses import Losses, document_losses, walker_losses
from epigone.evaluation.seen import seen
from epigone.evaluation.traversal import ROWS
from epigone.models.backends.walker import EngineOptions, native_walker
from epigone.models.clamps import Clamp
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.clamp_names import read_clamps
from epigone.models.files.model_folder import ModelFolder, read_folder
from epigone.results import Shown
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.streams import TokenStream

log = logging.getLogger("epigone")

MUCH = 0.05
"""The share of dropped characters above which the figures describe another text."""


@dataclass(frozen=True)
class DocumentLoss:
    """The loss on one document, in nats per token."""

    name: str
    loss: float
    tokens: int


@dataclass(frozen=True)
class Evaluation(Shown):
    """The loss of a model on a text, without end symbols."""

    model: str
    texts: list[str]
    """Files and folders as given."""
    corpus: str
    """The hash of the corpus."""
    split: str
    split_seed: int | None
    """None if the text was not split."""
    fractions: list[float] | None
    """The shares of train, validation and test; None if the text was not split."""
    loss: float
    """Nats per token."""
    bits_per_char: float
    """Bits per character of the text that the model read; unknown words are spelled (`text/tokenizers/spelling.py`)."""
    accuracy: float
    """Share of tokens that were the likeliest prediction."""
    perplexity: float
    tokens: int
    characters: int
    """After the tokenizer's normalisation, without dropped ones."""
    documents: int
    seconds: float
    rows: list[DocumentLoss]
    """The documents, in the order of the split."""
    notices: list[str]
    """Sentences on changes, omissions and decisions."""
    seen: float | None = None
    """Share of the text that is in what the model or its base was trained on; None for new text, and for the training
    text itself."""
    clamps: list[str] = field(default_factory=list)
    """The units that were held at a value, each by its name, such as `layers.1.cell[17]=0`."""


def evaluate(
    model: str | Path,
    *texts: str | Path,
    split: Literal["test", "validation", "train", "all"] | None = None,
    read: ReadOptions = ReadOptions(),
    splitting: SplitOptions = SplitOptions(),
    running: EngineOptions = EngineOptions(),
    learning: DynamicOptions = DynamicOptions(),
    clamp: Sequence[str] = (),
) -> Evaluation:
    """Measure a model on the documents of a text, over the whole split, with the state reset at each document.

    Args:
        model: the folder of a model, or the name of a bundled one.
        texts: files or folders of text.
        split: the part to measure; by default `test` for the text that the model was trained on, else `all`. The
            training text is split as for the training, unless --fractions or a --split-seed other than 0 is given.
        read: how the text is read.
        splitting: how the documents are split; for the training text, defaults mean the values of the training.
        running: the engine and its precision.
        learning: dynamic evaluation.
        clamp: units of a state to hold at a value, written as for `generate`: `layers.1.cell[17]=0`,
            `units(from=probe.json, top=10)=0`. The rise of the loss is what the model owes to them.

    Raises:
        UserError: the input is bad, or the model knows none of its characters; the message says what to do.
    """
    begin = time.perf_counter()
    source = read_folder(model)
    running.settled(source.shape, source.config.get("dtype"))  # fail early if the engine cannot run it
    clamps = read_clamps(clamp, source.shape)
    corpus = Corpus.open(texts, read, None)
    trained_on = source.config.get("request", {}).get("corpus", {})
    same = corpus.hash == trained_on.get("hash") and bool(trained_on.get("fractions")) and "split_seed" in trained_on
    part = split or ("test" if same else "all")
    notices: list[str] = []
    if part != "all":
        by_position = False
        if same:
            kept = SplitOptions(tuple(trained_on["fractions"]), trained_on["split_seed"])
            splitting = SplitOptions(splitting.fractions or kept.fractions, splitting.split_seed or kept.split_seed)
            if splitting != kept:
                notices.append(
                    f"{model} was trained on this text split {_in_words(kept)}, and it is now split "
                    f"{_in_words(splitting)}: the model may have learned parts of what is measured."
                )
            by_position = splitting == kept and trained_on.get("by_position", False)
        corpus = corpus.resplit(splitting, by_position)
        if same and splitting == kept and not _as_before(corpus, trained_on):
            notices.append(
                f"{model} was trained by an earlier version, which split this text otherwise: the model may have "
                "learned parts of what is measured."
            )
    if same and source.config["request"].get("options", {}).get("final"):
        notices.append(f"{model} learned all of this text, so the figures say nothing about new text.")
    known = None if same else seen(source.folder, source.tokenizer, corpus.texts(part))
    notices += [known.sentence("the text", str(model))] if known else []
    stream = corpus.stream(part, source.tokenizer)
    notices += _on_dropping(stream, str(model))
    for notice in notices:
        log.warning(notice)
    if learning.dynamic:
        backend, _ = replace(running, precision="fp32").settled(source.shape, None)
        network = load_checkpoint(source.folder, backend).model
        network.clamps = clamps
        losses = dynamic_losses(network, stream, learning)
    else:
        losses = losses_of(source, stream, running, clamps)
    nats, tokens = losses.by_document()
    return Evaluation(
        model=str(model),
        texts=list(corpus.paths),
        corpus=corpus.hash,
        split=part,
        split_seed=corpus.split_seed,
        fractions=corpus.fractions and list(corpus.fractions),
        loss=losses.loss,
        bits_per_char=losses.bits_per_char,
        accuracy=losses.accuracy,
        perplexity=losses.perplexity,
        tokens=int(tokens.sum()),
        characters=int(losses.characters.sum()),
        documents=len(nats),
        seconds=round(time.perf_counter() - begin, 3),
        rows=[
            DocumentLoss(corpus.names[index], float(n / max(1, t)), int(t))
            for index, n, t in zip(corpus.splits[part], nats, tokens, strict=True)
        ],
        notices=[*corpus.notices, *stream.notices, *notices],
        seen=known.share if known else None,
        clamps=[each.written(source.shape) for each in clamps],
    )


def losses_of(
    source: ModelFolder, stream: TokenStream, running: EngineOptions, clamps: tuple[Clamp, ...] = ()
) -> Losses:
    """Measure a model on every document of a stream.

    Args:
        source: the model.
        stream: the text.
        running: the engine and its precision.
        clamps: units that are held at a value.

    Raises:
        UserError: the engine cannot run the model.
    """
    backend, precision = running.settled(source.shape, source.config.get("dtype"))
    if backend == "native":
        threads = running.threads_for(ROWS)
        return walker_losses(native_walker(source.shape, source.weights(), precision, threads, clamps), stream)
    model = load_checkpoint(source.folder, backend).model
    model.clamps = clamps
    return document_losses(model, stream)


def _as_before(corpus: Corpus, trained_on: dict[str, Any]) -> bool:
    """Tell if the training split is as large as it was in the training."""
    train = trained_on.get("splits", {}).get("train", {}).get("characters")
    return train in (None, corpus.summary()["splits"]["train"]["characters"])


def _in_words(split: SplitOptions) -> str:
    return f"with seed {split.split_seed} into {' '.join(f'{share:.4g}' for share in split.fractions or ())}"


def _on_dropping(stream: TokenStream, model: str) -> Iterator[str]:
    """Say that much of a text was dropped, or read as unknown words.

    Raises:
        UserError: nothing else is left of it.
    """
    if stream.unit == "word":
        if stream.dropped_share == 1:
            raise UserError(
                f"{model} knows none of the words of the text, so there is nothing to measure: choose a model that "
                "was trained on such a text, or one with another tokenizer."
            )
        if stream.dropped_share > MUCH:
            yield (
                f"{model} does not know {stream.dropped_share:.0%} of the words of the text: loss, perplexity and "
                "accuracy count them as one word, which is easy to predict; the bits per character also count their "
                "spelling."
            )
        return
    remedy = "finetune the model on such a text first, or choose one with a byte tokenizer"
    if not stream.characters.any():
        raise UserError(f"{model} knows none of the characters of the text, so there is nothing to measure: {remedy}.")
    if stream.dropped_share > MUCH:
        yield (
            f"{model} does not know {stream.dropped_share:.0%} of the characters of the text: the figures are those "
            f"of the rest, which is another text. To measure all of it, {remedy}."
        )
