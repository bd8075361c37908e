"""Whether speed costs accuracy: one recipe on one text by PyTorch in fp32, and by the engine in fp32 and bf16.

    python benchmarks/quality.py TEXT [--seeds 3] [--epochs 5] [--out docs/results/speed]

A character LSTM of 3x128 with each seed, one thread a run, two runs side by side; test losses of whole splits.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy import stats

KINDS = {"PyTorch, fp32": ("none", "fp32"), "epigone, fp32": ("", "fp32"), "epigone, bf16": ("", "bf16")}
SHAPE = ("--num-layers", "3", "--hidden-size", "128")
RECIPE = ("--optimizer", "rmsprop", "--lr", "0.005", "--schedule", "cosine", "--patience", "0", "--batch-size", "64")


def test_loss(text: str, kind: str, seed: int, epochs: int) -> float:
    """Nats per character on the test split of a model trained so."""
    kernels, precision = KINDS[kind]
    environment = os.environ | {"EPIGONE_KERNELS": kernels}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "epigone", "pretrain", text, "--out", f"{folder}/model", *SHAPE, *RECIPE]
        command += ["--epochs", str(epochs), "--seed", str(seed), "--precision", precision, "--threads", "1", "--quiet"]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        from epigone import evaluate

        return evaluate(f"{folder}/model", text).loss


def main() -> None:
    """Train all, and print the means with intervals of their differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed"))
    arguments = parser.parse_args()
    runs = [(kind, seed) for seed in range(arguments.seeds) for kind in KINDS]
    with ThreadPoolExecutor(2) as pool:
        losses = list(pool.map(lambda run: test_loss(arguments.text, *run, arguments.epochs), runs))
    found = {kind: np.array([x for (k, _), x in zip(runs, losses, strict=True) if k == kind]) for kind in KINDS}
    first = next(iter(found.values()))
    lines = [
        "| trained by | test loss of each seed (nats) | mean | to PyTorch, same seeds (95 %) |",
        "|---|---|---|---|",
    ]
    for kind, values in found.items():
        to_first = "–"
        if values is not first:
            difference = values - first
            low, high = stats.t.interval(0.95, len(values) - 1, difference.mean(), stats.sem(difference))
            to_first = f"{difference.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
        lines.append(f"| {kind} | {', '.join(f'{x:.4f}' for x in values)} | {values.mean():.4f} | {to_first} |")
    text = "\n".join(lines) + "\n"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "quality.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
