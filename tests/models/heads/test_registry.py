"""Heads that are registered: those of the package, and one from outside through every command."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from extending import write_example
from stopping import At, Stop, left_by, stop
from torch import nn

import epigone
from epigone.errors import UserError
from epigone.extensions import load
from epigone.generation.stepper import TorchStepper
from epigone.models.config import HEADS, LanguageHead, ModelConfig, num_weights, weight_shapes
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.heads.base import IGNORED, score
from epigone.models.language_model import LanguageModel
from epigone.transfer.selections.selection import select
from epigone.transfer.vocabulary import remap_vocabulary

BRIEF = {"steps": 8, "validate_every": 4, "lr": 1e-2, "batch_size": 4, "sequence_length": 16}
MACHINE = epigone.MachineOptions(device="cpu", save_every=0.0)
SHAPE = {"num_layers": 2, "hidden_size": 8, "softmax": "mixture"}
OWN = {"head.weight", "head.bias", "head.shares", "head.latent"}


@pytest.fixture(autouse=True)
def _registered(registries, tmp_path):
    """Adds the head of docs/extending.md."""
    load(write_example("mixture.py", tmp_path))


def mixture(**shape):
    torch.manual_seed(0)
    return LanguageModel(ModelConfig(**SHAPE | {"vocabulary_size": 40} | shape)).eval()


def train(texts, out, **more):
    training = epigone.TrainingOptions(**BRIEF)
    return epigone.pretrain(
        texts, out=out, model=epigone.ModelOptions(**SHAPE), training=training, machine=MACHINE, **more
    )


def weights(folder):
    return {name: weight.detach() for name, weight in load_checkpoint(folder).model.named_parameters()}


@pytest.mark.parametrize("name", ["full", "adaptive", "adapted", "mixture"])
@pytest.mark.parametrize("tied", [False, True])
def test_the_weights_are_those_of_the_record(name, tied):
    model = mixture(softmax=name, embedding_size=8 * tied, tied=tied)
    assert model.config.head is HEADS[name]
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == weight_shapes(model.config)
    assert num_weights(model.config) == model.num_parameters()
    if tied:
        assert model.head.weight is model.embedding.weight


@pytest.mark.parametrize("init", ["orthogonal", "uniform", "normal"])
def test_initial_weights_are_those_of_the_module_or_normal(init):
    head = mixture(init=init, init_std=100.0).head
    assert all(weight.isfinite().all() for weight in head.parameters())
    assert (head.weight.abs().max() > 50) == (init == "normal")


def test_scores_are_those_of_the_logits():
    model, (tokens, targets) = mixture(), torch.randint(40, (2, 3, 5))
    targets[0, :2] = IGNORED
    logits, _ = model(tokens)
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(3, 5))  # log probabilities
    (loss, accuracy), _ = model.loss(tokens, targets)
    counts = targets != IGNORED
    torch.testing.assert_close(loss, nn.functional.nll_loss(logits[counts], targets[counts]))
    assert accuracy == (logits[counts].argmax(-1) == targets[counts]).float().mean()
    assert score(logits, targets) == score(logits[counts], targets[counts])


def test_steps_equal_the_model():
    model, tokens = mixture(), torch.randint(40, (3, 5))
    with torch.no_grad():
        logits, _ = model(tokens)
    stepper = TorchStepper(model)
    stepper.start(3)
    for position in range(5):
        found = stepper.step(tokens[:, position].numpy())
        np.testing.assert_allclose(found, logits[:, position], rtol=1e-4, atol=1e-5)


def test_rows_follow_their_token_and_other_weights_stay():
    model = mixture()
    assert {name for name, mask in select(model, "head").masks.items() if mask.any()} == OWN
    old = [str(i) for i in range(40)]
    changed, _ = remap_vocabulary(model, old, [*reversed(old), "new"])
    assert torch.equal(changed.head.weight[:40], model.head.weight.flip(0))
    torch.testing.assert_close(changed.head.bias[40], model.head.bias.mean())
    assert torch.equal(changed.head.latent, model.head.latent)
    assert changed.config.head.name == "mixture"


def test_a_resumed_run_is_the_whole_run(song_file, tmp_path):
    train(song_file, tmp_path / "whole")
    with pytest.raises(Stop):
        train(song_file, tmp_path / "killed", monitor=At(5, stop))
    train(song_file, tmp_path / "killed", resume=True)
    assert left_by(tmp_path / "killed") == left_by(tmp_path / "whole")


def test_it_is_trained_retrained_measured_and_writes(song_file, tmp_path):
    base, out = tmp_path / "base", tmp_path / "out"
    result = train(song_file, base)
    assert epigone.evaluate(base, song_file, split="validation").loss == pytest.approx(result.loss, abs=1e-4)
    training = epigone.RetrainingOptions(**BRIEF)
    epigone.finetune(base, song_file, out=out, train="head", training=training, machine=MACHINE)
    before, after = weights(base), weights(out)
    assert {name for name in before if not torch.equal(before[name], after[name])} == OWN
    extent, sampling = epigone.GenerateOptions(length=20), epigone.SamplingOptions(seed=3)
    assert [len(epigone.generate(out, extent, sampling).texts[0]) for _ in range(2)] == [20, 20]
    assert "2 layers with 8 units and the softmax `mixture`" in (out / "README.md").read_text()
    words = "The native engine has no mixture softmax, which this model of .* tokens has"
    with pytest.raises(UserError, match=words):
        epigone.quantize(out, out=tmp_path / "small")
    with pytest.raises(UserError, match=words):
        epigone.generate(out, running=epigone.EngineOptions("native"))


def test_on_the_command_line(cli, song_file, tmp_path):
    base, out = tmp_path / "base", tmp_path / "out"
    assert "choices: auto, full, adaptive, adapted, mixture" in " ".join(
        cli("pretrain", "--help").out.replace("│", " ").split()
    )
    brief = ("--steps", 4, "--batch-size", 4, "--sequence-length", 16, "--device", "cpu")
    shape = ("--softmax", "mixture", "--num-layers", 1, "--hidden-size", 8)
    assert cli("pretrain", song_file, "--out", base, *shape, *brief).status == 0
    assert cli("finetune", base, song_file, "--out", out, "--train", "head", *brief).status == 0
    assert json.loads(cli("evaluate", out, song_file, "--json").out)["loss"] > 0
    assert len(cli("generate", out, "--length", 10).out) >= 10
    assert cli("info", out).status == 0
    refused = cli("quantize", out, "--out", tmp_path / "small")
    assert (refused.status, "no mixture softmax" in refused.err) == (2, True)
    assert cli("pretrain", song_file, "--softmax", "mixtur", "--out", tmp_path / "none").status == 2


def test_a_name_that_is_not_registered_gets_a_sentence(make_base, song_file):
    model = make_base(softmax="mixture")
    del HEADS["mixture"]
    with pytest.raises(
        UserError, match=r"no softmax 'mixture'; choose one of full, adaptive.*name its module with --ext"
    ):
        epigone.evaluate(model, song_file)


def test_a_head_without_a_row_for_each_token_cannot_be_tied():
    HEADS.register(LanguageHead("plain", "a bias alone", nn.Module, lambda config: {"bias": (config.vocabulary_size,)}))
    with pytest.raises(UserError, match="The softmax plain has no weight that could be the embedding; leave out tied"):
        mixture(softmax="plain", embedding_size=8, tied=True)


def test_a_module_with_other_weights_than_its_record_is_refused():
    def module(config, backend):
        return nn.Linear(config.hidden_size, config.vocabulary_size, bias=False)

    HEADS.register(LanguageHead("short", "without a bias", module, HEADS["full"].shapes))
    with pytest.raises(ValueError, match=r"The softmax short declares the weights .*'bias'.*, but has"):
        mixture(softmax="short")


def test_the_registry_loads_no_pytorch():
    code = "import sys, epigone.models.config as config; assert config.HEADS and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
