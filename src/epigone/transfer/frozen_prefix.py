"""Outputs of the frozen layers below the lowest learning one, and known losses, which are computed once."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from epigone.evaluation.losses import Losses
from epigone.evaluation.traversal import layer_outputs
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream
from epigone.training.batches import Batches

LIMIT = 2**30  # bytes of outputs to keep


def cached_layers(model: LanguageModel, lowest: int, tokens: int) -> int:
    """Count the layers below the `lowest` learning one whose outputs can be kept; 0 if they need too much memory.

    Dropout between layers acts on what layers 1 and up read, so that with it only the outputs of the first never
    change. With dropout of embedding, inputs or recurrent weights no outputs stay.
    """
    config = model.config
    if config.embedding_dropout or config.input_dropout or config.weight_dropout:
        return 0
    layers = min(lowest, 1) if config.dropout else lowest
    return layers if not layers or tokens * config.layer_sizes[layers - 1] * 4 <= LIMIT else 0


@torch.no_grad()
def prefix_outputs(model: LanguageModel, batches: Batches, layers: int) -> Batches:
    """Replace the ids of batches by the outputs (N, H) of the lowest `layers` layers.

    The state is carried from batch to batch exactly as in training.
    """
    device = model.weight.device
    rows, length = batches.batch_size, batches.row_length
    features = np.empty((rows, length, model.config.layer_sizes[layers - 1]), np.float32)
    state = model.initial_state(rows, 0, layers)
    begin = 0
    for index in range(batches.steps_per_epoch):
        inputs, targets = batches.batch(index)
        outputs, state = model.encode(inputs.to(device), state, stop=layers)
        features[:, begin : begin + targets.shape[1]] = outputs.float().cpu().numpy()
        begin += targets.shape[1]
    flat = features.reshape(rows * length, -1)
    expected = np.roll(batches.targets, -batches.offset)[: rows * length]
    return replace(batches, inputs=flat, targets=expected, offset=0, opening=None)


class Known:
    """What the runs of one command share, if they retrain the same base on the same text.

    The frozen layers have the base's weights in each of them, so their outputs are computed once; only those of the
    last lowest layer are kept. Weights that were measured before, as those of the base and of the best step, are not
    measured again.
    """

    def __init__(self) -> None:
        self._layers = 0
        self._features: np.ndarray | None = None
        self._batches: Batches | None = None
        self._losses: dict[tuple[int, bytes], Losses] = {}

    def prefix(
        self, model: LanguageModel, batches: Batches, validation: TokenStream, layers: int
    ) -> tuple[Batches, np.ndarray]:
        """Replace what the lowest `layers` layers read by their outputs.

        Returns:
            The batches with outputs as inputs, and the outputs for the validation text (N, H).
        """
        if self._layers != layers or self._batches is None or self._features is None:
            self._layers, self._features = layers, layer_outputs(model, validation, layers)
            self._batches = prefix_outputs(model.eval(), batches, layers)
        return self._batches, self._features

    def measured(self, model: LanguageModel, start: int, measure: Callable[[], Losses]) -> Losses:
        """The losses of a model, whose layers below `start` are frozen."""
        weights = hashlib.blake2b()
        for parameter in model.parameters():
            weights.update(parameter.detach().cpu().contiguous().numpy().data)
        key = start, weights.digest()
        if key not in self._losses:
            self._losses[key] = measure()
        return self._losses[key]
