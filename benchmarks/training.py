"""Seconds of a whole training step: the engine against PyTorch, by width and precision.

    python benchmarks/training.py [--rounds 5] [--device cuda] [--out docs/results/speed]

LSTM of 3 layers on 128 characters, batch 64, 128 steps of time, two threads; forward, backward, clipping and RMSprop.
"plain" is `torch.nn.LSTM` on one-hot input, as a tutorial writes it, in a process with glibc's defaults; "tuned" is
the same with the memory allocator set as epigone sets it.
"""

import argparse
import os
from pathlib import Path

from measuring import LAYERS, Timings, V, answer_as_child, by_turns, matrix_peak, seconds_of

WIDTHS = (64, 128, 256, 512)
BATCH, STEPS, THREADS = 64, 128, 2
PEERS = {"plain fp32": "plain, fp32", "tuned fp32": "tuned, fp32", "tuned bf16": "tuned, bf16"}
OURS = {"fp32": "epigone fp32", "bf16": "epigone bf16"}
ASKED = {64: (3, 2), 128: (2.5, 1.8), 256: (2.2, 1.25), 512: (2, 1.2)}  # bf16 against tuned fp32 and tuned bf16
ASKED_OF_PEAK = 0.85  # from 256 units on


def step_seconds(variant: str, hidden: int, device: str) -> float:
    """Seconds of one step."""
    if variant in OURS:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line does, before PyTorch loads
    import torch
    import torch.nn.functional as F
    from peers import Plain

    from epigone.models.config import ModelConfig
    from epigone.models.language_model import LanguageModel
    from epigone.training.optimisation.optimizers import clip_gradients, few_threads, make_optimizer
    from epigone.training.options import TrainingOptions
    from epigone.training.system.memory import keep_freed_memory

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    kind, precision = ("ours", variant) if variant in OURS else variant.split()
    if kind != "plain":
        keep_freed_memory()
    shape = ModelConfig(num_layers=LAYERS, hidden_size=hidden, vocabulary_size=V)
    model = (LanguageModel(shape) if kind == "ours" else Plain(hidden)).to(device)
    ours = make_optimizer(model.parameters(), TrainingOptions(lr=1e-3))
    optimizer = ours if kind == "ours" else torch.optim.RMSprop(model.parameters(), 1e-3)
    ids = torch.randint(V, (BATCH, STEPS + 1), device=device)
    inputs, targets = ids[:, :-1], ids[:, 1:]
    state = (torch.zeros(LAYERS, BATCH, hidden, device=device),) * 2

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            if kind == "ours":
                (loss, _), _ = model(inputs, state, targets=targets)
            else:
                logits, _ = model(inputs.T, state)
                loss = F.cross_entropy(logits.float().flatten(0, 1), targets.T.flatten())
        optimizer.zero_grad()
        loss.backward()
        if kind == "ours":
            with few_threads(model.parameters()):
                clip_gradients(model.parameters(), 1.0)
                optimizer.step()
        else:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return seconds_of(step, 2.0)


def operations(hidden: int) -> int:
    """Multiplications and additions of one step: 6 for each weight and token; layer 0 reads a table, not one-hots."""
    return 6 * BATCH * STEPS * (4 * hidden * hidden * (2 * LAYERS - 1) + V * hidden)


def main() -> None:
    """Measure and print the table."""
    answer_as_child(step_seconds, matrix_peak)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed"))
    arguments = parser.parse_args()
    cases = [(variant, h, arguments.device) for h in arguments.widths for variant in (*PEERS, *OURS)]
    timings = by_turns(step_seconds, cases, arguments.rounds, "Training steps")
    on_cpu = arguments.device == "cpu"
    peaks = by_turns(matrix_peak, [(p, THREADS) for p in OURS], arguments.rounds, "Limits") if on_cpu else None
    text = table(timings, peaks, arguments.widths, arguments.device) + "\n"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / ("training.md" if on_cpu else f"training-{arguments.device}.md")).write_text(text)
    print(text)


def table(timings: Timings, peaks: Timings | None, widths: list[int], device: str) -> str:
    """Milliseconds and ratios, as Markdown."""
    names = PEERS | OURS
    lines = ["Milliseconds of one training step / thousand characters a second.", ""]
    lines += ["| H | " + " | ".join(names.values()) + " |", "|---" * (len(names) + 1) + "|"]
    for h in widths:
        seconds = [timings.median((v, h, device)) for v in names]
        cells = (f"{each * 1e3:.3g} / {BATCH * STEPS / each / 1e3:.3g}" for each in seconds)
        lines.append(f"| {h} | " + " | ".join(cells) + " |")
    lines += ["", "How many times quicker (to reach), and part of the matrix peak measured in the same run:", ""]
    ratios = [("bf16", "tuned fp32"), ("bf16", "tuned bf16"), ("fp32", "tuned fp32"), ("bf16", "plain fp32")]
    header = [f"{ours} to {PEERS[peer]}" for ours, peer in ratios] + ([f"{p} of peak" for p in OURS] if peaks else [])
    lines += ["| H | " + " | ".join(header) + " |", "|---" * (len(header) + 1) + "|"]
    for h in widths:
        asked = (*(ASKED.get(h, ()) if peaks else ()), None, None, None, None)
        cells = []
        for (ours, peer), goal in zip(ratios, asked, strict=False):
            ratio = timings.ratio((peer, h, device), (ours, h, device))
            cells.append(f"{ratio:.2f}x" + (f" ({goal:g}x)" if goal else ""))
        if peaks:
            for precision in OURS:
                least = peaks.median((precision, THREADS)) * operations(h) / 1e9
                goal = f" ({ASKED_OF_PEAK:.0%})" if precision == "bf16" and h >= 256 else ""
                cells.append(f"{least / timings.median((precision, h, device)):.0%}{goal}")
        lines.append(f"| {h} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
