"""The one training loop, whatever learns and whatever for."""

import copy
import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from understudy.errors import UserError
from understudy.evaluation.losses import Losses
from understudy.models.cells import State
from understudy.models.checkpoint import read_weights, save_weights
from understudy.models.language_model import LanguageModel
from understudy.storage import atomic_write
from understudy.training import schedules
from understudy.training.allocator import keep_freed_memory
from understudy.training.batches import Batches
from understudy.training.monitor import Monitor, TensorBoardMonitor
from understudy.training.optimizers import make_optimizer
from understudy.training.options import TrainingOptions
from understudy.training.state import FILE, load_state, save_state

TIMING_SECONDS = 4.0


class Diverged(UserError):
    """The loss became infinite or NaN."""


@dataclass(frozen=True)
class Task:
    """What is to be learned: a model whose learning parameters require gradients, and the text.

    `start` is the lowest layer that runs on the batches (above it when they hold the outputs of a frozen prefix);
    `masks` names the parameters of which only a part learns, with True where it does.
    """

    model: LanguageModel
    batches: Batches
    validate: Callable[[], Losses]
    start: int = 0
    masks: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """What came of a run; losses in nats per token, `best_step` is that of the weights that were kept."""

    outcome: str
    best_loss: float
    best_step: int
    steps: int
    epochs: float
    history: list[dict[str, Any]]
    seconds: float


