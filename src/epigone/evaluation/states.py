"""The states of a network at every token of a text."""

import numpy as np
import torch
from numpy.typing import NDArray

from epigone.models.encoder import Encoder


@torch.no_grad()
def record_states(model: Encoder, tokens: NDArray[np.integer], end: int) -> list[NDArray[np.float32]]:
    """Read a document from the zero state, token by token, and keep every state.

    Args:
        model: the network, in evaluation mode.
        tokens: ids (T,) of the document.
        end: id of the end symbol, which is read before the document, as in training.

    Returns:
        For each state vector of the cell an array (T, L, H): the state after each token has been read.
    """
    state = model.initial_state(1)
    _, state = model.encode(torch.tensor([[end]]), state)
    kept: list[list[torch.Tensor]] = [[] for _ in state]
    for token in tokens.tolist():
        _, state = model.encode(torch.tensor([[token]]), state)
        for vectors, vector in zip(kept, state, strict=True):
            vectors.append(vector[:, 0])
    shape = (0, model.config.num_layers, model.config.hidden_size)
    return [torch.stack(v).float().numpy() if v else np.zeros(shape, np.float32) for v in kept]
