"""Options of training: the recipe, the machine and the display.

The recipe decides the outcome of a run, so it identifies the run; machine and display only decide how it is done.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from epigone.described import added
from epigone.errors import LARGEST, UserError, check_options
from epigone.typed import typed

# The length of a run without options for it. An epoch of a few pages is 16 steps; a network needs hundreds.
EPOCHS, LEAST_STEPS = 20, 2000
PATIENCE, LEAST_WAIT = 5, 500
MOST_DECAY = 1e6


OptimizerName = Literal[
    "rmsprop", "adagrad", "adam", "adamw", "sgd", "muon", "soap", "ademamix", "lion", "schedule-free"
]  # fmt: skip


ScheduleName = Literal["constant", "cosine", "linear", "one-cycle", "slanted", "plateau"]


@dataclass(frozen=True)
@typed
class TrainingOptions:
    """The recipe of training: optimizer, schedule, length, batches and seed."""

    optimizer: OptimizerName = "rmsprop"
    """Optimizer. muon moves the matrices between layers and states, and adamw the rest; soap, ademamix, lion and
    schedule-free need the package pytorch-optimizer."""
    lr: float = 3e-3
    """Learning rate at its highest."""
    schedule: ScheduleName = "cosine"
    """Course of the learning rate: constant, cosine to a hundredth or linear to zero after a short warm-up,
    one-cycle, slanted triangular, or halved whenever validation has not improved twice in a row."""
    weight_decay: float = 0.0
    """L2 penalty on the weights; with adamw the decoupled kind."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 does not clip."""
    clip_value: float = 0.0
    """Largest absolute value of each number of the gradient, cut before the norm is taken; 0 does not cut."""
    summed: bool = False
    """Minimise the loss summed over the tokens of a sequence instead of their mean; the mean is still reported."""
    alpha: float = 0.99
    """Smoothing constant of rmsprop."""
    momentum: float = 0.0
    """Momentum of sgd and rmsprop."""
    epochs: float | None = None
    """Passes over the training text, at most; fractions are allowed. By default 20, but at least 2,000 steps."""
    minutes: float | None = None
    """Minutes to train instead; the measured speed turns them into a number of steps."""
    steps: int | None = None
    """Steps to train instead."""
    patience: int | None = None
    """Stop after this many validations in a row without improvement; 0 never stops early. By default 5, but not within
    500 steps of the best."""
    validate_every: int = 0
    """Steps between validations; 0 validates after each epoch."""
    trace_every: int = 0
    """Steps between lines of trace.jsonl: loss, smoothed loss and norm of the gradient; 0 writes none."""
    sample_every: int = 0
    """Steps between samples of text, shown and kept in samples.jsonl; 0 draws none. A sample continues what the first
    stream has read; with prefix windows or frozen lower layers it begins a document."""
    sample_length: int = 200
    """Tokens of a sample."""
    batch_size: int = 64
    """Streams of text read side by side, at most; fewer if the text is short."""
    sequence_length: int = 128
    """Tokens between truncations of the gradient, at most; fewer if the text is short."""
    seed: int = 0
    """Seed of the initial weights, of dropout and of the order of the documents."""
    windows: Literal["stream", "prefix"] = "stream"
    """Input of a step: the text as a stream, with the state carried from step to step; or, as in tutorials, the
    beginnings of sentences, each of which predicts its next token. With prefix, validation reads held-out sentences one
    by one."""
    shuffle: bool = True
    """Draw the order of the documents, and the place where reading begins, from the seed; otherwise read the documents
    of the split in their order, from the first."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the products, those of muon too: fp32, or bf16 by autocast."""
    averaged: float = added(0.0)
    """Share of the run over which weights are averaged: validations, and the weights that are kept, are those of an
    exponential mean that remembers about so much of the steps before; 0 averages nothing."""
    activation_penalty: float = added(0.0)
    """Weight of the mean square of the top layer's outputs after dropout, in nats: AR (Merity et al. 2018, section
    4.5, alpha). It is added to what is minimised, never to a loss that is reported."""
    slowness_penalty: float = added(0.0)
    """Weight of the mean square of the change of the top layer's outputs from step to step, in nats: TAR (beta)."""

    def __post_init__(self) -> None:
        positive = ("lr", "batch_size", "sequence_length", "steps", "sample_length")
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, *positive)
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, "epochs", "minutes", most=LARGEST)
        not_negative = ("clip", "clip_value", "patience", "validate_every", "trace_every", "sample_every")
        check_options(self, "not be negative", lambda value: value >= 0, *not_negative)
        penalties = ("activation_penalty", "slowness_penalty")
        check_options(self, "not be negative", lambda value: value >= 0, "weight_decay", *penalties, most=MOST_DECAY)
        check_options(self, "not be negative", lambda value: value >= 0, "seed", most=2**63 - 1)
        check_options(self, "be at least 0 and below 1", lambda value: 0 <= value < 1, "alpha", "momentum", "averaged")
        if self.minutes is not None and self.steps is not None:
            raise UserError("Give either minutes or steps; both say how long to train.")
        if self.windows == "prefix" and (self.activation_penalty or self.slowness_penalty):
            raise UserError(
                "activation_penalty and slowness_penalty act on every output of a stream, and windows=prefix pads its "
                "windows; leave out either."
            )

    @property
    def order(self) -> int | None:
        """The seed of the order of the documents; None for that of the split."""
        return self.seed if self.shuffle else None

    def most_steps(self, steps_per_epoch: int) -> int:
        """The length of a run in steps, if `minutes` does not give it."""
        if self.steps is not None:
            return self.steps
        if self.epochs is None:
            return max(EPOCHS * steps_per_epoch, LEAST_STEPS)
        return max(1, round(self.epochs * steps_per_epoch))

    def lost_patience(self, validations: int, steps: int) -> bool:
        """Decide if it is time to stop, after this many validations and steps since the best one."""
        if self.patience is None:
            return validations >= PATIENCE and steps >= LEAST_WAIT
        return 0 < self.patience <= validations


