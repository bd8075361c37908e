"""The third stage of ULMFiT on a tiny language model: frozen layers, exact resume, stored weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stopping import stopped_before_save

from epigone.classification import network
from epigone.classification.network import (
    NetworkOptions,
    Place,
    encoded,
    fit_network,
    parameter_groups,
    pooled_features,
)
from epigone.classification.network_files import read_network, rounded, write_network
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.text.tokenizers.direction import in_direction
from epigone.training.options import MachineOptions
from epigone.training.system.processes import make_fabric

OPTIONS = NetworkOptions(
    hidden_size=6,
    head_steps=9,
    epochs=(1, 1, 1),
    layer_steps=1,
    batch_size=8,
    most_tokens=30,
    piece=12,
    lr=0.02,
    head_lr=0.02,
)
TEXTS = [f"{word} {number}" * (1 + number % 3) for number in range(12) for word in ("good", "bad ones")]
TARGETS = np.tile(np.eye(2), (12, 1))
MACHINE = MachineOptions(threads=1, save_every=0)


@pytest.fixture
def base(make_base):
    tokenizer = AsciiTokenizer()
    return load_checkpoint(make_base(tokenizer=tokenizer, num_layers=3, hidden_size=6, embedding_size=6))


@pytest.fixture
def fit(tmp_path, base):
    def run(name="run", options=OPTIONS, texts=TEXTS, targets=TARGETS):
        place = Place(tmp_path / name, MACHINE, make_fabric(MACHINE))
        return fit_network(base, texts, targets, options, place, seed=1)

    return run


def values(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_what_it_is_shown(fit, base):
    model = fit(options=replace(OPTIONS, head_steps=120, epochs=(1, 1, 8)))
    ids = [encoded(base.tokenizer, text, 30) for text in TEXTS]
    with torch.no_grad():
        found = model.head(pooled_features(model, ids)).argmax(1).numpy()
    assert (found == TARGETS.argmax(1)).mean() > 0.9


def test_layers_learn_from_the_top_down(fit, base, monkeypatch):
    """After each phase the layers that are not unfrozen yet are those of the base, bit for bit."""
    before = dict(base.model.named_parameters())
    moved = []
    real = network.train

    def watched(task, folder, *arguments, **options):
        trained = real(task, folder, *arguments, **options)
        if folder.name == "layers":
            moved.append(values(task.module))
        return trained

    monkeypatch.setattr(network, "train", watched)
    for epochs in ((1,), (1, 1), (1, 1, 1), (1, 1, 1, 1)):
        # Of a longer plan the first phases alone: the rates of the others never come to act.
        fit(f"run{len(epochs)}", replace(OPTIONS, epochs=epochs + (0,) * (4 - len(epochs))))
    for phases, weights in enumerate(moved, 1):
        for layer in range(3):
            changed = not torch.equal(weights[f"layers.{layer}.weight_hh"], before[f"layers.{layer}.weight_hh"])
            assert changed == (layer >= 3 - phases)
        assert torch.equal(weights["embedding.weight"], before["embedding.weight"]) == (phases < 4)


def test_the_rate_falls_from_layer_to_layer(base):
    model = network.TextClassifier(base.shape, 2)
    groups = parameter_groups(model, OPTIONS, [0, 5, 9, 12])
    assert [group.rate for group in groups] == pytest.approx([1.3**-depth for depth in range(5)])
    assert [group.first_step for group in groups] == [0, 0, 5, 9, 12]
    assert sum(len(group.parameters) for group in groups) == len(list(model.parameters()))


def test_few_texts_are_read_more_often():
    options = NetworkOptions(epochs=(1, 1, 2), layer_steps=100)
    assert options.passes(10) == [5, 5, 10]  # 5 steps of 2 texts a pass
    assert options.passes(400) == [1, 1, 2]  # 13 steps of 32
    assert options.passes(100_000) == [1, 1, 2]
    assert replace(options, epochs=()).passes(10) == []


@pytest.mark.parametrize("save", [2, 4, 6, 9, 12])
def test_a_killed_training_goes_on_exactly(fit, save):
    whole = values(fit("whole"))
    with stopped_before_save(save):
        fit("killed")
    assert same(values(fit("killed")), whole)


def test_a_finished_training_is_not_repeated(fit, tmp_path, monkeypatch):
    whole = values(fit())
    assert {path.name for path in tmp_path.glob("run/*/*")} == {"finished.json", "history.jsonl", "model.safetensors"}
    monkeypatch.setattr(network, "train", lambda *arguments: pytest.fail("trained again"))
    assert same(values(fit()), whole)


def test_dropout_acts_on_the_encoder_while_it_learns(fit):
    plain, dropped = (fit(f"run{scale}", replace(OPTIONS, dropout_scale=scale)) for scale in (0.0, 0.5))
    assert not same(values(plain), values(dropped))
    assert (plain.config.weight_dropout, dropped.config.weight_dropout) == (0.0, 0.25)
    ids = [encoded(AsciiTokenizer(), text, 30) for text in TEXTS]
    assert torch.equal(pooled_features(dropped, ids), pooled_features(dropped, ids))  # nothing is drawn in reading


def test_weights_of_texts_count(fit):
    """Texts that weigh nothing teach nothing."""
    heavy = np.where(np.arange(len(TEXTS)) < 12, 1.0, 0.0)[:, None]
    found = values(fit("zero", targets=TARGETS * heavy))
    wrong = np.where(heavy, TARGETS, TARGETS[:, ::-1] * 0)
    assert same(found, values(fit("other", targets=wrong)))


def test_what_is_stored_is_what_runs(fit, base, tmp_path):
    model = fit()
    ids = [encoded(base.tokenizer, text, 30) for text in TEXTS]
    exact = values(model)
    write_network(tmp_path, model, base.tokenizer, 30)
    assert not same(exact, values(model))
    loaded, tokenizer, most = read_network(tmp_path, 2)
    assert same(values(loaded), values(model))
    assert (tokenizer.to_dict(), most, loaded.piece) == (base.tokenizer.to_dict(), 30, 12)
    with torch.no_grad():
        assert torch.equal(pooled_features(loaded, ids), pooled_features(model, ids))
    for name, weight in values(model).items():
        step = exact[name].abs().amax(-1, keepdim=True) / 127 if weight.ndim == 2 else torch.zeros(1)
        assert ((weight - exact[name]).abs() <= step / 2 * (1 + 1e-5)).all(), name
    again = rounded(model)
    stored = load_file(tmp_path / "network.safetensors")
    assert all(np.array_equal(again[name], stored[name].numpy()) for name in again if again[name].dtype == np.int8)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("network.json", lambda data: data.replace(b'"classes": 2', b'"classes": 3'), "3 classes"),
        ("network.json", lambda data: data.replace(b'"hidden_size": 6', b'"hidden_size": 7'), "does not fit"),
        ("network.safetensors", lambda data: data[:-8], "damaged"),
        ("network.safetensors", None, "missing"),
        ("tokenizer.json", lambda data: data[:-8], "tokenizer.json"),
    ],
)
def test_damaged_files_are_named(fit, base, tmp_path, file, change, words):
    folder = tmp_path / "kept"
    folder.mkdir()
    write_network(folder, fit(), base.tokenizer, 30)
    if change is None:
        (folder / file).unlink()
    else:
        data = (folder / file).read_bytes()
        assert change(data) != data
        (folder / file).write_bytes(change(data))
    with pytest.raises(UserError, match=words):
        read_network(folder, 2)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_long_text_keeps_its_first_quarter_and_its_end(direction):
    tokenizer = in_direction(AsciiTokenizer(), direction)
    text = "".join(chr(ord("a") + place % 26) for place in range(100))
    *kept, end = encoded(tokenizer, text, 9)
    assert tokenizer.decode(np.array(kept)) == text[:2] + text[-6:]
    assert end == tokenizer.end
    assert tokenizer.decode(encoded(tokenizer, text, 101)) == text


def test_an_empty_text_is_read_as_its_end(base):
    assert encoded(base.tokenizer, "", 30).tolist() == [base.tokenizer.end]
