"""Devices and processes: several processes may run a command side by side and share each batch."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from torch import Tensor

from epigone.errors import UserError
from epigone.machine import cores, follow_launcher
from epigone.training.options import MachineOptions

T = TypeVar("T")


class Bf16(MixedPrecision):
    """Products in bfloat16 and everything else in float32: inputs are not rounded, the recurrent state among them."""

    def convert_input(self, data: Any) -> Any:
        return data


def make_fabric(machine: MachineOptions, precision: str = "fp32") -> Fabric:
    """Make Lightning Fabric for a device and a precision, and launch the processes.

    Args:
        machine: device, processes and threads.
        precision: fp32 or bf16.

    Raises:
        UserError: the machine does not have the device.
    """
    if machine.threads:
        torch.set_num_threads(min(machine.threads, cores()))
    device = machine.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    arithmetic = Bf16("bf16-mixed", device) if precision == "bf16" else Precision()
    strategy = "auto" if machine.devices == 1 else "ddp"
    if machine.devices > 1:
        follow_launcher()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    try:
        fabric = Fabric(accelerator=device, devices=machine.devices, plugins=arithmetic, strategy=strategy)
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"--device {machine.device} with --devices {machine.devices} is not available on this machine ({error}). "
            "Leave both out to train on the devices that there are."
        ) from error
    fabric.launch()
    return fabric


@contextmanager
def launched(machine: MachineOptions, precision: str = "fp32") -> Iterator[Fabric]:
    """Make Lightning Fabric for a whole command, which several processes may run.

    Each process runs the command from its beginning, so enter this before anything is written. The first process
    returns the result and raises errors; the others print nothing and end with the block.
    """
    fabric = make_fabric(machine, precision)
    try:
        if fabric.is_global_zero:
            yield fabric
            return
        logging.getLogger("epigone").setLevel(logging.ERROR)
        # The first process reports the error; a helper's status other than 0 would have that process killed.
        with suppress(UserError, KeyboardInterrupt):
            yield fabric
        # Without cleaning up: closing the connections can wait for ever on a first process that has gone.
        os._exit(0)
    finally:
        if fabric.world_size > 1:
            # PyTorch holds the interpreter's lock while it waits for its communication threads, which may still need
            # the lock to free their last tensors; a short sleep lets them have it.
            time.sleep(0.2)
            torch.distributed.destroy_process_group()


def on_first(fabric: Fabric, action: Callable[[], T]) -> T:
    """Let the first process act for all; every process gets its result or its error."""
    outcome: Any = None
    if fabric.is_global_zero:
        try:
            outcome = action()
        except UserError as error:
            outcome = error
    outcome = fabric.broadcast(outcome)
    if isinstance(outcome, UserError):
        raise outcome
    return outcome


def agreed(fabric: Fabric, flag: bool) -> bool:
    """Tell if any process raises the flag, so that all do the same; else some would wait for the others for ever."""
    return average(fabric, torch.tensor(float(flag)))[0] > 0 if fabric.world_size > 1 else flag


def average(fabric: Fabric, *values: Tensor) -> list[float]:
    """Average values over the processes."""
    means = torch.stack([value.detach().float() for value in values])
    if fabric.world_size > 1:
        shared = fabric.all_reduce(fabric.to_device(means))
        assert isinstance(shared, Tensor)
        means = shared
    return means.tolist()


def gathered(fabric: Fabric, tensor: Tensor) -> Tensor:
    """Stack the tensors of P processes (P, ...), as a copy on the CPU."""
    slots = tensor.new_zeros(fabric.world_size, *tensor.shape)
    slots[fabric.global_rank] = tensor
    everyone = fabric.all_reduce(fabric.to_device(slots), reduce_op="sum")
    assert isinstance(everyone, Tensor)
    return everyone.cpu()
