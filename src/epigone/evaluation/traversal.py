"""The path of a model through a text: every document from a zero state, long ones in windows, many at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from epigone.models.encoder import Encoder
from epigone.text.streams import TokenStream

WINDOW = 20_000  # a longer document is read in windows, each warmed up on the tokens before it
WARM_UP = 1_000
ROWS, STEPS = 64, 256  # segments and tokens that are read at a time


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a document: reading begins at `warm` with a zero state, targets from `start` to `stop` count."""

    document: int
    warm: int
    start: int
    stop: int


def segments(stream: TokenStream) -> list[Segment]:
    """Cut documents into windows, longest first so that a batch shrinks as rows end."""
    found = []
    for document, (begin, end) in enumerate(zip(stream.offsets[:-1], stream.offsets[1:], strict=True)):
        for start in range(int(begin), int(end), WINDOW):
            warm = max(int(begin), start - WARM_UP)
            found.append(Segment(document, warm, start, min(start + WINDOW, int(end))))
    return sorted(found, key=lambda s: s.warm - s.stop)


def batches(stream: TokenStream) -> Iterator[list[Segment]]:
    """Yield the segments that are read at a time."""
    queue = segments(stream)
    for first in range(0, len(queue), ROWS):
        yield queue[first : first + ROWS]


@torch.no_grad()
def traverse(
    model: Encoder,
    stream: TokenStream,
    features: np.ndarray | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[tuple[list[Segment], np.ndarray, Tensor]]:
    """Run a model over every document from a zero state, in evaluation mode.

    Args:
        model: the encoder.
        stream: the text, of N tokens.
        features: outputs (N, H) of layer `start - 1` at every position, instead of token ids.
        start, stop: the layers to run, as in `Encoder.encode`.

    Yields:
        The segments of the rows, positions (rows, steps) in the stream, and the model's outputs (rows, steps, H).
    """
    was_training = model.training
    model.eval()
    source = stream.inputs if features is None else features
    for batch in batches(stream):
        state = model.initial_state(len(batch), start, stop)
        for rows, positions in steps(batch):
            state = tuple(s[:, : len(rows)].contiguous() for s in state)
            inputs = torch.as_tensor(source[positions], device=model.weight.device)
            if features is None:
                inputs = inputs.long()
            outputs, state = model.encode(inputs, state, start, stop)
            yield rows, positions, outputs
    model.train(was_training)


def steps(rows: list[Segment], most: int = STEPS) -> Iterator[tuple[list[Segment], np.ndarray]]:
    """Yield the rows that have not ended and their next positions (rows, steps), `most` at a time."""
    offset = 0
    while rows:
        steps = min(most, rows[-1].stop - rows[-1].warm - offset)
        yield rows, np.array([s.warm + offset for s in rows])[:, None] + np.arange(steps)
        offset += steps
        rows = [s for s in rows if s.stop - s.warm > offset]


def layer_outputs(model: Encoder, stream: TokenStream, stop: int) -> np.ndarray:
    """Compute the outputs (N, H) of layer `stop - 1` at every position of a stream, documents from a zero state."""
    outputs = np.zeros((len(stream), model.config.layer_sizes[stop - 1]), np.float32)
    for rows, positions, values in traverse(model, stream, stop=stop):
        counted = positions >= np.array([s.start for s in rows])[:, None]
        outputs[positions[counted]] = values.float().cpu().numpy()[counted]
    return outputs
