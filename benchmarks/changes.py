"""Test of one change to a recipe: the same seconds of training without and with it, and a line in the log of changes.

    python benchmarks/changes.py TEXT... --held-out TEXT... --question "Does AdamW help?" --change "--optimizer adamw"
        [--recipe recipes/changes.toml] [--seconds 120] [--seeds 3] [--out docs/results/changes]

Both networks of a seed train at the same time, each on one thread, so that both suffer alike from what else the machine
does. They are compared on the whole of the held-out documents, in nats per character of the text as it was before any
tokenizer. A change is kept if it gains 0.005 nats, if p < 0.01 over documents, and if each seed gains. Every test is a
line of tests.jsonl, from which the table is made.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from timing import markdown_table, parse_arguments, publish

import epigone
from epigone.evaluation.intervals import MIN_DOCUMENTS, paired_difference
from epigone.extensions import load
from epigone.text.corpus import Corpus

ENOUGH, SURE = 0.005, 0.01  # nats per character, and the p-value below which they count
RECIPE = Path(__file__).parents[1] / "recipes" / "changes.toml"

Trained = tuple[np.ndarray, int]  # nats of each held-out document (D,), and steps


def trained(texts: Sequence[str], held_out: Sequence[str], recipe: Path, options: Sequence[str]) -> Trained:
    """Train a network in a process of its own, and measure it."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "model"
        command = [sys.executable, "-m", "epigone", "pretrain", *texts, "--out", str(out), "--recipe", str(recipe)]
        command += ["--threads", "1", "--no-fingerprint", "--quiet", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        last = json.loads((out / "history.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        rows = epigone.evaluate(out, *held_out, split="all").rows
    return np.array([row.loss * row.tokens for row in rows]), last["step"]


def pair(arguments: Any, seed: int) -> tuple[Trained, Trained]:
    """Train without and with the change, side by side."""
    length = ["--steps", str(arguments.steps)] if arguments.steps else ["--minutes", str(arguments.seconds / 60)]
    common = ["--seed", str(seed), *length]
    with ThreadPoolExecutor(2) as pool:
        without, with_it = (
            pool.submit(trained, arguments.texts, arguments.held_out, arguments.recipe, [*common, *options])
            for options in ([], shlex.split(arguments.change))
        )
        return without.result(), with_it.result()


def tested(arguments: Any) -> dict[str, Any]:
    """Train all pairs and compare them: a line of the log."""
    characters = np.array([len(text) for text in Corpus.open(arguments.held_out, split=None).texts()])
    if len(characters) < MIN_DOCUMENTS:
        raise SystemExit(f"--held-out has {len(characters)} documents; give {MIN_DOCUMENTS} or more to compare by.")
    pairs = [pair(arguments, seed) for seed in range(arguments.seeds)]
    without, with_it = (np.stack([each[arm][0] for each in pairs]) for arm in (0, 1))
    found = paired_difference(without.mean(0), with_it.mean(0), characters)
    gains = (without - with_it).sum(1) / characters.sum()
    kept = found.estimate >= ENOUGH and found.p_value < SURE and bool((gains > 0).all())
    return {
        "date": str(date.today()),
        "question": arguments.question,
        "change": arguments.change,
        "recipe": arguments.recipe.name,
        "length": f"{arguments.steps:,} steps" if arguments.steps else f"{arguments.seconds:g} s",
        "characters": int(characters.sum()),
        "without": without.sum(1) / characters.sum(),
        "with": with_it.sum(1) / characters.sum(),
        "steps": [[each[arm][1] for each in pairs] for arm in (0, 1)],
        "gain": [found.low, found.estimate, found.high],
        "p_value": found.p_value,
        "verdict": "kept" if kept else "not kept",
    }


def table(tests: Sequence[dict[str, Any]]) -> str:
    """All tests, the newest last."""
    header = ["question", "change", "recipe, length", "nats without", "nats with", "gain (95 % over documents)", "p"]
    header += ["gain of each seed", "steps without", "steps with", "verdict", "date"]
    rows = []
    for test in tests:
        low, gain, high = test["gain"]
        seeds = (a - b for a, b in zip(test["without"], test["with"], strict=True))
        rows.append(
            [
                test["question"],
                test["change"],
                f"{test['recipe']}, {test['length']}",
                *(f"{np.mean(test[name]):.4f}" for name in ("without", "with")),
                f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]",
                f"{test['p_value']:.4f}",
                ", ".join(f"{each:+.4f}" for each in seeds),
                *(f"{np.mean(steps):,.0f}" for steps in test["steps"]),
                test["verdict"],
                test["date"],
            ]
        )
    return markdown_table(header, rows)


def main() -> None:
    """Test a change, add it to the log, and print the log."""
    options: dict[str, dict[str, Any]] = {
        "texts": {"nargs": "+", "metavar": "TEXT", "help": "what both networks learn"},
        "--held-out": {"nargs": "+", "metavar": "TEXT", "required": True, "help": "what they are compared on"},
        "--question": {"required": True, "help": "a question that yes or no answers"},
        "--change": {
            "required": True,
            "help": "options of `epigone pretrain`, as one argument; --change=--OPTION if one stands alone",
        },
        "--recipe": {"type": Path, "default": RECIPE, "help": "the recipe that is changed"},
        "--seconds": {"type": float, "default": 120.0, "help": "of each training"},
        "--steps": {"type": int, "help": "train so many steps instead, for a change whose code is not fast yet"},
        "--seeds": {"type": int, "default": 3},
    }
    arguments = parse_arguments(__doc__, options, {"seconds": 0.5, "seeds": 1})
    for flag, module in pairwise(shlex.split(arguments.change)):
        if flag == "--extension":
            load(module)  # what it registers is measured here
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = arguments.out / "tests.jsonl"
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(tested(arguments), default=np.ndarray.tolist) + "\n")
    publish(arguments.out, "changes.md", table([json.loads(line) for line in log.read_text("utf-8").splitlines()]))


if __name__ == "__main__":
    main()
