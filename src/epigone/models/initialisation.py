"""The weights of a network that has learned nothing yet."""

import math

import torch
from torch import nn

from epigone.models.cells.base import Cell
from epigone.models.encoder import Encoder


@torch.no_grad()
def initialise(model: Encoder, head: nn.Module) -> None:
    """Draw all weights of a model and its head anew, in the way that its options name.

    `uniform` is PyTorch's: within 1 / sqrt(H). In a stack of layers the text then hardly reaches the top, and training
    stays at the frequencies of the characters for hundreds or thousands of steps. `orthogonal` starts with every gate
    reading its input at about unit variance: recurrent matrices are orthogonal (Saxe et al. 2014), input matrices are
    scaled to the norm of their input, forget gates are open (Jozefowicz et al. 2015). `normal` draws everything with
    one standard deviation.
    """
    options, scaled = model.config, model.config.init == "orthogonal"
    if options.init == "normal":
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=options.init_std)
    else:
        if options.head.initialise is not None:
            options.head.initialise(head)
        norm = 1.0  # of what enters a layer: a one-hot vector, an embedding, or outputs of about a half
        if model.embedding is not None:
            width = options.embedding_size
            std = 0.1 if not scaled else 1 / math.sqrt(width) if options.tied else 0.5
            nn.init.normal_(model.embedding.weight, std=std)
            norm = std * math.sqrt(width)
        if model.ngrams is not None:
            nn.init.zeros_(model.ngrams.weight)
        for layer, size in zip(model.layers, options.layer_sizes, strict=True):
            if scaled:
                _orthogonal(layer, model.cell, size, norm)
            else:
                bound = 1 / math.sqrt(size)
                for parameter in layer.parameters():
                    nn.init.uniform_(parameter, -bound, bound)
            norm = math.sqrt(size) * (0.5 if model.cell.bounded else 1.0)
    for vector in model.start.values():
        vector.zero_()
    for layer in model.layers:
        for name, value in model.cell.constants.items():
            layer.get_parameter(name).fill_(value)
        if options.one_bias:
            dict(layer.named_parameters()).get("bias_hh", torch.empty(0)).zero_()


def _orthogonal(layer: nn.Module, cell: Cell, hidden_size: int, norm: float) -> None:
    """Draw the weights of a layer whose inputs have this norm."""
    for name, weight in layer.named_parameters():
        if name == "weight_ih":
            nn.init.normal_(weight, std=1 / norm)
        elif weight.ndim == 1:
            weight.zero_()
        else:
            for block in weight.split(hidden_size):
                nn.init.orthogonal_(block)
    if cell.forget_gate is not None:
        place = cell.gates.index(cell.forget_gate) * hidden_size
        layer.get_parameter("bias_ih")[place : place + hidden_size].fill_(1.0)
