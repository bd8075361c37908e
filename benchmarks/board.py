"""Time to quality: recurrent networks on one text, each by a recipe, with the seconds of training and the loss reached.

    python benchmarks/board.py TEXT [--recipes recipes/tinyshakespeare-*.toml] [--seeds 3] [--out docs/results/board]

The last tenth of TEXT is held out, and nothing is chosen on it: each network learns as long as its recipe says, and its
last weights are measured once. The loss is told both ways: over the whole held-out text with the state carried, and as
nanoGPT measures it, over windows of 256 characters that each begin without any. Seconds are those of the training
steps, on the threads that --threads names. With --base the recipes are of `finetune`, from a base. Every run is a line
of runs.jsonl, so that a stopped board goes on where it stopped; a run whose recipe has changed since is made again.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import markdown_table, parse_arguments, publish

import epigone
from epigone.evaluation.intervals import mean_interval
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint

HELD_OUT, WINDOW = 0.1, 256
GOALS = (1.886, 1.6, 1.5, 1.4697, 1.42)
"""Nats: nanoGPT's recipe for a CPU, two steps on the way, nanoGPT on a GPU, and below."""
# Of what is learned, a thousandth is kept apart twice, because a corpus has three parts; nothing looks at it.
FRACTIONS = ("0.998", "0.001", "0.001")

Run = dict[str, Any]


def options_hash(recipe: Path, base: str) -> str:
    """Tell what a run learned by: the options of its recipe, and its base."""
    options = tomllib.loads(recipe.read_text(encoding="utf-8"))["options"]
    return hashlib.sha256(json.dumps([options, base], sort_keys=True).encode()).hexdigest()[:12]


def trained(text: str, recipe: Path, seed: int, threads: int, base: str, steps: int | None) -> Run:
    """Train a network on all but the last tenth of a text, and measure it there."""
    border = round(len(text) * (1 - HELD_OUT))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        learned, held_out, out = folder / "learned.txt", folder / "held-out.txt", folder / "model"
        learned.write_text(text[:border], encoding="utf-8")
        held_out.write_text(text[border:], encoding="utf-8")
        verb = ["finetune", base] if base else ["pretrain"]
        command = [sys.executable, "-m", "epigone", *verb, str(learned), "--out", str(out), "--quiet"]
        command += ["--recipe", str(recipe), "--seed", str(seed), "--threads", str(threads), "--no-fingerprint"]
        command += ["--fractions", *FRACTIONS, *(["--steps", str(steps)] if steps else [])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        last = json.loads((out / "history.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        model = load_checkpoint(out)
        return {
            "recipe": recipe.stem,
            "options": options_hash(recipe, base),
            "seed": seed,
            "threads": threads,
            "weights": model.model.num_parameters(),
            "steps": last["step"],
            "seconds": last["learning_seconds"],
            "carried": epigone.evaluate(out, held_out, split="all").loss,
            "windows": windows_loss(model, text[border:]),
        }


@torch.no_grad()
def windows_loss(checkpoint: Checkpoint, text: str) -> float:
    """Nats per character over windows of a text, each from a zero state; what is left at the end is left out."""
    ids = torch.from_numpy(checkpoint.tokenizer.encode(text).astype(np.int64))
    length = min(WINDOW, len(ids) - 1)
    number = (len(ids) - 1) // length
    inputs = ids[: number * length].view(number, length)
    targets = ids[1 : number * length + 1].view(number, length)
    model, nats = checkpoint.model.eval(), 0.0
    for some, wanted in zip(inputs.split(64), targets.split(64), strict=True):
        logits, _ = model(some)
        nats += torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum").item()
    return nats / targets.numel()


def table(runs: Sequence[Run]) -> str:
    """The board, the quickest recipe first."""
    header = ["recipe", "weights", "steps", "seconds of training", "threads", "loss, state carried (nats)"]
    header += ["windows of 256", "seeds", "passes both ways"]
    by_recipe: dict[str, list[Run]] = {}
    for run in runs:
        by_recipe.setdefault(run["recipe"], []).append(run)
    rows = []
    for recipe, some in sorted(by_recipe.items(), key=lambda item: np.mean([run["seconds"] for run in item[1]])):
        worse = max(np.mean([run[way] for run in some]) for way in ("carried", "windows"))
        best = [goal for goal in GOALS if worse <= goal]
        rows.append(
            [
                recipe,
                f"{some[0]['weights']:,}",
                f"{some[0]['steps']:,}",
                f"{np.mean([run['seconds'] for run in some]):.1f}",
                str(some[0]["threads"]),
                in_figures([run["carried"] for run in some]),
                in_figures([run["windows"] for run in some]),
                str(len(some)),
                f"{min(best):g}" if best else "–",
            ]
        )
    return markdown_table(header, rows)


def in_figures(values: Sequence[float]) -> str:
    """A mean with its 95 % interval over seeds."""
    if len(values) < 2:
        return f"{values[0]:.4f}"
    found = mean_interval(np.array(values))
    return f"{found.estimate:.4f} [{found.low:.4f}, {found.high:.4f}]"


def main() -> None:
    """Do the runs that are not done yet, and print the board."""
    recipes = [
        Path(__file__).parents[1] / "recipes" / f"tinyshakespeare-{name}.toml" for name in ("5s", "1min", "best")
    ]
    options: dict[str, dict[str, Any]] = {
        "text": {"type": Path},
        "--recipes": {"nargs": "+", "type": Path, "default": recipes},
        "--seeds": {"type": int, "default": 3},
        "--threads": {"type": int, "default": 2},
        "--base": {"default": "", "help": "a base that the recipes retrain"},
        "--steps": {"type": int, "help": "train no longer than this, for a look"},
    }
    arguments = parse_arguments(__doc__, options, {"seeds": 2, "steps": 2, "threads": 1})
    text = arguments.text.read_text(encoding="utf-8")
    arguments.out.mkdir(parents=True, exist_ok=True)
    journal = arguments.out / "runs.jsonl"
    runs = [json.loads(line) for line in journal.read_text("utf-8").splitlines()] if journal.exists() else []
    for recipe in arguments.recipes:
        options = options_hash(recipe, arguments.base)
        runs = [run for run in runs if run["recipe"] != recipe.stem or run["options"] == options]
        journal.write_text("".join(f"{json.dumps(run)}\n" for run in runs), encoding="utf-8")
        done = {run["seed"] for run in runs if run["recipe"] == recipe.stem}
        for seed in range(arguments.seeds):
            if seed not in done:
                runs.append(trained(text, recipe, seed, arguments.threads, arguments.base, arguments.steps))
                with journal.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(runs[-1]) + "\n")
    publish(arguments.out, "board.md", table(runs))


if __name__ == "__main__":
    main()
