"""Seconds to draw a character: the engine against PyTorch and ONNX Runtime, by width, precision and threads.

    python benchmarks/sampling.py [--rounds 5] [--out docs/results/speed]

LSTM of 3 layers on 128 characters with random weights, temperature 1. Every peer draws its characters too. Each is
measured with one and with two threads, and the better of both is quoted; the limits of the machine are measured in the
same run.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from timing import (
    LAYERS,
    Case,
    Timings,
    V,
    answer_as_child,
    bandwidth,
    markdown_table,
    matrix_peak,
    parse_arguments,
    publish,
    require_engine,
    seconds_of,
    take_turns,
)

from epigone.generation.sampling import random_states
from epigone.models.backends.walker import native_walker
from epigone.models.config import ModelConfig, weight_shapes

WIDTHS = (64, 128, 256, 512, 1024)
OURS = {"fp32": "epigone fp32", "bf16": "epigone bf16", "int8": "epigone int8"}
PEERS = {"nn.LSTM": "loop over nn.LSTM", "written": "hand-written PyTorch step"}
ONNX = {"onnx int8": "ONNX Runtime int8", "onnx": "ONNX Runtime fp32"}
COMPARED = ("nn.LSTM", "written", "onnx int8")  # peers whose ratios are quoted
MANY = 64
MANY_PEERS = {"nn.LSTM": "nn.LSTM", "written": "hand-written fp32", "written bf16": "hand-written bf16"}
GOALS = {  # how many times faster than each of COMPARED
    (64, "fp32"): (75, 20, None),
    (512, "fp32"): (12, 3, None),
    (64, "int8"): (150, 45, 35),
    (512, "int8"): (50, 14, 2.4),
    (1024, "int8"): (40, 12, 1.5),
}
MANY_GOALS = {64: 10, 512: 2.5}
BYTES = {"fp32": 4, "bf16": 2, "int8": 1}


def character(variant: str, hidden: int, streams: int, threads: int) -> float:
    """Seconds until each stream has one more character, divided by the number of streams."""
    if variant in OURS:
        return _native(variant, hidden, streams, threads)
    import torch
    from peers import onnx_loop, plain_loop, written_step

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    if variant.startswith("onnx"):
        step = onnx_loop(hidden, threads, quantised=variant == "onnx int8")
    elif variant == "nn.LSTM":
        step = plain_loop(hidden, streams)
    else:
        step = written_step(hidden, streams, torch.bfloat16 if variant.endswith("bf16") else torch.float32)
    with torch.inference_mode():
        return seconds_of(step, 0.6) / streams


def _native(precision: str, hidden: int, streams: int, threads: int) -> float:
    config = ModelConfig(num_layers=LAYERS, hidden_size=hidden, vocabulary_size=V)
    draw = np.random.default_rng(0)
    bound = hidden**-0.5
    weights = {
        name: draw.uniform(-bound, bound, shape).astype(np.float32) for name, shape in weight_shapes(config).items()
    }
    walker = native_walker(config, weights, precision, threads)
    walker.read(np.zeros(1, np.int64))
    length = max(100, 40_000_000 // (max(hidden, 64) ** 2 * streams))
    randoms = random_states(0, streams)
    choosing = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    choosing |= {"repetition_penalty": 1.0, "repetition_window": 64}

    def write() -> None:
        walker.write(
            randoms=randoms,
            choosing=choosing,
            vocabulary=[chr(i) for i in range(V)],
            spaces=[0] * V,
            stops=[],
            room=length,
            most=0,
            end=3,
            joiner=-1,
            whole_document=False,
            forbidden=np.zeros(V, np.uint8),
            listener=None,
        )

    return seconds_of(write, 0.6) / (length * streams)


def weights_of(hidden: int) -> int:
    """Number of weights that are read for one character."""
    return 4 * hidden * hidden * (2 * LAYERS - 1) + V * hidden


def main() -> None:
    """Measure, print the tables and draw the plot."""
    answer_as_child(character, bandwidth, matrix_peak)
    widths_option = {"type": int, "nargs": "+", "default": WIDTHS}
    arguments = parse_arguments(__doc__, {"--widths": widths_option}, {"widths": [16]})
    require_engine()
    peers = dict(PEERS)
    if find_spec("onnx") and find_spec("onnxruntime"):
        peers |= ONNX
    else:
        print("ONNX Runtime is left out, because the packages onnx and onnxruntime are not installed.\n")
    widths, rounds = arguments.widths, arguments.rounds
    one_cases: list[Case] = [(v, h, 1, t) for h in widths for v in (*peers, *OURS) for t in (1, 2)]
    one = take_turns(character, one_cases, rounds, "One stream")
    many_cases: list[Case] = [(v, h, MANY, t) for h in widths for v in (*MANY_PEERS, *OURS) for t in (1, 2)]
    many = take_turns(character, many_cases, rounds, f"{MANY} streams")
    sizes: list[Case] = [(weights_of(h) * BYTES[p], t) for h in widths for p in OURS for t in (1, 2)]
    reads = take_turns(bandwidth, sizes, rounds, "Limits")
    peaks = take_turns(matrix_peak, [(p, 2) for p in ("fp32", "bf16")], rounds, "Limits")
    tables = [one_table(one, widths, peers), speed_table(one, widths, peers), many_table(many, widths)]
    publish(arguments.out, "sampling.md", "\n\n".join(tables))
    draw_plot(one, many, reads, peaks, widths, peers, arguments.out / "sampling.png")
    print(f"\nThe plot is in {arguments.out / 'sampling.png'}.")


def best(timings: Timings, variant: str, hidden: int, streams: int) -> Case:
    """The better of one and two threads."""
    return timings.best([(variant, hidden, streams, threads) for threads in (1, 2)])


def with_goal(ratio: float, goal: float | None) -> str:
    """A ratio, followed by the one to reach."""
    return f"{ratio:.3g}x" + (f" ({goal:g}x)" if goal else "")


def one_table(timings: Timings, widths: list[int], peers: dict[str, str]) -> str:
    """Microseconds of one stream, as Markdown."""
    names = peers | OURS
    rows = [
        [str(h), *(" / ".join(f"{timings.median((v, h, 1, t)) * 1e6:.3g}" for t in (1, 2)) for v in names)]
        for h in widths
    ]
    title = "One stream: microseconds a character, with one / with two threads."
    return f"{title}\n\n{markdown_table(['H', *names.values()], rows)}"


def speed_table(timings: Timings, widths: list[int], peers: dict[str, str]) -> str:
    """Ratios for one stream, as Markdown."""
    rows = []
    for h in widths:
        for precision in OURS:
            ours = best(timings, precision, h, 1)
            goals = dict(zip(COMPARED, GOALS.get((h, precision), (None,) * len(COMPARED)), strict=True))
            ratios = {p: timings.ratio(best(timings, p, h, 1), ours) for p in COMPARED if p in peers}
            cells = (with_goal(ratio, goals[peer]) for peer, ratio in ratios.items())
            rows.append([str(h), f"{precision}, {ours[3]}", *cells])
    header = ["H", "precision of epigone, threads", *(peers[p] for p in COMPARED if p in peers)]
    title = "How many times faster, each with its better number of threads (goal in brackets):"
    return f"{title}\n\n{markdown_table(header, rows)}"


def many_table(timings: Timings, widths: list[int]) -> str:
    """Characters a second and ratios for many streams, as Markdown."""
    names = MANY_PEERS | OURS
    rows = []
    for h in widths:
        cases = {name: best(timings, name, h, MANY) for name in names}
        cells = [f"{1e-3 / timings.median(case):.3g}" for case in cases.values()]
        torch, ours = (timings.best([cases[name] for name in group]) for group in (MANY_PEERS, OURS))
        rows.append([str(h), *cells, f"{with_goal(timings.ratio(torch, ours), MANY_GOALS.get(h))}, {ours[0]}"])
    header = ["H", *names.values(), "best to best PyTorch (goal)"]
    title = f"{MANY} streams: thousand characters a second in all, each with its better number of threads."
    return f"{title}\n\n{markdown_table(header, rows)}"


def draw_plot(
    one: Timings,
    many: Timings,
    reads: Timings,
    peaks: Timings,
    widths: list[int],
    peers: dict[str, str],
    path: Path,
) -> None:
    """Microseconds a character against width, with the limits of the machine."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    greys = dict(zip((*PEERS, *ONNX), ("0.55", "0.3", "#b07d2b", "#d9b36c"), strict=True))
    colours = dict(zip(OURS, ("#1f5fa8", "#2a9d8f", "#c2410c"), strict=True))

    def line(axes, timings: Timings, variant: str, streams: int, **style) -> None:
        values = [timings.median(best(timings, variant, h, streams)) * 1e6 for h in widths]
        axes.plot(widths, values, marker="o", markersize=4, **style)

    for variant, label in peers.items():
        line(left, one, variant, 1, color=greys[variant], label=label)
    for peer, style in zip(MANY_PEERS, ("-", "-", "--"), strict=True):
        label = {"nn.LSTM": "loop over nn.LSTM", "written": "hand-written PyTorch step"}.get(peer, "the same in bf16")
        line(right, many, peer, MANY, color=greys[peer.split()[0]], linestyle=style, label=label)
    for precision, colour in colours.items():
        for axes, timings, streams in ((left, one, 1), (right, many, MANY)):
            line(axes, timings, precision, streams, color=colour, label=OURS[precision])
        sizes = [weights_of(h) * BYTES[precision] for h in widths]
        limit = [min(reads.median((size, t)) for t in (1, 2)) * 1e6 for size in sizes]
        left.plot(widths, limit, ":", color=colour, label=f"reading the {precision} weights once")
    for precision in ("fp32", "bf16"):
        gigaflops = [2 * weights_of(h) / 1e9 for h in widths]
        limit = [peaks.median((precision, 2)) * each * 1e6 for each in gigaflops]
        right.plot(widths, limit, ":", color=colours[precision], label=f"matrix peak, {precision}")
    for axes, title in ((left, "One stream"), (right, f"{MANY} streams")):
        axes.set(xscale="log", yscale="log", xlabel="units in each of three LSTM layers", title=title)
        axes.set_xticks(widths, [str(h) for h in widths])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, frameon=False)
    left.set_ylabel("microseconds a character")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
