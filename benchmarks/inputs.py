"""Test of what a network reads besides its characters: hashed n-grams, and capitals as a sign before small letters.

    python benchmarks/inputs.py TEXT... --held-out TEXT... [--seconds 60] [--seeds 3] [--out docs/results/changes]

The network is PyTorch's LSTM in fp32 below a linear head. Each way is trained beside the plain one for the same
seconds, each on one thread, and both are compared on the held-out documents, in nats per character of the text as it
was. Hashed n-grams add to the embedding of a character one embedding for the last 2, 3, 4 and 5 characters, of 16,384
each; they cost no multiplication. It is a test of ideas: one gets a place in the package only if it gains.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from timing import markdown_table, parse_arguments, publish
from torch import Tensor, nn

from epigone.evaluation.intervals import MIN_DOCUMENTS, paired_difference
from epigone.text.corpus import Corpus

NGRAMS, BUCKETS = (2, 3, 4, 5), 1 << 14
WIDTH, UNITS, LAYERS = 128, 256, 2
BATCH, LENGTH, RATE = 32, 128, 0.004
CAPITAL, END = 1, 0  # characters that no text holds: the next letter is a capital; a document ends
WAYS = ("plain", "n-grams", "capitals")


def encoded(text: str, way: str) -> np.ndarray:
    """Ids of a document (T,), which begins and ends with END; what is beyond ASCII is one sign."""
    if way == "capitals":
        text = "".join(f"{chr(CAPITAL)}{sign.lower()}" if sign.isupper() else sign for sign in text)
    ids = np.array([min(ord(sign), 127) for sign in text], dtype=np.int64)
    return np.concatenate([[END], ids, [END]])


class Network(nn.Module):
    """An LSTM over embeddings of characters, and of hashed n-grams if they are wanted."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.characters = nn.Embedding(128, WIDTH)
        self.ngrams = nn.ModuleList(nn.Embedding(BUCKETS, WIDTH) for _ in NGRAMS if way == "n-grams")
        for table in self.ngrams:
            nn.init.zeros_(table.weight)
        self.lstm = nn.LSTM(WIDTH, UNITS, LAYERS, batch_first=True)
        self.head = nn.Linear(UNITS, 128)
        for name, weight in self.lstm.named_parameters():
            if "weight_hh" in name:
                for gate in weight.chunk(4):
                    nn.init.orthogonal_(gate.data)

    def forward(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits (B, T, 128) of what follows each of ids (B, T); the state begins with the last ids that were read."""
        before, state = (ids.new_zeros(len(ids), max(NGRAMS) - 1), None) if state is None else state
        longer = torch.cat([before, ids], 1)
        x = self.characters(ids)
        for n, table in zip(NGRAMS, self.ngrams, strict=False):
            key = torch.zeros_like(ids)
            for back in range(n):
                key = key * 1_000_003 + longer[:, longer.shape[1] - ids.shape[1] - back : longer.shape[1] - back] + 1
            x = x + table((key ^ (key >> 17)) % BUCKETS)
        outputs, state = self.lstm(x, state)
        return self.head(outputs), (longer[:, -(max(NGRAMS) - 1) :], tuple(part.detach() for part in state))


def trained(way: str, seed: int, learned: Sequence[str], held_out: Sequence[str], seconds: float) -> tuple[Any, int]:
    """Nats of each held-out document (D,), and steps, after so many seconds of training on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    order = np.random.default_rng(seed).permutation(len(learned))
    stream = torch.from_numpy(np.concatenate([encoded(learned[i], way) for i in order]))
    rows = stream[: len(stream) // BATCH * BATCH].view(BATCH, -1)
    network = Network(way)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=RATE, alpha=0.99)
    state, steps, begin, place = None, 0, time.perf_counter(), 0
    while (spent := (time.perf_counter() - begin) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * (0.505 + 0.495 * np.cos(np.pi * spent))
        if place + LENGTH + 1 > rows.shape[1]:
            state, place = None, 0
        piece = rows[:, place : place + LENGTH + 1]
        logits, state = network(piece[:, :-1], state)
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps, place = steps + 1, place + LENGTH
    return nats(network, [encoded(text, way) for text in held_out]), steps


@torch.no_grad()
def nats(network: Network, documents: Sequence[np.ndarray]) -> np.ndarray:
    """Nats of each document (D,), read whole from the zero state, the longest ones beside each other."""
    found = np.zeros(len(documents))
    order = sorted(range(len(documents)), key=lambda i: -len(documents[i]))
    for first in range(0, len(order), 32):
        some = order[first : first + 32]
        ids = torch.zeros(len(some), len(documents[some[0]]), dtype=torch.int64)
        weights = torch.zeros(ids.shape)
        for row, i in enumerate(some):
            ids[row, : len(documents[i])] = torch.from_numpy(documents[i])
            weights[row, 1 : len(documents[i])] = 1
        logits, _ = network(ids[:, :-1], None)
        lost = nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        found[some] = (lost.view(len(some), -1) * weights[:, 1:]).sum(1).double().numpy()
    return found


def main() -> None:
    """Train each way beside the plain one, and print a table."""
    options: dict[str, dict[str, Any]] = {
        "texts": {"nargs": "+", "metavar": "TEXT", "help": "what the networks learn"},
        "--held-out": {"nargs": "+", "metavar": "TEXT", "required": True, "help": "what they are compared on"},
        "--seconds": {"type": float, "default": 60.0, "help": "of each training"},
        "--seeds": {"type": int, "default": 3},
    }
    arguments = parse_arguments(__doc__, options, {"seconds": 0.5, "seeds": 1})
    learned, held_out = (
        [str(text) for text in Corpus.open(paths, split=None).texts()]
        for paths in (arguments.texts, arguments.held_out)
    )
    if len(held_out) < MIN_DOCUMENTS:
        raise SystemExit(f"--held-out has {len(held_out)} documents; give {MIN_DOCUMENTS} or more to compare by.")
    characters = np.array([len(text) for text in held_out])
    rows = []
    for way in WAYS[1:]:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            runs = [
                [pool.submit(trained, each, seed, learned, held_out, arguments.seconds) for each in (WAYS[0], way)]
                for seed in range(arguments.seeds)
            ]
            pairs = [[run.result() for run in pair] for pair in runs]
        plain, other = (np.stack([pair[arm][0] for pair in pairs]) for arm in (0, 1))
        gain = paired_difference(plain.mean(0), other.mean(0), characters)
        steps = (np.mean([pair[arm][1] for pair in pairs]) for arm in (0, 1))
        rows.append(
            [
                way,
                *(f"{arm.sum(1).mean() / characters.sum():.4f}" for arm in (plain, other)),
                f"{gain.estimate:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]",
                f"{gain.p_value:.4f}",
                ", ".join(f"{each:+.4f}" for each in (plain - other).sum(1) / characters.sum()),
                *(f"{number:,.0f}" for number in steps),
            ]
        )
    header = [
        "way",
        "nats, plain",
        "nats",
        "gain (95 % over documents)",
        "p",
        "gain of each seed",
        "steps, plain",
        "steps",
    ]
    publish(arguments.out, "inputs.md", markdown_table(header, rows))


if __name__ == "__main__":
    main()
