"""The binding refuses what the product never gives, so that no caller can read memory that is not its own."""

import numpy as np
import pytest

from epigone.kernels import engine

pytestmark = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")

REFUSED = (ValueError, IndexError, TypeError, RuntimeError)
V, H = 11, 5


def floats(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def layer(gates: int = 4, inputs: int = V, units: int = H) -> list[np.ndarray]:
    return [floats(gates * units, inputs), floats(gates * units, units), floats(gates * units), floats(gates * units)]


def walker(**changed):
    given = {
        "cell": "lstm", "precision": "fp32", "layers": [tuple(layer())], "embedding": None, "head": floats(V, H),
        "bias": floats(V), "scales": None, "threads": 1, "start": [], "clamps": [],
    }  # fmt: skip
    return engine().Walker(**given | changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"layers": []}, {"layers": [tuple(layer()[:3])]}, {"layers": [tuple(layer(gates=3))]}, {"cell": "wings"},
        {"layers": [tuple(layer(inputs=V - 1))]}, {"layers": [tuple(layer(units=H + 1))]}, {"bias": floats(V - 1)},
        {"layers": [tuple(layer()), tuple(layer())]}, {"head": floats(V)}, {"head": floats(V, H + 1)},
        {"head": floats(0, H)}, {"embedding": floats(V, 3)}, {"embedding": floats(V - 1, V)}, {"precision": "int8"},
        {"precision": "int8", "scales": floats(V)}, {"head": np.zeros((V, H))}, {"scales": floats(V - 1)},
        {"start": [floats(1, H)]}, {"start": [floats(1, H), floats(1, H + 1)]}, {"start": [floats(2, H)] * 2},
        {"cell": "rnn", "layers": [tuple(layer(gates=1))], "start": [floats(1, H)] * 2}, {"clamps": [(1, 0, 0, 0.0)]},
        {"clamps": [(0, 2, 0, 0.0)]}, {"clamps": [(0, 0, H, 0.0)]}, {"clamps": [(0, 0, -1, 0.0)]},
        {"cell": "rnn", "layers": [tuple(layer(gates=1))], "clamps": [(0, 1, 0, 0.0)]},
    ],
)  # fmt: skip
def test_walkers_that_fit_no_network(changed):
    walker(start=[floats(1, H)] * 2, clamps=[(0, 1, H - 1, 0.0)])
    with pytest.raises(REFUSED):
        walker(**changed)


def test_walks_that_are_none():
    ids = np.zeros(2, np.int64)
    made = walker()
    for call in (lambda: made.step(ids), lambda: made.step(ids[:0]), lambda: made.keep(1), lambda: made.start(0)):
        with pytest.raises(REFUSED):
            call()
    made.start(2)
    for bad in (ids[:1], ids[:0], ids + V, ids - 1, np.zeros((2, 2), np.int64)):
        with pytest.raises(REFUSED):
            made.step(bad)
    for tokens, targets in ((ids[None, :0], ids[None, :0]), (ids[None][:0], ids[None][:0]), (ids[None], ids[None] + V)):
        with pytest.raises(REFUSED):
            made.score(tokens, targets)
    for streams in (0, 3, -1):
        with pytest.raises(REFUSED):
            made.keep(streams)
    with pytest.raises(REFUSED):
        made.read(ids[:0])
    assert made.step(ids).shape == (2, V)


@pytest.mark.parametrize(
    "changed",
    [
        {"randoms": np.zeros((0, 4), np.uint64)}, {"randoms": np.zeros((1, 3), np.uint64)},
        {"vocabulary": ["a"] * (V - 1)},
        {"spaces": [0] * (V - 1)}, {"forbidden": np.zeros(V - 1, np.uint8)}, {"end": V}, {"end": -1}, {"joiner": V},
        {"room": -1}, {"window": 0},
    ],
)  # fmt: skip
def test_writing_that_cannot_be(changed):
    choosing = {"repetition_penalty": 1.1, "temperature": 1.0, "top_p": 1.0, "min_p": 0.0, "top_k": 0}
    given = {
        "randoms": np.ones((1, 4), np.uint64), "choosing": choosing | {"repetition_window": 9},
        "vocabulary": ["a"] * V, "spaces": [0] * V, "stops": [], "room": 5, "most": 5, "end": 0, "joiner": -1,
        "whole_document": False, "forbidden": np.zeros(V, np.uint8), "listener": None,
    }  # fmt: skip
    made = walker()
    with pytest.raises(REFUSED):
        made.write(**given)  # nothing was read
    made.read(np.zeros(1, np.int64))
    assert len(made.write(**given)) == 1
    if "window" in changed:
        changed = {"choosing": choosing | {"repetition_window": 0}}
    with pytest.raises(REFUSED):
        made.write(**given | changed)


def forward(**changed):
    given = {
        "cell": "lstm", "precision": "fp32", "tokens": np.zeros((3, 2), np.int64), "features": None,
        "h": floats(1, 2, H), "c": floats(1, 2, H), "layers": [tuple(layer())], "masks": [None],
        "threads": 1, "keep": True,
    }  # fmt: skip
    return engine().forward(**given | changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"tokens": None}, {"tokens": np.zeros((0, 2), np.int64)}, {"tokens": np.zeros((3, 0), np.int64)},
        {"tokens": np.zeros(3, np.int64)}, {"tokens": np.full((3, 2), V)}, {"features": floats(3, 2, V)}, {"c": None},
        {"h": floats(1, 3, H)}, {"h": floats(2, H)}, {"c": floats(2, 2, H)}, {"masks": []}, {"layers": []},
        {"layers": [tuple(layer(gates=1))]}, {"cell": "gru"}, {"precision": "int8"},
        {"tokens": None, "features": floats(3, 2, V - 1)},
    ],
)  # fmt: skip
def test_sequences_that_fit_no_network(changed):
    with pytest.raises(REFUSED):
        forward(**changed)


def test_gradients_that_fit_no_sequence():
    wanted, whole = [[True] * 4], floats(3, 2, H)
    for changed in ({"d_outputs": floats(2, 2, H)}, {"d_h": floats(2, 2, H)}, {"d_c": floats(1)}, {"wanted": []}):
        given = {"d_outputs": whole, "d_h": None, "d_c": None, "wanted": wanted, "features": False, "state": False}
        with pytest.raises(REFUSED):
            engine().backward(tape=forward()[3], **given | changed)


def test_losses_and_steps_that_fit_no_head():
    ids = np.zeros(3, np.int64)
    for outputs, weight, bias, targets in (
        (floats(2, H), floats(V, H), floats(V), ids), (floats(3, H), floats(V), floats(V), ids),
        (floats(3, H), floats(V, H), floats(1), ids), (floats(0, H), floats(V, H), floats(V), ids[:0]),
        (floats(3, H), floats(V, H), floats(V), ids + V),
    ):  # fmt: skip
        with pytest.raises(REFUSED):
            engine().loss("fp32", outputs, weight, bias, targets, threads=1, wanted=[True] * 3)
    options = {"lr": 0.1, "alpha": 0.9, "eps": 1e-8, "weight_decay": 0.0, "threads": 1}
    for arrays in (
        (floats(4), floats(3), floats(4)),
        (np.zeros(4), floats(4), floats(4)),
        (floats(8)[::2], floats(4), floats(4)),
    ):
        with pytest.raises(REFUSED):
            engine().rmsprop([arrays], **options)
