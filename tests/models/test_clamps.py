"""Clamped units: the same on every engine, and what the definition says."""

import copy

import numpy as np
import pytest
import torch

from epigone.errors import UserError
from epigone.generation.stepper import TorchStepper
from epigone.kernels import engine
from epigone.models.backends.walker import native_walker
from epigone.models.cells.base import CELLS
from epigone.models.clamps import Clamp, held_values
from epigone.models.config import ModelConfig
from epigone.models.files.clamp_names import read_clamps
from epigone.models.language_model import LanguageModel
from epigone.models.unit_names import UnitName

CLOSE = {"fp32": 1e-5, "bf16": 0.02, "int8": 0.04}
CLAMPS = {
    "hidden": ("layers.0[3]=0.5", "layers.1[0-2]=-0.75"),
    "cell": ("layers.0.cell[1, 5]=1.5", "layers.1.cell[7]=0"),
    "both": ("layers.1.cell[4]=-2", "layers.1[4]=0.25", "layers.0.cell[2]=-1"),
    "all": ("layers.1=0",),
}
native = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")


def make(cell="lstm", **shape):
    torch.manual_seed(1)
    sizes = {"num_layers": 2, "hidden_size": 20, "vocabulary_size": 30, "init": "uniform"}
    return LanguageModel(ModelConfig(cell, **sizes | shape), "reference").eval()


def clamped(model, written):
    copied = copy.deepcopy(model)
    copied.clamps = read_clamps(written, model.config)
    return copied


def weights(model):
    return {name: weight.detach().numpy() for name, weight in model.named_parameters()}


@pytest.mark.parametrize("written", CLAMPS.values(), ids=CLAMPS)
def test_the_model_does_what_the_definition_says(written):
    """The definition, unit by unit, beside the equation written out."""
    model = clamped(make(), written)
    tokens, held = [3, 4, 4, 9], held_values(model.clamps, model.config)
    h, c = np.zeros((2, 20)), np.zeros((2, 20))
    for token in tokens:
        for layer in range(2):
            w = {name: weight.detach().double().numpy() for name, weight in model.layers[layer].weights().items()}
            x = w["weight_ih"][:, token] if layer == 0 else w["weight_ih"] @ h[0]
            i, f, g, o = np.split(x + w["bias_ih"] + w["weight_hh"] @ h[layer] + w["bias_hh"], 4)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            c[layer] = f * c[layer] + i * np.tanh(g)
            for unit in range(20):
                if held[layer][1] is not None and not np.isnan(held[layer][1][unit]):
                    c[layer][unit] = held[layer][1][unit]
            h[layer] = o * np.tanh(c[layer])
            for unit in range(20):
                if held[layer][0] is not None and not np.isnan(held[layer][0][unit]):
                    h[layer][unit] = held[layer][0][unit]
    with torch.no_grad():
        logits, state = model(torch.tensor([tokens]))
    np.testing.assert_allclose(state[0][:, 0], h, atol=1e-6)
    np.testing.assert_allclose(state[1][:, 0], c, atol=1e-6)
    expected = model.head.weight.detach().double().numpy() @ h[1] + model.head.bias.detach().double().numpy()
    np.testing.assert_allclose(logits[0, -1].numpy(), expected, atol=1e-5)


@native
@pytest.mark.parametrize("precision", CLOSE)
@pytest.mark.parametrize(
    ("cell", "written"),
    [*[("lstm", written) for written in CLAMPS.values()], *[(cell, CLAMPS["hidden"]) for cell in ("rnn", "gru")]],
)
def test_the_native_walker_agrees(build, cell, written, precision):
    model = clamped(make(cell), written)
    tokens = torch.randint(30, (5, 12), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(tokens)[0].numpy()
        free = make(cell)(tokens)[0].numpy()
    assert np.abs(expected - free).max() > 0.01
    for threads in (1, 2):
        walker = native_walker(model.config, weights(model), precision, threads, model.clamps)
        walker.start(5)
        for step in range(12):
            found = walker.step(tokens[:, step].numpy())
            np.testing.assert_allclose(found, expected[:, step], atol=CLOSE[precision])


@pytest.mark.parametrize("cell", CELLS)
def test_the_stepper_agrees(cell):
    written = CLAMPS["both"] if cell == "lstm" else CLAMPS["hidden"]
    model = clamped(make(cell, embedding_size=6, top_size=9), written)
    tokens = torch.randint(30, (3, 8), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(tokens)[0]
    stepper = TorchStepper(model)
    stepper.start(3)
    for step in range(8):
        np.testing.assert_allclose(stepper.step(tokens[:, step].numpy()), expected[:, step], atol=1e-5)


def test_a_clamp_on_the_value_that_a_unit_has_changes_nothing():
    model, tokens = make(), torch.tensor([[5, 6]])
    with torch.no_grad():
        free, state = model(tokens[:, :1])
        value = state[1][1, 0, 7].item()
        held, same = clamped(model, [f"layers.1.cell[7]={value!r}"])(tokens[:, :1])
    torch.testing.assert_close(held, free)
    torch.testing.assert_close(same, state)


def test_gradients_pass_by_what_is_held():
    model = clamped(make(), ("layers.1=0",))
    model(torch.tensor([[1, 2, 3]]))[0].sum().backward()
    assert not model.layers[0].weight_hh.grad.any()
    assert model.head.bias.grad.all()


def read(*written, **shape):
    config = ModelConfig(**{"num_layers": 2, "hidden_size": 4, "vocabulary_size": 9} | shape)
    return [clamp.written(config) for clamp in read_clamps(written, config)]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (["layers.1.cell[3]=+1.0"], ["layers.1.cell[3]=1"]),
        (["layers.0[0-1, 3]=-0.5"], ["layers.0[0]=-0.5", "layers.0[1]=-0.5", "layers.0[3]=-0.5"]),
        (["layers.0.hidden[2]= 1e-1 "], ["layers.0[2]=0.1"]),
        (["layers.1.cell=0"], [f"layers.1.cell[{unit}]=0" for unit in range(4)]),
        (["layers.1[2]=0", "layers.1[1-2]=0"], ["layers.1[2]=0", "layers.1[1]=0"]),
        (
            ["units(layers.0, layers.1.cell[0], random=100%)=0"],
            [*(f"layers.0[{u}]=0" for u in range(4)), "layers.1.cell[0]=0"],
        ),
    ],
)
def test_the_forms(written, found):
    assert read(*written) == found


