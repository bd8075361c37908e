"""Teach a bundled character model how documents begin, by the input weights of its end symbol alone.

    python tools/beginnings.py NAME TEXT...

In training, the end symbol is nearly always read in the state that the document before left; in generation and
evaluation it is read in a zero state, where a network that saw few such beginnings writes noise in capitals. Here its
input weights are trained on the first characters of every document from a zero state, those that open with a title in
capitals left out. All other weights stay as they are, bit for bit.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from epigone.models.files.checkpoint import load_checkpoint, save_weights
from epigone.models.files.description import WEIGHTS, weights_hash
from epigone.storage import atomic_write, read_json, write_json
from epigone.text.corpus import Corpus
from epigone.text.readers.registry import ReadOptions

BUNDLED = Path(__file__).parents[1] / "src" / "epigone" / "bundled"
LENGTH = 100
"""Characters of a beginning."""
HELD_OUT = 1000
"""Documents that only measure."""
NOTE = (
    "- `tools/beginnings.py`: then the input weights of the end symbol alone, on the beginnings of documents; the "
    "result above is from before."
)
STEPS, BATCH, RATE = 400, 64, 0.01


def main(name: str, *texts: str) -> None:
    """Train the input weights of the end symbol and write the bundled model again."""
    torch.manual_seed(0)
    folder = BUNDLED / name
    checkpoint = load_checkpoint(folder)
    model, tokenizer = checkpoint.model.eval().requires_grad_(False), checkpoint.tokenizer
    corpus = Corpus.open(texts, ReadOptions(separator="==="), None)
    beginnings = [tokenizer.encode(text[: 4 * LENGTH])[:LENGTH] for text in corpus.texts() if not titled(text)]
    kept = [ids for ids in beginnings if len(ids) == LENGTH]
    order = torch.randperm(len(kept))
    tokens = torch.from_numpy(np.array([[tokenizer.end, *ids] for ids in kept], dtype=np.int64))[order]
    held_out, learned = tokens[:HELD_OUT], tokens[HELD_OUT:]

    def loss(rows: torch.Tensor) -> torch.Tensor:
        logits, _ = model(rows[:, :-1])
        return cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none")

    weight = model.layers[0].weight_ih  # (4H, V), read as a table: the column of a symbol is what it adds to the gates
    column = torch.nn.Parameter(weight[:, tokenizer.end].clone())
    optimizer = torch.optim.Adam([column], lr=RATE)
    with torch.no_grad():
        before = loss(held_out).mean(0)
    weight.requires_grad_(True)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        weight.grad = None
        loss(learned[torch.randint(len(learned), (BATCH,))]).mean().backward()
        assert weight.grad is not None
        column.grad = weight.grad[:, tokenizer.end].clone()
        optimizer.step()
        weight.data[:, tokenizer.end] = column.data
    weight.data = weight.data.bfloat16().float()
    with torch.no_grad():
        after = loss(held_out).mean(0)
    save_weights(folder, model, torch.bfloat16)
    write_json(folder / "config.json", read_json(folder / "config.json") | {WEIGHTS: weights_hash(folder)})
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8")
    if NOTE not in text:
        atomic_write(card, text.replace("\n\n## What it was", f"\n{NOTE}\n\n## What it was"))
    for label, losses in (("before", before), ("after", after)):
        first = " ".join(f"{value:.2f}" for value in losses[:4])
        print(f"{label}: {losses.mean():.4f} nats per character, the first four {first}")


def titled(text: str) -> bool:
    """Tell if the first line of a document is in capitals."""
    words = [word for word in text.split("\n", 1)[0].split() if any(map(str.isalpha, word))]
    capitals = sum(word.isupper() and len(word) > 1 for word in words)
    return capitals >= max(1, len(words) / 2)


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
