"""The task of a language model: AR and TAR."""

import json
from pathlib import Path

import pytest
import torch

from epigone.errors import UserError
from epigone.models.config import ModelConfig, ModelOptions
from epigone.models.dropout import mask
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.training.batches import Batches
from epigone.training.language_task import LanguageTask, learning_parameters
from epigone.training.options import TrainingOptions

TOKENS, TARGETS = torch.arange(24).reshape(3, 8) % 7, torch.arange(24).reshape(3, 8) * 2 % 7
ALPHA, BETA = 2.0, 3.0


def make_task(backend="auto", **options) -> LanguageTask:
    torch.manual_seed(0)
    shape = {"num_layers": 2, "hidden_size": 5, "embedding_size": 4, "vocabulary_size": 7, "output_dropout": 0.4}
    model = LanguageModel(ModelConfig(**shape), backend).train()
    batches = Batches(TOKENS.numpy(), TARGETS.numpy(), 3, 8)
    return LanguageTask(model, batches, lambda: None, AsciiTokenizer(), learning_parameters(model), **options)


def step(task: LanguageTask, tokens=TOKENS, targets=TARGETS):
    torch.manual_seed(9)
    found, _ = task.loss((tokens, targets), task.initial_state(3))
    gradients = torch.autograd.grad(found.objective, list(task.module.parameters()))
    return found, gradients


@pytest.mark.parametrize("backend", ["torch", "auto"])
@pytest.mark.parametrize("summed", [False, True])
def test_the_penalties_are_those_of_the_paper_and_no_part_of_the_loss(backend, summed):
    task = make_task(backend, activation_penalty=ALPHA, slowness_penalty=BETA, summed=summed)
    found, gradients = step(task)
    plain, others = step(make_task(backend, summed=summed))
    assert torch.equal(found.loss, plain.loss)
    assert torch.equal(found.accuracy, plain.accuracy)

    torch.manual_seed(9)
    outputs, _ = task.module.encode(TOKENS)  # (B, T, H)
    dropped = outputs.transpose(0, 1) * mask(outputs, (8, 3, 5), 0.4)
    logits = dropped @ task.module.head.weight.T + task.module.head.bias
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), TARGETS.T.flatten())
    changes = torch.stack([outputs[:, t + 1] - outputs[:, t] for t in range(7)])
    penalty = ALPHA * (dropped**2).mean() + BETA * (changes**2).mean()
    expected = (loss + penalty) * (8 if summed else 1)
    torch.testing.assert_close(found.objective, expected, rtol=1e-4, atol=1e-5)
    wanted = torch.autograd.grad(expected, list(task.module.parameters()))
    for mine, their, without in zip(gradients, wanted, others, strict=True):
        torch.testing.assert_close(mine, their, rtol=1e-3, atol=1e-5)
        assert mine.shape[:1] == (7,) or not torch.allclose(mine, without)  # the head has no part in them


def test_one_alone_is_that_one_and_a_single_step_has_no_change():
    both = make_task(activation_penalty=ALPHA, slowness_penalty=BETA)
    parts = [make_task(), make_task(activation_penalty=ALPHA), make_task(slowness_penalty=BETA), both]
    none, first, second, together = (step(task)[0].objective for task in parts)
    assert (first - none).item() > 0.01
    assert (second - none).item() > 0.01
    torch.testing.assert_close(first + second - none, together)
    short = TOKENS[:, :1], TARGETS[:, :1]
    assert torch.equal(step(parts[0], *short)[0].objective, step(parts[2], *short)[0].objective)


def test_a_run_reports_the_loss_without_them(train):
    rows, recipes = [], []
    for weight in (0.0, 5.0):
        options = {"steps": 1, "activation_penalty": weight, "slowness_penalty": weight}
        folder = Path(train(model=ModelOptions(num_layers=2, hidden_size=8), **options).folder)
        rows.append(json.loads((folder / "history.jsonl").read_text().splitlines()[-1]))
        recipes.append(json.loads((folder / "config.json").read_text())["request"]["options"]["training"])
    assert rows[0]["train_loss"] == rows[1]["train_loss"]
    assert rows[0]["validation_loss"] != rows[1]["validation_loss"]  # the step was another
    assert "activation_penalty" not in recipes[0]
    assert recipes[1]["activation_penalty"] == 5.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activation_penalty": -1.0}, "activation_penalty must not be negative"),
        ({"slowness_penalty": 1.0, "windows": "prefix"}, "windows=prefix pads its windows; leave out either"),
    ],
)
def test_impossible_penalties_get_a_sentence(options, words):
    with pytest.raises(UserError, match=words):
        TrainingOptions(**options)
