"""Cost of DropConnect and of all dropouts of an AWD-LSTM in a training step.

    python benchmarks/dropconnect.py [--rounds 5] [--out docs/results/speed]

LSTM of 3 layers, embedding tied to the head, 10,000 tokens, batches of 32 rows of 70 tokens, RMSprop: 320 units in
every layer, and 1,150 with 400 on top. Seconds are those of the processor, of all threads together, so that other work
on the machine hardly counts; the variants take turns in one process. The ratio is that of a round, its interval
Student's over the rounds.
"""

import time
from statistics import median

import torch
from timing import markdown_table, parse_arguments, publish, require_engine

from epigone.evaluation.intervals import mean_interval
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.training.optimisation.optimizers import clip_gradients, few_threads, make_optimizer
from epigone.training.options import TrainingOptions
from epigone.training.system.memory import keep_freed_memory

SHAPES = {320: (320, 320), 1150: (400, 400)}  # widths of embedding and top layer by units of the others
VARIANTS = {
    "no dropout": {},
    "DropConnect": {"weight_dropout": 0.5},
    "all dropouts": {
        "weight_dropout": 0.5, "embedding_dropout": 0.1, "input_dropout": 0.4, "dropout": 0.25, "output_dropout": 0.4,
        "dropout_kind": "variational",
    },
}  # fmt: skip


class Learner:
    """A network that learns a batch of random tokens, step by step."""

    def __init__(self, units: int, tokens: int, rows: int, steps: int, dropouts: dict[str, object]) -> None:
        embedding, top = SHAPES.get(units, (units, units))
        shape = {"num_layers": 3, "hidden_size": units, "top_size": top, "embedding_size": embedding, "tied": True}
        torch.manual_seed(0)
        self.model = LanguageModel(ModelConfig(**shape, **dropouts, init="uniform", vocabulary_size=tokens)).train()  # type: ignore[arg-type]
        self.weights = list(self.model.parameters())
        self.optimizer = make_optimizer(self.weights, TrainingOptions())
        self.batch = torch.randint(tokens, (2, rows, steps))
        self.state = self.model.initial_state(rows)

    def step(self) -> float:
        """Make a step; return the seconds that the processor took."""
        begin = time.process_time()
        (loss, _), state = self.model.loss(self.batch[0], self.batch[1], self.state)
        self.optimizer.zero_grad()
        loss.backward()
        with few_threads(self.weights):
            clip_gradients(self.weights, 1.0)
            self.optimizer.step()
        self.state = tuple(s.detach() for s in state)
        return time.process_time() - begin


def measure(units: int, tokens: int, rows: int, steps: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of a step of each variant, one for each round, after a round of warming up."""
    learners = {name: Learner(units, tokens, rows, steps, dropouts) for name, dropouts in VARIANTS.items()}
    taken = [{name: learner.step() for name, learner in learners.items()} for _ in range(rounds + 1)]
    return {name: [turn[name] for turn in taken[1:]] for name in VARIANTS}


def main() -> None:
    """Measure and print the table."""
    options = {
        "--units": {"type": int, "nargs": "+", "default": list(SHAPES)}, "--tokens": {"type": int, "default": 10_000},
        "--rows": {"type": int, "default": 32}, "--steps": {"type": int, "default": 70},
        "--threads": {"type": int, "default": 1},
    }  # fmt: skip
    smallest = {"units": [8], "tokens": 20, "rows": 2, "steps": 4, "rounds": 2}
    arguments = parse_arguments(__doc__, options, smallest)
    require_engine()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    rows = []
    for units in arguments.units:
        seconds = measure(units, arguments.tokens, arguments.rows, arguments.steps, arguments.rounds)
        for name, taken in seconds.items():
            ratios = [mine / plain for mine, plain in zip(taken, seconds["no dropout"], strict=True)]
            found = mean_interval(ratios)  # type: ignore[arg-type]
            interval = f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]" if name != "no dropout" else "1"
            rows.append([f"{units}, {name}", f"{median(taken) * 1e3:.4g}", interval])
    title = (
        f"Milliseconds of the processor for a training step of epigone, and how many times those without dropout (mean "
        f"ratio of {arguments.rounds} rounds, 95 %); threads: {arguments.threads}."
    )
    publish(arguments.out, "dropconnect.md", f"{title}\n\n{markdown_table(['units', 'ms', 'times'], rows)}")


if __name__ == "__main__":
    main()
