"""Optimizers: the settings arrive, and the steps are those of the published rules."""

import pytest
import torch
from torch import nn

from understudy.training.optimizers import make_optimizer
from understudy.training.options import TrainingOptions


def stepped(gradients, start=1.0, **options):
    """A single weight after steps with these gradients."""
    weight = nn.Parameter(torch.tensor([start], dtype=torch.double))
    optimizer = make_optimizer([weight], TrainingOptions(**options))
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.double)
        optimizer.step()
    return weight.item()


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("rmsprop", torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0.5}),
        ("adagrad", torch.optim.Adagrad, {}),
        ("adam", torch.optim.Adam, {}),
        ("adamw", torch.optim.AdamW, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.5}),
    ],
)
def test_settings_arrive(name, kind, expected):
    options = TrainingOptions(optimizer=name, lr=0.02, weight_decay=0.003, alpha=0.9, momentum=0.5)
    optimizer = make_optimizer([nn.Parameter(torch.ones(2))], options)
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    for key, value in {"lr": 0.02, "weight_decay": 0.003, **expected}.items():
        assert group[key] == value


def test_rmsprop_of_the_paper():
    """Learning rate 1e-2, alpha 0.99: v = 0.99 v + 0.01 g^2; w -= 0.01 g / (sqrt v + 1e-8)."""
    weight, v = 1.0, 0.0
    for gradient in (0.5, -2.0, 1.0):
        v = 0.99 * v + 0.01 * gradient**2
        weight -= 0.01 * gradient / (v**0.5 + 1e-8)
    assert stepped([0.5, -2.0, 1.0], optimizer="rmsprop", lr=1e-2) == pytest.approx(weight, rel=1e-12)


def test_weight_decay_is_a_penalty_and_for_adamw_apart_from_the_gradient():
    assert stepped([0.0], optimizer="sgd", lr=0.1, weight_decay=0.5) == pytest.approx(0.95)
    assert stepped([0.0], optimizer="adamw", lr=0.1, weight_decay=0.5) == pytest.approx(0.95)
    # Adam divides the penalty's gradient by its own size.
    assert stepped([0.0], optimizer="adam", lr=0.1, weight_decay=0.5) == pytest.approx(0.9)
