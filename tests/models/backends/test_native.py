"""The native stack against the reference in float64: values and gradients, for any shape and build."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models.backends.native import native_loss
from epigone.models.backends.stack import run_stack
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.heads.base import IGNORED
from epigone.models.language_model import LanguageModel

pytestmark = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")


class Case:
    """Random weights, inputs, states and masks, and their results on a backend."""

    def __init__(self, cell, layers, units, features, batch, steps, masks, seed):
        draw = np.random.default_rng(seed)
        gates, inputs = len(CELLS[cell].gates), features or 11
        self.cell = CELLS[cell]
        self.weights = [
            [
                draw.uniform(-1, 1, (gates * units, *shape)) / units**0.5
                for shape in ((units if i else inputs,), (units,), (), ())
            ]
            for i in range(layers)
        ]
        self.inputs = draw.normal(size=(steps, batch, features)) if features else draw.integers(11, size=(steps, batch))
        self.states = [draw.normal(size=(layers, batch, units)) / 2 for _ in range(CELLS[cell].num_states)]
        rows = {"none": 0, "ordinary": steps, "variational": 1}[masks]
        shape = (rows, batch, units)
        self.masks = [None] + [(draw.random(shape) > 0.3) / 0.7 if rows else None for _ in range(layers - 1)]
        self.score = draw.normal(size=(steps, batch, units))

    def run(self, backend, dtype=torch.float32, threads=1):
        """Compute outputs, final state, and the gradients of the inputs, the state and all weights."""

        def tensor(array):
            found = torch.tensor(array, dtype=dtype if array.dtype.kind == "f" else torch.long)
            return found.requires_grad_(array.dtype.kind == "f")

        torch.set_num_threads(threads)
        inputs, states = tensor(self.inputs), tuple(map(tensor, self.states))
        names = self.cell.shapes(1, 1)
        layers = [dict(zip(names, map(tensor, layer), strict=True)) for layer in self.weights]
        masks = [None if mask is None else torch.tensor(mask, dtype=dtype) for mask in self.masks]
        outputs, final = run_stack(
            self.cell, inputs, states, layers, masks, backend, [len(self.states[0][0, 0])] * len(layers)
        )
        ((outputs * torch.tensor(self.score, dtype=dtype)).sum() + sum((s * s).sum() for s in final)).backward()
        learning = [inputs] if inputs.is_floating_point() else []
        return [outputs, *final], [
            t.grad for t in [*learning, *states, *(w for layer in layers for w in layer.values())]
        ]


def worst(found, expected):
    """The largest error relative to the largest value of each tensor, or to 0.1: saturated units cancel digits."""
    return max(
        float((f.detach().double() - e.detach().double()).abs().max() / e.detach().abs().max().clamp_min(0.1))
        for f, e in zip([*found[0], *found[1]], [*expected[0], *expected[1]], strict=True)
    )


CASES = {
    "cell": st.sampled_from(list(CELLS)),
    "layers": st.integers(1, 3),
    "units": st.integers(1, 70),
    "features": st.sampled_from([0, 0, 1, 17]),
    "batch": st.integers(1, 9),
    "steps": st.integers(1, 6),
    "masks": st.sampled_from(["none", "ordinary", "variational"]),
    "seed": st.integers(0, 1000),
}


SATURATED = {"cell": "rnn", "layers": 1, "units": 1, "features": 17, "batch": 1, "steps": 2, "masks": "none", "seed": 6}


@settings(max_examples=60)
@given(threads=st.integers(1, 3), **CASES)
@example(threads=1, **SATURATED)  # a unit near -1, where the gradient lives on the last digits of tanh
def test_native_equals_reference(threads, **case):
    case = Case(**case)
    found = case.run("native", threads=threads)
    assert worst(found, case.run("reference", torch.float64)) < 1e-5


SHAPES = [
    ("lstm", 3, 64, 0, 13, 9, "ordinary"),
    ("gru", 2, 37, 5, 5, 6, "variational"),
    ("rnn", 2, 70, 0, 1, 7, "none"),
    # The backward pass takes 256 rows of steps at a time, or 512 in bf16: these need several, the last one shorter.
    ("lstm", 3, 20, 0, 5, 230, "ordinary"),
    ("gru", 2, 17, 5, 3, 200, "variational"),
    ("lstm", 2, 9, 0, 601, 3, "none"),  # a step at a time
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}-{shape[5]}")
def test_every_build_equals_the_reference(build, shape):
    case = Case(*shape, seed=1)
    expected = case.run("reference", torch.float64)
    assert worst(case.run("native"), expected) < 1e-5
    with torch.autocast("cpu", torch.bfloat16):
        assert 1e-4 < worst(case.run("native"), expected) < 0.05


@settings(max_examples=20)
@given(**CASES | {"steps": st.sampled_from([1, 5, 150])})
def test_the_number_of_threads_changes_no_bit(**case):
    case = Case(**case)
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            one, three = case.run("native"), case.run("native", threads=3)
        for a, b in zip([*one[0], *one[1]], [*three[0], *three[1]], strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("learning", ["layers.0.weight_hh", "layers.1.bias_hh", "layers.2.weight_ih", "head.bias"])
def test_what_learns_gets_the_same_gradient_and_the_rest_none(cell, learning):
    tokens = torch.randint(11, (3, 6))
    gradients = []
    for alone in (False, True):
        torch.manual_seed(0)
        model = LanguageModel(ModelConfig(cell, 3, 20, vocabulary_size=11), "native")
        for name, weight in model.named_parameters():
            weight.requires_grad = not alone or name == learning
        model(tokens)[0].logsumexp(-1).sum().backward()
        gradients.append({name: weight.grad for name, weight in model.named_parameters()})
    assert [name for name, gradient in gradients[1].items() if gradient is not None] == [learning]
    assert torch.equal(gradients[0][learning], gradients[1][learning])


@settings(max_examples=30)
@given(
    rows=st.integers(1, 600),
    batch=st.integers(1, 3),
    units=st.integers(1, 70),
    tokens=st.integers(1, 150),
    threads=st.integers(1, 3),
    seed=st.integers(0, 100),
)
def test_the_loss_and_its_gradients(rows, batch, units, tokens, threads, seed):
    torch.manual_seed(seed)
    targets = torch.randint(tokens, (rows, batch))
    tensors = [torch.randn(shape) for shape in ((rows, batch, units), (tokens, units), (tokens,))]

    def run(loss, dtype):
        given = [tensor.to(dtype, copy=True).requires_grad_() for tensor in tensors]
        value = loss(*given)
        (2 * value).backward()
        return [[value], [tensor.grad for tensor in given]]

    expected = run(lambda x, w, b: F.cross_entropy(F.linear(x, w, b).flatten(0, 1), targets.flatten()), torch.float64)
    found = run(lambda x, w, b: native_loss(x, w, b, targets)[0], torch.float32)
    assert worst(found, expected) < 1e-4
    torch.set_num_threads(threads)
    for a, b in zip(found[1], run(lambda x, w, b: native_loss(x, w, b, targets)[0], torch.float32)[1], strict=True):
        assert torch.equal(a, b)
    with torch.autocast("cpu", torch.bfloat16):
        assert worst(run(lambda x, w, b: native_loss(x, w, b, targets)[0], torch.float32), expected) < 0.05


def test_a_loss_of_nan(build):
    outputs = torch.randn(5, 2, 20)
    outputs[3, 1, 7] = torch.nan
    weight = torch.randn(30, 20, requires_grad=True)
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss, _ = native_loss(outputs, weight, torch.zeros(30), torch.zeros(5, 2, dtype=torch.long))
        assert loss.isnan()
        weight.grad = None
        loss.backward()
        assert weight.grad.isnan().any()


@pytest.mark.parametrize("backend", ["native", "torch", "reference"])
def test_the_loss_of_a_model_is_that_of_its_logits(backend):
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig("gru", 2, 20, vocabulary_size=11), backend)
    tokens, targets = torch.randint(11, (2, 3, 6))
    logits, _ = model(tokens)
    wanted = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    (loss, accuracy), _ = model.loss(tokens, targets)
    torch.testing.assert_close(loss, wanted, atol=1e-6, rtol=1e-6)
    assert float(accuracy) == pytest.approx(float((logits.argmax(-1) == targets).float().mean()))


@pytest.mark.parametrize("backend", ["native", "torch", "reference"])
def test_targets_that_do_not_count(backend):
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig("gru", 2, 20, vocabulary_size=11), backend)
    tokens, targets = torch.randint(11, (2, 3, 6))
    logits, _ = model(tokens)
    targets[torch.rand(3, 6) < 0.6] = IGNORED
    counted = targets != IGNORED
    (loss, accuracy), _ = model.loss(tokens, targets)
    torch.testing.assert_close(loss, F.cross_entropy(logits[counted], targets[counted]), atol=1e-6, rtol=1e-6)
    hits = logits[counted].argmax(-1) == targets[counted]
    assert float(accuracy) == pytest.approx(float(hits.float().mean()))
    loss.backward()
    assert model.layers[0].weight_hh.grad.abs().max() > 0


def test_a_gradient_may_come_through_the_state_alone():
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig("lstm", 1, 20, vocabulary_size=11), "native")
    _, (_, memory) = model(torch.randint(11, (2, 4)))
    memory.sum().backward()
    assert model.layers[0].weight_hh.grad.abs().max() > 0
    assert model.head.weight.grad is None


@pytest.mark.parametrize(
    "weight", ["layers.0.weight_ih", "layers.0.weight_hh", "layers.1.bias_ih", "layers.1.weight_ih"]
)
@pytest.mark.parametrize("cell", CELLS)
def test_nan_in_is_nan_out(build, cell, weight):
    model = LanguageModel(ModelConfig(cell, 2, 20, vocabulary_size=11), "native")
    with torch.no_grad():
        model.get_parameter(weight).view(-1)[5] = torch.nan
    tokens = torch.full((2, 4), 5)
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits, _ = model(tokens)
        assert logits[:, -1].isnan().all()
        model.zero_grad()
        logits.sum().backward()
        assert model.layers[0].weight_hh.grad.isnan().any()


def test_an_id_outside_the_vocabulary():
    model = LanguageModel(ModelConfig("lstm", 1, 4, vocabulary_size=11), "native")
    for token in (-1, 11):
        with pytest.raises(IndexError, match=f"The id {token} is not one of 11 tokens"):
            model(torch.full((1, 2), token))


def test_a_graph_is_walked_back_once():
    model = LanguageModel(ModelConfig("lstm", 1, 4, vocabulary_size=11), "native")
    score = model(torch.zeros(1, 2, dtype=torch.long))[0].sum()
    score.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="can be run once"):
        score.backward()


def test_where_it_cannot_run(no_engine):
    tokens = torch.zeros(1, 2, dtype=torch.long)
    model = LanguageModel(ModelConfig("lstm", 1, 4, vocabulary_size=11), "native")
    with pytest.raises(UserError, match="This installation has no native engine"):
        model(tokens)
    model.backend = "auto"
    model(tokens)


def test_float64_is_left_to_torch():
    tokens = torch.zeros(1, 2, dtype=torch.long)
    model = LanguageModel(ModelConfig("lstm", 1, 4, vocabulary_size=11)).double()
    assert model(tokens)[0].dtype == torch.float64
    model.backend = "native"
    with pytest.raises(UserError, match="in float32"):
        model(tokens)
