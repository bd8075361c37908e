"""The one training loop, for whatever learns."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from epigone.errors import UserError
from epigone.models.cells.base import State
from epigone.models.encoder import gate_blocks
from epigone.training.listeners.base import Listener, Run
from epigone.training.optimisation import schedules
from epigone.training.optimisation.optimizers import clip_gradients, few_threads, make_optimizer
from epigone.training.optimisation.parts import Part
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.run.state import FILE, Counters, Snapshot, copied, load_state, save_state
from epigone.training.system.interruption import interruptions
from epigone.training.system.memory import keep_freed_memory
from epigone.training.system.processes import agreed, average, gathered, on_first
from epigone.training.task import Diverged, StepLoss, Task, Trained

TIMING_SECONDS = 4.0


def train(
    task: Task,
    folder: Path,
    options: TrainingOptions,
    machine: MachineOptions,
    fabric: Fabric,
    listeners: Sequence[Listener] = (),
    run: str = "",
    stop: int | None = None,
    keep_last: bool = False,
) -> Trained:
    """Train until the schedule ends, validation stops improving, or the user interrupts; keep the best weights.

    The loop saves the best weights after each validation, and `trainer.safetensors` every `save_every` seconds. If
    that file exists, the run goes on from it. The module ends with the best weights.

    Args:
        task: what learns.
        folder: the folder of the run.
        options: the recipe.
        machine: backend and seconds between saves.
        fabric: the device and the processes.
        listeners: follow the run, in this order, in the first process.
        run: the hash of the request, which `trainer.safetensors` names.
        stop: the step after which the run is over, if before the end of its schedule.
        keep_last: keep the last weights, not the best, if what is measured says nothing about which are best.

    Raises:
        Diverged: the loss became infinite or NaN; the best weights so far stay in the folder.
        UserError: the disk is full; what was saved before is untouched.
    """
    return Loop(task, folder, options, machine, fabric, listeners, run, stop, keep_last).train()


@runtime_checkable
class Switching(Protocol):
    """An optimizer that keeps the weights at which it takes gradients apart from those that are good."""

    def eval(self) -> None:
        """Put the good weights into the module."""

    def train(self) -> None:
        """Put back those at which gradients are taken."""


class Objective(nn.Module):
    """The loss of a task as a module: Fabric applies precision and processes to `forward` alone."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.module, self.loss = task.module, task.loss

    def forward(self, batch: Any, state: State) -> tuple[StepLoss, State]:
        return self.loss(batch, state)


