"""The grid of the study `vanilla-rnn`: its options, its networks and their training, and the labels of its rows."""

from dataclasses import dataclass
from typing import Literal

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions, nearest_size, num_weights, sized
from epigone.studies.engine.rows import Labels
from epigone.training.options import TrainingOptions
from epigone.typed import typed

TRACE, SAMPLES = 100, 10_000  # steps between lines of the trace, and between samples of text
VALIDATIONS = 24
CELL_OF = {"tanh": "rnn", "relu": "rnn_relu"}
NETWORKS = {"rnn": "rnn, tanh", "rnn_relu": "rnn, relu"}  # names in the table that are not the cell's own
OPTIMIZERS = {"adagrad": "AdaGrad", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}


@dataclass(frozen=True)
@typed
class VanillaRnnOptions:
    """The network and the grid of the study vanilla-rnn."""

    hidden_size: int = 100
    """Hidden units m."""
    sigma: float = 0.1
    """Standard deviation of the initial weights and biases."""
    lr: float = 0.1
    """Learning rate of AdaGrad."""
    penalty: float = 0.0
    """Lambda of a penalty lambda W^2 on weights and biases, added to the loss of every sequence: S sequences then lead
    to the most probable weights (MAP) under a Gaussian prior of variance 1 / (2 lambda S)."""
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    """Nonlinearity of the hidden units in the studied network; the other one is compared with it."""
    epochs: int = 6
    """Epochs over the book."""
    sequence_length: int = 25
    """Characters of a sequence, over which gradients go back."""
    cells: tuple[str, ...] = ("lstm", "gru")
    """Other cells to compare with."""
    optimizers: tuple[str, ...] = ("adam",)
    """Other optimizers to compare with, for the studied network and the other cells."""
    rates: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    """Learning rates of the other optimizers; validation chooses among them after an epoch."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "hidden_size", "epochs", "sequence_length")
        check_options(self, "be above 0", lambda value: value > 0, "sigma", "lr")
        check_options(self, "not be negative", lambda value: value >= 0, "penalty")
        for cell in self.cells:
            ModelOptions(cell=cell)  # refuses an unknown one
        for optimizer in self.optimizers:
            TrainingOptions(optimizer=optimizer)  # type: ignore[arg-type]
        if always := {*NETWORKS, "adagrad"} & {*self.cells, *self.optimizers}:
            raise UserError(f"{always.pop()} is always in the grid; leave it out of cells and optimizers.")
        if not self.rates or min(self.rates) <= 0:
            raise UserError(f"rates must hold numbers above 0, but is {self.rates}.")


class NetworkLabels(Labels):
    """Labels of this study: cell, optimizer, rate if it was chosen on validation."""

    @property
    def name(self) -> str:
        rate = f" {self['rate']:g}" if "rate" in self else ""
        cell, optimizer = self["cell"], self["optimizer"]
        return f"{NETWORKS.get(cell, cell)}, {OPTIMIZERS.get(optimizer, optimizer)}{rate}"


def network(cell: str, options: VanillaRnnOptions, vocabulary: int) -> ModelOptions:
    """A network of one layer with about as many weights as the report's has."""

    def of(kind: str, units: int) -> ModelOptions:
        return ModelOptions(
            cell=kind,
            num_layers=1,
            hidden_size=units,
            init="normal",
            init_std=options.sigma,
            one_bias=True,
        )

    weights = num_weights(sized(of("rnn", options.hidden_size), vocabulary))
    return nearest_size((of(cell, units) for units in range(1, options.hidden_size + 1)), vocabulary, weights)


def recipe(options: VanillaRnnOptions, steps_per_epoch: int, quick: bool) -> TrainingOptions:
    """The report's training."""
    return TrainingOptions(
        optimizer="adagrad",
        lr=options.lr,
        schedule="constant",
        weight_decay=2 * options.penalty,  # PyTorch adds this times the weight, and d lambda W^2 / dW = 2 lambda W
        clip=0.0,
        clip_value=5.0,
        summed=True,
        epochs=options.epochs,
        steps=200 if quick else None,
        patience=0,
        validate_every=50 if quick else max(1, options.epochs * steps_per_epoch // VALIDATIONS),
        batch_size=1,
        sequence_length=options.sequence_length,
        shuffle=False,
        trace_every=10 if quick else TRACE,
        sample_every=50 if quick else SAMPLES,
    )
