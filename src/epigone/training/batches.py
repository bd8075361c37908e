"""Batches: the inputs and targets of each step.

They are contiguous streams read side by side, for truncated backpropagation through time, or the beginnings of
sentences, or those of documents.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from epigone.errors import UserError
from epigone.models.heads.base import IGNORED
from epigone.text.sentences import sentence_starts, sentences_apart
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import is_backward
from epigone.training.options import TrainingOptions

MIN_STEPS = 16  # an epoch over a tiny text still has about this many steps


class Steps(Protocol):
    """The batches of a training loop."""

    carried: ClassVar[bool]
    """True if a row goes on where it stopped, so that the state is carried from step to step."""

    @property
    def batch_size(self) -> int:
        """Rows B of a batch."""
        ...

    @property
    def characters_per_token(self) -> float:
        """Mean characters of a token of the text."""
        ...

    @property
    def predicted(self) -> int:
        """Tokens predicted in an epoch."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        ...

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, ...]:
        """Get the inputs (B', T) or (B', T, H) and targets (B', T) of a step, for the B' rows of one process."""
        ...


def make_batches(stream: TokenStream, tokenizer: Tokenizer, options: TrainingOptions, world_size: int = 1) -> Steps:
    """Make the batches of a recipe.

    Args:
        stream: the text to learn.
        tokenizer: the tokenizer of its ids.
        options: the recipe, for shape and seed.
        world_size: processes that share each batch.
    """
    if options.windows == "prefix":
        if is_backward(tokenizer):
            raise UserError(
                "With --windows prefix a network reads the beginnings of sentences, and a backward one begins at their "
                "ends; leave out --windows, or train a forward model."
            )
        return Prefixes.of(stream, tokenizer, options, world_size)
    return Batches.of(stream, options, world_size)


def validated(stream: TokenStream, tokenizer: Tokenizer, options: TrainingOptions) -> TokenStream:
    """Choose what validation reads: the held-out stream, or each of its sentences alone if a run learns sentences."""
    return sentences_apart(stream, tokenizer) if options.windows == "prefix" else stream


@dataclass(frozen=True, eq=False)
class Batches:
    """B contiguous rows of the text, read T tokens at a time; each row goes on where it stopped.

    `inputs` are token ids (N,) or the outputs (N, H) of a frozen prefix, `targets` (N,) are token ids. The first row
    begins at `offset`. The text is read as a ring, so the part before the offset comes last.
    """

    inputs: np.ndarray
    targets: np.ndarray
    batch_size: int
    sequence_length: int
    offset: int = 0
    characters_per_token: float = 1.0
    opening: int | None = None
    """The id that each row reads first, in place of its own first token; None keeps that."""
    carried: ClassVar[bool] = True

    @classmethod
    def of(cls, stream: TokenStream, options: TrainingOptions, world_size: int = 1) -> "Batches":
        """Make the batches of a run, in a shape that fits the text.

        The offset is drawn from the seed, unless `shuffle` is off. Otherwise runs of different seeds could be the same,
        if nothing else in them is random.

        Generation begins with an end symbol and a zero state. A text with fewer documents than rows would show too few
        such beginnings to learn from, so there each row begins with one.
        """
        rows, steps = fit_shape(len(stream), options.batch_size, options.sequence_length, world_size)
        offset = int(np.random.default_rng(options.seed).integers(len(stream))) if options.shuffle else 0
        characters_per_token = int(stream.characters.sum()) / len(stream)
        opening = stream.end if len(stream.characters) < rows else None
        return cls(stream.inputs, stream.targets, rows, steps, offset, characters_per_token, opening)

    @property
    def row_length(self) -> int:
        """Tokens in a row; at most B - 1 tokens at the end of the text are not read."""
        return len(self.targets) // self.batch_size

    @property
    def predicted(self) -> int:
        """Tokens predicted in an epoch."""
        return self.batch_size * self.row_length

    @property
    def steps_per_epoch(self) -> int:
        """Batches that read every row once."""
        return -(-self.row_length // self.sequence_length)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Get the inputs (B', T) or (B', T, H) and targets (B', T) of a step, for the B' rows of one process."""
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
    """Fit batch size and sequence length to a text of `length` tokens: as asked, or less if the text is short.

    An epoch keeps 16 steps or more if possible, first through fewer rows, then through shorter sequences. The batch
    stays a multiple of the number of processes.
    """
    rows = min(batch_size, length // (sequence_length * MIN_STEPS))
    rows = max(world_size, rows - rows % world_size)
    return rows, max(1, min(sequence_length, length // (rows * MIN_STEPS)))


@dataclass(frozen=True, eq=False)
class Prefixes:
    """All beginnings of all sentences: each is read from a zero state and predicts the one token that follows it.

    Tutorials pad them on the left and mask the padding. Here they are padded on the right: a recurrent network has not
    read the padding yet when it predicts, so the numbers are the same without a mask.

    `tokens` (N + 1,) are those of the stream. Window w reads `tokens[starts[w]:ends[w]]` and predicts
    `tokens[ends[w]]`. A window that `opens` reads the end symbol in place of its first token, which ended the sentence
    before; generation begins like that too. Half of the windows that begin with their sentence open, so that the
    network knows both beginnings.
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
        """Make the windows of a run, in an order drawn from the seed; the longest keep their last T tokens."""
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
        """Tokens predicted in an epoch."""
        return len(self.ends)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that read every window once."""
        return -(-len(self.ends) // self.batch_size)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Get inputs and targets (B', T) of a step, as long as its longest window; only the last target of each counts.

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


@dataclass(frozen=True, eq=False)
class Beginnings:
    """The beginnings of all documents, each read from the state that documents begin in.

    `tokens` (N + 1,) are those of the stream. Document d is read from `starts[d]`, the place of the end symbol before
    it, and predicts `lengths[d]` tokens. Shorter ones are padded on the right.
    """

    tokens: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    batch_size: int
    characters_per_token: float = 1.0
    carried: ClassVar[bool] = False

    @classmethod
    def of(cls, stream: TokenStream, options: TrainingOptions, world_size: int = 1) -> "Beginnings":
        """Make the batches of a run: the first T tokens of each document, the documents in the order of the stream."""
        starts, ends = stream.offsets[:-1], stream.offsets[1:]
        rows = min(options.batch_size, max(1, len(starts) // MIN_STEPS))
        rows = max(world_size, rows - rows % world_size)
        per_token = int(stream.characters.sum()) / len(stream)
        lengths = np.minimum(ends - starts, options.sequence_length)
        return cls(np.asarray(stream.tokens), starts, lengths, rows, per_token)

    @property
    def predicted(self) -> int:
        """Tokens predicted in an epoch."""
        return int(self.lengths.sum())

    @property
    def steps_per_epoch(self) -> int:
        """Batches that read every document once."""
        return -(-len(self.starts) // self.batch_size)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Get inputs and targets (B', T) of a step, as long as its longest beginning.

        The last batch is filled up with the first documents.
        """
        chosen = (index * self.batch_size + np.arange(self.batch_size)) % len(self.starts)
        places = np.arange(self.lengths[chosen].max())
        chosen = chosen[rank::world_size]
        positions = np.minimum(self.starts[chosen][:, None] + places, len(self.tokens) - 2)
        inputs, targets = (torch.from_numpy(self.tokens[positions + ahead].astype(np.int64)) for ahead in (0, 1))
        targets[torch.from_numpy(places >= self.lengths[chosen][:, None])] = IGNORED
        return inputs, targets
