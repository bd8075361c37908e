"""The choice of a backend: what the native engine can run, and the sentence if it cannot."""

import pytest

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models.backends.choice import choose, obstacle
from epigone.models.config import ModelConfig

PLAIN = ModelConfig(vocabulary_size=60)
ADAPTIVE = ModelConfig(vocabulary_size=60, softmax="adaptive")
UNBOUNDED = ModelConfig("rnn_relu", vocabulary_size=60)
OBSTACLES = [
    ((PLAIN, "cuda", "fp32", "stack"), "runs on a CPU, not on cuda"),
    ((PLAIN, "cpu", "float64", "stack"), "in float32, not in float64"),
    ((PLAIN, "cpu", "bf16", "loss"), "in float32, not in bf16"),
    ((PLAIN, "cpu", "bfloat16", "walker"), "in float32, not in bfloat16"),
    ((ADAPTIVE, "cpu", "fp32", "walker"), "no adaptive softmax, which this model of 60 tokens has"),
    ((UNBOUNDED, "cpu", "int8", "walker"), "of the cell rnn_relu are unbounded"),
]
needs_engine = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")


@pytest.mark.parametrize(("case", "words"), OBSTACLES)
def test_a_model_that_the_engine_cannot_run(case, words):
    assert words in obstacle(*case)
    assert choose("auto", *case) == "torch"
    with pytest.raises(UserError, match=words):
        choose("native", *case)


@needs_engine
@pytest.mark.parametrize(
    "case",
    [
        (PLAIN, "cpu", "fp32", "stack"),
        (ADAPTIVE, "cpu", "fp32", "stack"),
        (ADAPTIVE, "cpu", "fp32", "loss"),
        (UNBOUNDED, "cpu", "bf16", "walker"),
        (PLAIN, "cpu", "int8", "walker"),
    ],
)
def test_a_model_that_the_engine_can_run(case):
    assert obstacle(*case) == ""
    assert choose("auto", *case) == choose("native", *case) == "native"


@pytest.mark.parametrize("backend", ["torch", "reference"])
def test_a_backend_that_was_named_is_taken(backend):
    assert choose(backend, PLAIN, "cpu", "fp32", "stack") == backend


def test_without_an_engine(no_engine):
    assert choose("auto", PLAIN, "cpu", "fp32", "stack") == "torch"
    with pytest.raises(UserError, match="This installation has no native engine"):
        choose("native", PLAIN, "cpu", "fp32", "stack")