class Loop:
    """The state of one run."""

    def __init__(
        self,
        task: Task,
        folder: Path,
        options: TrainingOptions,
        machine: MachineOptions,
        fabric: Fabric,
        listeners: Sequence[Listener],
        identity: str,
        stop: int | None = None,
        keep_last: bool = False,
    ) -> None:
        keep_freed_memory()
        self.task, self.folder, self.options, self.machine, self.fabric = task, folder, options, machine, fabric
        self.identity, self.stop, self.keep_last = identity, stop, keep_last
        self.listeners = listeners if fabric.is_global_zero else ()
        self.module = fabric.setup_module(Objective(task))
        self.lr = options.lr
        masks = {task.module.get_parameter(name): mask for name, mask in task.masks.items()}
        self.parts = {parameter: Part(parameter, mask) for parameter, mask in masks.items()}
        groups = [{"params": [self._moved(parameter) for parameter in group.parameters]} for group in task.groups]
        self.optimizer = make_optimizer(groups, options, machine.backend, gate_blocks(task.module))
        if isinstance(self.optimizer, Switching):
            self.optimizer.train()
        self.mean: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.run = Run(task, folder, Counters())

    @property
    def counters(self) -> Counters:
        """The state of the run in numbers, which listeners see too."""
        return self.run.counters

    def train(self) -> Trained:
        """Train; see `train`."""
        try:
            saved = on_first(self.fabric, lambda: load_state(self.folder, self.identity))
            state = self._begin() if saved is None else self._resume(saved)
            self.run.begun = self.counters.step, self.counters.seconds
            self._tell(lambda listener: listener.begin(self.run))
            state, outcome = self._learn(state)
            if outcome == "interrupted":
                self._save(state)
                self._tell(lambda listener: listener.flush(self.run))
        finally:
            for listener in self.listeners:
                listener.end()
        counters = self.counters
        loss, step = counters.best_loss, counters.best_step
        if outcome == "interrupted":
            # A preview, not recorded, so that resuming stays exact.
            with self._measured():
                now = on_first(self.fabric, lambda: self.task.validate().loss)
                if now < loss:
                    loss, step = now, counters.step
                    self.best = copied(self._weights())
                    self._save_best()
        self._load(self.best)
        epochs = counters.step / self.task.batches.steps_per_epoch
        return Trained(outcome, loss, step, counters.step, epochs, counters.history, counters.seconds, counters.total)

    def _tell(self, event: Callable[[Listener], None]) -> None:
        """Tell the listeners, which are in the first process; every process gets their error."""
        failure: UserError | None = None
        try:
            for listener in self.listeners:
                event(listener)
        except UserError as error:
            failure = error
        if agreed(self.fabric, failure is not None):
            on_first(self.fabric, lambda: _raise(failure))

    def _begin(self) -> State:
        """Measure the module as it is, settle the length of the run, and save both."""
        if self.fabric.global_rank:  # each process draws its own dropout
            torch.manual_seed(self.options.seed + self.fabric.global_rank)
        if self.options.averaged:
            self.mean = {name: weight.clone() for name, weight in self._weights().items()}
        self._validate()
        self.counters.total = self._total_steps()
        state = self._zero_state()
        self._save(state)
        return state

    def _resume(self, saved: Snapshot) -> State:
        """Go on from a saved state; the best weights in the folder go back to that moment too."""
        path, processes = self.folder / FILE, len(saved.own["random.cpu"])
        if processes != self.fabric.world_size:
            raise UserError(
                f"{path} is from a run with {processes} processes; go on with as many, not {self.fabric.world_size}."
            )
        shapes = {name: weight.shape for name, weight in self._weights().items()}
        if shapes != {name: weight.shape for name, weight in saved.weights.items()}:
            raise UserError(f"{path} belongs to a model of another shape. Delete it to start the run again.")
        self._load(saved.best)
        self._save_best()
        if processes > 2 and (saved.counters.step or self.options.minutes):
            # PyTorch lays the gradients out anew after the first step, and the sums over three or more processes depend
            # on the layout in their last bits; so a step is done here too, and then undone.
            self.run.counters = Counters(total=saved.counters.total)
            self._step(self._zero_state())
        return self._restore(saved)

    def _learn(self, state: State) -> tuple[State, str]:
        """Step until the end; return the recurrent state and the outcome."""
        counters, batches = self.counters, self.task.batches
        last_save = time.perf_counter()
        with interruptions() as asked:
            while not (outcome := self._outcome()):
                if counters.step % batches.steps_per_epoch == 0 or not batches.carried:
                    state = self._zero_state()
                for listener in self.listeners:
                    listener.before_step(self.run)
                state = self._step(state)
                self._tell(lambda listener: listener.step(self.run))
                if self._validation_due():
                    self._validate()
                if agreed(self.fabric, asked()):
                    outcome = self._outcome() or "interrupted"
                    break
                if agreed(self.fabric, time.perf_counter() - last_save >= self.machine.save_every):
                    self._save(state)
                    last_save = time.perf_counter()
        return state, outcome

    def _outcome(self) -> str:
        """The outcome of the run; empty while it goes on."""
        counters = self.counters
        if self.options.lost_patience(counters.waited, counters.step - counters.best_step):
            return "stopped early"
        return "finished" if counters.step >= self._end else ""

    @property
    def _end(self) -> int:
        """The last step."""
        return self.counters.total if self.stop is None else min(self.counters.total, self.stop)

    def _zero_state(self) -> State:
        rows = len(range(self.fabric.global_rank, self.task.batches.batch_size, self.fabric.world_size))
        return self.task.initial_state(rows)

    def _step(self, state: State) -> State:
        """Do a step of truncated backpropagation through time; return the recurrent state, cut from the graph."""
        counters, batches, options = self.counters, self.task.batches, self.options
        losses = [row["validation_loss"] for row in counters.history]
        self.lr = options.lr * schedules.multiplier(options.schedule, counters.step, counters.total, losses)
        for group, settings in zip(self.task.groups, self.optimizer.param_groups, strict=True):
            settings["lr"] = self.lr * group.rate
        batch = self.fabric.to_device(
            batches.batch(counters.step % batches.steps_per_epoch, self.fabric.global_rank, self.fabric.world_size)
        )
        self.module.train()
        self._hold()
        (objective, loss, accuracy), state = self.module(batch, state)
        penalty = self.task.penalty()
        self.optimizer.zero_grad()
        self.fabric.backward(objective if penalty is None else objective + penalty)
        for part in self.parts.values():
            part.take_gradient()
        learning = self._learning()
        value, right = average(self.fabric, loss, accuracy)
        with few_threads(learning):
            norm, cut = clip_gradients(learning, options.clip or math.inf, options.clip_value or math.inf)
            if not (math.isfinite(value) and math.isfinite(cut)):
                self._diverged(value)
            self.optimizer.step()
        self._write_parts()
        counters.step += 1
        self._average()
        counters.epoch_loss += value
        counters.epoch_accuracy += right
        counters.epoch_steps += 1
        counters.trace.add(counters.step, value, norm)
        self.run.state, self.run.batch = tuple(s.detach() for s in state), batch
        return self.run.state

    def _moved(self, parameter: nn.Parameter) -> nn.Parameter:
        """Give what an optimizer moves of a parameter: itself, or the vector of its learning weights."""
        return self.parts[parameter].vector if parameter in self.parts else parameter

    def _write_parts(self) -> None:
        """Put what the optimizer moved into the parameters that learn in part."""
        for part in self.parts.values():
            part.write()

    def _hold(self) -> None:
        """Compute no gradients of what learns only later; processes that share a batch need all of them."""
        if self.fabric.world_size == 1:
            for group in self.task.groups:
                if group.first_step:
                    for parameter in group.parameters:
                        parameter.requires_grad_(self.counters.step >= group.first_step)

    def _learning(self) -> list[nn.Parameter]:
        """The parameters that learn at this step; the others lose their gradients, so no optimizer moves them."""
        learning: list[nn.Parameter] = []
        for group in self.task.groups:
            moved = [self._moved(parameter) for parameter in group.parameters]
            if self.counters.step >= group.first_step:
                learning += moved
            else:
                for parameter in moved:
                    parameter.grad = None
        return learning

    def _diverged(self, loss: float) -> None:
        self._tell(lambda listener: listener.flush(self.run))
        kept = ""
        if self.best:
            self._load(self.best)
            kept = f" The best weights so far, of step {self.counters.best_step}, are in {self.folder}."
        raise Diverged(
            f"The loss became {loss} or its gradient infinite at step {self.counters.step + 1}. Try a smaller --lr "
            f"(it was {self.options.lr:g}), a --clip of 1 or less (it was {self.options.clip or 'off'}), or "
            f"--precision fp32.{kept}"
        )

    @torch.no_grad()
    def _average(self) -> None:
        """Bring the mean of the weights nearer to those after this step; a short past weighs less at first."""
        if self.mean:
            step = self.counters.step
            kept = min(1 - 1 / max(1.0, self.options.averaged * self.counters.total), (1 + step) / (10 + step))
            weights = self._weights()
            torch._foreach_lerp_(list(self.mean.values()), [weights[name] for name in self.mean], 1 - kept)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        """Put the weights that are measured and kept into the module, if they are not those that learn."""
        if isinstance(self.optimizer, Switching):
            self.optimizer.eval()
            self._write_parts()
        learning = {name: weight.clone() for name, weight in self._weights().items()} if self.mean else {}
        if self.mean:
            self._load(self.mean)
        yield
        if self.mean:
            self._load(learning)
        if isinstance(self.optimizer, Switching):
            self.optimizer.train()
            self._write_parts()

    def _validation_due(self) -> bool:
        every = self.options.validate_every or self.task.batches.steps_per_epoch
        return self.counters.step % every == 0 or self.counters.step == self._end

    def _measure(self) -> dict[str, float]:
        """The figures of a validation by name, the loss among them."""
        measured = self.task.validate()
        return {"loss": measured.loss, **measured.figures()}

    def _validate(self) -> None:
        """Measure, keep the weights if they are the best, or the last if so wanted, and tell the listeners."""
        counters = self.counters
        with self._measured():
            figures = on_first(self.fabric, self._measure)
            loss = figures["loss"]
            if not math.isfinite(loss):
                self._diverged(loss)
            best = self.keep_last or loss < counters.best_loss
            if best:
                counters.best_loss, counters.best_step, counters.waited = loss, counters.step, 0
                self.best = copied(self._weights())
                self._save_best()
            else:
                counters.waited += 1
        steps = counters.epoch_steps
        row = {
            "epoch": self.run.epoch,
            "step": counters.step,
            "train_loss": counters.epoch_loss / steps if steps else None,
            "train_accuracy": known(counters.epoch_accuracy / steps) if steps else None,
            "smoothed_loss": counters.trace.smoothed_loss,
            **{f"validation_{name}": known(value) for name, value in figures.items()},
            "lr": self.lr,
            "best": best,
            "seconds": round(counters.seconds, 3),
            "learning_seconds": round(counters.learning_seconds, 3),
        }
        counters.history.append(row)
        counters.epoch_loss, counters.epoch_accuracy, counters.epoch_steps = 0.0, 0.0, 0
        self.run.figures = {name: value for name, value in figures.items() if name != "loss"}
        self._tell(lambda listener: listener.validation(self.run, row))

    def _total_steps(self) -> int:
        """The length of the run in steps; `minutes` need the speed of some trial steps, which are then undone."""
        options, per_epoch = self.options, self.task.batches.steps_per_epoch
        if options.minutes is None:
            return options.most_steps(per_epoch)
        begin = time.perf_counter()
        on_first(self.fabric, self._measure)
        validation = time.perf_counter() - begin
        state = self._zero_state()
        before, self.run.counters = self._snapshot(state), Counters(total=10**9)
        state = self._step(state)  # the first step warms caches up
        begin = time.perf_counter()
        while not agreed(self.fabric, time.perf_counter() - begin > TIMING_SECONDS):
            self.counters.step %= per_epoch
            state = self._step(state)
        step = (time.perf_counter() - begin) / (self.counters.epoch_steps - 1)
        self._restore(before)
        every = options.validate_every or per_epoch
        return self.fabric.broadcast(max(1, round(options.minutes * 60 / (step + validation / every))))

    def _snapshot(self, state: State) -> Snapshot:
        own = {f"hidden.{i}": s.detach() for i, s in enumerate(state)} | {"random.cpu": torch.get_rng_state()}
        if self.fabric.device.type == "cuda":
            own["random.cuda"] = torch.cuda.get_rng_state(self.fabric.device)
        return Snapshot(
            weights=copied(self._weights()),
            best=self.best,
            optimizer={index: copied(values) for index, values in self.optimizer.state_dict()["state"].items()},
            own={name: gathered(self.fabric, tensor) for name, tensor in own.items()},
            counters=copy.deepcopy(self.counters),
            groups=[
                {name: value for name, value in group.items() if isinstance(value, bool | int | float) and name != "lr"}
                for group in self.optimizer.param_groups
            ],
            mean=copied(self.mean),
        )

    def _restore(self, snapshot: Snapshot) -> State:
        """Go back to a snapshot; return the recurrent state."""
        self._load(snapshot.weights)
        groups = self.optimizer.state_dict()["param_groups"]
        for group, kept in zip(groups, snapshot.groups, strict=False):  # earlier versions kept none
            group |= kept
        self.optimizer.load_state_dict({"state": snapshot.optimizer, "param_groups": groups})
        self.mean = {name: tensor.to(self.fabric.device, copy=True) for name, tensor in snapshot.mean.items()}
        self.best, self.run.counters = snapshot.best, snapshot.counters
        # Clones, because set_rng_state cannot read views.
        own = {name: tensor[self.fabric.global_rank].clone() for name, tensor in snapshot.own.items()}
        torch.set_rng_state(own["random.cpu"])
        if "random.cuda" in own and self.fabric.device.type == "cuda":
            torch.cuda.set_rng_state(own["random.cuda"], self.fabric.device)
        state = (own[f"hidden.{i}"] for i in range(len(self._zero_state())))
        return tuple(tensor.to(self.fabric.device) for tensor in state)

    @torch.no_grad()
    def _load(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self.task.module.named_parameters():
            parameter.copy_(weights[name])
        for part in self.parts.values():
            part.read()

    def _weights(self) -> dict[str, Tensor]:
        """The parameters by name, each once."""
        return {name: parameter.detach() for name, parameter in self.task.module.named_parameters()}

    def _save(self, state: State) -> None:
        snapshot = self._snapshot(state)
        on_first(self.fabric, lambda: save_state(self.folder, snapshot, self.identity))

    def _save_best(self) -> None:
        on_first(self.fabric, lambda: self.task.save(self.folder))


def _raise(error: UserError | None) -> None:
    if error is not None:
        raise error


def known(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value
