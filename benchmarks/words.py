"""Speed of a model of 30,000 words: a training step with a full and an adaptive softmax, and drawing words.

    python benchmarks/words.py [--rounds 5] [--out docs/results/speed]

LSTM of 2 layers with 256 units, embedding tied to the head, batches of 32 rows of 64 words, RMSprop, two threads. Words
are drawn from Zipf's law, because an adaptive softmax gains from rare words being rare. The peer is PyTorch: `nn.LSTM`
with a linear layer, or with `nn.AdaptiveLogSoftmaxWithLoss`, which cannot be tied.
"""

import os
from typing import Any

from timing import (
    Timings,
    answer_as_child,
    markdown_table,
    parse_arguments,
    publish,
    require_engine,
    seconds_of,
    take_turns,
)

LAYERS, UNITS, BATCH, STEPS, THREADS = 2, 256, 32, 64, 2
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


def network(softmax: str, words: int) -> Any:
    """Our model, its embedding tied to the head."""
    from epigone.models.config import ModelConfig
    from epigone.models.language_model import LanguageModel

    shape = {"num_layers": LAYERS, "hidden_size": UNITS, "embedding_size": UNITS, "tied": True, "softmax": softmax}
    return LanguageModel(ModelConfig(**shape, vocabulary_size=words))  # type: ignore[arg-type]


def step_seconds(variant: str, words: int) -> float:
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
    weights = 1 / torch.arange(1, words + 1, dtype=torch.float64)
    ids = torch.multinomial(weights, BATCH * (STEPS + 1), replacement=True).view(BATCH, STEPS + 1)
    inputs, targets = ids[:, :-1], ids[:, 1:]
    if who:
        embedding, lstm = nn.Embedding(words, UNITS), nn.LSTM(UNITS, UNITS, LAYERS, batch_first=True)
        cutoffs = [words // 10, words // 3]
        adaptive = (
            nn.AdaptiveLogSoftmaxWithLoss(UNITS, words, cutoffs, div_value=1.0) if softmax == "adaptive" else None
        )
        head = adaptive or nn.Linear(UNITS, words)
        parameters = [*embedding.parameters(), *lstm.parameters(), *head.parameters()]

        def loss() -> torch.Tensor:
            x = lstm(embedding(inputs))[0].flatten(0, 1)
            if adaptive is not None:
                return adaptive(x, targets.flatten()).loss
            return F.cross_entropy(head(x).float(), targets.flatten())

    else:
        model = network(softmax, words)
        parameters = list(model.parameters())

        def loss() -> torch.Tensor:
            return model.loss(inputs, targets)[0].loss

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


def word_seconds(variant: str, words: int) -> float:
    """Seconds to draw one more word of one text."""
    import numpy as np
    import torch

    from epigone.generation.stepper import TorchStepper
    from epigone.models.backends.walker import native_walker

    softmax, precision = variant.split()
    torch.set_num_threads(1)
    model = network(softmax, words)
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    stepper = TorchStepper(model) if softmax == "adaptive" else native_walker(model.config, weights, precision, 1)
    stepper.start(1)
    tokens = np.random.default_rng(0).integers(words, size=1000)
    place = iter(range(10**9))
    return seconds_of(lambda: stepper.step(tokens[next(place) % 1000 :][:1]), 1.0)


def main() -> None:
    """Measure and print the tables."""
    answer_as_child(step_seconds, word_seconds)
    arguments = parse_arguments(__doc__, {"--words": {"type": int, "default": 30_000}}, {"words": 300})
    require_engine()
    words, rounds = arguments.words, arguments.rounds
    steps = take_turns(step_seconds, [(name, words) for name in TRAINING], rounds, "Training steps")
    drawn = take_turns(word_seconds, [(name, words) for name in DRAWING], rounds, "Drawn words")
    publish(arguments.out, "words.md", f"{step_table(steps, words)}\n\n{drawing_table(drawn, words)}")


def step_table(timings: Timings, words: int) -> str:
    """Milliseconds and ratios of training steps, as Markdown."""
    rows = []
    for name, title in TRAINING.items():
        seconds = timings.median((name, words))
        ratio = timings.ratio(("torch full fp32", words), (name, words))
        rows.append([title, f"{seconds * 1e3:.0f}", f"{BATCH * STEPS / seconds / 1e3:.1f}", f"{ratio:.2f}"])
    header = ["", "ms", "thousand words a second", "times PyTorch, full, fp32"]
    return f"One training step of a model of {words:,} words.\n\n{markdown_table(header, rows)}"


def drawing_table(timings: Timings, words: int) -> str:
    """Microseconds of drawing a word, as Markdown."""
    rows = []
    for name, title in DRAWING.items():
        seconds = timings.median((name, words))
        rows.append([title, f"{seconds * 1e6:.0f}", f"{1 / seconds:,.0f}"])
    return f"One word drawn from it, one thread.\n\n{markdown_table(['', 'microseconds', 'words a second'], rows)}"


if __name__ == "__main__":
    main()
