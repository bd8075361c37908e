"""Training of parts: what a mask holds stays bit for bit, and scores are what they say."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import epigone
from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.training.batches import Batches
from epigone.transfer.selections.scores import gradient_scores
from epigone.transfer.selections.selection import select
from epigone.transfer.selections.weights import Context

OPTIMIZERS = ("rmsprop", "adagrad", "adam", "adamw", "sgd", "muon")
PARTS = (
    "layers.1[forget]",
    "units(layers.0, 1-3, readers=yes)",
    "weights(random=10%, seed=1)",
    "weights(fisher=2%), head.bias",
    "weights(gradient=2%)",
    'embedding["e"], head["e", "a"]',
)


def weights(folder):
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("optimizer", "backend"), [*((name, "native") for name in OPTIMIZERS), ("adamw", "torch"), ("sgd", "torch")]
)
@pytest.mark.parametrize("part", PARTS)
def test_what_is_not_selected_stays_bit_for_bit(make_base, song_file, tmp_path, part, optimizer, backend):
    folder = make_base(hidden_size=6)
    recipe = epigone.FinetuneOptions(
        lr=1.0 if optimizer == "sgd" else 0.05,
        steps=6,
        optimizer=optimizer,
        weight_decay=0.1,
        momentum=0.9,
        averaged=0.3,
        patience=0,
    )
    machine = epigone.MachineOptions(backend=backend)
    made = epigone.finetune(
        folder, song_file, out=tmp_path / "new", train=part, head=False, training=recipe, machine=machine
    )
    before, after = weights(folder), weights(tmp_path / "new")
    model, tokenizer = (checkpoint := load_checkpoint(folder)).model, checkpoint.tokenizer
    moved = {name: before[name] != after[name] for name in before}
    assert sum(int(m.sum()) for m in moved.values()) <= made.trained_parameters
    assert any(m.any() for m in moved.values())
    if "fisher" not in part and "gradient" not in part:
        mask = select(model, part, Context(tokenizer.vocabulary)).masks
        assert made.trained_parameters == sum(int(m.sum()) for m in mask.values())
        assert not any((moved[name] & ~mask[name]).any() for name in moved)
        seen = sum(int((moved[name] & mask[name]).sum()) for name in moved)
        assert seen > made.trained_parameters / 4


def test_an_optimizer_keeps_state_only_for_what_learns(make_base, song_file, tmp_path, monkeypatch):
    from epigone.training import loop as module

    kept = {}
    save = module.save_state

    def spy(folder, snapshot, identity):
        kept[snapshot.counters.step] = snapshot
        save(folder, snapshot, identity)

    monkeypatch.setattr(module, "save_state", spy)
    recipe = epigone.FinetuneOptions(lr=0.01, steps=3, optimizer="adamw")
    machine = epigone.MachineOptions(save_every=0)
    part = "weights(random=5%, seed=1)"
    made = epigone.finetune(
        make_base(), song_file, out=tmp_path / "new", train=part, head=False, training=recipe, machine=machine
    )
    state = kept[3].optimizer
    numbers = sum(tensor.numel() for values in state.values() for name, tensor in values.items() if name != "step")
    assert numbers == 2 * made.trained_parameters


def test_a_part_that_learns_alone_learns_as_it_does_by_hand():
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(num_layers=1, hidden_size=3, vocabulary_size=5))
    tokens = np.random.default_rng(0).integers(5, size=400)
    batches = Batches(tokens[:-1], tokens[1:], 2, 10)
    scores = gradient_scores(model, batches)
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    squares = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    state = None
    for index in range(batches.steps_per_epoch):
        model.zero_grad()
        (loss, _), state = model.loss(*batches.batch(index), state)
        state = tuple(part.detach() for part in state)
        loss.backward()
        for name, p in model.named_parameters():
            sums[name] += p.grad / batches.steps_per_epoch
            squares[name] += p.grad**2 / batches.steps_per_epoch
    for name in sums:
        torch.testing.assert_close(scores["gradient"][name], sums[name].abs())
        torch.testing.assert_close(scores["fisher"][name], squares[name])
    assert all(p.requires_grad for p in model.parameters())


def test_weights_with_a_high_gradient_lower_the_loss_more_than_random_ones(make_base, song_file, tmp_path):
    folder, losses = make_base(hidden_size=16), {}
    for part in ("weights(gradient=3%)", "weights(random=3%, seed=0)"):
        out = tmp_path / part[8:12]
        recipe = epigone.FinetuneOptions(lr=0.03, steps=20, patience=0)
        losses[part] = epigone.finetune(folder, song_file, out=out, train=part, head=False, training=recipe).loss
    assert losses["weights(gradient=3%)"] < losses["weights(random=3%, seed=0)"]


def test_a_run_does_not_go_on_with_other_weights(make_base, song_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ranking = tmp_path / "probe.json"
    ranking.write_text(json.dumps({"units": [{"name": f"layers.0[{i}]", "score": i} for i in range(8)]}))
    folder = make_base()
    recipe = epigone.FinetuneOptions(lr=0.01, steps=4)
    arguments = {"out": tmp_path / "new", "train": "units(from=probe.json, top=2)", "training": recipe}
    made = epigone.finetune(folder, song_file, **arguments)
    again = epigone.finetune(folder, song_file, **arguments, resume=True)
    assert again.loss == made.loss
    ranking.write_text(json.dumps({"units": [{"name": f"layers.0[{i}]", "score": -i} for i in range(8)]}))
    with pytest.raises(UserError):
        epigone.finetune(folder, song_file, **arguments, resume=True)
