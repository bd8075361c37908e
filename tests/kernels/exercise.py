"""Run a build of the native engine over many shapes, for sanitizers: `python exercise.py FILE SEED`."""

import importlib.util
import sys
from typing import Any

import numpy as np

GATES = {"rnn": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


def main(path: str, seed: int) -> None:
    """Train, score and write with random networks; all results must be finite."""
    name = path.rpartition("/")[2].split(".")[0]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    kernels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernels)
    draw = np.random.default_rng(seed)
    for cell in GATES:
        for _ in range(6):
            train(kernels, cell, draw)
            walk(kernels, cell, draw)
    print("done")


def floats(draw: np.random.Generator, *shape: int) -> Any:
    return draw.normal(0, 0.3, shape).astype(np.float32)


def network(draw: np.random.Generator, cell: str, layers: int, units: int, inputs: int) -> list[tuple[Any, ...]]:
    rows = GATES[cell] * units
    size = np.float32(0.1 if cell == "rnn_relu" else 1)  # which has no bound, and would overflow in long sequences
    return [
        (
            size * floats(draw, rows, units if layer else inputs),
            size * floats(draw, rows, units),
            floats(draw, rows),
            floats(draw, rows),
        )
        for layer in range(layers)
    ]


def train(kernels: Any, cell: str, draw: np.random.Generator) -> None:
    """Run a sequence forward and backward, and its loss."""
    steps, batch, layers, units = (int(draw.integers(1, most)) for most in (6, 12, 4, 80))
    steps *= int(draw.choice([1, 40]))  # the backward pass takes many steps at a time
    features, vocabulary, threads = int(draw.choice([0, 1, 19])), int(draw.integers(2, 140)), int(draw.integers(1, 4))
    weights = network(draw, cell, layers, units, features or vocabulary)
    rows = int(draw.choice([1, steps]))
    masks = [None] + [floats(draw, rows, batch, units) if draw.random() < 0.5 else None for _ in range(layers - 1)]
    state = floats(draw, layers, batch, units)
    memory = floats(draw, layers, batch, units) if cell == "lstm" else None
    for precision in ("fp32", "bf16"):
        given = (
            (None, floats(draw, steps, batch, features))
            if features
            else (draw.integers(vocabulary, size=(steps, batch)), None)
        )
        outputs, h, c, tape = kernels.forward(
            cell, precision, *given, h=state, c=memory, layers=weights, masks=masks, threads=threads, keep=True
        )
        wanted = [[bool(draw.random() < 0.7) for _ in range(4)] for _ in range(layers)]
        found = kernels.backward(tape, outputs, h, c, wanted=wanted, features=bool(features), state=True)
        targets = draw.integers(vocabulary, size=(steps, batch))
        head = floats(draw, vocabulary, units), floats(draw, vocabulary)
        mean, _, *gradients = kernels.loss(precision, outputs, *head, targets, threads=threads, wanted=[True] * 3)
        moving = [tuple(array.copy() for array in (g, g, g * g)) for g in gradients]
        kernels.rmsprop(moving, lr=0.01, alpha=0.9, eps=1e-8, weight_decay=0.1, threads=threads)
        arrays = [outputs, h, found[1], *gradients, *(array for each in moving for array in each)]
        arrays += [g for layer in found[3] for g in layer if g is not None]
        assert np.isfinite(mean)
        assert all(np.isfinite(array).all() for array in arrays)


def walk(kernels: Any, cell: str, draw: np.random.Generator) -> None:
    """Step, score and write in every precision."""
    layers, units, top, vocabulary, streams = (int(draw.integers(1, most)) for most in (4, 80, 80, 140, 9))
    vocabulary += 3
    weights = network(draw, cell, layers, units, vocabulary)
    weights += network(draw, cell, 1, top, units)
    head = floats(draw, vocabulary, top), floats(draw, vocabulary)
    for precision in ("fp32", "bf16", "int8"):
        scaled = precision == "int8"
        walker = kernels.Walker(
            cell,
            precision,
            [
                (*layer, *(np.full(len(layer[0]), 0.02, np.float32) if scaled else None for _ in range(2)))
                for layer in weights
            ],
            None,
            *head,
            np.full(vocabulary, 0.02, np.float32) if scaled else None,
            int(draw.integers(1, 4)),
            start(draw, cell, layers + 1, max(units, top)),
            [(layers, 0, top - 1, 0.5), (0, int(cell == "lstm"), 0, -0.25)],
        )
        walker.start(streams)
        assert np.isfinite(walker.step(draw.integers(vocabulary, size=streams))).all()
        for left in range(streams, 0, -1):
            walker.keep(left)
            tokens, targets = draw.integers(vocabulary, size=(2, 3, left))
            assert np.isfinite(walker.score(tokens, targets)[0]).all()
        for text in ([], [chr(200 + i) for i in range(vocabulary)]):
            if text or vocabulary <= 256:
                write(walker, text, vocabulary, draw)


def start(draw: np.random.Generator, cell: str, layers: int, units: int) -> list[Any]:
    """A state to begin in, or none."""
    vectors = [floats(draw, layers, units).clip(-1, 1) for _ in range(2 if cell == "lstm" else 1)]
    return vectors if draw.random() < 0.5 else []


def write(walker: Any, text: list[str], vocabulary: int, draw: np.random.Generator) -> None:
    """Write texts with every filter on."""
    walker.read(draw.integers(vocabulary, size=3))
    choosing = {
        "repetition_penalty": 1.3,
        "temperature": 0.9,
        "top_p": 0.9,
        "min_p": 0.01,
        "repetition_window": 5,
        "top_k": 9,
    }
    written = walker.write(
        draw.integers(2**63, size=(5, 4)).astype(np.uint64),
        choosing,
        text,
        draw.integers(4, size=vocabulary).tolist() if text else [0] * vocabulary,
        ["ab", chr(201)],
        30,
        int(draw.choice([0, 7])),
        0,
        int(draw.choice([-1, 1])),
        bool(draw.random() < 0.5),
        np.zeros(vocabulary, np.uint8),
        None,
    )
    assert len(written) == 5


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
