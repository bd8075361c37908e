"""Result of `finetune` without settings against the best of a grid of five rates and three selections.

    python benchmarks/defaults.py moore=PATH korean=PATH ... [--char korean] [--bases english-tiny english-small]
        [--sizes 5000 20000 50000 150000] [--out docs/results/defaults]

Of each text, a quarter of the documents (40,000 characters at most) is the test text, which no run reads; as much of
the rest as a size says is what `finetune` is given. One run at a time, one thread. Every run is a line of runs.jsonl,
so that a stopped benchmark goes on where it stopped.
"""

import json
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from timing import markdown_table, parse_arguments, publish

import epigone
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus
from epigone.training.options import FinetuneOptions, MachineOptions
from epigone.transfer.finetune import finetune
from epigone.transfer.trials import RATES, selections_to_try

TEST = 40_000
NEAR = 0.005  # nats: a smaller difference does not count

Run = dict[str, Any]


def divided(documents: Sequence[str], size: int) -> tuple[list[str], list[str]]:
    """Divide shuffled documents into a text to learn, of `size` characters or what there is, and a test text."""
    shuffled = list(documents)
    random.Random(0).shuffle(shuffled)
    share, test = min(TEST, sum(map(len, shuffled)) // 4), []
    while sum(map(len, test)) < share:
        test.append(shuffled.pop())
    learn: list[str] = []
    while shuffled and (lacking := size - sum(map(len, learn))) > 0:
        learn.append(shuffled.pop()[:lacking])
    return learn, test


def write(documents: Sequence[str], folder: Path) -> Path:
    """Write each document into a file of its own."""
    folder.mkdir(parents=True)
    for number, document in enumerate(documents):
        (folder / f"{number:05}.txt").write_text(document + "\n", encoding="utf-8")
    return folder


def planned(base: str, rates: Sequence[float]) -> Iterator[Run]:
    """The runs of a cell: the grid, the default, its choice once more with --final, and the base as it is."""
    for selection in selections_to_try(load_checkpoint(base).model, True):
        for rate in rates:
            yield {"kind": "grid", "selection": selection, "lr": rate}
    yield from ({"kind": kind} for kind in ("default", "final", "untouched"))


def untouched(run: Run, folder: Path, tokenizer: str | None) -> Run:
    """Measure the base as it is, unless it has other tokens than the text needs."""
    return run | {"test": None if tokenizer else epigone.evaluate(run["base"], folder / "test", split="all").loss}


def measured(run: Run, folder: Path, tokenizer: str | None, epochs: float | None) -> Run:
    """Do a run; its losses in nats per character, its length in steps, and processor seconds."""
    begin, out = time.process_time(), folder / "model"
    training = FinetuneOptions(lr=run.get("lr", 0.0), epochs=epochs)
    machine = MachineOptions(threads=1, device="cpu")
    result = finetune(
        run["base"],
        folder / "learn",
        out=out,
        train=run.get("selection"),
        tokenizer=tokenizer,
        training=training,
        machine=machine,
        final=run["kind"] == "final",
        fingerprint=False,
    )
    seconds = time.process_time() - begin
    test = epigone.evaluate(out, folder / "test", split="all")
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))["request"]
    taken = {"selection": config["selection"], "lr": config["options"]["training"]["lr"]}
    found = {"validation": result.loss, "test": test.loss, "seconds": round(seconds, 2), "outcome": result.outcome}
    return run | found | {"taken": taken, "steps": result.steps, "best_step": result.best_step}


