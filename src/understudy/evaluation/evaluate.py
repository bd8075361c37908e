"""`evaluate`: how well a model predicts a text."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from understudy.evaluation.losses import document_losses
from understudy.models.checkpoint import load_checkpoint
from understudy.text.corpus import Corpus, SplitOptions
from understudy.text.documents import ReadOptions


@dataclass(frozen=True)
class DocumentLoss:
    """The loss on one document, in nats per token."""

    name: str
    loss: float
    tokens: int


@dataclass(frozen=True)
class Evaluation:
    """How well a model predicts a text; the end symbol is not counted."""

    model: str
    corpus: str
    """The hash of the corpus."""
    split: str
    split_seed: int | None
    """None where the text was not split."""
    loss: float
    """Nats per token."""
    bits_per_char: float
    """Bits per character of the original text."""
    accuracy: float
    """Share of tokens that were the most probable one."""
    perplexity: float
    tokens: int
    characters: int
    documents: int
    seconds: float
    rows: list[DocumentLoss]
    """The documents, in the order of the split."""
    notices: list[str]


def evaluate(
    model: str | Path,
    *texts: str | Path,
    split: Literal["test", "validation", "train", "all"] | None = None,
    read: ReadOptions = ReadOptions(),
    splitting: SplitOptions = SplitOptions(),
) -> Evaluation:
    """Measure a model on the documents of a text: deterministic, over the whole split, state reset at each document.

    Args:
        model: the folder of a model, or the name of a bundled one.
        texts: files or folders of text.
        split: which part; by default `test` when this is the text that the model was trained on, else `all`.
        read: how the text is read.
        splitting: how the documents are split; a text that the model was trained on keeps the split of its training.

    Raises:
        UserError: bad input; the message says what to do.
    """
    begin = time.perf_counter()
    checkpoint = load_checkpoint(model)
    corpus = Corpus.open(texts, read, None)
    trained_on = checkpoint.config.get("request", {}).get("corpus", {})
    same = corpus.hash == trained_on.get("hash")
    part = split or ("test" if same else "all")
    if part != "all":
        if same:
            splitting = SplitOptions(tuple(trained_on["fractions"]), trained_on["split_seed"])
        corpus = corpus.resplit(splitting)
    stream = corpus.stream(part, checkpoint.tokenizer)
    losses = document_losses(checkpoint.model, stream)
    nats, tokens = losses.by_document()
    return Evaluation(
        model=str(model),
        corpus=corpus.hash,
        split=part,
        split_seed=corpus.split_seed,
        loss=losses.loss,
        bits_per_char=losses.bits_per_char,
        accuracy=losses.accuracy,
        perplexity=losses.perplexity,
        tokens=int(tokens.sum()),
        characters=int(losses.characters.sum()),
        documents=len(nats),
        seconds=round(time.perf_counter() - begin, 3),
        rows=[
            DocumentLoss(name, float(n / max(1, t)), int(t))
            for name, n, t in zip(stream.names, nats, tokens, strict=True)
        ],
        notices=corpus.notices,
    )
