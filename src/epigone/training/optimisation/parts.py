"""The part of a parameter that learns while a mask holds the rest."""

import torch
from torch import Tensor, nn


class Part:
    """The learning weights of a parameter as a vector of their own.

    Only the vector is given to an optimizer. So what a mask holds stays as it is, bit for bit, whatever momentum, decay
    or means the optimizer has, and it keeps nothing for it.

    Args:
        parameter: the whole parameter, which the network reads.
        mask: in its shape, True where a weight learns.
    """

    def __init__(self, parameter: nn.Parameter, mask: Tensor) -> None:
        self.parameter = parameter
        self.places = mask.to(parameter.device).flatten().nonzero().flatten()
        self.vector = nn.Parameter(parameter.detach().flatten()[self.places])

    def take_gradient(self) -> None:
        """Move the gradient from the parameter to the vector."""
        gradient = self.parameter.grad
        self.vector.grad = None if gradient is None else gradient.flatten()[self.places]
        self.parameter.grad = None

    @torch.no_grad()
    def write(self) -> None:
        """Put the vector into the parameter."""
        self.parameter.view(-1)[self.places] = self.vector

    @torch.no_grad()
    def read(self) -> None:
        """Take the vector from the parameter, which got other weights."""
        self.vector.copy_(self.parameter.flatten()[self.places])
