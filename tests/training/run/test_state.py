"""The file from which a run goes on."""

import math

import pytest
import torch
from safetensors.torch import save_file

from epigone.errors import UserError
from epigone.training.run.state import FILE, Counters, Snapshot, copied, load_state, save_state


@pytest.fixture
def snapshot():
    row = {"epoch": 0.1, "step": 3, "train_loss": None, "validation_loss": 1 / 3, "best": True, "seconds": 0.1}
    zeros = torch.zeros(1, 2, 3, 4)
    return Snapshot(
        weights={"head.bias": torch.rand(3), "layers.0.weight_hh": torch.rand(4, 2)},
        best={"head.bias": torch.rand(3), "layers.0.weight_hh": torch.rand(4, 2)},
        optimizer={
            0: {"step": torch.tensor(3.0), "exp_avg": torch.rand(3)},
            1: {"momentum_buffer": None},
            12: {"step": 7, "Q": [torch.rand(2, 3).T, [], torch.rand(1)], "ordered": []},
        },
        own={"hidden.0": zeros, "hidden.1": zeros.clone(), "random.cpu": torch.get_rng_state()[None]},
        counters=Counters(step=3, total=9, best_loss=math.inf, epoch_loss=0.1 + 0.2, history=[row]),
        groups=[{"step": 7, "train_mode": True}, {}],
        mean={"head.bias": torch.rand(3)},
    )


def same(first, second):
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, torch.Tensor):
        return (first.dtype, first.stride()) == (second.dtype, second.stride()) and torch.equal(first, second)
    return first == second and type(first) is type(second)


def test_a_round_trip_loses_nothing(tmp_path, snapshot):
    save_state(tmp_path, snapshot)
    assert same(vars(load_state(tmp_path)), vars(snapshot))


def test_a_long_trace_does_not_fill_the_header(tmp_path, snapshot):
    trace = snapshot.counters.trace
    for step in range(1, 2001):
        trace.add(step, 1 / step, step / 3)
        trace.close(step)
    save_state(tmp_path, snapshot)
    assert load_state(tmp_path).counters == snapshot.counters
    header = int.from_bytes((tmp_path / FILE).read_bytes()[:8], "little")
    assert header < 3000  # safetensors takes no more than 100 MB


def test_a_file_names_the_run_that_it_belongs_to(tmp_path, snapshot):
    save_state(tmp_path, snapshot, "mine")
    assert load_state(tmp_path, "mine").counters == snapshot.counters
    with pytest.raises(UserError, match=r"trainer\.safetensors belongs to another run .*Delete it"):
        load_state(tmp_path, "yours")
    save_state(tmp_path, snapshot)  # as earlier versions did
    assert load_state(tmp_path, "yours").counters == snapshot.counters


def test_nothing_to_continue(tmp_path):
    assert load_state(tmp_path) is None


@pytest.mark.parametrize("damage", ["empty", "short", "noise", "other"])
def test_a_damaged_file_gets_a_sentence(tmp_path, snapshot, damage):
    save_state(tmp_path, snapshot)
    path = tmp_path / FILE
    if damage == "other":
        save_file({"weights.a": torch.ones(1)}, path, metadata={"counters": "{}"})
    else:
        data = path.read_bytes()
        path.write_bytes({"empty": b"", "short": data[:-9], "noise": bytes(range(256)) * 9}[damage])
    with pytest.raises(UserError, match=r"trainer\.safetensors is damaged .*Delete it to start the run again"):
        load_state(tmp_path)


def test_copies_do_not_follow_their_originals():
    tensor = torch.ones(2, requires_grad=True)
    copy = copied({"tensor": tensor, "number": 3})
    with torch.no_grad():
        tensor += 1
    assert torch.equal(copy["tensor"], torch.ones(2))
    assert not copy["tensor"].requires_grad
    assert copy["number"] == 3
