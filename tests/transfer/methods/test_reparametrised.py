"""Methods that compute weights from the base's: they merge into a plain model, and are stored small."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import epigone
from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.files.model_folder import read_folder
from epigone.models.language_model import LanguageModel
from epigone.transfer.methods.lhuc import Lhuc
from epigone.transfer.methods.lora import LoRA
from epigone.transfer.selections.selection import select

RECIPE = epigone.FinetuneOptions(lr=0.05, steps=10, schedule="constant", patience=0)
METHODS = {"lora": LoRA(rank=3), "lhuc": Lhuc()}
SHAPES = {
    "lstm": {},
    "gru-embedded": {"cell": "gru", "embedding_size": 5},
    "narrow-top": {"num_layers": 3, "top_size": 4},
}


def drawn(shape, seed=0):
    torch.manual_seed(seed)
    return LanguageModel(ModelConfig(**{"num_layers": 2, "hidden_size": 6, "vocabulary_size": 9} | shape)).eval()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("part", ["all", "layers.1", "layers.0[1-3], layers.1[2]"])
def test_the_merged_model_is_the_same(name, shape, part):
    model, tokens = drawn(SHAPES[shape]), torch.randint(9, (3, 12))
    before, _ = model(tokens)
    adaptation = METHODS[name].prepare(model, select(model, part))
    untouched, _ = model(tokens)
    torch.testing.assert_close(untouched, before, rtol=0, atol=1e-6)
    for group in adaptation.groups:
        for parameter in group.parameters:
            parameter.data += torch.randn_like(parameter) * 0.3
    now, _ = model(tokens)
    assert (now - before).abs().max() > 0.01
    plain = METHODS[name].merge(model)
    assert set(dict(plain.named_parameters())) == set(dict(drawn(SHAPES[shape]).named_parameters()))
    merged, _ = plain(tokens)
    torch.testing.assert_close(merged, now, rtol=1e-6, atol=1e-6)


def test_lhuc_scales_the_outputs_of_units():
    """The same by hand: the states of the equation, multiplied where they are read."""
    model, tokens = drawn({"num_layers": 1}), torch.randint(9, (2, 7))
    Lhuc().prepare(model, select(model, "layers.0"))
    factor = torch.linspace(0.2, 1.8, 6)
    module = model.layers[0].parametrizations.weight_hh[0]
    module.raw.data = torch.logit(factor / 2)
    found, _ = model(tokens)
    weights = {n: getattr(model.layers[0], n) for n in ("weight_ih", "bias_ih", "bias_hh")}
    weights["weight_hh"] = model.layers[0].parametrizations.weight_hh.original
    h = c = torch.zeros(2, 6)
    for step in range(7):
        x = weights["weight_ih"].T[tokens[:, step]] + weights["bias_ih"]
        h, c = model.cell.step(x, (h * factor, c), weights)
    head = model.head.parametrizations.weight.original
    torch.testing.assert_close(found[:, -1], (h * factor) @ head.T + model.head.bias)


@pytest.mark.parametrize("backend", ["native", "torch"])
@pytest.mark.parametrize("name", METHODS)
def test_what_is_not_selected_stays_bit_for_bit(make_base, song_file, tmp_path, name, backend):
    base, machine = make_base(), epigone.MachineOptions(backend=backend)
    options = {"method": METHODS[name], "training": RECIPE, "machine": machine}
    made = epigone.finetune(base, song_file, out=tmp_path / "new", train="layers.0[2-4]", head=False, **options)
    before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "new"))
    moved = {weight: before[weight] != after[weight] for weight in before}
    if name == "lora":
        rows = select(epigone.load_checkpoint(base).model, "layers.0[2-4]").masks
        assert not any((moved[weight] & ~rows[weight]).any() for weight in moved)
        assert made.trained_parameters == 3 * (12 + 128) + 3 * (12 + 8)
    else:
        columns = torch.zeros(8, dtype=torch.bool)
        columns[2:5] = True
        assert {weight for weight in moved if moved[weight].any()} == {"layers.0.weight_hh", "layers.1.weight_ih"}
        assert all(not moved[weight][:, ~columns].any() for weight in ("layers.0.weight_hh", "layers.1.weight_ih"))
        assert made.trained_parameters == 3
    first = json.loads((tmp_path / "new" / "history.jsonl").read_text().splitlines()[0])
    assert made.loss < first["validation_loss"]


@pytest.mark.parametrize("name", METHODS)
def test_what_was_learned_is_stored_small(make_base, song_file, tmp_path, name):
    base = make_base(hidden_size=24)
    options = {"method": METHODS[name], "training": RECIPE, "train": "layers.1", "head": False}
    epigone.finetune(base, song_file, out=tmp_path / "mine", **options)
    made = epigone.delta(tmp_path / "mine", out=tmp_path / "small")
    whole, small = read_folder(tmp_path / "mine").weights(), read_folder(tmp_path / "small").weights()
    for weight, values in whole.items():
        np.testing.assert_allclose(small[weight], values, rtol=1e-6, atol=1e-6)
    assert made.kilobytes < made.whole_kilobytes / 4
    losses = [epigone.evaluate(tmp_path / each, song_file).loss for each in ("mine", "small")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_run_goes_on_bit_for_bit(make_base, song_file, tmp_path, name, monkeypatch):
    base = make_base()
    options = {"method": METHODS[name], "train": "layers.1", "machine": epigone.MachineOptions(save_every=0)}
    epigone.finetune(base, song_file, out=tmp_path / "whole", training=RECIPE, **options)
    from epigone.training import loop

    step, calls = loop.Loop._step, []

    def stopping(self, state):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return step(self, state)

    monkeypatch.setattr(loop.Loop, "_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        epigone.finetune(base, song_file, out=tmp_path / "stopped", training=RECIPE, **options)
    monkeypatch.undo()
    epigone.finetune(base, song_file, out=tmp_path / "stopped", training=RECIPE, resume=True, **options)
    for file in ("model.safetensors", "adapter.safetensors"):
        whole, again = (load_file(tmp_path / each / file) for each in ("whole", "stopped"))
        assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_trials_and_samples_work_with_a_method(make_base, song_file, tmp_path):
    short = epigone.FinetuneOptions(steps=8, sample_every=4, sample_length=20)
    found = epigone.finetune(make_base(), song_file, out=tmp_path / "new", method=LoRA(rank=2), training=short)
    assert found.trials
    assert (tmp_path / "new" / "samples.jsonl").read_text().count("\n") == 2
    again = epigone.finetune(make_base(), song_file, out=tmp_path / "all", method=Lhuc(), training=RECIPE, final=True)
    assert again.refit


@pytest.mark.parametrize(
    ("method", "shape", "part", "sentence"),
    [
        (LoRA(), {}, "layers.*.bias_hh", "has no matrix"),
        (LoRA(), {}, "weights(random=10)", "takes single columns or weights of"),
        (LoRA(), {"embedding_size": 6, "tied": True}, "all", "The embedding is also the head's weight"),
        (Lhuc(), {}, "head", "has no unit of a layer"),
        (Lhuc(), {"embedding_size": 6, "tied": True}, "layers.1", "leave the top layer out"),
    ],
)
def test_what_a_method_cannot_learn_is_told(method, shape, part, sentence):
    model = drawn(shape)
    with pytest.raises(UserError, match=sentence):
        method.prepare(model, select(model, part))
    with pytest.raises(UserError, match="rank must be 1 or more"):
        LoRA(rank=0)
