"""Dynamic evaluation: a model that goes on learning from what it has just been measured on."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from epigone.errors import check_options
from epigone.evaluation.losses import Losses, Sums
from epigone.evaluation.traversal import Segment
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream
from epigone.typed import typed

FADING = 0.999
"""Share that the running mean of squared gradients keeps in each step."""


@dataclass(frozen=True)
@typed
class DynamicOptions:
    """Dynamic evaluation, strictly score-first: no token is measured by weights that have learned from it."""

    dynamic: float = 0.0
    """Rate at which all weights learn from each piece of the text after it was measured; 0 learns nothing."""
    dynamic_decay: float = 0.0
    """Share by which the weights go back to what they were, in each step."""
    dynamic_tokens: int = 64
    """Tokens of a piece."""

    def __post_init__(self) -> None:
        check_options(self, "not be negative", lambda value: 0 <= value < math.inf, "dynamic")
        check_options(self, "be at least 0 and below 1", lambda value: 0 <= value < 1, "dynamic_decay")
        check_options(self, "be 1 or more", lambda value: value >= 1, "dynamic_tokens")


def dynamic_losses(model: LanguageModel, stream: TokenStream, options: DynamicOptions) -> Losses:
    """Measure a model on every document of a stream in their order, while it learns from what it has read.

    Each document is read from the state that documents begin in, in pieces; the weights go on from document to
    document. After a piece was measured, each weight moves by the rate times its gradient, divided by the square root
    of the running mean of its squared gradients, and by the decay back to where it was. Krause, Kahembwe, Murray and
    Renals (2018), Dynamic Evaluation of Neural Sequence Models, equation 5, with a running mean in place of one over
    the training text.

    Args:
        model: the model, which stays as it is.
        stream: the text.
        options: rate, decay and length of a piece.
    """
    learner = copy.deepcopy(model).eval().requires_grad_(True)
    weights: list[Tensor] = list(learner.parameters())
    first = [weight.detach().clone() for weight in weights]
    squares = [torch.zeros_like(weight) for weight in weights]
    sums, step = Sums(stream), 0
    for document, (begin, end) in enumerate(zip(stream.offsets[:-1], stream.offsets[1:], strict=True)):
        state = learner.initial_state(1)
        for place in range(int(begin), int(end), options.dynamic_tokens):
            positions = np.arange(place, min(place + options.dynamic_tokens, int(end)))[None]
            inputs = torch.as_tensor(
                np.asarray(stream.inputs[positions]).astype(np.int64), device=learner.weight.device
            )
            expected = np.asarray(stream.targets[positions]).astype(np.int64)
            outputs, state = learner.encode(inputs, state)
            state = tuple(part.detach() for part in state)
            logits = learner.logits(outputs)[0]
            nats = F.cross_entropy(logits.float(), torch.as_tensor(expected[0], device=logits.device), reduction="none")
            hits = logits.argmax(-1).cpu().numpy() == expected[0]
            row = Segment(document, int(begin), int(begin), int(end))
            sums.add([row], positions, expected, nats.detach().cpu().numpy()[None], hits[None])
            step += 1
            gradients = torch.autograd.grad(nats.mean(), weights, materialize_grads=True)  # a start is read once
            with torch.no_grad():
                torch._foreach_mul_(squares, FADING)
                torch._foreach_addcmul_(squares, gradients, gradients, 1 - FADING)
                scale = torch._foreach_div(squares, 1 - FADING**step)
                torch._foreach_sqrt_(scale)
                torch._foreach_add_(scale, 1e-8)
                torch._foreach_addcdiv_(weights, gradients, scale, -options.dynamic)
                if options.dynamic_decay:
                    torch._foreach_lerp_(weights, first, options.dynamic_decay)
    return sums.losses()
