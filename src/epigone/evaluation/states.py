"""The states of a network, summarised over each of many texts."""

import numpy as np
import torch
from numpy.typing import NDArray

from epigone.evaluation.traversal import batches, steps
from epigone.models.encoder import Encoder
from epigone.text.streams import TokenStream


@torch.no_grad()
def summarised_states(model: Encoder, stream: TokenStream) -> dict[str, NDArray[np.float32]]:
    """Summarise the states of every layer over each document, each read from a zero state.

    Args:
        model: the network.
        stream: D documents.

    Returns:
        Arrays (D, F), F being the outputs of all layers, the lowest first: `mean` and `max` over the tokens of the
        document, and `last`, after its last token. The end symbol before a document is read, the one after it is not.
    """
    was_training = model.training
    model.eval()
    layers = range(len(model.layers))
    found: dict[str, NDArray[np.float32]] = {}
    for batch in batches(stream):
        states = [model.initial_state(len(batch), i, i + 1) for i in layers]
        for rows, positions in steps(batch):
            states = [tuple(s[:, : len(rows)].contiguous() for s in state) for state in states]
            x = torch.as_tensor(stream.inputs[positions].astype(np.int64), device=model.weight.device)
            outputs = []
            for i in layers:
                x, states[i] = model.encode(x, states[i], i, i + 1)
                outputs.append(x)
            values = torch.cat(outputs, dim=2)
            if not found:
                shape = (len(stream.characters), values.shape[2])
                total = np.zeros(shape)  # exact enough that the mean does not depend on the batch
                found = {"max": np.full(shape, -np.inf, np.float32), "last": np.zeros(shape, np.float32)}
            counted = torch.as_tensor(positions >= np.array([s.start for s in rows])[:, None])[:, :, None]
            documents = np.array([s.document for s in rows])
            np.add.at(total, documents, values.double().mul(counted).sum(dim=1).numpy())
            np.maximum.at(found["max"], documents, values.masked_fill(~counted, -torch.inf).amax(dim=1).numpy())
            ends = np.flatnonzero(positions[:, -1] + 1 == stream.offsets[documents + 1])
            found["last"][documents[ends]] = values[ends, -1].numpy()
    model.train(was_training)
    return found | {"mean": (total / np.diff(stream.offsets)[:, None]).astype(np.float32)}
