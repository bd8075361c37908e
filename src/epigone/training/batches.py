"""Batches: what each step reads and predicts.

Either contiguous streams read side by side, for truncated backpropagation through time, or the beginnings of sentences.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from epigone.models.heads.base import IGNORED
from epigone.text.sentences import sentence_starts, sentences_apart
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer
from epigone.training.options import TrainingOptions

MIN_STEPS = 16  # an epoch over a tiny text still has about this many steps


class Steps(Protocol):
    """What the training loop asks of batches."""

    carried: ClassVar[bool]
    """Whether a row goes on where it stopped, so that the state is carried from step to step."""

    @property
    def batch_size(self) -> int:
        """Rows B of a batch."""
        ...

    @property
    def characters_per_token(self) -> float:
        """Of the text, on average."""
        ...

    @property
    def predicted(self) -> int:
        """Tokens that are predicted in an epoch."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        ...

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Inputs (B', T) or (B', T, H) and targets (B', T) of one step; B' are the rows of one process."""
        ...


def make_batches(stream: TokenStream, tokenizer: Tokenizer, options: TrainingOptions, world_size: int = 1) -> Steps:
    """The batches that the options ask for.

    Args:
        stream: what is learned.
        tokenizer: of its ids.
        options: shape and seed.
        world_size: processes that share each batch.
    """
    if options.windows == "prefix":
        return Prefixes.of(stream, tokenizer, options, world_size)
    return Batches.of(stream, options, world_size)


def validated(stream: TokenStream, tokenizer: Tokenizer, options: TrainingOptions) -> TokenStream:
    """What a run is validated on: the held-out stream, or its sentences by themselves where those are learned."""
    return sentences_apart(stream, tokenizer) if options.windows == "prefix" else stream


@dataclass(frozen=True, eq=False)
class Batches:
    """B contiguous rows of the text, read T tokens at a time; each row goes on where it stopped.

    inputs are token ids (N,) or the outputs (N, H) of a frozen prefix, targets (N,) token ids. The first row begins
    at `offset`, and what lies before it comes last: the text is read as a ring.
    """

    inputs: np.ndarray
    targets: np.ndarray
    batch_size: int
    sequence_length: int
    offset: int = 0
    characters_per_token: float = 1.0
    opening: int | None = None
    """The id that each row reads first; None reads what stands there."""
    carried: ClassVar[bool] = True

    @classmethod
    def of(cls, stream: TokenStream, options: TrainingOptions, world_size: int = 1) -> "Batches":
        """The batches of a run: a shape that fits the text, and a beginning drawn from the seed where it is to be.

        Without the latter, runs of different seeds that draw nothing else at random would be one and the same. A text
        of fewer documents than rows has too few beginnings to learn from what follows an end symbol and a zero state,
        with which every text begins that is written; so each row begins like that.
        """
        rows, steps = fit_shape(len(stream), options.batch_size, options.sequence_length, world_size)
        offset = int(np.random.default_rng(options.seed).integers(len(stream))) if options.shuffle else 0
        characters_per_token = int(stream.characters.sum()) / len(stream)
        opening = stream.end if len(stream.characters) < rows else None
        return cls(stream.inputs, stream.targets, rows, steps, offset, characters_per_token, opening)

    @property
    def row_length(self) -> int:
        """Tokens in a row; at most B - 1 tokens at the end of the text are left over."""
        return len(self.targets) // self.batch_size

    @property
    def predicted(self) -> int:
        """Tokens that are predicted in an epoch."""
        return self.batch_size * self.row_length

    @property
    def steps_per_epoch(self) -> int:
        """Batches that walk every row once."""
        return -(-self.row_length // self.sequence_length)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Inputs (B', T) or (B', T, H) and targets (B', T) of one step; B' are the rows of one process."""
        begin = index * self.sequence_length
        end = min(begin + self.sequence_length, self.row_length)
        starts = self.offset + np.arange(rank, self.batch_size, world_size)[:, None] * self.row_length
        positions = (starts + np.arange(begin, end)) % len(self.targets)
        inputs = torch.from_numpy(self.inputs[positions])
        if index == 0 and self.opening is not None:
            inputs[:, 0] = self.opening
        targets = torch.from_numpy(self.targets[positions].astype(np.int64))
        return inputs if inputs.is_floating_point() else inputs.long(), targets


def fit_shape(length: int, batch_size: int, sequence_length: int, world_size: int = 1) -> tuple[int, int]:
    """Batch size and sequence length for a text of `length` tokens: as asked, or less where the text is short.

    Keeps an epoch at 16 steps or more as long as that is possible, first by fewer rows, then by shorter sequences;
    the batch stays a multiple of the number of processes.
    """
    rows = min(batch_size, length // (sequence_length * MIN_STEPS))
    rows = max(world_size, rows - rows % world_size)
    return rows, max(1, min(sequence_length, length // (rows * MIN_STEPS)))


@dataclass(frozen=True, eq=False)
class Prefixes:
    """All beginnings of all sentences: each is read from a zero state and predicts the one token that follows it.

    Tutorials pad them on the left, and mask the padding, which then changes neither state nor loss. Here they are
    padded on the right, where a recurrent network has not yet read it when it predicts: the same numbers, and no mask.

    tokens (N + 1,) are those of the stream; window w reads `tokens[starts[w]:ends[w]]` and predicts `tokens[ends[w]]`.
    Where it opens, it reads the end symbol in place of what ended the sentence before, as every text that is written
    begins: half of the windows that begin with their sentence do, so that both beginnings are known.
    """

    tokens: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    opens: np.ndarray
    end: int
    batch_size: int
    characters_per_token: float = 1.0
    carried: ClassVar[bool] = False

    @classmethod
    def of(cls, stream: TokenStream, tokenizer: Tokenizer, options: TrainingOptions, world_size: int = 1) -> "Prefixes":
        """The windows of a run, in an order drawn from the seed; the longest keep their last T tokens."""
        tokens, place = np.asarray(stream.tokens), np.arange(len(stream))
        first, ends = sentence_starts(stream, tokenizer), place + 1
        starts = np.maximum(first, ends - options.sequence_length)
        opens = (starts == first) & np.random.default_rng([options.seed, 1]).integers(2, size=len(ends), dtype=bool)
        order = np.random.default_rng(options.seed).permutation(len(ends)) if options.shuffle else place
        rows = min(options.batch_size, max(1, len(ends) // MIN_STEPS))
        rows = max(world_size, rows - rows % world_size)
        per_token = int(stream.characters.sum()) / len(stream)
        return cls(tokens, starts[order], ends[order], opens[order], stream.end, rows, per_token)

    @property
    def predicted(self) -> int:
        """Tokens that are predicted in an epoch."""
        return len(self.ends)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that hold every window once."""
        return -(-len(self.ends) // self.batch_size)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Inputs and targets (B', T) of one step, as long as its longest window; only the last target of each counts.

        The last batch is filled up with the first windows.
        """
        chosen = (index * self.batch_size + np.arange(self.batch_size)) % len(self.ends)
        starts, ends, opens = self.starts[chosen], self.ends[chosen], self.opens[chosen]
        length = int((ends - starts).max())
        starts, ends, opens = starts[rank::world_size], ends[rank::world_size], opens[rank::world_size]
        positions = np.minimum(starts[:, None] + np.arange(length), len(self.tokens) - 1)
        inputs = torch.from_numpy(self.tokens[positions].astype(np.int64))
        inputs[torch.from_numpy(opens), 0] = self.end
        targets = torch.full(inputs.shape, IGNORED)
        targets[torch.arange(len(ends)), torch.from_numpy(ends - starts - 1)] = torch.from_numpy(
            self.tokens[ends].astype(np.int64)
        )
        return inputs, targets
