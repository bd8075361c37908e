"""Cells that are registered from outside the package, used through the public functions and the command line."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from extending import write_example

import epigone
from epigone.errors import UserError
from epigone.extensions import load
from epigone.generation.stepper import TorchStepper
from epigone.models.backends.numpy_reference import gradients
from epigone.models.cells.base import CELLS, Cell, stacked
from epigone.models.config import ModelConfig, ModelOptions, num_weights
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.gradcheck import GradcheckOptions, gradcheck
from epigone.models.language_model import LanguageModel
from epigone.training.options import MachineOptions, RetrainingOptions, TrainingOptions
from tests.support.stopping import At, Stop, left_by, stop


def normalised_step(x, state, weights):
    """An LSTM whose gates are normalised over the units and then scaled by learned gains."""
    h, c = state
    gates = x + h @ weights["weight_hh"].T
    gates = gates - gates.mean(-1, keepdim=True)
    gates = gates / ((gates * gates).mean(-1, keepdim=True) + 1e-5).sqrt() * weights["gain"] + weights["bias_hh"]
    i, f, g, o = gates.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


NORMALISED = Cell(
    name="ln_lstm",
    description="LSTM with layer normalisation (Ba et al. 2016)",
    gates=("input", "forget", "cell", "output"),
    step=normalised_step,
    shapes=lambda inputs, units: stacked(4)(inputs, units) | {"gain": (4 * units,)},
    bounded=True,
    num_states=2,
    forget_gate="forget",
    constants={"gain": 1.0},
)
OWN = {"minimal-gru": "layers.1.bias_hh", "ln_lstm": "layers.*.gain"}  # a selection of each cell's weights
BRIEF = TrainingOptions(steps=8, validate_every=4, lr=1e-2, batch_size=4, sequence_length=16)
MACHINE = MachineOptions(device="cpu", save_every=0.0)


@pytest.fixture(autouse=True)
def _registered(registries, tmp_path):
    load(write_example("minimal_gru.py", tmp_path))
    CELLS.register(NORMALISED)


@pytest.fixture(params=["minimal-gru", "ln_lstm"])
def cell(request, _registered):
    return CELLS[request.param]


def network(cell, **shape):
    return ModelOptions(**{"cell": cell.name, "num_layers": 2, "hidden_size": 8} | shape)


def train(cell, texts, out, machine=MACHINE, **more):
    return epigone.pretrain(texts, out=out, model=network(cell), training=BRIEF, machine=machine, **more)


def weights(folder):
    return {name: weight.detach() for name, weight in load_checkpoint(folder).model.named_parameters()}


def test_an_unknown_name_raises_everywhere():
    with pytest.raises(UserError, match=f"no cell 'mlp'; choose one of {CELLS.choices()}"):
        CELLS["mlp"]
    for options in (ModelOptions, GradcheckOptions):
        with pytest.raises(UserError, match="no cell 'mlp'"):
            options(cell="mlp")
    assert tuple(CELLS)[-2:] == ("minimal-gru", "ln_lstm")


def test_the_registry_loads_no_pytorch():
    code = "import sys, epigone.models.cells.base as base; assert base.CELLS and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_cell_of_the_package_has_every_form():
    for name in ("gru", "lstm", "rnn", "rnn_relu"):
        found = CELLS[name]
        assert None not in (found.aten, found.native, found.numpy, found.inference)
        assert found.description.endswith(")"), "the source is named last"


def test_the_weights_are_those_of_the_record(cell):
    model = LanguageModel(ModelConfig(**vars(network(cell)), vocabulary_size=7))
    for index, layer in enumerate(model.layers):
        shapes = {name: tuple(weight.shape) for name, weight in layer.named_parameters()}
        assert shapes == cell.shapes(8 if index else 7, 8)
    assert num_weights(model.config) == model.num_parameters()


@pytest.mark.parametrize("init", ["orthogonal", "uniform", "normal"])
def test_initial_weights(cell, init):
    model = LanguageModel(ModelConfig(**vars(network(cell, init=init)), vocabulary_size=7))
    assert all(weight.isfinite().all() for weight in model.parameters())
    layer = model.layers[1]
    if cell is NORMALISED:
        assert (layer.gain == 1).all()
    if init == "orthogonal":
        for block in layer.weight_hh.split(8):
            torch.testing.assert_close(block @ block.T, torch.eye(8), atol=1e-5, rtol=0)
        assert layer.bias_ih.sum() == (8 if cell is NORMALISED else 0)  # the gates that keep are open


def test_one_bias_holds_the_second_at_zero(cell):
    model = LanguageModel(ModelConfig(**vars(network(cell, one_bias=True)), vocabulary_size=7))
    assert all((layer.bias_hh == 0).all() and not layer.bias_hh.requires_grad for layer in model.layers)


@pytest.mark.parametrize("shape", [{}, {"embedding_size": 3}, {"softmax": "adaptive"}])
def test_steps_equal_the_model(cell, shape):
    model = LanguageModel(ModelConfig(**vars(network(cell, **shape)), vocabulary_size=40)).eval()
    tokens = torch.randint(40, (3, 5))
    with torch.no_grad():
        logits, _ = model(tokens)
    stepper = TorchStepper(model)
    stepper.start(3)
    for position in range(5):
        found = stepper.step(tokens[:, position].numpy())
        np.testing.assert_allclose(found, logits[:, position], rtol=1e-4, atol=1e-5)


def test_a_resumed_run_is_the_whole_run(cell, song_file, tmp_path):
    train(cell, song_file, tmp_path / "whole")
    with pytest.raises(Stop):
        train(cell, song_file, tmp_path / "killed", monitor=At(5, stop))
    train(cell, song_file, tmp_path / "killed", resume=True)
    assert left_by(tmp_path / "killed") == left_by(tmp_path / "whole")


def test_it_is_trained_retrained_measured_and_writes(cell, song_file, tmp_path):
    base, out = tmp_path / "base", tmp_path / "out"
    history = train(cell, song_file, base)
    assert np.isfinite(history.loss)
    training = RetrainingOptions(**vars(BRIEF))
    epigone.finetune(base, song_file, out=out, train=OWN[cell.name], head=False, training=training, machine=MACHINE)
    before, after = weights(base), weights(out)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    last = OWN[cell.name].split(".")[-1]
    layers = (0, 1) if "*" in OWN[cell.name] else (1,)
    assert changed == {f"layers.{layer}.{last}" for layer in layers}

    found = epigone.evaluate(out, song_file)
    assert found.loss < np.log(load_checkpoint(out).model.config.vocabulary_size)
    texts = [
        epigone.generate(out, epigone.GenerateOptions(length=20), epigone.SamplingOptions(seed=3)).texts
        for _ in range(2)
    ]
    assert len(texts[0][0]) == 20
    assert texts[0] == texts[1]
    assert cell.name.upper() in (out / "README.md").read_text()
    assert epigone.info(out).facts["cell"] == cell.name


def test_what_needs_a_kernel_is_refused_in_a_sentence(cell, song_file, make_base, tmp_path):
    base = make_base(cell=cell.name)
    words = (
        f"The native engine has no kernel for the cell {cell.name}. "
        "To run the model on PyTorch, leave out --backend and --precision."
    )
    with pytest.raises(UserError, match=words):
        epigone.quantize(base, out=tmp_path / "small")
    with pytest.raises(UserError, match=words):
        epigone.generate(base, running=epigone.EngineOptions("native"))
    with pytest.raises(UserError, match=words):
        epigone.evaluate(base, song_file, running=epigone.EngineOptions("native"))
    with pytest.raises(UserError, match=words):
        train(cell, song_file, tmp_path / "native", MachineOptions(backend="native", device="cpu"))
    with pytest.raises(
        UserError, match=f"no kernel for the cell {cell.name}. The backend torch computes in fp32, not in int8"
    ):
        epigone.generate(base, running=epigone.EngineOptions(precision="int8"))


def test_the_hand_written_gradient_is_for_cells_that_have_one(cell):
    config = ModelConfig(**vars(network(cell)), vocabulary_size=7)
    with pytest.raises(UserError, match=f"The cell {cell.name} has no NumPy form"):
        gradients(config, {}, np.zeros(1, int), np.zeros(1, int))


SMALL = {"num_layers": 2, "hidden_size": 4, "vocabulary_size": 5, "sequence_length": 6}


def test_the_equation_is_checked_against_differences(cell):
    found = gradcheck(GradcheckOptions(cell.name, **SMALL, sigma=0.5))
    assert found.passed
    assert {(row.backend, row.precision) for row in found.rows if row.backend != "torch"} == {
        ("equation", "central"),
        ("reference", "float64"),
        ("reference", "fp32"),
    }
    errors = [row.relative_error for row in found.rows if row.backend == "equation"]
    assert len(errors) == 2 * len(cell.shapes(1, 1)) + 2
    assert max(errors) < 1e-7


def test_an_equation_with_a_wrong_gradient_fails():
    whole = CELLS["minimal-gru"]

    def cut(x, state, weights):
        return whole.step(x, (state[0].detach(),), weights)

    CELLS.register(replace(whole, name="cut", description="A gradient that stops (nowhere)", step=cut))
    found = gradcheck(GradcheckOptions("cut", **SMALL, sigma=0.5))
    assert not found.passed
    assert any(row.backend == "equation" and row.relative_error > 1e-3 for row in found.rows)


def test_on_the_command_line(cell, cli, song_file, tmp_path):
    base, out = tmp_path / "base", tmp_path / "out"
    assert cell.name in cli("pretrain", "--help").out
    assert cell.name in cli("gradcheck", "--help").out
    brief = ("--steps", 4, "--batch-size", 4, "--sequence-length", 16, "--device", "cpu")
    shape = ("--cell", cell.name, "--num-layers", 2, "--hidden-size", 8)
    assert cli("pretrain", song_file, "--out", base, *shape, *brief).status == 0
    assert cli("finetune", base, song_file, "--out", out, "--train", OWN[cell.name], *brief).status == 0
    assert json.loads(cli("evaluate", out, song_file, "--json").out)["loss"] > 0
    assert len(cli("generate", out, "--length", 10).out) >= 10
    assert cli("gradcheck", "--cell", cell.name, "--hidden-size", 3, "--vocabulary-size", 4, "--json").status == 0
    refused = cli("quantize", out, "--out", tmp_path / "small")
    assert refused.status == 2
    assert f"no kernel for the cell {cell.name}" in refused.err
    unknown = cli("pretrain", song_file, "--out", tmp_path / "never", "--cell", "mlp")
    assert unknown.status == 2
    assert cell.name in unknown.err