@dataclass(frozen=True)
class RetrainingOptions(TrainingOptions):
    """The recipe of retraining: as from scratch, but gentler, since the text is short."""

    optimizer: OptimizerName = "adamw"
    """Optimizer."""
    lr: float = 1e-3
    """Learning rate at its highest."""
    epochs: float | None = 20.0
    """Passes over the training text, at most; fractions are allowed."""
    patience: int | None = 5
    """Stop after this many validations in a row without improvement; 0 never stops early."""
    batch_size: int = 16
    """Streams of text read side by side, at most; fewer if the text is short."""
    rate_decay: float = added(1.0)
    """Divide the learning rate by this from each group of weights to the one below: the head, the layers from the top,
    the embedding. The uppermost group that learns has the whole rate; a tied embedding is in the head. 2.6 in Howard
    and Ruder (2018)."""
    unfreeze_every: float = added(0.0)
    """Epochs after which the next group of weights learns too, from the head down; 0 lets all learn from the first
    step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, "rate_decay", most=1e6)
        check_options(self, "not be negative", lambda value: value >= 0, "unfreeze_every", most=LARGEST)


@dataclass(frozen=True)
@typed
class FinetuneOptions(RetrainingOptions):
    """The recipe of retraining, with a rate that short trials may choose."""

    lr: float = 0.0
    """Learning rate at its highest; 0 tries those that were measured for the base, or lets short trials choose
    it, together with the selection unless --train gives one."""
    epochs: float | None = None
    """Passes over the training text, at most; fractions are allowed. By default as many as were measured for the base
    if its rates are tried, else 20."""
    schedule: ScheduleName | None = None  # type: ignore[assignment]
    """Course of the learning rate, as from scratch. By default the one that was measured for the base if its rates are
    tried, else cosine."""

    def __post_init__(self) -> None:
        self.with_rate(self.lr or RetrainingOptions.lr)  # checks

    def with_rate(self, lr: float) -> RetrainingOptions:
        """The same recipe with a rate."""
        settled = {
            "lr": lr,
            "epochs": self.epochs or RetrainingOptions.epochs,
            "schedule": self.schedule or RetrainingOptions.schedule,
        }
        return RetrainingOptions(**asdict(self) | settled)


@dataclass(frozen=True)
@typed
class MachineOptions:
    """The machine that trains. Its options change the speed of a run, and at most the last bits of its result."""

    backend: Literal["auto", "native", "torch"] = "auto"
    """The engine of this package (native) or PyTorch (torch); auto is native on a CPU for which it was compiled."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device; auto takes a CUDA device if there is one."""
    devices: int | None = None
    """Processes or GPUs that share each batch. By default 1, or as many as torchrun started."""
    threads: int = 0
    """CPU threads of each process, no more than there are cores; 0 leaves the choice to PyTorch."""
    save_every: float = 60.0
    """Seconds between saves of the state that --resume needs."""

    def __post_init__(self) -> None:
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, "devices", most=256)
        check_options(self, "not be negative", lambda value: value >= 0, "threads", "save_every")


@dataclass(frozen=True)
@typed
class DisplayOptions:
    """The display of a run while it goes on."""

    live: bool = False
    """Draw loss and accuracy in the terminal, epoch by epoch."""
    tensorboard: bool = False
    """Write the losses for TensorBoard too, into the folder `tensorboard` of the run."""


def recipe_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """Take the recipe from training options as a file holds them.

    Version 0.1.0 wrote the options of machine and display among those of the recipe.
    """
    others = {field.name for kind in (MachineOptions, DisplayOptions) for field in fields(kind)}
    return {name: value for name, value in written.items() if name not in others}
