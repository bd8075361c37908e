"""Characters per second: training and sampling, against the same network in plain PyTorch.

    python benchmarks/training.py [--rounds 5]

Every figure comes from a process of its own, the variants take turns, and medians over the rounds are printed. "plain"
is a loop around `torch.nn.LSTM` on one-hot input; "tuned" is the same with the memory allocator set as understudy
sets it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from understudy.generation.stepper import TorchStepper
from understudy.models.config import ModelConfig
from understudy.models.language_model import LanguageModel
from understudy.training.allocator import keep_freed_memory

V = 128
CASES = {  # layers, units, batch, steps, precision
    "3x64 fp32": (3, 64, 64, 128, "fp32"),
    "3x128 fp32": (3, 128, 64, 128, "fp32"),
    "2x512 fp32": (2, 512, 64, 128, "fp32"),
    "2x512 bf16": (2, 512, 64, 128, "bf16"),
}
VARIANTS = ("understudy", "plain", "plain, tuned")


class Plain(nn.Module):
    """The network as a first PyTorch tutorial would write it."""

    def __init__(self, layers: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(V, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, V)

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        outputs, state = self.lstm(F.one_hot(ids, V).float(), state)
        return self.head(outputs), state


def training_speed(variant: str, case: str, seconds: float) -> float:
    """Characters per second of whole training steps with RMSprop."""
    layers, hidden, batch, steps, precision = CASES[case]
    if variant != "plain":
        keep_freed_memory()
    config = ModelConfig(num_layers=layers, hidden_size=hidden, vocabulary_size=V)
    model: nn.Module = LanguageModel(config) if variant == "understudy" else Plain(layers, hidden)
    optimizer = torch.optim.RMSprop(model.parameters(), 1e-3)
    ids = torch.randint(V, (batch, steps + 1))
    state = (torch.zeros(layers, batch, hidden),) * 2

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits, _ = model(ids[:, :-1], state)
        loss = F.cross_entropy(logits.float().transpose(0, 1).flatten(0, 1), ids[:, 1:].T.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return batch * steps * rate(step, seconds)


@torch.no_grad()
def sampling_speed(variant: str, case: str, seconds: float) -> float:
    """Characters per second of one stream, the draw left out."""
    layers, hidden, *_ = CASES[case]
    torch.set_num_threads(1)
    if variant == "understudy":
        stepper = TorchStepper(LanguageModel(ModelConfig(num_layers=layers, hidden_size=hidden, vocabulary_size=V)))
        stepper.start(1)
        ids = torch.zeros(1, dtype=torch.long).numpy()
        return rate(lambda: stepper.step(ids), seconds)
    model, one = Plain(layers, hidden), torch.zeros(1, 1, dtype=torch.long)
    state = (torch.zeros(layers, 1, hidden),) * 2
    return rate(lambda: model(one, state), seconds)


def rate(call: Callable[[], object], seconds: float) -> float:
    """Calls per second, after two that are not counted."""
    call(), call()
    begin, done = time.perf_counter(), 0
    while (now := time.perf_counter()) - begin < seconds:
        call()
        done += 1
    return done / (now - begin)


def main() -> None:
    """Let the variants take turns in processes of their own, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement lasts")
    parser.add_argument("--one", nargs=3, metavar=("KIND", "VARIANT", "CASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        kind, variant, case = arguments.one
        speed = (training_speed if kind == "training" else sampling_speed)(variant, case, arguments.seconds)
        print(json.dumps(speed))
        return
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads; characters per second, medians of "
          f"{arguments.rounds} alternated rounds")  # fmt: skip
    for kind, variants in (("training", VARIANTS), ("sampling", VARIANTS[:2])):
        print(
            f"\n{kind:10s}" + "".join(f"{v:>16s}" for v in variants) + "".join(f"{'/ ' + v:>16s}" for v in variants[1:])
        )
        for case in [c for c in CASES if kind == "training" or c.endswith("fp32")]:
            speeds: dict[str, list[float]] = {variant: [] for variant in variants}
            for _ in range(arguments.rounds):
                for variant in variants:
                    command = [
                        sys.executable,
                        __file__,
                        "--seconds",
                        str(arguments.seconds),
                        "--one",
                        kind,
                        variant,
                        case,
                    ]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    speeds[variant].append(json.loads(done.stdout))
            middle = {variant: statistics.median(values) for variant, values in speeds.items()}
            ratios = [
                statistics.median(ours / theirs for ours, theirs in zip(speeds["understudy"], speeds[v], strict=True))
                for v in variants[1:]
            ]
            print(
                f"{case:10s}"
                + "".join(f"{middle[v]:16,.0f}" for v in variants)
                + "".join(f"{r:15.2f}x" for r in ratios)
            )


if __name__ == "__main__":
    main()
