"""The hand-written gradients against differences and autograd, and checks that fail."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models import gradcheck as module
from epigone.models.backends.numpy_reference import Bump, gradients, loss
from epigone.models.config import ModelConfig, weight_shapes
from epigone.models.gradcheck import GradcheckOptions, gradcheck
from epigone.models.language_model import LanguageModel


def network(cell, seed=0, **shape):
    sizes = {"num_layers": 2, "hidden_size": 5, "vocabulary_size": 7} | shape
    config = ModelConfig(cell, **sizes)
    draw = np.random.default_rng(seed)
    weights = {name: draw.normal(0, 0.5, shape) for name, shape in weight_shapes(config).items()}
    return config, weights, *draw.integers(sizes["vocabulary_size"], size=(2, 6))


@settings(max_examples=25)
@given(
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    num_layers=st.integers(1, 3),
    hidden_size=st.integers(1, 6),
    embedding=st.sampled_from(["none", "other", "tied"]),
    seed=st.integers(0, 100),
)
def test_written_out_equals_autograd_in_float64(cell, num_layers, hidden_size, embedding, seed):
    kinds = {"none": {}, "other": {"embedding_size": 4}, "tied": {"embedding_size": hidden_size, "tied": True}}
    config, weights, tokens, targets = network(
        cell, seed, num_layers=num_layers, hidden_size=hidden_size, **kinds[embedding]
    )
    model = LanguageModel(config, "reference").double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name]))
    (mean, _), _ = model.loss(torch.from_numpy(tokens)[None], torch.from_numpy(targets)[None])
    (mean * len(tokens)).backward()
    assert loss(config, weights, tokens, targets) == pytest.approx(mean.item() * len(tokens), rel=1e-12)
    found = gradients(config, weights, tokens, targets)
    assert found.keys() == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(found[name], parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("shape", [{}, {"embedding_size": 4}, {"embedding_size": 5, "tied": True}])
def test_a_bump_is_a_change_of_one_entry(cell, shape):
    config, weights, tokens, targets = network(cell, **shape)
    for name, weight in weights.items():
        entries = np.arange(weight.size)
        rows, columns = np.unravel_index(entries, weight.shape) if weight.ndim == 2 else (entries, 0 * entries)
        bumped = loss(config, weights, tokens, targets, Bump(name, rows, columns, 0.01))
        for entry in (0, weight.size // 2, weight.size - 1):
            changed = weight.copy()
            changed.ravel()[entry] += 0.01
            expected = loss(config, weights | {name: changed}, tokens, targets)
            assert bumped[entry] == pytest.approx(expected[0], rel=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_every_backend_passes(build, cell):
    found = gradcheck(GradcheckOptions(cell, num_layers=2, hidden_size=9, embedding_size=3, vocabulary_size=8))
    assert found.passed
    kinds = {(row.backend, row.precision) for row in found.rows}
    assert {("written out", "float64"), ("native", "fp32"), ("native", "bf16"), ("torch", "fp32")} <= kinds
    exact = [row.relative_error for row in found.rows if row.precision == "float64"]
    assert max(exact) < 1e-9


def test_the_papers_network_is_no_worse_than_the_paper():
    found = gradcheck(GradcheckOptions("rnn", hidden_size=100, sequence_length=25))
    errors = {row.parameter: row.relative_error for row in found.rows if row.backend == "written out"}
    reported = {"bias_ih": 1.7e-9, "bias_hh": 1.7e-9, "weight_ih": 2.9e-9, "weight_hh": 2.0e-7}
    for name, limit in reported.items():
        assert errors[f"layers.0.{name}"] <= limit
    assert errors["head.bias"] <= 3.1e-10
    assert errors["head.weight"] <= 8.3e-9
    entries = {row.parameter: row.entries for row in found.rows if row.backend == "written out"}
    assert entries["layers.0.weight_hh"] == 10_000


def test_a_wrong_gradient_is_found(monkeypatch):
    def wrong(*arguments):
        found = gradients(*arguments)
        found["layers.0.weight_hh"][1, 2] *= 1.001
        return found

    monkeypatch.setattr(module, "gradients", wrong)
    options = GradcheckOptions(hidden_size=6, vocabulary_size=5, sequence_length=5)
    found = gradcheck(options)
    assert not found.passed
    bad = [row for row in found.rows if row.precision == "float64" and row.relative_error > 1e-7]
    assert {row.parameter for row in bad} == {"layers.0.weight_hh"}


def test_some_entries_only():
    found = gradcheck(GradcheckOptions(hidden_size=6, vocabulary_size=5, sequence_length=3, entries=4))
    assert {row.entries for row in found.rows if row.backend == "written out"} == {4}


def test_without_an_engine_the_others_are_checked(no_engine):
    found = gradcheck(GradcheckOptions(hidden_size=4, vocabulary_size=5, sequence_length=3))
    assert found.passed
    assert engine() is None
    assert {row.backend for row in found.rows} == {"written out", "reference", "torch"}


@pytest.mark.parametrize("wrong", [{"sequence_length": 0}, {"sigma": 0.0}, {"entries": -1}, {"cell": "mlp"}])
def test_options_out_of_range(wrong):
    with pytest.raises(UserError):
        gradcheck(GradcheckOptions(**wrong))


@pytest.mark.parametrize(("cell", "last"), [("rnn", "layers.0.bias"), ("gru", "layers.0.bias_ih")])
def test_the_summary_has_a_row_for_each_matrix_with_its_largest_errors(cell, last):
    found = gradcheck(GradcheckOptions(cell, hidden_size=4, vocabulary_size=5, sequence_length=3))
    summary = {row["weight"]: row for row in found.summary()}
    assert last in summary
    assert summary["layers.0.weight_hh"]["symbol"] == "W"
    mine = [row for row in found.rows if row.parameter == "layers.0.weight_hh"]
    fp32 = max(row.relative_error for row in mine if row.precision == "fp32")
    numerical = [row for row in mine if row.backend == "written out"]
    assert summary["layers.0.weight_hh"]["fp32"] == fp32
    assert summary["layers.0.weight_hh"]["numerical"] == numerical[0].relative_error
    assert summary["layers.0.weight_hh"]["entries"] == numerical[0].entries
    assert sum(row["entries"] for row in summary.values()) == sum(
        row.entries for row in found.rows if row.backend == "written out"
    )


@pytest.mark.parametrize("drawn", [0, 7])
def test_progress_counts_the_entries_up_to_their_number(drawn):
    told = []
    options = GradcheckOptions(hidden_size=4, vocabulary_size=5, sequence_length=3, entries=drawn)
    found = gradcheck(options, progress=lambda *numbers: told.append(numbers))
    entries = sum(row.entries for row in found.rows if row.backend == "written out")
    assert told[0] == (0, entries)
    assert told[-1] == (entries, entries)
    assert told == sorted(told)


def test_as_a_command(cli):
    small = ("--hidden-size", 4, "--vocabulary-size", 5, "--sequence-length", 3)
    result = cli("gradcheck", *small)
    assert "All gradients are within their tolerances" in result.out
    assert len(result.out.splitlines()) < 12
    assert "written out" in cli("gradcheck", *small, "--details").out
    rows = json.loads(cli("gradcheck", *small, "--cell", "gru", "--json").out)["rows"]
    assert {"parameter", "relative_error", "backend", "precision"} <= rows[0].keys()


def test_a_check_that_fails_is_told_by_the_exit_status(cli, monkeypatch):
    monkeypatch.setitem(module.TOLERANCES, "fp32", 0.0)
    result = cli("gradcheck", "--hidden-size", 4, "--vocabulary-size", 5, "--sequence-length", 3)
    assert result.status == 1
    assert "NOT all gradients are within their tolerances" in result.out
