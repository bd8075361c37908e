"""The one training loop, whatever learns and whatever for."""

import copy
import json
import math
import time
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from epigone.errors import UserError
from epigone.generation.continuation import continued
from epigone.generation.sampling import SamplingOptions
from epigone.models.cells.base import State
from epigone.models.files.checkpoint import save_weights, weights_of
from epigone.models.heads.base import IGNORED
from epigone.storage import atomic_write
from epigone.training.listeners.monitor import Monitor, TensorBoardMonitor, curves
from epigone.training.optimisation import schedules
from epigone.training.optimisation.optimizers import clip_gradients, few_threads, make_optimizer
from epigone.training.options import DisplayOptions, MachineOptions, TrainingOptions
from epigone.training.run.state import FILE, Counters, Snapshot, copied, load_state, save_state
from epigone.training.system.interruption import interruptions
from epigone.training.system.memory import keep_freed_memory
from epigone.training.system.processes import agreed, average, gathered, on_first
from epigone.training.task import Diverged, Task, Trained

TIMING_SECONDS = 4.0


def train(
    task: Task,
    folder: Path,
    options: TrainingOptions,
    monitor: Monitor,
    fabric: Fabric,
    machine: MachineOptions = MachineOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> Trained:
    """Train until the schedule ends, validation stops improving, or the user interrupts; keep the best weights.

    Writes `model.safetensors` (the best so far) and `history.jsonl` at each validation, with `trace.jsonl` and
    `samples.jsonl` where they are asked for, and `trainer.safetensors` every `save_every` seconds; goes on from the
    latter where it exists. The model ends with the best weights.

    Raises:
        Diverged: the loss became infinite or NaN; the best weights so far stay in the folder.
        UserError: the disk is full; what was saved before is untouched.
    """
    return Loop(task, folder, options, monitor, fabric, machine, display).run()


class Loop:
    """The state of one run."""

    def __init__(
        self,
        task: Task,
        folder: Path,
        options: TrainingOptions,
        monitor: Monitor,
        fabric: Fabric,
        machine: MachineOptions,
        display: DisplayOptions,
    ) -> None:
        keep_freed_memory()
        self.task, self.folder, self.options, self.fabric = task, folder, options, fabric
        self.machine, self.display = machine, display
        self.monitors = [monitor] if fabric.is_global_zero else []
        if display.live:
            curves([], 80)  # where what draws them is missing, that is said before anything is begun
        if display.tensorboard and fabric.is_global_zero:
            self.monitors.append(TensorBoardMonitor(folder / "tensorboard"))
        self.module = fabric.setup_module(task.model)
        self.module.mark_forward_method("loss")
        self.learning = [p for p in task.model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(self.learning, options, machine.backend)
        self.partly = [
            (task.model.get_parameter(name), ~mask.to(fabric.device), task.model.get_parameter(name).detach().clone())
            for name, mask in task.masks.items()
        ]
        self.best: dict[str, Tensor] = {}
        self.counters = Counters()

    def run(self) -> Trained:
        """Train; see `train`."""
        try:
            saved = load_state(self.folder)
            hidden = self._begin() if saved is None else self._resume(saved)
            for monitor in self.monitors:
                monitor.begin("training", self.counters.step, self.counters.total)
                if self.display.live:
                    monitor.draw(self.counters.history)
            hidden, outcome = self._learn(hidden)
        finally:
            for monitor in self.monitors:
                monitor.end()
        counters = self.counters
        loss, step = counters.best_loss, counters.best_step
        if outcome == "interrupted":
            self._save(hidden)
            on_first(self.fabric, self._write_history)
            # Only lent to the user until the run goes on: its history must be that of a run that never stopped.
            now, _ = on_first(self.fabric, self._measure)
            if now < loss:
                loss, step = now, counters.step
                self.best = copied(weights_of(self.task.model))
                on_first(self.fabric, self._write_best)
        self._load(self.best)
        epochs = counters.step / self.task.batches.steps_per_epoch
        return Trained(outcome, loss, step, counters.step, epochs, counters.history, counters.seconds)

    def _begin(self) -> State:
        """Measure the model as it is, settle the length of the run, and save both."""
        if self.fabric.global_rank:  # each process draws its own dropout
            torch.manual_seed(self.options.seed + self.fabric.global_rank)
        self._validate()
        self.counters.total = self._total_steps()
        hidden = self._zero_state()
        self._save(hidden)
        return hidden

    def _resume(self, saved: Snapshot) -> State:
        """Go on from what was saved; the other files go back to that moment too."""
        path, processes = self.folder / FILE, len(saved.own["random.cpu"])
        if processes != self.fabric.world_size:
            raise UserError(
                f"{path} is that of a run with {processes} processes; go on with as many, not {self.fabric.world_size}."
            )
        shapes = {name: weight.shape for name, weight in weights_of(self.task.model).items()}
        if shapes != {name: weight.shape for name, weight in saved.weights.items()}:
            raise UserError(f"{path} belongs to a model of another shape. Delete it to start the run again.")
        self._load(saved.best)
        self.counters = saved.counters
        on_first(self.fabric, self._write_best)
        on_first(self.fabric, self._write_history)
        return self._restore(saved)

    def _learn(self, hidden: State) -> tuple[State, str]:
        """Step until the end; returns the recurrent state and why it ended."""
        counters, batches = self.counters, self.task.batches
        per_epoch = batches.predicted * batches.characters_per_token
        clock = last_save = time.perf_counter()
        seconds_before, first = counters.seconds, counters.step
        with interruptions() as asked:
            while not (outcome := self._outcome()):
                if counters.step % batches.steps_per_epoch == 0 or not batches.carried:
                    hidden = self._zero_state()
                begin = time.perf_counter()
                hidden = self._step(hidden)
                now = time.perf_counter()
                counters.learning_seconds += now - begin
                counters.seconds = seconds_before + now - clock
                for monitor in self.monitors:
                    speed = per_epoch / batches.steps_per_epoch * (counters.step - first) / (now - clock)
                    mean, smoothed = counters.epoch_loss / counters.epoch_steps, counters.trace.smoothed_loss
                    monitor.step(counters.step, mean, smoothed or mean, speed)
                self._write_down(hidden)
                if self._validation_due():
                    self._validate()
                if agreed(self.fabric, asked()):
                    outcome = self._outcome() or "interrupted"
                    break
                if agreed(self.fabric, now - last_save >= self.machine.save_every):
                    self._save(hidden)
                    last_save = now
        return hidden, outcome

    def _outcome(self) -> str:
        """Why the run is over; empty while it is not."""
        counters = self.counters
        if self.options.lost_patience(counters.waited, counters.step - counters.best_step):
            return "stopped early"
        return "finished" if counters.step >= counters.total else ""

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
        (loss, accuracy), hidden = self.module.loss(inputs, targets, hidden, self.task.start)
        self.optimizer.zero_grad()
        if self.options.summed:
            self.fabric.backward(loss * ((targets != IGNORED).sum() / len(targets)))
        else:
            self.fabric.backward(loss)
        for parameter, held, _ in self.partly:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(held, 0.0)
        value, right = average(self.fabric, loss, accuracy)
        with few_threads(self.learning):
            options = self.options
            norm, cut = clip_gradients(self.learning, options.clip or math.inf, options.clip_value or math.inf)
            if not (math.isfinite(value) and math.isfinite(cut)):
                self._diverged(value)
            self.optimizer.step()
        with torch.no_grad():
            for parameter, held, original in self.partly:  # which weight decay would move all the same
                parameter.copy_(torch.where(held, original, parameter))
        counters.step += 1
        counters.epoch_loss += value
        counters.epoch_accuracy += right
        counters.epoch_steps += 1
        counters.trace.add(value, norm)
        self.last = targets[:1, -1:]
        return tuple(s.detach() for s in hidden)

    def _diverged(self, loss: float) -> None:
        on_first(self.fabric, self._write_history)
        kept = ""
        if self.best:
            self._load(self.best)
            kept = f" The best weights so far, of step {self.counters.best_step}, are in {self.folder}."
        raise Diverged(
            f"The loss became {loss} or its gradient infinite at step {self.counters.step + 1}. Try a smaller --lr "
            f"(it was {self.options.lr:g}), a --clip of 1 or less (it was {self.options.clip or 'off'}), or "
            f"--precision fp32.{kept}"
        )

    def _validation_due(self) -> bool:
        every = self.options.validate_every or self.task.batches.steps_per_epoch
        return self.counters.step % every == 0 or self.counters.step == self.counters.total

    def _measure(self) -> tuple[float, float]:
        """Loss and accuracy on the whole validation split."""
        losses = self.task.validate()
        return losses.loss, losses.accuracy

    def _validate(self) -> None:
        """Measure, keep the weights when they are the best, and write both down."""
        counters = self.counters
        loss, accuracy = on_first(self.fabric, self._measure)
        if not math.isfinite(loss):
            self._diverged(loss)
        best = loss < counters.best_loss
        if best:
            counters.best_loss, counters.best_step, counters.waited = loss, counters.step, 0
            self.best = copied(weights_of(self.task.model))
            on_first(self.fabric, self._write_best)
        else:
            counters.waited += 1
        row = {
            "epoch": round(counters.step / self.task.batches.steps_per_epoch, 4),
            "step": counters.step,
            "train_loss": counters.epoch_loss / counters.epoch_steps if counters.epoch_steps else None,
            "train_accuracy": known(counters.epoch_accuracy / counters.epoch_steps) if counters.epoch_steps else None,
            "smoothed_loss": counters.trace.smoothed_loss,
            "validation_loss": loss,
            "validation_accuracy": accuracy,
            "lr": self.optimizer.param_groups[0]["lr"],
            "best": best,
            "seconds": round(counters.seconds, 3),
            "learning_seconds": round(counters.learning_seconds, 3),
        }
        counters.history.append(row)
        counters.epoch_loss, counters.epoch_accuracy, counters.epoch_steps = 0.0, 0.0, 0
        on_first(self.fabric, self._write_history)
        for monitor in self.monitors:
            monitor.validation(row)

    def _total_steps(self) -> int:
        """The length of the run in steps; for `minutes` from the speed of some trial steps, which are then undone."""
        options, per_epoch = self.options, self.task.batches.steps_per_epoch
        if options.minutes is None:
            return options.most_steps(per_epoch)
        begin = time.perf_counter()
        on_first(self.fabric, self._measure)
        validation = time.perf_counter() - begin
        hidden = self._zero_state()
        before, self.counters = self._snapshot(hidden), Counters(total=10**9)
        hidden = self._step(hidden)  # the first step warms caches up
        begin = time.perf_counter()
        while not agreed(self.fabric, time.perf_counter() - begin > TIMING_SECONDS):
            self.counters.step %= per_epoch
            hidden = self._step(hidden)
        step = (time.perf_counter() - begin) / (self.counters.epoch_steps - 1)
        self._restore(before)
        every = options.validate_every or per_epoch
        return self.fabric.broadcast(max(1, round(options.minutes * 60 / (step + validation / every))))

    def _snapshot(self, hidden: State) -> Snapshot:
        own = {f"hidden.{i}": s for i, s in enumerate(hidden)} | {"random.cpu": torch.get_rng_state()}
        if self.fabric.device.type == "cuda":
            own["random.cuda"] = torch.cuda.get_rng_state(self.fabric.device)
        return Snapshot(
            weights=copied(weights_of(self.task.model)),
            best=self.best,
            optimizer={index: copied(values) for index, values in self.optimizer.state_dict()["state"].items()},
            own={name: gathered(self.fabric, tensor) for name, tensor in own.items()},
            counters=copy.deepcopy(self.counters),
        )

    def _restore(self, snapshot: Snapshot) -> State:
        """Be where the snapshot was taken; returns the recurrent state."""
        self._load(snapshot.weights)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": snapshot.optimizer, "param_groups": groups})
        self.best, self.counters = snapshot.best, snapshot.counters
        # Clones, because set_rng_state cannot read views.
        own = {name: tensor[self.fabric.global_rank].clone() for name, tensor in snapshot.own.items()}
        torch.set_rng_state(own["random.cpu"])
        if "random.cuda" in own and self.fabric.device.type == "cuda":
            torch.cuda.set_rng_state(own["random.cuda"], self.fabric.device)
        hidden = (own[f"hidden.{i}"] for i in range(len(self._zero_state())))
        return tuple(tensor.to(self.fabric.device) for tensor in hidden)

    @torch.no_grad()
    def _load(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self.task.model.named_parameters():
            parameter.copy_(weights[name])

    def _save(self, hidden: State) -> None:
        snapshot = self._snapshot(hidden)
        on_first(self.fabric, lambda: save_state(self.folder, snapshot))

    def _write_best(self) -> None:
        save_weights(self.folder, self.task.model)

    def _write_down(self, hidden: State) -> None:
        """What is asked for between validations: a line of the trace, a sample."""
        counters, options = self.counters, self.options
        if options.trace_every and counters.step % options.trace_every == 0:
            counters.trace.close(counters.step)
        if options.sample_every and counters.step % options.sample_every == 0:
            text = on_first(self.fabric, lambda: self._sample(hidden))
            epoch = round(counters.step / self.task.batches.steps_per_epoch, 4)
            counters.samples.append(
                {"step": counters.step, "epoch": epoch, "smoothed_loss": counters.trace.smoothed_loss, "text": text}
            )
            on_first(self.fabric, self._write_history)

    def _sample(self, hidden: State) -> str:
        """What the model writes after what the first stream read last."""
        model, task, options = self.task.model, self.task, self.options
        assert task.tokenizer is not None
        sampling = SamplingOptions(temperature=1.0, seed=self.counters.step)
        begun = task.start or not task.batches.carried  # there is no state of all layers to go on from
        state, token = (model.initial_state(1), task.tokenizer.end) if begun else (hidden, int(self.last))
        first = tuple(s[:, :1] for s in state)
        return continued(model, task.tokenizer, first, token, options.sample_length, sampling)

    def _write_history(self) -> None:
        counters = self.counters
        for name, rows in (
            ("history", counters.history),
            ("trace", counters.trace.rows),
            ("samples", counters.samples),
        ):
            path = self.folder / f"{name}.jsonl"
            if rows:
                atomic_write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
            else:  # of steps that were lost
                path.unlink(missing_ok=True)


def known(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value
