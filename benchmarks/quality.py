"""Effect of speed on accuracy: one recipe on one text by PyTorch in fp32, and by the engine in fp32 and bf16.

    python benchmarks/quality.py TEXT [--seeds 3] [--epochs 5] [--out docs/results/speed]

A character LSTM of 3x128 with each seed, one thread a run, two runs side by side; test losses of whole splits.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import stats
from timing import markdown_table, parse_arguments, publish, require_engine

KINDS = {"PyTorch, fp32": ("none", "fp32"), "epigone, fp32": ("", "fp32"), "epigone, bf16": ("", "bf16")}
RECIPE = ("--optimizer", "rmsprop", "--lr", "0.005", "--schedule", "cosine", "--patience", "0", "--batch-size", "64")


def test_loss(text: str, kind: str, seed: int, epochs: int, hidden: int) -> float:
    """Nats per character on the test split of a model trained this way."""
    kernels, precision = KINDS[kind]
    environment = os.environ | {"EPIGONE_KERNELS": kernels}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "epigone", "pretrain", text, "--out", f"{folder}/model", *RECIPE]
        command += ["--num-layers", "3", "--hidden-size", str(hidden), "--epochs", str(epochs), "--seed", str(seed)]
        command += ["--precision", precision, "--threads", "1", "--quiet"]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        from epigone import evaluate

        return evaluate(f"{folder}/model", text).loss


def main() -> None:
    """Train all, and print the means with intervals of their differences."""
    numbers = {"--seeds": 3, "--epochs": 5, "--hidden": 128}
    options = {name: {"type": int, "default": value} for name, value in numbers.items()}
    arguments = parse_arguments(__doc__, {"text": {}} | options, {"seeds": 2, "epochs": 1, "hidden": 8})
    require_engine()
    runs = [(kind, seed) for seed in range(arguments.seeds) for kind in KINDS]
    with ThreadPoolExecutor(2) as pool:
        losses = list(pool.map(lambda run: test_loss(arguments.text, *run, arguments.epochs, arguments.hidden), runs))
    found = {kind: np.array([x for (k, _), x in zip(runs, losses, strict=True) if k == kind]) for kind in KINDS}
    publish(arguments.out, "quality.md", loss_table(found))


def loss_table(losses: dict[str, np.ndarray]) -> str:
    """Losses by seed, and paired differences to the first kind, as Markdown."""
    first = next(iter(losses.values()))
    rows = []
    for kind, values in losses.items():
        to_first = "–"
        if values is not first:
            difference = values - first
            low, high = stats.t.interval(0.95, len(values) - 1, difference.mean(), stats.sem(difference))
            to_first = f"{difference.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
        rows.append([kind, ", ".join(f"{x:.4f}" for x in values), f"{values.mean():.4f}", to_first])
    header = ["trained by", "test loss of each seed (nats)", "mean", "to PyTorch, same seeds (95 %)"]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
