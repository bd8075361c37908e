"""The task of a classifier: to name the class of each text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from epigone.models.cells.base import State
from epigone.models.files.checkpoint import save_weights
from epigone.training.task import Measurement, ParameterGroup, StepLoss

POOL = 16  # batches whose texts are sorted by length together

Example = tuple[Tensor, Tensor, Tensor]
"""Inputs, their lengths (B,), and the probabilities of the classes (B, C)."""


def shuffled_batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Put texts into batches of similar length, in random order.

    Args:
        lengths: of the texts (N,).
        size: texts of a batch.
        rng: draws the order.

    Returns:
        The places of the texts of each batch; the last batch of an epoch may be smaller.
    """
    order = rng.permutation(len(lengths))
    pools = [order[begin : begin + POOL * size] for begin in range(0, len(order), POOL * size)]
    ordered = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
    batches = [pool[begin : begin + size] for pool in ordered for begin in range(0, len(pool), size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def padded(texts: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Pad texts on the right: ids (B, T) and lengths (B,)."""
    lengths = np.array([len(text) for text in texts])
    tokens = np.zeros((len(texts), lengths.max()), np.int64)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = text
    return torch.from_numpy(tokens), torch.from_numpy(lengths)


@dataclass(frozen=True, eq=False)
class TextBatches:
    """The batches of all epochs of a run, in a new order in each epoch; an epoch of the loop is the whole run.

    `texts` are token ids (T,) each, `targets` (N, C) the probabilities of their classes.
    """

    texts: Sequence[np.ndarray]
    targets: np.ndarray
    places: Sequence[np.ndarray]
    """The places of the texts of each step."""
    batch_size: int
    characters_per_token: float = 1.0
    carried: ClassVar[bool] = False

    @classmethod
    def of(
        cls, texts: Sequence[np.ndarray], targets: np.ndarray, batch_size: int, epochs: int, seed: int
    ) -> "TextBatches":
        """Draw the order of the texts of all epochs."""
        lengths, rng = np.array([len(text) for text in texts]), np.random.default_rng(seed)
        places = [batch for _ in range(epochs) for batch in shuffled_batches(lengths, batch_size, rng)]
        return cls(texts, targets, places, batch_size)

    @property
    def predicted(self) -> int:
        """Tokens read in the run."""
        return sum(len(self.texts[place]) for batch in self.places for place in batch)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of the run."""
        return len(self.places)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> Example:
        """Get the ids (B', T), lengths (B',) and targets (B', C) of a step, for the B' rows of one process."""
        places = self.places[index][rank::world_size]
        tokens, lengths = padded([self.texts[place] for place in places])
        return tokens, lengths, torch.from_numpy(self.targets[places]).float()


@dataclass(frozen=True)
class ClassificationTask:
    """A classifier and the texts that it learns; implements `Task`.

    Args:
        module: computes logits (B, C) from inputs and lengths.
        batches: inputs, lengths and targets.
        measure: measures the module.
        groups: the learning parameters.
        masks: masks of the parameters that learn in part.
        weights: the weight of each class (C,) in the loss.
    """

    module: nn.Module
    batches: TextBatches
    measure: Callable[[], Measurement]
    groups: Sequence[ParameterGroup]
    masks: Mapping[str, Tensor] = field(default_factory=dict)
    weights: Tensor | None = None

    def initial_state(self, rows: int) -> State:
        return ()

    def loss(self, batch: Example, state: State) -> tuple[StepLoss, State]:
        inputs, lengths, targets = batch
        logits = self.module(inputs, lengths).float()
        loss = F.cross_entropy(logits, targets, self.weights)
        accuracy = (logits.argmax(1) == targets.argmax(1)).float().mean()
        return StepLoss(loss, loss, accuracy), state

    def penalty(self) -> Tensor | None:
        return None

    def validate(self) -> Measurement:
        return self.measure()

    def save(self, folder: Path) -> None:
        save_weights(folder, self.module)
