"""The states of a network, read slowly and surely."""

import torch


@torch.no_grad()
def record_states(model, tokens, end):
    """Read a document (T,) from the zero state, token by token, and keep every state: (T, L, H) for each vector."""
    state = model.initial_state(1)
    _, state = model.encode(torch.tensor([[end]]), state)
    kept = [[] for _ in state]
    for token in tokens.tolist():
        _, state = model.encode(torch.tensor([[token]]), state)
        for vectors, vector in zip(kept, state, strict=True):
            vectors.append(vector[:, 0])
    empty = torch.zeros(0, model.config.num_layers, model.config.hidden_size)
    return [torch.stack(vectors).numpy() if vectors else empty.numpy() for vectors in kept]
