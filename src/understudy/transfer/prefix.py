"""The layers below the lowest learning one: their outputs never change, so they are computed once."""

import numpy as np
import torch

from understudy.models.language_model import LanguageModel
from understudy.training.batches import Batches

LIMIT = 2**30  # bytes of outputs that are kept


def cacheable(model: LanguageModel, layers: int, tokens: int) -> bool:
    """Whether the outputs of the lowest `layers` layers can be kept: no dropout acts among them, and they fit."""
    random = model.config.dropout > 0 and layers > 1  # dropout acts on the inputs of layers 1 and up
    return layers > 0 and not random and tokens * model.config.hidden_size * 4 <= LIMIT


@torch.no_grad()
def prefix_outputs(model: LanguageModel, batches: Batches, layers: int) -> Batches:
    """The same batches with the outputs (N, H) of the lowest `layers` layers in place of the ids.

    The state is carried from batch to batch exactly as in training.
    """
    device = model.head.bias.device
    rows, length = batches.batch_size, batches.row_length
    features = np.empty((rows, length, model.config.hidden_size), np.float32)
    state = model.initial_state(rows, 0, layers)
    begin = 0
    for index in range(batches.steps_per_epoch):
        inputs, targets = batches.batch(index)
        outputs, state = model(inputs.to(device), state, stop=layers)
        features[:, begin : begin + targets.shape[1]] = outputs.float().cpu().numpy()
        begin += targets.shape[1]
    flat = features.reshape(rows * length, -1)
    return Batches(flat, batches.targets[: rows * length], rows, batches.sequence_length)
