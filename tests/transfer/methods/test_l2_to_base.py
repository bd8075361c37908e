"""L2-SP: the penalty, its gradient, and what it does to a retraining."""

import json
from dataclasses import replace

import pytest
import torch
from stopping import At, Stop, left_by, stop

from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.training.options import MachineOptions, RetrainingOptions
from epigone.transfer.finetune import finetune
from epigone.transfer.methods.l2_to_base import L2ToBase
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import Selection, select

CPU = MachineOptions(device="cpu")
BRIEF = RetrainingOptions(lr=1e-2, steps=20, validate_every=5, batch_size=4, sequence_length=16, patience=0)


def make_model():
    torch.manual_seed(0)
    return LanguageModel(ModelConfig(num_layers=2, hidden_size=4, vocabulary_size=5)).double()


def weights(folder):
    return {name: weight.detach() for name, weight in load_checkpoint(folder).model.named_parameters()}


def distance(folder, base):
    before, after = weights(base), weights(folder)
    return sum(float((after[name] - before[name]).square().sum()) for name in before)


def test_the_gradient_of_the_penalty_is_the_numerical_one():
    model = make_model()
    adaptation = L2ToBase(strength=0.3).prepare(model, select(model, "layers.1, head.bias"))
    learning = [parameter for group in adaptation.groups for parameter in group.parameters]
    assert adaptation.penalty().item() == 0.0
    with torch.no_grad():
        for parameter in learning:
            parameter += torch.randn_like(parameter)
    adaptation.penalty().backward()
    for parameter in learning:
        for index in range(0, parameter.numel(), 7):
            found, values = parameter.grad.flatten()[index].item(), parameter.detach().view(-1)
            at, losses = values[index].item(), []
            for step in (1e-5, -1e-5):
                values[index] = at + step
                losses.append(adaptation.penalty().item())
            values[index] = at
            assert found == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-6)
    assert all(p.grad is None for name, p in model.named_parameters() if name.startswith("layers.0"))


def test_the_penalty_is_the_squared_distance_of_the_selected_weights():
    model = make_model()
    adaptation = L2ToBase(strength=0.5).prepare(model, select(model, "layers.1"))
    with torch.no_grad():
        model.layers[1].bias_hh += 2.0
        model.layers[0].bias_hh += 100.0  # not selected
    assert adaptation.penalty().item() == pytest.approx(0.5 * 16 * 4.0)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adagrad", "adam", "adamw", "sgd"])
def test_weights_outside_the_selection_are_bit_identical(optimizer, make_base, song_file, tmp_path):
    base = make_base(num_layers=3)
    training = replace(BRIEF, optimizer=optimizer, weight_decay=0.1, momentum=0.9)
    method = L2ToBase(strength=0.1)
    finetune(
        base, song_file, out=tmp_path / "out", train="layers.1", head=False, method=method, training=training,
        machine=CPU,
    )  # fmt: skip
    before, after = weights(base), weights(tmp_path / "out")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"layers.1.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}


def test_a_part_of_a_parameter_stays_where_it_is():
    model = make_model()
    masks = {name: torch.zeros_like(p, dtype=torch.bool) for name, p in model.named_parameters()}
    masks["head.bias"][2] = True
    adaptation = L2ToBase().prepare(model, Selection("a bias", masks))
    assert adaptation.count() == 1
    assert set(adaptation.masks) == {"head.bias"}


def test_a_strong_penalty_keeps_the_weights_near_the_base(make_base, song_file, tmp_path):
    base, moved = make_base(), {}
    for name, method in (
        ("retrain", Retrain()),
        ("none", L2ToBase(0.0)),
        ("weak", L2ToBase(0.1)),
        ("strong", L2ToBase(10.0)),
    ):
        finetune(base, song_file, out=tmp_path / name, method=method, training=BRIEF, machine=CPU)
        moved[name] = distance(tmp_path / name, base)
    assert moved["retrain"] == moved["none"] > moved["weak"] > moved["strong"] > 0


def test_resume_is_exact_and_goes_back_to_the_base_not_to_the_last_step(make_base, song_file, tmp_path):
    call = {"method": L2ToBase(0.5), "training": BRIEF, "machine": replace(CPU, save_every=0.0)}
    base = make_base()
    finetune(base, song_file, out=tmp_path / "whole", **call)
    with pytest.raises(Stop):
        finetune(base, song_file, out=tmp_path / "parts", monitor=At(9, stop), **call)
    finetune(base, song_file, out=tmp_path / "parts", resume=True, **call)
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")
    with pytest.raises(UserError, match=r"method\.strength was 0\.5 and is now 0\.25"):
        finetune(base, song_file, out=tmp_path / "parts", resume=True, **call | {"method": L2ToBase(0.25)})
    with pytest.raises(UserError, match=r"method was .*l2-to-base.* and is now None"):
        finetune(base, song_file, out=tmp_path / "parts", resume=True, **call | {"method": Retrain()})


def test_the_folder_says_which_method_it_was(make_base, song_file, tmp_path, cli):
    base = make_base()
    finetune(base, song_file, out=tmp_path / "l2", method=L2ToBase(0.5), training=BRIEF, machine=CPU)
    finetune(base, song_file, out=tmp_path / "plain", training=BRIEF, machine=CPU)
    requests = [json.loads((tmp_path / name / "config.json").read_text())["request"] for name in ("l2", "plain")]
    assert requests[0]["method"] == {"name": "l2-to-base", "strength": 0.5}
    assert "method" not in requests[1]
    assert "with the method `l2-to-base strength 0.5`;" in (tmp_path / "l2" / "README.md").read_text()
    assert "method" not in (tmp_path / "plain" / "README.md").read_text()
    for name, method in (("l2", "l2-to-base"), ("plain", "retrain")):
        assert json.loads(cli("info", tmp_path / name, "--json").out)["facts"]["method"] == method


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_a_strength_that_makes_no_sense_is_refused(strength):
    with pytest.raises(UserError, match=r"strength must (not be negative|be a number)"):
        L2ToBase(strength)
