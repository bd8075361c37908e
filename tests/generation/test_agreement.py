"""The engines write the same text with the same seed until rounding separates them."""

import pytest

from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.kernels import engine
from epigone.models.backends.walker import EngineOptions

pytestmark = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")

SEEDS, LENGTH = 100, 1000


def write(backend: str) -> list[str]:
    options, sampling = GenerateOptions(samples=SEEDS, length=LENGTH), SamplingOptions(seed=11)
    return generate("english-tiny", options, sampling, EngineOptions(backend)).texts


@pytest.fixture(scope="module")
def by_torch() -> list[str]:
    """The texts of PyTorch."""
    return write("torch")


def test_ninety_nine_of_a_hundred_texts_of_a_trained_model_agree(by_torch, build):
    assert {len(text) for text in by_torch} == {LENGTH}
    assert len(set(by_torch)) == SEEDS
    native = write("native")
    assert sum(a == b for a, b in zip(native, by_torch, strict=True)) >= 99
