"""Devices and processes: several processes may run a command side by side and share each batch.

Either the first starts the others (--devices), or torchrun starts all, on one machine or several.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from torch import Tensor

from epigone.errors import UserError
from epigone.machine import cores, follow_launcher, torchrun_processes
from epigone.training.options import MachineOptions
from epigone.training.system.interruption import first_reports

log = logging.getLogger("epigone")

T = TypeVar("T")


class Bf16(MixedPrecision):
    """Products in bfloat16 and everything else in float32: inputs are not rounded, the recurrent state among them."""

    def convert_input(self, data: Any) -> Any:
        return data


def device_of(asked: str) -> str:
    """The kind of device that `auto` stands for here, or the one that was asked for."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked


def make_fabric(machine: MachineOptions, precision: str = "fp32") -> Fabric:
    """Make Lightning Fabric for a device and a precision, and launch the processes.

    Args:
        machine: device, processes and threads.
        precision: fp32 or bf16.

    Raises:
        UserError: the machine does not have the device, or torchrun started another number of processes, or more on
            one machine than on another.
    """
    started = torchrun_processes()
    if started and machine.devices not in (None, started):
        raise UserError(
            f"torchrun started {started} processes, and --devices {machine.devices} asks for another number. Leave out "
            "--devices, or give that number to torchrun with --nproc-per-node."
        )
    devices = started or machine.devices or 1
    here = int(os.environ["LOCAL_WORLD_SIZE"]) if started else devices
    if devices % here:
        raise UserError(
            f"torchrun started {here} of {started} processes on this machine. Start as many on each machine, with "
            "--nproc-per-node."
        )
    device = device_of(machine.device)
    arithmetic = Bf16("bf16-mixed", device) if precision == "bf16" else Precision()
    strategy = "auto" if devices == 1 else "ddp"
    if devices > 1 and not started:
        follow_launcher()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    try:
        fabric = Fabric(
            accelerator=device, devices=here, num_nodes=devices // here, plugins=arithmetic, strategy=strategy
        )
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        if "connect" in str(error):
            raise UserError(f"The {devices} processes cannot reach each other ({error}). Start them again.") from error
        fewer = "let torchrun start fewer processes" if started else "leave out --devices"
        raise UserError(
            f"--device {machine.device} is not available for {devices} processes ({error}). Leave out --device, or "
            f"{fewer}."
        ) from error
    if machine.threads:  # after the launch, which sets the threads of processes that it starts
        torch.set_num_threads(min(machine.threads, cores()))
    return fabric


@contextmanager
def launched(machine: MachineOptions, precision: str = "fp32") -> Iterator[Fabric]:
    """Make Lightning Fabric for a whole command, which several processes may run.

    Each process runs the command from its beginning, so enter this before anything is written. The first process
    returns the result and raises errors; the others end with the block, and print only an error that is theirs alone.

    Raises:
        UserError: another process has ended too early.
    """
    fabric = make_fabric(machine, precision)
    try:
        if fabric.is_global_zero:
            with _all_present(fabric):
                yield fabric
            return
        log.setLevel(logging.ERROR)
        status = 0  # any other has the first process ended
        try:
            with _all_present(fabric):
                yield fabric
        except KeyboardInterrupt:
            pass
        except UserError as error:
            if not first_reports():
                log.error(str(error))
                status = 2
        # Without cleaning up: closing the connections can wait for ever on a first process that has gone.
        os._exit(status)
    finally:
        if fabric.world_size > 1:
            # PyTorch holds the interpreter's lock while it waits for its communication threads, which may still need
            # the lock to free their last tensors; a short sleep lets them have it.
            time.sleep(0.2)
            torch.distributed.destroy_process_group()


@contextmanager
def _all_present(fabric: Fabric) -> Iterator[None]:
    """Turn the loss of a connection between processes into a sentence."""
    try:
        yield
    except RuntimeError as error:
        # Gloo, which connects processors, has no class of errors.
        if fabric.world_size == 1 or not (isinstance(error, torch.distributed.DistError) or "gloo" in str(error)):
            raise
        raise UserError(
            f"Another of the {fabric.world_size} processes has ended or cannot be reached. The same command with "
            "--resume goes on from the last save."
        ) from error


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
