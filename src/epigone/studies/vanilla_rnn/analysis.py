"""What is read off the runs of the study `vanilla-rnn`: traces, hard passages, claims, the page of samples."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from epigone.studies.engine.claims import Claim, answer
from epigone.studies.engine.store import Finished
from epigone.text.corpus import Corpus
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer

HARDEST, EXCERPT = 3, 400  # passages that are printed, their characters
FEW = 12  # documents that can be told apart in a figure
Trace = Mapping[str, np.ndarray]


def lines_of(run: Finished, name: str) -> list[dict[str, Any]]:
    """The lines of a JSON Lines file of a run; none where there is none."""
    path = run.folder / "model" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def trace_of(run: Finished) -> dict[str, np.ndarray]:
    """The columns of a run's trace."""
    rows = lines_of(run, "trace")
    return {key: np.array([row[key] for row in rows], float) for key in rows[0]} if rows else {}


def read_in_an_epoch(corpus: Corpus, stream: TokenStream, tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """The documents of the training stream, in the order of reading: their names and texts, each with a newline."""
    places = zip(corpus.splits["train"], stream.offsets[:-1], stream.offsets[1:], strict=True)
    return [(corpus.names[d], tokenizer.decode(np.asarray(stream.inputs[a:b])) + "\n") for d, a, b in places]


def document_starts(documents: Sequence[tuple[str, str]]) -> list[tuple[float, str]]:
    """Where each document begins, as a share of all of them, and its name; none where they are many or only one."""
    ends = np.cumsum([0, *(len(text) for _, text in documents)])
    starts = [(float(end / ends[-1]), name) for end, (name, _) in zip(ends[:-1], documents, strict=True)]
    return starts if 1 < len(starts) <= FEW else []


@dataclass(frozen=True)
class Passage:
    """A part of the book that stays hard."""

    document: str
    place: float
    """Where it begins in the document, as a share."""
    characters: int
    loss: float
    """Nats per character, mean of the epochs after the first and of all seeds."""
    average: float
    """The same of the whole book."""
    text: str
    """How it begins."""


def by_place(trace: Trace, steps_per_epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epoch, place in it (a share) and loss of each line of a trace, as arrays (N,)."""
    middle = trace["step"] - np.diff(trace["step"], prepend=0) / 2
    return middle // steps_per_epoch, middle % steps_per_epoch / steps_per_epoch, trace["loss"]


def hardest(traces: Sequence[Trace], documents: Sequence[tuple[str, str]], steps_per_epoch: int) -> list[Passage]:
    """The passages with the greatest loss, a tenth of the book or more apart, over all epochs but the first.

    Args:
        traces: of the runs of a row; where there is but one epoch, that counts.
        documents: what is read in an epoch, names and texts.
        steps_per_epoch: of the runs.
    """
    if not traces or not traces[0]:
        return []
    every = int(traces[0]["step"][0])
    bins = max(1, steps_per_epoch // every)
    total, count = np.zeros(bins), np.zeros(bins)
    for trace in traces:
        epoch, place, loss = by_place(trace, steps_per_epoch)
        late = (epoch > 0) | (epoch.max() == 0)
        index = np.minimum((place[late] * bins).astype(int), bins - 1)
        total += np.bincount(index, loss[late], bins)
        count += np.bincount(index, minlength=bins)
    left = np.where(count > 0, total / np.maximum(count, 1), -np.inf)
    average = float(total.sum() / count.sum())
    ends = np.cumsum([len(text) for _, text in documents])
    found: list[Passage] = []
    for _ in range(HARDEST):
        index = int(left.argmax())
        if not np.isfinite(left[index]):
            break
        begin, end = (int(edge / bins * ends[-1]) for edge in (index, index + 1))
        which = int(np.searchsorted(ends, begin, side="right"))
        name, text = documents[which]
        at = begin - int(ends[which] - len(text))
        found.append(Passage(name, at / len(text), end - begin, float(left[index]), average, text[at : at + EXCERPT]))
        apart = max(1, bins // 10)
        left[max(0, index - apart) : index + apart + 1] = -np.inf
    return found


def claims(tanh: str, relu: str, main: str, traces: Mapping[str, Sequence[Trace]], unroll: int) -> list[Claim]:
    """What the report argues, and what was found.

    Args:
        tanh, relu: the rows that differ in that.
        main: the row that is studied.
        traces: of each row that did not diverge, one a seed.
        unroll: characters of a sequence.
    """
    found = []
    said = "tanh tames exploding gradients"
    if traces.get(tanh) and traces.get(relu):
        tame, wild = ([float(t["largest_gradient_norm"].max()) for t in traces[name]] for name in (tanh, relu))
        ratios = [float(np.log10(a / b)) for a, b in zip(tame, wild, strict=True)]
        evidence = f"largest norm of a gradient, by seed: tanh {_numbers(tame)}, relu {_numbers(wild)}"
        found.append(Claim(said, answer(min(ratios), max(ratios)), evidence))
    elif tanh in traces:
        found.append(Claim(said, "yes", f"“{relu}” diverged."))
    ends = [float(trace["smoothed_loss"][-1]) * unroll for trace in traces[main]]
    found.append(
        Claim(
            f"the smoothed loss saturates at 39–42 for {unroll} characters (80 symbols, another book)",
            "yes" if all(39 <= end <= 42 for end in ends) else "no",
            f"at the end, by seed: {_numbers(ends)}",
        )
    )
    return found


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


def evolution_page(samples: Sequence[Mapping[str, Any]]) -> str:
    """All samples on one page."""
    parts = ["# The evolution of the text\n"]
    for sample in samples:
        step, epoch, loss = sample["step"], sample["epoch"], sample["summed_loss"]
        parts.append(f"## Step {step:,}, epoch {epoch:.2f}, smoothed loss {loss:.1f}\n")
        parts.append("```text\n" + sample["text"].replace("```", "'''") + "\n```\n")
    return "\n".join(parts)
