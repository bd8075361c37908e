"""Test of distillation: a network that also learns what a larger one predicts, beside one that reads the same text.

    python benchmarks/distillation.py TEXT... --held-out TEXT... [--teacher english-small] [--share 0.5] [--steps 400]
        [--seeds 3] [--out docs/results/changes]

Both learn the same pieces in the same number of steps, from the same weights, by Muon with a cosine. The loss of the
student is its cross entropy with the text, and for --share of it with the probabilities of the teacher (Hinton et al.
2015, temperature 1). The seconds tell what the teacher costs.
"""

import time
from typing import Any, NamedTuple

import numpy as np
import torch
from timing import markdown_table, parse_arguments, publish
from torch import nn

from epigone.evaluation.intervals import MIN_DOCUMENTS, paired_difference
from epigone.evaluation.losses import document_losses
from epigone.models.config import ModelOptions, sized
from epigone.models.encoder import gate_blocks
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus, TokenStream
from epigone.training.optimisation.muon import Muon

SHAPE = ModelOptions(num_layers=2, hidden_size=256)
BATCH, LENGTH, RATE = 32, 128, 0.03


class Trained(NamedTuple):
    """Result of a training."""

    nats: np.ndarray  # of each held-out document (D,)
    seconds: float


def trained(
    stream: TokenStream, held_out: TokenStream, teacher: Checkpoint, share: float, seed: int, steps: int
) -> Trained:
    """Train a student, or with a share of 0 a network that has no teacher."""
    torch.manual_seed(seed)
    model = LanguageModel(sized(SHAPE, teacher.shape.vocabulary_size)).train()
    optimizer = Muon(model.parameters(), gate_blocks(model), RATE, 0.0, torch.bfloat16, fused=True)
    tokens = torch.from_numpy(np.asarray(stream.tokens, np.int64))
    rows = tokens[: len(tokens) // BATCH * BATCH].view(BATCH, -1)
    state, above = model.initial_state(BATCH), teacher.model.eval().initial_state(BATCH)
    begin, place = time.perf_counter(), 0
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (0.505 + 0.495 * np.cos(np.pi * step / steps))
        if place + LENGTH + 1 > rows.shape[1]:
            state, above, place = model.initial_state(BATCH), teacher.model.initial_state(BATCH), 0
        piece = rows[:, place : place + LENGTH + 1]
        with torch.autocast("cpu", torch.bfloat16):
            logits, state = model(piece[:, :-1], tuple(vector.detach() for vector in state))
        loss = (1 - share) * nn.functional.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten())
        if share:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                predicted, above = teacher.model(piece[:, :-1], above)
            soft = predicted.float().softmax(-1).flatten(0, 1)
            loss = loss + share * nn.functional.cross_entropy(logits.flatten(0, 1), soft)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        place += LENGTH
    seconds = time.perf_counter() - begin
    return Trained(document_losses(model.eval(), held_out).by_document()[0], seconds)


def main() -> None:
    """Train with a teacher and without, and print a table."""
    options: dict[str, dict[str, Any]] = {
        "texts": {"nargs": "+", "metavar": "TEXT", "help": "what the networks learn"},
        "--held-out": {"nargs": "+", "metavar": "TEXT", "required": True, "help": "what they are compared on"},
        "--teacher": {"default": "english-small", "help": "a language model that reads single characters"},
        "--share": {"type": float, "default": 0.5, "help": "of the loss that is with the teacher"},
        "--steps": {"type": int, "default": 400, "help": "of each training"},
        "--seeds": {"type": int, "default": 3},
    }
    arguments = parse_arguments(__doc__, options, {"teacher": "english-tiny", "steps": 2, "seeds": 1})
    teacher = load_checkpoint(arguments.teacher)
    held_out = Corpus.open(arguments.held_out, split=None).stream("all", teacher.tokenizer)
    characters = np.array([len(text) for text in Corpus.open(arguments.held_out, split=None).texts()])
    if len(characters) < MIN_DOCUMENTS:
        raise SystemExit(f"--held-out has {len(characters)} documents; give {MIN_DOCUMENTS} or more to compare by.")
    arms: list[list[Trained]] = [[], []]
    for seed in range(arguments.seeds):
        stream = Corpus.open(arguments.texts, split=None).stream("all", teacher.tokenizer, seed)
        for arm, share in enumerate((0.0, arguments.share)):
            arms[arm].append(trained(stream, held_out, teacher, share, seed, arguments.steps))
    alone, taught = (np.stack([each.nats for each in arm]) for arm in arms)
    gain = paired_difference(alone.mean(0), taught.mean(0), characters)
    row = [
        arguments.teacher,
        f"{arguments.share:g}",
        f"{arguments.steps:,}",
        *(f"{arm.sum(1).mean() / characters.sum():.4f}" for arm in (alone, taught)),
        f"{gain.estimate:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]",
        f"{gain.p_value:.4f}",
        ", ".join(f"{each:+.4f}" for each in (alone - taught).sum(1) / characters.sum()),
        *(f"{np.mean([each.seconds for each in arm]):.0f}" for arm in arms),
    ]
    header = ["teacher", "share", "steps", "nats alone", "nats taught", "gain (95 % over documents)", "p"]
    header += ["gain of each seed", "seconds alone", "seconds taught"]
    publish(arguments.out, "distillation.md", markdown_table(header, [row]))


if __name__ == "__main__":
    main()
