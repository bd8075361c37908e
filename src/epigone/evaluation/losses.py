"""The loss of a model on whole documents: deterministic, state reset at each document.

The end symbol is an input and a target of training, but it is not counted in any loss that is quoted.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from epigone.kernels import engine
from epigone.models.backends.walker import native_walker
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream

WINDOW = 20_000  # a longer document is walked in windows, many at a time, each warmed on what precedes it
WARM_UP = 1_000
BLOCK = 2_000  # losses are summed by blocks of this many tokens, the units of resampling for a single text
ROWS, STEPS = 64, 256  # how much is walked at a time
LOGITS = 1 << 24  # numbers that exist at a time: 64 MB, and some copies


@dataclass(frozen=True)
class Losses:
    """Sums over blocks: a block is a document, or a part of at most 2,000 tokens of a long one.

    nats, tokens and correct predictions are (K,) for K blocks, `document` (K,) tells whose they are, and `characters`
    (D,) counts the characters of each document as the tokenizer wrote it. `correct` is empty where it is not known.
    `spelling` (D,) holds the nats that it takes to spell the unknown words of each document, which the model reads as
    one token for all; it is empty where there are none, and only the bits per character count it.
    """

    nats: np.ndarray
    tokens: np.ndarray
    correct: np.ndarray
    document: np.ndarray
    characters: np.ndarray
    spelling: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def loss(self) -> float:
        """Nats per token."""
        return float(self.nats.sum() / max(1, self.tokens.sum()))

    @property
    def accuracy(self) -> float:
        """Share of tokens that were the most probable one; NaN where it is not known."""
        return float(self.correct.sum() / max(1, self.tokens.sum())) if self.correct.size else math.nan

    @property
    def perplexity(self) -> float:
        """exp(loss)."""
        return math.exp(min(700.0, self.loss))

    @property
    def bits_per_char(self) -> float:
        """Bits per character of what the model was shown, comparable between tokenizers that change little."""
        return float((self.nats.sum() + self.spelling.sum()) / math.log(2) / max(1, self.characters.sum()))

    def by_document(self) -> tuple[np.ndarray, np.ndarray]:
        """Nats (D,) and tokens (D,) of each document."""
        size = len(self.characters)
        return (
            np.bincount(self.document, self.nats, size),
            np.bincount(self.document, self.tokens, size),
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """Targets from `start` to `stop` count; the walk begins at `warm` with a zero state."""

    document: int
    warm: int
    start: int
    stop: int


def segments(stream: TokenStream) -> list[Segment]:
    """Documents, long ones cut into windows, longest first so that a batch shrinks as rows end."""
    found = []
    for document, (begin, end) in enumerate(zip(stream.offsets[:-1], stream.offsets[1:], strict=True)):
        for start in range(int(begin), int(end), WINDOW):
            warm = max(int(begin), start - WARM_UP)
            found.append(Segment(document, warm, start, min(start + WINDOW, int(end))))
    return sorted(found, key=lambda s: s.warm - s.stop)


@torch.no_grad()
def walk(
    model: LanguageModel,
    stream: TokenStream,
    features: np.ndarray | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[tuple[list[Segment], np.ndarray, Tensor]]:
    """Run the model over every document from a zero state.

    Args:
        features: outputs (N, H) of layer `start - 1` at every position, instead of token ids.
        start, stop: the layers to run, as in `LanguageModel.forward`.

    Yields:
        The segments of the rows, positions (rows, steps) in the stream, and the model's outputs (rows, steps, ...).
    """
    was_training = model.training
    model.eval()
    device = model.head.bias.device
    source = stream.inputs if features is None else features
    queue = segments(stream)
    for first in range(0, len(queue), ROWS):
        batch = queue[first : first + ROWS]
        state = model.initial_state(len(batch), start, stop)
        width = model.config.vocabulary_size if stop is None else 1
        for rows, positions in _steps(batch, max(1, LOGITS // (len(batch) * width))):
            state = tuple(s[:, : len(rows)].contiguous() for s in state)
            inputs = torch.as_tensor(source[positions], device=device)
            if features is None:
                inputs = inputs.long()
            outputs, state = model(inputs, state, start, stop)
            yield rows, positions, outputs
    model.train(was_training)


def document_losses(
    model: LanguageModel, stream: TokenStream, features: np.ndarray | None = None, start: int = 0
) -> Losses:
    """Loss and accuracy on every document of a stream, in nats.

    Documents longer than 20,000 tokens are walked in windows, each after 1,000 uncounted tokens of what precedes it.
    """
    if features is None and start == 0 and _native(model):
        weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
        return walker_losses(native_walker(model.config, weights, "fp32", torch.get_num_threads()), stream)
    sums = _Sums(stream)
    for rows, positions, expected, nats, logits in _scored(model, stream, features, start):
        hits = (logits.argmax(-1) == torch.as_tensor(expected, device=logits.device)).cpu().numpy()
        sums.add(rows, positions, expected, nats, hits)
    return sums.losses()


def token_nats(model: LanguageModel, stream: TokenStream) -> np.ndarray:
    """The loss of each target of a stream (N,), in nats; documents are walked as in `document_losses`."""
    found = np.zeros(len(stream))
    for rows, positions, _, nats, _ in _scored(model, stream):
        counted = positions >= np.array([s.start for s in rows])[:, None]
        found[positions[counted]] = nats[counted]
    return found


def _scored(
    model: LanguageModel, stream: TokenStream, features: np.ndarray | None = None, start: int = 0
) -> Iterator[tuple[list[Segment], np.ndarray, np.ndarray, np.ndarray, Tensor]]:
    """The walk with the targets (rows, steps), their losses in nats, and the logits (rows, steps, V)."""
    for rows, positions, logits in walk(model, stream, features, start):
        expected = np.asarray(stream.targets[positions]).astype(np.int64)
        targets = torch.as_tensor(expected, device=logits.device)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
        yield rows, positions, expected, loss.view(expected.shape).cpu().double().numpy(), logits


def walker_losses(walker: Any, stream: TokenStream) -> Losses:
    """The same by a native walker (`models/walker.py`), in its precision."""
    sums = _Sums(stream)
    queue = segments(stream)
    for first in range(0, len(queue), ROWS):
        batch = queue[first : first + ROWS]
        walker.start(len(batch))
        for rows, positions in _steps(batch):
            walker.keep(len(rows))
            inputs, expected = (
                np.ascontiguousarray(np.asarray(ids[positions]).astype(np.int64).T)
                for ids in (stream.inputs, stream.targets)
            )
            nats, hits = walker.score(inputs, expected)
            sums.add(rows, positions, expected.T, nats.T, hits.T.astype(bool))
    return sums.losses()


def _native(model: LanguageModel) -> bool:
    weight = model.head.bias
    wanted = model.backend in ("auto", "native") and weight.device.type == "cpu" and weight.dtype == torch.float32
    return wanted and not model.config.cutoffs and engine() is not None


def _steps(rows: list[Segment], most: int = 10**9) -> Iterator[tuple[list[Segment], np.ndarray]]:
    """The rows that have not ended and their next positions (rows, steps), until all have; `most` steps at a time."""
    offset = 0
    while rows:
        steps = min(STEPS, most, rows[-1].stop - rows[-1].warm - offset)
        yield rows, np.array([s.warm + offset for s in rows])[:, None] + np.arange(steps)
        offset += steps
        rows = [s for s in rows if s.stop - s.warm > offset]


class _Sums:
    """Sums over blocks of what is measured at positions."""

    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream
        self._first_block, self._owner = _blocks(stream)
        total = len(self._owner)
        self._nats, self._tokens, self._correct = np.zeros(total), np.zeros(total, np.int64), np.zeros(total, np.int64)

    def add(
        self, rows: list[Segment], positions: np.ndarray, expected: np.ndarray, nats: np.ndarray, hits: np.ndarray
    ) -> None:
        """Add what counts at `positions` (rows, steps); the other arrays are of the same shape."""
        stream, total = self._stream, len(self._owner)
        counted = (expected != stream.end) & (positions >= np.array([s.start for s in rows])[:, None])
        document = np.array([s.document for s in rows])[:, None]
        block = self._first_block[document] + (positions - stream.offsets[document]) // BLOCK
        index = block[counted]
        self._nats += np.bincount(index, nats[counted], total)
        self._tokens += np.bincount(index, minlength=total)
        self._correct += np.bincount(block[counted & hits], minlength=total)

    def losses(self) -> Losses:
        """What was found."""
        stream = self._stream
        return Losses(self._nats, self._tokens, self._correct, self._owner, stream.characters, _spelling(stream))


def sum_losses(stream: TokenStream, nats: np.ndarray) -> Losses:
    """The sums over blocks of a loss (N,) that is known for every target; which predictions were right is not."""
    first_block, owner = _blocks(stream)
    document = np.repeat(np.arange(len(stream.characters)), np.diff(stream.offsets))
    block = first_block[document] + (np.arange(len(stream)) - stream.offsets[document]) // BLOCK
    counted = np.asarray(stream.targets) != stream.end
    return Losses(
        np.bincount(block[counted], nats[counted], len(owner)),
        np.bincount(block[counted], minlength=len(owner)),
        np.zeros(0, np.int64),
        owner,
        stream.characters,
        _spelling(stream),
    )


def _spelling(stream: TokenStream) -> np.ndarray:
    return stream.spelling if stream.spelling.any() else np.zeros(0)


def _blocks(stream: TokenStream) -> tuple[np.ndarray, np.ndarray]:
    """The first block of each document (D + 1,), and whose each block is (K,)."""
    blocks = np.maximum(1, -(-np.diff(stream.offsets) // BLOCK))
    return np.concatenate([[0], np.cumsum(blocks)]), np.repeat(np.arange(len(blocks)), blocks)


def layer_outputs(model: LanguageModel, stream: TokenStream, stop: int) -> np.ndarray:
    """The outputs (N, H) of layer `stop - 1` at every position of a stream, documents from a zero state."""
    outputs = np.zeros((len(stream), model.config.hidden_size), np.float32)
    for rows, positions, values in walk(model, stream, stop=stop):
        counted = positions >= np.array([s.start for s in rows])[:, None]
        outputs[positions[counted]] = values.float().cpu().numpy()[counted]
    return outputs