def main() -> None:
    """Do the runs that are not done yet, and print the table."""
    options: dict[str, dict[str, Any]] = {
        "texts": {"nargs": "+", "metavar": "NAME=PATH"},
        "--char": {"nargs": "*", "default": [], "metavar": "NAME", "help": "texts that need --tokenizer char"},
        "--bases": {"nargs": "+", "default": ["english-tiny", "english-small"]},
        "--sizes": {"nargs": "+", "type": int, "default": [5_000, 20_000, 50_000, 150_000]},
        "--epochs": {"type": float, "default": None},
        "--rates": {"nargs": "+", "type": float, "default": RATES},
    }
    smallest = {"bases": ["english-tiny"], "sizes": [3_000], "epochs": 0.2, "rates": RATES[1:3]}
    arguments = parse_arguments(__doc__, options, smallest)
    logging.getLogger("epigone").setLevel(logging.ERROR)
    arguments.out.mkdir(parents=True, exist_ok=True)
    journal = arguments.out / "runs.jsonl"
    done = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] if journal.exists() else []
    known = {key(run) for run in done}
    for size in arguments.sizes:
        for base in arguments.bases:
            for name, path in (text.split("=", 1) for text in arguments.texts):
                learn, test = divided(list(Corpus.open([path], split=None).texts()), size)
                characters = sum(map(len, learn))
                if characters < 0.6 * size:
                    continue
                cell = {"base": base, "text": name, "size": size, "characters": characters}
                tokenizer = "char" if name in arguments.char else None
                for run in planned(base, arguments.rates):
                    if key(cell | run) in known:
                        continue
                    with tempfile.TemporaryDirectory() as place:
                        folder = Path(place)
                        write(learn, folder / "learn")
                        write(test, folder / "test")
                        if run["kind"] == "untouched":
                            done.append(untouched(cell | run, folder, tokenizer))
                        else:
                            choices = {key(each): each.get("taken", {}) for each in done}
                            taken = choices[key(cell | {"kind": "default"})] if run["kind"] == "final" else {}
                            done.append(measured(cell | run | taken, folder, tokenizer, arguments.epochs))
                    with journal.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(done[-1]) + "\n")
    publish(arguments.out, "defaults.md", table(done))


def key(run: Run) -> tuple[Any, ...]:
    """The part of a run that tells it from the others."""
    setting = ("selection", "lr") if run["kind"] == "grid" else ()
    return tuple(run[name] for name in ("base", "text", "size", "kind", *setting))


def table(runs: Sequence[Run]) -> str:
    """The table of the cells in which the grid and the default are done."""
    rows = []
    cells = dict.fromkeys((run["base"], run["text"], run["size"]) for run in runs)
    near = {"validation": 0, "test": 0}
    for cell in sorted(cells, key=lambda c: (c[0], c[1], c[2])):
        these = [run for run in runs if (run["base"], run["text"], run["size"]) == cell]
        grid = [run for run in these if run["kind"] == "grid"]
        others = {run["kind"]: run for run in these if run["kind"] != "grid"}
        if len(others) < 3:
            continue
        default, final, base = (others[kind] for kind in ("default", "final", "untouched"))
        best = min(grid, key=lambda run: run["validation"])
        one = statistics.mean(run["seconds"] for run in grid if run["selection"] == "all")
        for split in near:
            near[split] += default[split] <= best[split] + NEAR
        rows.append(
            [
                f"{cell[0]} on {cell[1]}",
                f"{default['characters']:,}",
                f"{best['lr']:g} {_named(best['selection'])}",
                f"{default['taken']['lr']:g} {_named(default['taken']['selection'])}",
                f"{best['validation']:.4f}",
                f"{default['validation'] - best['validation']:+.4f}",
                f"{best['test']:.4f}",
                f"{default['test'] - best['test']:+.4f}",
                f"{final['test'] - default['test']:+.4f}",
                "–" if base["test"] is None else f"{base['test'] - default['test']:+.4f}",
                f"{default['seconds'] / one:.1f}",
            ]
        )
    header = ["base and text", "characters", "best of grid", "default took", "grid, validation", "default, validation"]
    header += ["grid, test", "default, test", "--final to default", "untouched to default", "times a run of all"]
    counts = f"Within {NEAR} nats of the grid's best or better: {near['validation']} of {len(rows)} on validation, "
    return f"{counts}{near['test']} of {len(rows)} on test.\n\n{markdown_table(header, rows)}"


def _named(selection: str) -> str:
    return selection.removesuffix(", head")


if __name__ == "__main__":
    main()
