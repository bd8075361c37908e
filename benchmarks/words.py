"""Speed of a model of 30,000 words: a training step with a full and with an adaptive softmax, and drawing words.

    python benchmarks/words.py [--rounds 5] [--out docs/results/speed]

LSTM of 2 layers with 256 units, embedding tied to the head, batches of 32 rows of 64 words, RMSprop, two threads. Words
are drawn from Zipf's law, since an adaptive softmax lives on rare words being rare. The peer is PyTorch: `nn.LSTM` with
a linear layer, or with `nn.AdaptiveLogSoftmaxWithLoss`, which cannot be tied.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from measuring import Timings, answer_as_child, by_turns, seconds_of

LAYERS, UNITS, WORDS, BATCH, STEPS, THREADS = 2, 256, 30_000, 32, 64, 2
TRAINING = {
    "torch full fp32": "PyTorch, full softmax, fp32",
    "torch adaptive fp32": "PyTorch, adaptive softmax, fp32",
    "torch full bf16": "PyTorch, full softmax, bf16",
    "full fp32": "epigone, full, tied, fp32",
    "full bf16": "epigone, full, tied, bf16",
    "adaptive fp32": "epigone, adaptive, tied, fp32",
    "adaptive bf16": "epigone, adaptive, tied, bf16",
}
DRAWING = {
    "full fp32": "full, fp32",
    "full bf16": "full, bf16",
    "full int8": "full, int8",
    "adaptive fp32": "adaptive, fp32 (PyTorch)",
}


def network(softmax: str) -> Any:
    """Our model, its embedding tied to the head."""
    from epigone.models.config import ModelConfig
    from epigone.models.language_model import LanguageModel

    shape = {"num_layers": LAYERS, "hidden_size": UNITS, "embedding_size": UNITS, "tied": True, "softmax": softmax}
    return LanguageModel(ModelConfig(**shape, vocabulary_size=WORDS))  # type: ignore[arg-type]


def step_seconds(variant: str) -> float:
    """Seconds of one training step."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line does, before PyTorch loads
    import torch
    from torch import nn
    from torch.nn import functional as F

    from epigone.training.optimisation.optimizers import clip_gradients, few_threads, make_optimizer
    from epigone.training.options import TrainingOptions
    from epigone.training.system.memory import keep_freed_memory

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    keep_freed_memory()
    *who, softmax, precision = variant.split()
    weights = 1 / torch.arange(1, WORDS + 1, dtype=torch.float64)
    ids = torch.multinomial(weights, BATCH * (STEPS + 1), replacement=True).view(BATCH, STEPS + 1)
    inputs, targets = ids[:, :-1], ids[:, 1:]
    if who:
        embedding, lstm = nn.Embedding(WORDS, UNITS), nn.LSTM(UNITS, UNITS, LAYERS, batch_first=True)
        cutoffs = [WORDS // 10, WORDS // 3]
        adaptive = (
            nn.AdaptiveLogSoftmaxWithLoss(UNITS, WORDS, cutoffs, div_value=1.0) if softmax == "adaptive" else None
        )
        head = adaptive or nn.Linear(UNITS, WORDS)
        parameters = [*embedding.parameters(), *lstm.parameters(), *head.parameters()]

        def loss() -> torch.Tensor:
            x = lstm(embedding(inputs))[0].flatten(0, 1)
            if adaptive is not None:
                return adaptive(x, targets.flatten()).loss
            return F.cross_entropy(head(x).float(), targets.flatten())

    else:
        model = network(softmax)
        parameters = list(model.parameters())

        def loss() -> torch.Tensor:
            return model(inputs, targets=targets)[0].loss

    if who:
        optimizer: Any = torch.optim.RMSprop(parameters, 1e-3)
    else:
        optimizer = make_optimizer(parameters, TrainingOptions(lr=1e-3))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            found = loss()
        optimizer.zero_grad()
        found.backward()
        if who:
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        else:
            with few_threads(parameters):
                clip_gradients(parameters, 1.0)
                optimizer.step()

    return seconds_of(step, 2.0)


def word_seconds(variant: str) -> float:
    """Seconds until one text has one more word."""
    import numpy as np
    import torch

    from epigone.generation.stepper import TorchStepper
    from epigone.models.backends.walker import native_walker

    softmax, precision = variant.split()
    torch.set_num_threads(1)
    model = network(softmax)
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    stepper = TorchStepper(model) if softmax == "adaptive" else native_walker(model.config, weights, precision, 1)
    stepper.start(1)
    tokens = np.random.default_rng(0).integers(WORDS, size=1000)
    place = iter(range(10**9))
    return seconds_of(lambda: stepper.step(tokens[next(place) % 1000 :][:1]), 1.0)


def main() -> None:
    """Measure and print the tables."""
    answer_as_child(step_seconds, word_seconds)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed"))
    arguments = parser.parse_args()
    steps = by_turns(step_seconds, [(name,) for name in TRAINING], arguments.rounds, "Training steps")
    words = by_turns(word_seconds, [(name,) for name in DRAWING], arguments.rounds, "Drawn words")
    text = table(steps, words) + "\n"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "words.md").write_text(text)
    print(text)


def table(steps: Timings, words: Timings) -> str:
    """Both tables, as Markdown."""
    lines = ["One training step of a model of 30,000 words.", ""]
    lines += ["| | ms | thousand words a second | times PyTorch, full, fp32 |", "|---|---|---|---|"]
    for name, title in TRAINING.items():
        seconds = steps.median((name,))
        ratio = steps.ratio(("torch full fp32",), (name,))
        lines.append(f"| {title} | {seconds * 1e3:.0f} | {BATCH * STEPS / seconds / 1e3:.1f} | {ratio:.2f} |")
    lines += ["", "One word drawn from it, one thread.", "", "| | microseconds | words a second |", "|---|---|---|"]
    for name, title in DRAWING.items():
        seconds = words.median((name,))
        lines.append(f"| {title} | {seconds * 1e6:.0f} | {1 / seconds:,.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
