"""Scores of single weights on a text: how much the loss depends on each."""

from collections.abc import Callable, Mapping
from functools import cache

import torch

from epigone.models.language_model import LanguageModel
from epigone.training.batches import Batches
from epigone.transfer.selections.weights import Scores

KINDS = ("gradient", "fisher")


def scorers(model: LanguageModel, batches: Callable[[], Batches]) -> dict[str, Callable[[], Scores]]:
    """The scores of a model on a text by name, both computed in one pass when the first is asked for.

    Args:
        model: the base; its weights must be those of the base whenever a score is asked for the first time.
        batches: makes the batches of the text.
    """

    @cache
    def both() -> Mapping[str, Scores]:
        return gradient_scores(model, batches())

    return {kind: lambda kind=kind: both()[kind] for kind in KINDS}  # type: ignore[misc]


def placeholders(model: LanguageModel) -> dict[str, Callable[[], Scores]]:
    """Scores that are all alike, with which an expression can be checked before there is a text."""
    return {kind: lambda: {name: torch.ones(p.shape) for name, p in model.named_parameters()} for kind in KINDS}


def gradient_scores(model: LanguageModel, batches: Batches) -> dict[str, Scores]:
    """Compute the scores `gradient` and `fisher` of each weight in one pass over a text, without dropout.

    `gradient` is the size of the mean gradient of the loss: how quickly the loss falls at first if this weight moves.
    `fisher` is the mean of the squared gradients of the steps, the diagonal of the empirical Fisher information: how
    much the predictions depend on the weight (Kirkpatrick et al. 2017; Sung, Nair and Raffel 2021). A step has B rows
    of T characters, so that it is less noisy than single sequences.

    Args:
        model: the model, which stays as it is.
        batches: the text.
    """
    parameters = dict(model.named_parameters())
    before = {name: (p.requires_grad, p.grad) for name, p in parameters.items()}
    training = model.training
    sums = {name: torch.zeros_like(p, device="cpu") for name, p in parameters.items()}
    squares = {name: torch.zeros_like(p, device="cpu") for name, p in parameters.items()}
    state = None
    model.eval()
    try:
        for p in parameters.values():
            p.requires_grad_(True)
        for index in range(batches.steps_per_epoch):
            inputs, targets = (tensor.to(model.weight.device) for tensor in batches.batch(index))
            (loss, _), state = model.loss(inputs, targets, state)
            state = tuple(part.detach() for part in state)
            found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
            for name, gradient in zip(parameters, found, strict=True):
                if gradient is not None:
                    sums[name] += gradient.cpu()
                    squares[name] += gradient.cpu().square()
    finally:
        model.train(training)
        for name, p in parameters.items():
            p.requires_grad_(before[name][0])
            p.grad = before[name][1]
    steps = batches.steps_per_epoch
    return {
        "gradient": {name: total.abs_() / steps for name, total in sums.items()},
        "fisher": {name: total / steps for name, total in squares.items()},
    }
