"""Dropout: the masks of one call of an encoder, all drawn before a backend runs, so that none changes them.

A mask is scaled: what it keeps is divided by the share that is kept, so that nothing changes on average.
"""

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from epigone.models.backends.reference import Weights
from epigone.models.cells.base import CELLS
from epigone.models.config import RECURRENT, ModelConfig


@dataclass(frozen=True)
class Masks:
    """The masks of one call; None drops nothing.

    Args:
        between: for each layer that runs, a mask of its input: (T, B, I), or (1, B, I) if it is the same at all steps.
        recurrent: for each layer that runs, a mask of `weight_hh`.
        tokens: a mask of the rows of the embedding (V,).
        inputs: a mask of the embedding's outputs, (T, B, E) or (1, B, E).
    """

    between: list[Tensor | None]
    recurrent: list[Tensor | None]
    tokens: Tensor | None = None
    inputs: Tensor | None = None

    @classmethod
    def none(cls, layers: int) -> Self:
        """Make masks that drop nothing."""
        return cls([None] * layers, [None] * layers)

    @classmethod
    def drawn(cls, config: ModelConfig, like: Tensor, steps: int, rows: int, start: int, stop: int) -> Self:
        """Draw the masks of a call.

        Args:
            config: the shape of the model, with its dropouts.
            like: a weight, whose device and dtype the masks have.
            steps: tokens T that are read.
            rows: texts B side by side.
            start, stop: the layers that run; the embedding is read if layer 0 is among them.
        """
        sizes = config.layer_sizes
        masks = cls.none(stop - start)
        if start == 0 and config.embedding_dropout:
            masks = replace(masks, tokens=mask(like, (config.vocabulary_size,), config.embedding_dropout))
        if start == 0 and config.input_dropout:
            embedded = (steps, rows, config.embedding_size)
            masks = replace(masks, inputs=feature_mask(config, like, embedded, config.input_dropout))
        for layer in range(max(start, 1), stop) if config.dropout else ():
            below = (steps, rows, sizes[layer - 1])
            masks.between[layer - start] = feature_mask(config, like, below, config.dropout)
        for layer in range(start, stop) if config.weight_dropout else ():
            shape = CELLS[config.cell].shapes(1, sizes[layer])[RECURRENT]
            masks.recurrent[layer - start] = mask(like, shape, config.weight_dropout)
        return masks

    def on_embedding(self, tokens: Tensor, embedded: Tensor) -> Tensor:
        """Apply the masks of tokens and inputs to embedded tokens (T, B, E); ids (T, B) choose the former."""
        if self.tokens is not None:
            embedded = embedded * self.tokens[tokens].unsqueeze(-1)
        return embedded if self.inputs is None else embedded * self.inputs


def mask(like: Tensor, shape: tuple[int, ...], rate: float) -> Tensor:
    """Draw a scaled mask of a shape that drops a share of it."""
    return like.new_empty(shape).bernoulli_(1 - rate).div_(1 - rate)


def feature_mask(config: ModelConfig, like: Tensor, shape: tuple[int, ...], rate: float) -> Tensor:
    """Draw a scaled mask of features (T, B, H); a variational one (1, B, H) is the same at all steps.

    Gal and Ghahramani (2016), A Theoretically Grounded Application of Dropout in Recurrent Neural Networks.
    """
    steps = 1 if config.dropout_kind == "variational" else shape[0]
    return mask(like, (steps, *shape[1:]), rate)


def masked_weights(weights: Weights, drop: Tensor | None) -> Weights:
    """Multiply the recurrent matrix of a layer by a mask: DropConnect. The weights themselves stay as they are."""
    return weights if drop is None else {**weights, RECURRENT: weights[RECURRENT] * drop}
