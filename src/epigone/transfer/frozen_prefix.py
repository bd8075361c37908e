"""The frozen layers below the lowest learning one: their outputs never change, so they are computed once."""

from dataclasses import replace

import numpy as np
import torch

from epigone.models.language_model import LanguageModel
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