def test_a_narrow_top_layer_has_its_own_units():
    assert read("layers.1=0", top_size=2) == ["layers.1[0]=0", "layers.1[1]=0"]


@pytest.fixture
def ranking(tmp_path):
    path = tmp_path / "probe.json"
    names = {"layers.0[1]": 0.2, "layers.1.cell[3]": 0.9, "layers.1.cell[0]": -0.5, "layers.0.cell[2]": 0.4}
    units = ", ".join(f'{{"name": "{name}", "score": {score}}}' for name, score in names.items())
    path.write_text(f'{{"units": [{units}]}}')
    return path


def test_units_of_a_ranking(ranking):
    assert read(f"units(from={ranking}, top=2)=0") == ["layers.1.cell[3]=0", "layers.0.cell[2]=0"]
    assert read(f'units(from="{ranking}", bottom=25%)=1') == ["layers.1.cell[0]=1"]
    assert read(f"units(layers.1.cell, from={ranking}, top=1)=0") == ["layers.1.cell[3]=0"]
    drawn = [read(f"units(from={ranking}, random=2, seed={seed})=0") for seed in range(9)]
    assert all(len(names) == 2 for names in drawn)
    assert len({tuple(names) for names in drawn}) > 1
    assert drawn[4] == read(f"units(from={ranking}, random=2, seed=4)=0")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("layers.1[3]", "does not end in = and a number"),
        ("layers.1[3]=high", "does not end in = and a number"),
        ("layers.1[3]=nan", "does not end in = and a number"),
        ("layers.1[3]=1e39", "does not end in = and a number"),
        ("layer.1[3]=0", "names no unit"),
        ("=0", "names no unit"),
        ("layers.2[0]=0", "There is no unit layers.2\\[0\\]: the model has the layers 0 to 1"),
        ("layers.1[2-4]=0", "There is no unit layers.1\\[4\\]"),
        ("layers.1[3-2]=0", "has '3-2' for units"),
        ("layers.1[]=0", "has '' for units"),
        ("layers.1.memory[0]=0", "The cell lstm has no state 'memory', only hidden and cell"),
        ("units(top=3)=0", "needs from= and a ranking"),
        ("units(layers.1)=0", "says not which it takes; give one of top=, bottom=, random="),
        ("units(layers.1, top=1, seed=3)=0", "has seed=, which goes with random= alone"),
        ("units(layers.1, random=5)=0", "random=5; write a share such as 10%, or a number from 1 to 4"),
        ("units(layers.1, random=1, seed=x)=0", "has seed=x; write a whole number"),
        ("units(random=1, layers.1)=0", "has 'layers.1' behind random=; write it first"),
        ("units(layers.1, random=1, random=2)=0", "gives random= twice"),
        ("units(from=nowhere.json, top=1)=0", "nowhere.json"),
    ],
)
def test_what_means_nothing_is_refused(written, sentence):
    with pytest.raises(UserError, match=sentence):
        read(written)


def test_two_values_for_a_unit_are_refused():
    with pytest.raises(UserError, match=r"layers.1\[2\] is clamped to 0 and to 1; give it one value"):
        read("layers.1=0", "layers.1[2]=1")


def test_a_cell_of_several_states_must_say_how_its_output_follows(monkeypatch):
    from dataclasses import replace

    monkeypatch.setitem(CELLS, "lstm", replace(CELLS["lstm"], output=None))
    assert read("layers.0[1]=0") == ["layers.0[1]=0"]
    with pytest.raises(UserError, match="only hidden states can be clamped"):
        read("layers.0.cell[1]=0")


@native
def test_eight_bits_hold_no_large_hidden_state():
    model = make()
    large = (Clamp(UnitName(0, 0, 3), 1.5),)
    with pytest.raises(UserError, match=r"the clamp layers.0\[3\]=1.5 is out of reach"):
        native_walker(model.config, weights(model), "int8", 1, large)
