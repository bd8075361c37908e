"""Everything that continuing a run exactly needs, in one file that is written in one step.

`trainer.safetensors` holds the current weights, the optimizer's tensors, the recurrent state and the random number
generators; its metadata holds the counters and the history as JSON. One file, because two could be torn apart.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from understudy.errors import UserError
from understudy.models.cells import State
from understudy.storage import atomic_write

FILE = "trainer.safetensors"


def save_state(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, hidden: State, counters: dict[str, Any]
) -> None:
    """Write trainer.safetensors, atomically."""
    tensors = {f"model.{name}": p.detach() for name, p in model.named_parameters()}
    saved = optimizer.state_dict()
    scalars: dict[str, Any] = {}
    for index, values in saved["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                scalars[f"{index}.{key}"] = value
    tensors |= {f"hidden.{i}": s for i, s in enumerate(hidden)}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    metadata = {"counters": json.dumps(counters), "optimizer_scalars": json.dumps(scalars)}
    # A copy each: safetensors refuses tensors that share memory, such as the two parts of a zero state.
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    atomic_write(folder / FILE, save(copies, metadata=metadata))


def load_state(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[State, dict[str, Any]] | None:
    """Restore model, optimizer and random numbers in place; None where there is nothing to continue.

    Returns:
        The recurrent state and the counters.

    Raises:
        UserError: the file is damaged or belongs to another model.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        for name, parameter in model.named_parameters():
            parameter.data.copy_(tensors[f"model.{name}"])
        counters = json.loads(metadata["counters"])
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor.clone()
        for name, value in json.loads(metadata["optimizer_scalars"]).items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
    except (SafetensorError, OSError, KeyError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{path} is damaged or belongs to another run ({error}). Delete it to start the run again."
        ) from error
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    device = next(model.parameters()).device
    hidden: list[Tensor] = []
    while f"hidden.{len(hidden)}" in tensors:
        hidden.append(tensors[f"hidden.{len(hidden)}"].to(device, copy=True))
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return tuple(hidden), counters
