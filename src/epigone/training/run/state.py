"""Everything that continuing a run exactly needs, in one file that is written in one step.

`trainer.safetensors` holds the tensors of a `Snapshot`, and as one more the counters, history and trace as JSON, which
a long run makes too long for the metadata. One file, because two could be torn apart: it has its own copy of the best
weights, as model.safetensors may be those of a later validation when a run is killed.
"""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from epigone.errors import UserError
from epigone.storage import atomic_write
from epigone.training.run.trace import Trace

FILE = "trainer.safetensors"


@dataclass
class Counters:
    """Where a run stands; losses in nats per token."""

    step: int = 0
    total: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    waited: int = 0
    epoch_loss: float = 0.0
    epoch_accuracy: float = 0.0
    epoch_steps: int = 0
    seconds: float = 0.0
    learning_seconds: float = 0.0  # of the steps alone, without validations, samples and saving
    history: list[dict[str, Any]] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Snapshot:
    """A run between two steps; all tensors are copies on the CPU.

    `optimizer` is the optimizer's state by the index of the parameter; `own` is what each of P processes has for
    itself, stacked (P, ...): the recurrent state of its rows and its random numbers.
    """

    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[int, dict[str, Any]]
    own: dict[str, Tensor]
    counters: Counters


def save_state(folder: Path, snapshot: Snapshot) -> None:
    """Write trainer.safetensors, atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    tensors = {f"weights.{name}": tensor for name, tensor in snapshot.weights.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in snapshot.best.items()}
    tensors |= {f"own.{name}": tensor for name, tensor in snapshot.own.items()}
    scalars: dict[str, Any] = {}
    for index, values in snapshot.optimizer.items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                scalars[f"{index}.{key}"] = value
    for name, value in (("counters", asdict(snapshot.counters)), ("scalars", scalars)):
        tensors[f"json.{name}"] = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
    atomic_write(folder / FILE, save(tensors))


def load_state(folder: Path) -> Snapshot | None:
    """Read trainer.safetensors; None where there is nothing to continue.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    parts: dict[str, dict[str, Tensor]] = {"weights": {}, "best": {}, "own": {}, "optimizer": {}, "json": {}}
    optimizer: dict[int, dict[str, Any]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (not a mapping)
                part, rest = name.split(".", 1)
                parts[part][rest] = file.get_tensor(name).clone()
        texts = {name: json.loads(tensor.numpy().tobytes()) for name, tensor in parts["json"].items()}
        for name, value in [*parts["optimizer"].items(), *texts["scalars"].items()]:
            index, key = name.split(".", 1)
            optimizer.setdefault(int(index), {})[key] = value
        counted = texts["counters"]
        counters = Counters(**counted | {"trace": Trace(**counted["trace"])})
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}). Delete it to start the run again.") from error
    return Snapshot(parts["weights"], parts["best"], optimizer, parts["own"], counters)


def copied(tensors: dict[str, Any]) -> dict[str, Any]:
    """Copies of tensors on the CPU; other values as they are."""
    return {k: v.detach().cpu().clone() if isinstance(v, torch.Tensor) else v for k, v in tensors.items()}