@dataclass
class Counters:
    """Where a run stands; saved beside the tensors for exact resume."""

    step: int = 0
    total: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    waited: int = 0
    epoch_loss: float = 0.0
    epoch_steps: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def make_fabric(options: TrainingOptions) -> Fabric:
    """Lightning Fabric for the device, precision and processes that the options ask for; launches the latter.

    Under torchrun, or with more than one device, every process runs the whole command: call this before anything is
    written, and write on `is_global_zero` only.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    precision: Any = {"fp32": "32-true", "bf16": "bf16-mixed"}[options.precision]
    strategy = "auto" if options.devices == 1 else "ddp"
    fabric = Fabric(accelerator=device, devices=options.devices, precision=precision, strategy=strategy)
    fabric.launch()
    return fabric


def train(task: Task, folder: Path, options: TrainingOptions, monitor: Monitor, fabric: Fabric) -> Trained:
    """Train until the schedule ends, validation stops improving, or the user interrupts; keep the best weights.

    Writes `model.safetensors` (the best so far) and `history.jsonl` at each validation, and `trainer.safetensors`
    every `save_every` seconds; goes on from the latter where it exists. The model ends with the best weights.

    Raises:
        Diverged: the loss became infinite or NaN; the best weights so far stay in the folder.
    """
    return Loop(task, folder, options, monitor, fabric).run()


class Loop:
    """The state of one run."""

    def __init__(self, task: Task, folder: Path, options: TrainingOptions, monitor: Monitor, fabric: Fabric) -> None:
        keep_freed_memory()
        self.task, self.folder, self.options, self.fabric = task, folder, options, fabric
        self.monitors = [monitor]
        if options.tensorboard and fabric.is_global_zero:
            self.monitors.append(TensorBoardMonitor(folder / "tensorboard"))
        self.module = fabric.setup_module(task.model)
        self.learning = [p for p in task.model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(self.learning, options)
        self.kept = {
            name: (mask.to(fabric.device), task.model.get_parameter(name).detach().clone())
            for name, mask in task.masks.items()
        }
        self.counters = Counters()

    def run(self) -> Trained:
        """Train; see `train`."""
        counters, batches = self.counters, self.task.batches
        hidden = self._zero_state()
        saved = load_state(self.folder, self.task.model, self.optimizer)
        if saved is not None:
            hidden, values = saved
            self.counters = counters = Counters(**values)
        else:
            self._validate()
            counters.total = self._total_steps()
            self._save(hidden)
        clock = last_save = last_shown = time.perf_counter()
        seconds_before, first = counters.seconds, counters.step
        outcome = "finished"
        for monitor in self.monitors:
            monitor.begin("training", counters.step, counters.total)
        per_step = batches.batch_size * batches.row_length / batches.steps_per_epoch
        with _interruptions() as interrupted:
            while counters.step < counters.total:
                if counters.step % batches.steps_per_epoch == 0:
                    hidden = self._zero_state()
                hidden = self._step(hidden)
                now = time.perf_counter()
                counters.seconds = seconds_before + now - clock
                if now - last_shown > 0.2:
                    speed = per_step * (counters.step - first) / (now - clock)
                    for monitor in self.monitors:
                        monitor.step(counters.step, counters.epoch_loss / max(1, counters.epoch_steps), speed)
                    last_shown = now
                if self._validation_due() or interrupted():
                    self._validate()
                if interrupted():
                    outcome = "interrupted"
                    break
                if self.options.patience and counters.waited >= self.options.patience:
                    outcome = "stopped early"
                    break
                if now - last_save >= self.options.save_every:
                    self._save(hidden)
                    last_save = now
        for monitor in self.monitors:
            monitor.end()
        if outcome == "interrupted":
            self._save(hidden)
        elif self.fabric.is_global_zero:
            (self.folder / FILE).unlink(missing_ok=True)
        self._restore_best()
        return Trained(
            outcome,
            counters.best_loss,
            counters.best_step,
            counters.step,
            counters.step / batches.steps_per_epoch,
            counters.history,
            counters.seconds,
        )

    def _zero_state(self) -> State:
        rows = len(range(self.fabric.global_rank, self.task.batches.batch_size, self.fabric.world_size))
        return self.task.model.initial_state(rows, self.task.start)

    def _step(self, hidden: State) -> State:
        """One step of truncated backpropagation through time; returns the recurrent state, cut from the graph."""
        counters, batches = self.counters, self.task.batches
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * schedules.multiplier(
                self.options.schedule,
                counters.step,
                counters.total,
                [row["validation_loss"] for row in counters.history],
            )
        inputs, targets = self.fabric.to_device(
            batches.batch(counters.step % batches.steps_per_epoch, self.fabric.global_rank, self.fabric.world_size)
        )
        self.module.train()
        logits, hidden = self.module(inputs, hidden, self.task.start)
        # Time first, as the logits lie in memory: flattening them the other way would copy them.
        loss = F.cross_entropy(logits.transpose(0, 1).flatten(0, 1), targets.T.flatten())
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        limit = self.options.clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.learning, limit)
        value = loss.item()
        if not (math.isfinite(value) and math.isfinite(norm.item())):
            self._diverged(value)
        self.optimizer.step()
        self._hold_frozen_parts()
        counters.step += 1
        counters.epoch_loss += value
        counters.epoch_steps += 1
        return tuple(s.detach() for s in hidden)

    @torch.no_grad()
    def _hold_frozen_parts(self) -> None:
        for name, (mask, original) in self.kept.items():
            parameter = self.task.model.get_parameter(name)
            parameter.copy_(torch.where(mask, parameter, original))

    def _diverged(self, loss: float) -> None:
        for monitor in self.monitors:
            monitor.end()
        self._restore_best()
        raise Diverged(
            f"The loss became {loss} or its gradient infinite at step {self.counters.step + 1}. Try a smaller --lr "
            f"(it was {self.options.lr:g}), a smaller --clip (it was {self.options.clip:g}), or --precision fp32. The "
            f"best weights so far, of step {self.counters.best_step}, are in {self.folder}."
        )

    def _validation_due(self) -> bool:
        every = self.options.validate_every or self.task.batches.steps_per_epoch
        return self.counters.step % every == 0 or self.counters.step == self.counters.total

    def _validate(self) -> None:
        """Measure the whole validation split, keep the weights when they are the best, and write both down."""
        counters = self.counters
        if counters.history and counters.history[-1]["step"] == counters.step:
            return
        losses = self.task.validate()
        if not math.isfinite(losses.loss):
            self._diverged(losses.loss)
        best = losses.loss < counters.best_loss
        if best:
            counters.best_loss, counters.best_step, counters.waited = losses.loss, counters.step, 0
        else:
            counters.waited += 1
        row = {
            "epoch": round(counters.step / self.task.batches.steps_per_epoch, 4),
            "step": counters.step,
            "train_loss": counters.epoch_loss / counters.epoch_steps if counters.epoch_steps else None,
            "validation_loss": losses.loss,
            "validation_accuracy": losses.accuracy,
            "lr": self.optimizer.param_groups[0]["lr"],
            "best": best,
            "seconds": round(counters.seconds, 3),
        }
        counters.history.append(row)
        counters.epoch_loss, counters.epoch_steps = 0.0, 0
        if self.fabric.is_global_zero:
            if best:
                save_weights(self.folder, self.task.model)
            lines = "".join(json.dumps(line) + "\n" for line in counters.history)
            atomic_write(self.folder / "history.jsonl", lines)
        for monitor in self.monitors:
            monitor.validation(row)

    def _total_steps(self) -> int:
        """The length of the run in steps; for `minutes` from the speed of some trial steps, which are then undone."""
        options, per_epoch = self.options, self.task.batches.steps_per_epoch
        if options.steps is not None:
            return options.steps
        if options.minutes is None:
            return max(1, round(options.epochs * per_epoch))
        begin = time.perf_counter()
        self.task.validate()
        validation = time.perf_counter() - begin
        weights = [p.detach().clone() for p in self.learning]
        optimizer, generator = copy.deepcopy(self.optimizer.state_dict()), torch.get_rng_state()
        counters, self.counters = self.counters, Counters(total=10**9)
        hidden = self._step(self._zero_state())  # the first step warms caches up
        begin = time.perf_counter()
        while time.perf_counter() - begin < TIMING_SECONDS:
            self.counters.step %= per_epoch
            hidden = self._step(hidden)
        step = (time.perf_counter() - begin) / (self.counters.epoch_steps - 1)
        with torch.no_grad():
            for parameter, before in zip(self.learning, weights, strict=True):
                parameter.copy_(before)
        self.optimizer.load_state_dict(optimizer)
        torch.set_rng_state(generator)
        self.counters = counters
        every = options.validate_every or per_epoch
        return self.fabric.broadcast(max(1, round(options.minutes * 60 / (step + validation / every))))

    def _save(self, hidden: State) -> None:
        if self.fabric.is_global_zero:
            save_state(self.folder, self.task.model, self.optimizer, hidden, vars(self.counters))

    def _restore_best(self) -> None:
        self.fabric.barrier()
        read_weights(self.folder, self.task.model)


@contextmanager
def _interruptions() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks the loop to finish its step; a second one stops at once."""
    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not the main thread: interruption is somebody else's concern
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
