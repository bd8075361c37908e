"""Gradient times input: how much each token that was read speaks for what comes next."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from epigone.errors import UserError
from epigone.models.backends.choice import choose
from epigone.models.backends.native import dtype_name
from epigone.models.backends.stack import run_stack
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream

MOST = 1_000  # tokens: the array has a number for every pair
ROWS = 16  # predictions that are followed back at a time


def gradient_times_input(model: LanguageModel, stream: TokenStream) -> NDArray[np.float32]:
    """Multiply the gradient of each prediction by each input before it (Shrikumar et al. 2017, equation 1).

    Args:
        model: the network.
        stream: short documents, of M tokens in all besides their end symbols.

    Returns:
        (M, M): in row t and column s the derivative of the log-probability of what follows token t by the input of
        token s, times this input, which is its embedding or its one-hot vector. 0 for what comes after t or is in
        another document.

    Raises:
        UserError: there are more than 1,000 tokens.
    """
    tokens = len(stream) - len(stream.characters)
    if tokens > MOST:
        raise UserError(
            f"Gradients are for short texts of {MOST:,} tokens at most, and this one has {tokens:,}. Leave out "
            f"--gradients, or give less text with --limit {MOST}."
        )
    model.eval()
    found = np.zeros((tokens, tokens), np.float32)
    for document, (begin, end) in enumerate(
        zip(stream.offsets[:-1].tolist(), stream.offsets[1:].tolist(), strict=True)
    ):
        ids = torch.from_numpy(np.asarray(stream.inputs[begin:end]).astype(np.int64))
        targets = torch.from_numpy(np.asarray(stream.targets[begin:end]).astype(np.int64))
        first = begin - document
        for start in range(1, end - begin, ROWS):  # the end symbol before the document is no token
            steps = torch.arange(start, min(start + ROWS, end - begin))
            of_each = _followed(model, ids[: int(steps[-1]) + 1], steps, targets[steps])
            rows = first + steps.numpy() - 1
            found[rows[:, None], first + np.arange(of_each.shape[1] - 1)] = of_each[:, 1:]
    return found


def _followed(model: LanguageModel, ids: Tensor, steps: Tensor, targets: Tensor) -> NDArray[np.float32]:
    """Follow the predictions after some steps back to all inputs: (S, T), each in a copy of the text."""
    state = model.initial_state(len(steps))
    if model.embedding is None:
        embedded = F.one_hot(ids, model.config.vocabulary_size).to(model.weight)
    else:
        of_one, *_ = model.embed(ids[None], model.initial_state(1))
        embedded = of_one[:, 0].detach()
        state = state[: model.cell.num_states]
    inputs = embedded[:, None].repeat(1, len(steps), 1).requires_grad_()
    backend = choose(model.backend, model.config, state[0].device.type, dtype_name(state[0]), "stack")
    weights = [layer.weights() for layer in model.layers]  # type: ignore[operator]
    outputs, _ = run_stack(model.cell, inputs, state, weights, [None] * len(weights), backend, model.config.layer_sizes)
    asked = outputs[steps, torch.arange(len(steps))]
    logits = model.head.logits(asked[None])[0]
    (gradient,) = torch.autograd.grad(logits.log_softmax(-1).gather(1, targets[:, None]).sum(), inputs)
    return np.asarray((gradient * inputs).sum(-1).T.detach().float().numpy())
