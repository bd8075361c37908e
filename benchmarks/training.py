"""Seconds of a whole training step: the engine against PyTorch, by width and precision.

    python benchmarks/training.py [--rounds 5] [--device cuda] [--out docs/results/speed]

LSTM of 3 layers on 128 characters, batch 64, 128 steps of time, two threads; forward, backward, clipping and RMSprop.
"plain" is `torch.nn.LSTM` on one-hot input, as a tutorial writes it, with glibc's default memory allocation; "tuned" is
the same with the allocator set as epigone sets it.
"""

import os

from timing import (
    LAYERS,
    Case,
    Timings,
    V,
    answer_as_child,
    markdown_table,
    matrix_peak,
    parse_arguments,
    publish,
    require_engine,
    seconds_of,
    take_turns,
)

WIDTHS = (64, 128, 256, 512)
BATCH, STEPS, THREADS = 64, 128, 2
PEERS = {"plain fp32": "plain, fp32", "tuned fp32": "tuned, fp32", "tuned bf16": "tuned, bf16"}
OURS = {"fp32": "epigone fp32", "bf16": "epigone bf16"}
RATIOS = (("bf16", "tuned fp32"), ("bf16", "tuned bf16"), ("fp32", "tuned fp32"), ("bf16", "plain fp32"))
GOALS = {64: (3, 2), 128: (2.5, 1.8), 256: (2.2, 1.25), 512: (2, 1.2)}  # of the first two ratios, on a CPU
PEAK_GOAL = 0.85  # of the matrix peak in bf16, from 256 units on


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
                (loss, _), _ = model.loss(inputs, targets, state)
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
    """Measure and print the tables."""
    answer_as_child(step_seconds, matrix_peak)
    options = {"--widths": {"type": int, "nargs": "+", "default": WIDTHS}, "--device": {"default": "cpu"}}
    arguments = parse_arguments(__doc__, options, {"widths": [8]})
    require_engine()
    widths, device = arguments.widths, arguments.device
    cases: list[Case] = [(variant, h, device) for h in widths for variant in (*PEERS, *OURS)]
    timings = take_turns(step_seconds, cases, arguments.rounds, "Training steps")
    on_cpu = device == "cpu"
    peaks = take_turns(matrix_peak, [(p, THREADS) for p in OURS], arguments.rounds, "Limits") if on_cpu else None
    tables = [step_table(timings, widths, device), speed_table(timings, peaks, widths, device)]
    publish(arguments.out, "training.md" if on_cpu else f"training-{device}.md", "\n\n".join(tables))


def step_table(timings: Timings, widths: list[int], device: str) -> str:
    """Milliseconds and characters a second, as Markdown."""
    names = PEERS | OURS
    rows = []
    for h in widths:
        seconds = [timings.median((variant, h, device)) for variant in names]
        rows.append([str(h), *(f"{each * 1e3:.3g} / {BATCH * STEPS / each / 1e3:.3g}" for each in seconds)])
    title = "Milliseconds of one training step / thousand characters a second."
    return f"{title}\n\n{markdown_table(['H', *names.values()], rows)}"


def speed_table(timings: Timings, peaks: Timings | None, widths: list[int], device: str) -> str:
    """Ratios to PyTorch and parts of the matrix peak, as Markdown."""
    rows = []
    for h in widths:
        goals = (*(GOALS.get(h, (None, None)) if peaks else (None, None)), None, None)
        cells = []
        for (ours, peer), goal in zip(RATIOS, goals, strict=True):
            ratio = timings.ratio((peer, h, device), (ours, h, device))
            cells.append(f"{ratio:.2f}x" + (f" ({goal:g}x)" if goal else ""))
        if peaks:
            for precision in OURS:
                least = peaks.median((precision, THREADS)) * operations(h) / 1e9
                wanted = f" ({PEAK_GOAL:.0%})" if precision == "bf16" and h >= 256 else ""
                cells.append(f"{least / timings.median((precision, h, device)):.0%}{wanted}")
        rows.append([str(h), *cells])
    header = ["H", *(f"{OURS[ours]} to {PEERS[peer]}" for ours, peer in RATIOS)]
    header += [f"{OURS[p]} of peak" for p in OURS] if peaks else []
    title = "How many times faster (goal in brackets), and part of the matrix peak measured in the same run:"
    return f"{title}\n\n{markdown_table(header, rows)}"


if __name__ == "__main__":
    main()
