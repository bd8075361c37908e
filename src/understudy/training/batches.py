"""Batches for truncated backpropagation through time: contiguous streams read side by side."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.text.streams import TokenStream
from understudy.training.options import TrainingOptions

MIN_STEPS = 16  # an epoch over a tiny text still has about this many steps


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

    @classmethod
    def of(cls, stream: TokenStream, options: TrainingOptions, world_size: int = 1) -> "Batches":
        """The batches of a run: a shape that fits the text, and a beginning drawn from the seed.

        Without the latter, runs of different seeds that draw nothing else at random would be one and the same.
        """
        rows, steps = fit_shape(len(stream), options.batch_size, options.sequence_length, world_size)
        offset = int(np.random.default_rng(options.seed).integers(len(stream)))
        characters_per_token = int(stream.characters.sum()) / len(stream)
        return cls(stream.inputs, stream.targets, rows, steps, offset, characters_per_token)

    @property
    def row_length(self) -> int:
        """Tokens in a row; at most B - 1 tokens at the end of the text are left over."""
        return len(self.targets) // self.batch_size

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
