"""Losses of bases on writers that they have not read, before and after `finetune`, and their costs.

    python benchmarks/bases.py OLD NEW --texts moore=FOLDER dickinson=FOLDER --held bradstreet=FILE ...

The documents of a text are divided in thirds, as `compare` divides them; the last base learns the first third by
`finetune` with its defaults, and test losses on the third one are given. Held-out texts are read whole, by untouched
bases. Losses are in nats per token.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from timing import markdown_table, parse_arguments, publish

THIRDS = ("--fractions", "0.3334", "0.3333", "0.3333")
SAMPLES, TEMPERATURE = 100, 0.8
PAIRS, PAIR_LENGTH, JUDGE = 20, 500, "english-words"


def epigone(*words: str) -> str:
    """Run a command in a process of its own; what it prints."""
    command = [sys.executable, "-m", "epigone", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loss_of(model: str, text: str, *words: str) -> float:
    """Nats per token."""
    return float(json.loads(epigone("evaluate", model, text, "--json", *words))["loss"])


def named(pairs: list[str]) -> dict[str, str]:
    """Paths by name, from NAME=PATH."""
    return dict(pair.split("=", 1) for pair in pairs)


def retrained(base: str, text: str, extra: list[str]) -> tuple[float, float]:
    """Test loss after `finetune`, and its seconds, the start of the process included."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        epigone("finetune", base, text, "--out", f"{folder}/model", *THIRDS, *extra, "--quiet")
        seconds = time.perf_counter() - begin
        return loss_of(f"{folder}/model", text, "--split", "test"), seconds


def first_character(base: str, rounds: int) -> tuple[float, float]:
    """Seconds from the start of a process to its first character, the median, and its largest memory in MB."""
    script = (
        "import resource, sys; from epigone.app.cli import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, file=sys.stderr)"
    )
    seconds, memory = [], 0.0
    for _ in range(rounds):
        begin = time.perf_counter()
        words = [sys.executable, "-c", script, "generate", base, "--length", "1", "--seed", "0", "--quiet"]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begin)
        memory = max(memory, float(done.stderr.split()[-1]))
    return float(np.median(seconds)), memory


def written(base: str, samples: int) -> tuple[float, float]:
    """The share of English words in documents that a base writes, and of documents that open in capitals."""
    from epigone import generate
    from epigone.evaluation.quality import text_quality

    texts = generate(base, documents=samples, temperature=TEMPERATURE, seed=1).texts
    opened = [re.match(r"[A-Z\W]{3,}", text.lstrip()) is not None for text in texts]
    return text_quality(texts).english_words, float(np.mean(opened))


def judged(base: str, pairs: int) -> dict[str, np.ndarray]:
    """Figures of texts that a base writes, each (pairs,), of which more is better."""
    from epigone import evaluate, generate
    from epigone.evaluation.quality import text_quality

    texts = generate(base, samples=pairs, length=PAIR_LENGTH, temperature=TEMPERATURE, seed=2).texts
    with tempfile.TemporaryDirectory() as folder:
        for i, text in enumerate(texts):
            (Path(folder) / f"{i:03}.txt").write_text(text, encoding="utf-8")
        rows = evaluate(JUDGE, folder, split="all", documents="files").rows
    quality = [text_quality([text]) for text in texts]
    bits = [row.loss * row.tokens / np.log(2) / len(text) for row, text in zip(rows, texts, strict=True)]
    return {
        "more English words": np.array([each.english_words for each in quality]),
        f"fewer bits per character by {JUDGE}": -np.array(bits),
        "fewer repeated pairs of words": np.array([each.distinct_2 for each in quality]),
    }


def main() -> None:
    """Measure all, and print four tables."""
    from epigone.evaluation.classification import accuracy_interval

    options = {
        "bases": {"nargs": "+", "help": "folders or names of bundled models"},
        "--texts": {"nargs": "+", "default": [], "metavar": "NAME=PATH"},
        "--held": {"nargs": "*", "default": [], "metavar": "NAME=PATH"},
    }
    arguments = parse_arguments(__doc__, options, {})
    extra = ["--steps", "2", "--lr", "0.001"] if arguments.smallest else []
    texts, bases = named(arguments.texts), arguments.bases
    names = [Path(base).name for base in bases]
    rows = []
    for name, path in texts.items():
        before = [f"{loss_of(base, path, '--split', 'test', *THIRDS):.4f}" for base in bases]
        after = [retrained(bases[-1], path, [*extra, "--precision", each]) for each in ("fp32", "bf16")]
        rows.append([name, *before, *(cell for loss, seconds in after for cell in (f"{loss:.4f}", f"{seconds:.0f}"))])
    header = ["text", *names, "last, after finetune", "seconds", "after finetune in bf16", "seconds, bf16"]
    first = markdown_table(header, rows)
    rows = []
    for name, path in named(arguments.held).items():
        losses = [loss_of(base, path, "--split", "all") for base in bases]
        rows.append([name, *(f"{loss:.4f}" for loss in losses), f"{losses[-1] - losses[0]:+.4f}"])
    header = ["held-out text", *names, "last to first"]
    second = markdown_table(header, rows)
    rows = []
    for base in bases:
        seconds, memory = first_character(base, arguments.rounds)
        words, capitals = written(base, 2 if arguments.smallest else SAMPLES)
        cells = [f"{seconds:.2f}", f"{memory:.0f}", f"{words:.1%}", f"{capitals:.0%}"]
        rows.append([Path(base).name, *cells])
    header = ["base", "first character (s)", "memory (MB)", "English words", "opens in capitals"]
    third = markdown_table(header, rows)
    number = 2 if arguments.smallest else PAIRS
    earlier, later = judged(bases[0], number), judged(bases[-1], number)
    rows = []
    for measure, values in later.items():
        better, equal = int((values > earlier[measure]).sum()), int((values == earlier[measure]).sum())
        share = "–"
        if number > equal:
            found = accuracy_interval(better, number - equal)
            share = f"{found.estimate:.0%} [{found.low:.0%}, {found.high:.0%}]"
        rows.append([measure, str(better), str(number - equal - better), str(equal), share])
    header = ["of pairs", f"{names[-1]} has", f"{names[0]} has", "equal", "share, without ties (95 %)"]
    publish(arguments.out, "bases.md", "\n\n".join([first, second, third, markdown_table(header, rows)]))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
