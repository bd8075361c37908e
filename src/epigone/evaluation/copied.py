"""The copied runs of a text: where they are, and which document each is from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epigone.evaluation.fingerprint_file import FILE, load_fingerprints
from epigone.evaluation.memorisation import Fingerprint, fingerprint_of
from epigone.evaluation.passages import SHORTEST
from epigone.text.corpus import Corpus
from epigone.text.letters import Codes, letters
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import Tokenizer

if TYPE_CHECKING:  # the checkpoint imports torch
    from epigone.models.files.checkpoint import Checkpoint
    from epigone.models.files.model_folder import ModelFolder

ADVICE = "Less is copied at a higher temperature, after fewer epochs, or from more text."
SHOWN = 60  # characters of a run
MOST = 5  # runs that are listed


@dataclass(frozen=True)
class CopiedRun:
    """A run of a text that is copied, and its source."""

    start: int
    """Index of the first character in the text."""
    end: int
    """Index after the last character."""
    source: str
    """Name of the training text, as of its fingerprint."""
    document: str = ""
    """Name of the document; empty if it was not looked for or not found."""
    line: int = 0
    """Number of the line in the document, from 1; 0 without a document."""


def measure_copying(
    source: "ModelFolder | Checkpoint", texts: Sequence[str], begin: int = 0, corpus: Sequence[str | Path] = ()
) -> tuple[dict[str, dict[str, Any]] | None, list[list[CopiedRun]]]:
    """Measure how much of some texts is copied from what a model learned, and find the copied runs.

    Args:
        source: the model.
        texts: the texts.
        begin: characters of each that are its prompt.
        corpus: files or folders of text, of which documents are named.

    Returns:
        The fields of `Copying` by the name of the training text, that of the corpus being `given`, or None if none is
        known; and the copied runs of each text.

    Raises:
        UserError: the fingerprints are damaged, or the corpus cannot be read.
    """
    path, tokenizer = source.folder / FILE, source.tokenizer
    prints = load_fingerprints(path) if path.is_file() else {}
    opened = None
    if corpus:
        read = source.config.get("request", {}).get("corpus", {}).get("read", {})
        opened = Corpus.open(corpus, ReadOptions(**read), split=None)
        prints = {"given": fingerprint_of(opened, tokenizer, "all"), **prints}
    new = [text[begin:] for text in texts]
    copying = {name: print_.copied(new) for name, print_ in prints.items()}
    hit = {name: prints[name] for name, found in copying.items() if found.longest_run}  # mostly none
    runs = [copied_runs(text, hit, begin) for text in texts]
    if opened:
        runs = [located(found, text, opened, tokenizer) for found, text in zip(runs, texts, strict=True)]
    return {name: asdict(found) for name, found in copying.items()} or None, runs


def copied_runs(text: str, fingerprints: Mapping[str, Fingerprint], begin: int = 0) -> list[CopiedRun]:
    """Find the copied runs of a text, in order.

    Args:
        text: with the prompt.
        fingerprints: of training texts, by name. A run that overlaps one from an earlier text is left out.
        begin: index of the first character that is not of the prompt.
    """
    found: list[CopiedRun] = []
    for name, fingerprint in fingerprints.items():
        for start, end in fingerprint.stretches(text[begin:]):
            run = CopiedRun(begin + start, begin + end, name)
            if not any(other.start < run.end and run.start < other.end for other in found):
                found.append(run)
    return sorted(found, key=lambda run: (run.start, run.end))


def located(
    runs: Sequence[CopiedRun], text: str, corpus: Corpus, tokenizer: Tokenizer, split: str = "all"
) -> list[CopiedRun]:
    """Add document and line to the runs of a text that are in a split of a corpus.

    A run that is in no document as a whole, such as one that joins two, is looked for by its beginning.
    """
    placed = list(runs)
    wanted = [letters(text[run.start : run.end])[0] for run in runs]
    left = set(range(len(placed)))
    for index in corpus.splits[split].tolist():
        if not left:
            break
        document = tokenizer.normalise(corpus.text(index))
        codes, places = letters(document)
        for i in sorted(left):
            at = next((at for part in (wanted[i], wanted[i][:SHORTEST]) if (at := _find(codes, part)) >= 0), -1)
            if at >= 0:
                line = document.count("\n", 0, int(places[at])) + 1
                placed[i] = replace(placed[i], document=corpus.names[index], line=line)
                left.remove(i)
    return placed


def _find(codes: Codes, wanted: Codes) -> int:
    """Find the first place of some letters among others; -1 if they are not there, or none are wanted."""
    whole, part, at = codes.tobytes(), wanted.tobytes(), -1
    while part and (at := whole.find(part, at + 1)) >= 0:
        if at % codes.itemsize == 0:
            return at // codes.itemsize
    return -1


def passages(text: str, runs: Sequence[CopiedRun]) -> Iterator[str]:
    """Say each copied run in a line, the longest first, with its place; not more than `MOST` of them."""
    longest = sorted(runs, key=lambda run: run.start - run.end)
    for run in longest[:MOST]:
        words = " / ".join(line.strip() for line in text[run.start : run.end].split("\n") if line.strip())
        words = words if len(words) <= SHOWN else words[: SHOWN - 1].rstrip() + "…"
        place = f"{run.document}, line {run.line}" if run.document else f"the {run.source} text"
        yield f"“{words}” is in {place}"
    if len(runs) > MOST:
        yield f"and {len(runs) - MOST} more"
