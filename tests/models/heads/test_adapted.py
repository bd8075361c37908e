"""The head with an adaptation layer."""

import pytest
import torch
from torch import nn

import epigone
from epigone.generation.stepper import TorchStepper
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.heads.adapted import AdaptedSoftmax
from epigone.models.heads.base import IGNORED
from epigone.models.language_model import LanguageModel

SHAPE = {"num_layers": 2, "hidden_size": 10, "softmax": "adapted"}


def make(**more):
    torch.manual_seed(0)
    return LanguageModel(ModelConfig(**SHAPE | {"vocabulary_size": 17} | more)).eval()


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_scores_are_those_of_the_logits(backend):
    head = AdaptedSoftmax(make().config, backend)
    outputs, targets = torch.randn(5, 3, 10), torch.randint(17, (5, 3))
    targets[0, 1] = IGNORED
    expected = torch.tanh(outputs @ head.adaptation.weight.T + head.adaptation.bias) @ head.weight.T + head.bias
    torch.testing.assert_close(head.logits(outputs), expected)
    loss, accuracy = head.loss(outputs, targets)
    counts = targets != IGNORED
    torch.testing.assert_close(loss, nn.functional.cross_entropy(expected[counts], targets[counts]))
    assert accuracy == (expected[counts].argmax(-1) == targets[counts]).float().mean()


def test_gradients_are_right():
    head = AdaptedSoftmax(make().config, "torch").double()
    outputs, targets = torch.randn(6, 10, dtype=torch.float64, requires_grad=True), torch.randint(17, (6,))

    def loss(outputs, *weights):
        named = dict(zip(dict(head.named_parameters()), weights, strict=True))
        return torch.func.functional_call(head, named, (outputs, targets))

    head.forward = lambda outputs, targets: head.loss(outputs, targets).loss
    assert torch.autograd.gradcheck(loss, (outputs, *head.parameters()))


@torch.no_grad()
def test_a_stepper_reads_as_the_model_does():
    model, tokens = make(), torch.randint(0, 17, (3, 6))
    stepper = TorchStepper(model)
    stepper.start(3)
    for step in range(6):
        found = torch.as_tensor(stepper.step(tokens[:, step].numpy()))
        torch.testing.assert_close(found, model(tokens)[0][:, step])


def test_the_layer_is_retrained_alone(song_file, tmp_path):
    common = {"steps": 30, "batch_size": 4, "sequence_length": 16, "seed": 1}
    epigone.pretrain(song_file, out=tmp_path / "base", **SHAPE, precision="bf16", **common)
    report = epigone.finetune(
        tmp_path / "base", song_file, out=tmp_path / "tuned", train="head.adaptation.*", head=False, epochs=2, lr=0.01
    )
    before, after = (load_checkpoint(tmp_path / name).model for name in ("base", "tuned"))
    for (name, weight), retrained in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(weight, retrained) == (not name.startswith("head.adaptation."))
    assert epigone.generate(tmp_path / "tuned", length=50, seed=1).texts[0]
    assert report.trained_parameters == 110
    for base, softmax in ((tmp_path / "base", "full"), ("english-tiny", "adapted")):
        with pytest.raises(epigone.UserError, match="neither added nor left out"):
            epigone.finetune(base, song_file, out=tmp_path / "other", softmax=softmax, train="head", epochs=1, lr=0.01)
