"""The bases of a comparison: their names, their common tokenizer, and notices on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from epigone.errors import UserError
from epigone.evaluation.seen import seen
from epigone.models.files.checkpoint import Checkpoint
from epigone.text.corpus import Corpus
from epigone.transfer.vocabulary import fit_tokenizer


def names_of(bases: Sequence[str | Path]) -> dict[str, str]:
    """Bases by their name in the table: the last part of their path, or all of it if several share that part."""
    paths = list(dict.fromkeys(str(Path(base)) for base in bases))
    short = [Path(path).resolve().name for path in paths]
    return {name if short.count(name) == 1 else path: path for name, path in zip(short, paths, strict=True)}


def common_tokenizer(checkpoints: Mapping[str, Checkpoint]) -> str:
    """The name of the tokenizer of all bases.

    Raises:
        UserError: there is no base, the tokenizers differ, or their losses could not be compared.
    """
    names = sorted({checkpoint.tokenizer.name for checkpoint in checkpoints.values()})
    if not names:
        raise UserError("compare needs at least one base: a model folder, or a bundled model such as english-small.")
    if len(names) > 1:
        raise UserError(f"The bases have different tokenizers ({', '.join(names)}); compare them one at a time.")
    for name, checkpoint in checkpoints.items():
        if checkpoint.tokenizer.options:  # its tokens were learned
            raise UserError(
                f"{name} has the tokenizer {checkpoint.tokenizer.name}, whose tokens differ from text to text, so its "
                "losses cannot be compared with those of networks that learn this text alone. compare takes bases with "
                "the tokenizers char, ascii and byte; use finetune and evaluate, which gives bits per character."
            )
    return names[0]


def notices_on(checkpoints: Mapping[str, Checkpoint], corpus: Corpus) -> list[str]:
    """Sentences on tokens that were carried over from the bases, and on test text that the bases have read."""
    return [
        f"{name}: {sentence}"
        for name, checkpoint in checkpoints.items()
        for sentence in [*_carried_over(checkpoint, corpus), *_seen(checkpoint, corpus)]
    ]


def _carried_over(checkpoint: Checkpoint, corpus: Corpus) -> list[str]:
    notices: list[str] = []
    fit_tokenizer(checkpoint, corpus, None, notices)
    return notices


def _seen(checkpoint: Checkpoint, corpus: Corpus) -> list[str]:
    found = seen(checkpoint.folder, checkpoint.tokenizer, corpus.texts("test"))
    return [found.sentence("the test documents", "the base")] if found else []
