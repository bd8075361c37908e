"""losses.csv: the losses of every run by document, from which anybody can compute the intervals again."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epigone.evaluation.losses import Losses
from epigone.markup import clean
from epigone.studies.engine.jobs import Text, open_text
from epigone.studies.engine.rows import FEW_DOCUMENTS, Row
from epigone.studies.engine.store import Finished, Job

COLUMNS = ("row", "family", "seed", "run", "split", "document", "name", "block", "nats", "tokens")


def losses_csv(rows: Iterable[Row], runs: Mapping[str, Sequence[Finished]]) -> str:
    """Write a line for each unit that intervals resample: a document, or a block if a split has few documents.

    A run that diverged has no lines.

    Args:
        rows: the rows; a name that comes again is left out.
        runs: the runs of each row by its name, one a seed.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in {row.name: row for row in rows}.values():
        for job, run in zip(row.jobs, runs[row.name], strict=True):
            seed = getattr(getattr(job, "training", None), "seed", "")
            for split, losses in run.losses.items():
                names = [clean(name) for name in _names(job, split)]
                for document, block, nats, tokens in _units(losses):
                    name = names[document] if document < len(names) else ""
                    unit = (split, document, name, block, repr(nats), tokens)
                    writer.writerow([clean(row.name), row.family, seed, run.folder.name, *unit])
    return out.getvalue()


def _units(losses: Losses) -> Iterator[tuple[int, int | str, float, int]]:
    """The number of the document, that of the block in it if blocks are told apart, nats and tokens."""
    if len(losses.characters) >= FEW_DOCUMENTS:
        nats, tokens = losses.by_document()
        yield from ((d, "", float(nats[d]), int(tokens[d])) for d in range(len(nats)))
        return
    owner = losses.document
    first = np.searchsorted(owner, owner)
    for index, (document, nats, tokens) in enumerate(zip(owner, losses.nats, losses.tokens, strict=True)):
        yield int(document), index - int(first[index]), float(nats), int(tokens)


def _names(job: Job, split: str) -> Sequence[str]:
    """The names of the documents of a split; empty if the job names no text, or measured another one too."""
    text: Any = getattr(job, "text", None)
    if not isinstance(text, Text):
        return []
    corpus = open_text(text)
    return [corpus.names[index] for index in corpus.splits.get(split, ())]
