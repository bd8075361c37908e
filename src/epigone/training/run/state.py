"""The state of a run, with everything needed to continue it exactly, in one file that is written in one step.

`trainer.safetensors` holds the tensors of a `Snapshot`. Counters, history and trace are one more tensor, of JSON, since
those of a long run do not fit into the metadata. The file has its own copy of the best weights, because
model.safetensors may be from a later validation if the run is killed.
"""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from epigone.errors import UserError
from epigone.schema import each, mapping, number, optional, record, whole
from epigone.storage import atomic_write
from epigone.training.run.trace import Trace

FILE = "trainer.safetensors"

_COUNTERS = record(
    {
        "step": whole(), "total": whole(), "best_loss": number(), "best_step": whole(), "waited": whole(),
        "epoch_loss": number(), "epoch_accuracy": number(), "epoch_steps": whole(), "seconds": number(),
        "learning_seconds": number(), "history": each(mapping), "samples": each(mapping),
        "trace": record(
            {
                "smoothed_loss": optional(number()), "loss": number(), "norm": number(), "largest_norm": number(),
                "steps": whole(), "rows": each(mapping),
            }
        ),
    },
    "trace",
)  # fmt: skip


@dataclass
class Counters:
    """The progress of a run in numbers; losses in nats per token."""

    step: int = 0
    total: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    waited: int = 0
    epoch_loss: float = 0.0
    epoch_accuracy: float = 0.0
    epoch_steps: int = 0
    seconds: float = 0.0
    learning_seconds: float = 0.0  # of the steps alone, without validation, samples and saves
    history: list[dict[str, Any]] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Snapshot:
    """A run between two steps; all tensors are copies on the CPU.

    `optimizer` is the optimizer's state by the index of the parameter; a value may be a list of tensors. `groups` is
    what it keeps for each group of parameters. `mean` is the running mean of the weights, empty if none is made. `own`
    holds the recurrent state and the state of the random numbers of each of P processes, stacked (P, ...).
    """

    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[int, dict[str, Any]]
    own: dict[str, Tensor]
    counters: Counters
    groups: list[dict[str, Any]] = field(default_factory=list)
    mean: dict[str, Tensor] = field(default_factory=dict)


def save_state(folder: Path, snapshot: Snapshot, run: str = "") -> None:
    """Write trainer.safetensors, atomically.

    Args:
        folder: the folder of the run.
        snapshot: the state.
        run: the hash of the request that the state belongs to.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    tensors = {f"weights.{name}": tensor for name, tensor in snapshot.weights.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in snapshot.best.items()}
    tensors |= {f"own.{name}": tensor for name, tensor in snapshot.own.items()}
    tensors |= {f"mean.{name}": tensor for name, tensor in snapshot.mean.items()}
    scalars: dict[str, Any] = {}
    for index, values in snapshot.optimizer.items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            elif isinstance(value, list):
                scalars[f"{index}.{key}"] = [_order(each) if isinstance(each, Tensor) else None for each in value]
                tensors |= {
                    f"optimizer.{index}.{key}.{place}": each.permute(_order(each)).contiguous()
                    for place, each in enumerate(value)
                    if isinstance(each, Tensor)
                }
            else:
                scalars[f"{index}.{key}"] = value
    texts = {"counters": asdict(snapshot.counters), "scalars": scalars, "groups": snapshot.groups}
    for name, value in texts.items():
        tensors[f"json.{name}"] = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
    atomic_write(folder / FILE, save(tensors, metadata={"request": run} if run else None))


def load_state(folder: Path, run: str = "") -> Snapshot | None:
    """Read trainer.safetensors; None if there is nothing to continue.

    Args:
        folder: the folder of the run.
        run: the hash of the request that goes on. Files of earlier versions name none, and belong to any.

    Raises:
        UserError: the file is damaged, or belongs to another run.
    """
    path = folder / FILE
    if not path.exists():
        return None
    parts: dict[str, dict[str, Tensor]] = {
        "weights": {}, "best": {}, "own": {}, "mean": {}, "optimizer": {}, "json": {},
    }  # fmt: skip
    optimizer: dict[int, dict[str, Any]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            owner = (file.metadata() or {}).get("request", run)
            for name in file.keys():  # noqa: SIM118 (not a mapping)
                part, rest = name.split(".", 1)
                parts[part][rest] = file.get_tensor(name).clone()
        texts = {name: json.loads(tensor.numpy().tobytes()) for name, tensor in parts["json"].items()}
        found = parts["optimizer"]
        for name, value in texts["scalars"].items():
            if isinstance(value, list):
                value = [
                    [] if order is None else found.pop(f"{name}.{place}").permute(np.argsort(order).tolist())
                    for place, order in enumerate(value)
                ]
            index, key = name.split(".", 1)
            optimizer.setdefault(int(index), {})[key] = value
        for name, tensor in found.items():
            index, key = name.split(".", 1)
            optimizer.setdefault(int(index), {})[key] = tensor
        counted = texts["counters"]
        if fault := _COUNTERS(counted):
            raise ValueError(fault.lstrip(".: "))
        counters = Counters(**counted | {"trace": Trace(**counted["trace"])})
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}). Delete it to start the run again.") from error
    if owner != run:
        raise UserError(
            f"{path} belongs to another run than the config.json beside it. Delete it to start the run again."
        )
    groups = texts.get("groups", [])
    return Snapshot(parts["weights"], parts["best"], optimizer, parts["own"], counters, groups, parts["mean"])


def _order(tensor: Tensor) -> list[int]:
    """The dimensions of a tensor as they lie in memory, which decides the last bits of what is computed from it."""
    return sorted(range(tensor.ndim), key=lambda dimension: -tensor.stride()[dimension])


def copied(tensors: dict[str, Any]) -> dict[str, Any]:
    """Copy tensors to the CPU, those in lists too; other values stay as they are."""
    return {name: _copy(value) for name, value in tensors.items()}


def _copy(value: Any) -> Any:
    if isinstance(value, list):
        return [_copy(each) for each in value]
    return value.detach().cpu().clone() if isinstance(value, Tensor) else value
