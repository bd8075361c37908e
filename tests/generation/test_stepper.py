"""The stepper against its model."""

import numpy as np
import pytest
import torch

from epigone.generation.stepper import WORTH_THREADS, TorchStepper
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel


def make(cell="lstm", layers=2, hidden=12, embedding=0, tied=False):
    torch.manual_seed(3)
    model = LanguageModel(
        ModelConfig(
            cell=cell,
            num_layers=layers,
            hidden_size=hidden,
            embedding_size=embedding,
            tied=tied,
            vocabulary_size=17,
        )
    )
    return model.eval()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("embedding", "tied"), [(0, False), (5, False), (12, True)])
def test_steps_equal_the_model(cell, layers, embedding, tied):
    model = make(cell, layers, embedding=embedding, tied=tied)
    tokens = torch.randint(17, (4, 30), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, state = model(tokens)
    stepper = TorchStepper(model)
    for attempt in range(2):  # the second start must forget the first text
        stepper.start(4)
        for t in range(30):
            logits = stepper.step(tokens[:, t].numpy())
            assert logits.dtype == np.float32
            np.testing.assert_allclose(logits, expected[:, t], atol=1e-5, err_msg=f"{attempt} {t}")
    for index, vectors in enumerate(stepper.state):
        for mine, theirs in zip(vectors, state, strict=True):
            np.testing.assert_allclose(mine, theirs[index], atol=1e-5)


def test_large_weights_saturate_as_in_the_model():
    model = make("gru")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith("weight_hh"):  # large ones there make the state chaotic, whoever steps it
                parameter *= 40
        tokens = torch.arange(17)[None]
        expected, _ = model(tokens)
    stepper = TorchStepper(model)
    stepper.start(1)
    for t in range(17):
        np.testing.assert_allclose(stepper.step(tokens[:, t].numpy()), expected[:, t], rtol=1e-4, atol=1e-3)


def test_training_on_leaves_the_stepper_alone():
    model = make("gru")
    stepper = TorchStepper(model)
    stepper.start(1)
    before = stepper.step(np.array([1])).copy()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.5)
    stepper.start(1)
    np.testing.assert_array_equal(stepper.step(np.array([1])), before)


def test_the_number_of_threads_is_given_back():
    before = torch.get_num_threads()
    stepper = TorchStepper(make())
    for streams in (1, WORTH_THREADS // (12 * 48) + 1):
        stepper.start(streams)
        assert stepper.step(np.zeros(streams, np.int64)).shape == (streams, 17)
        with pytest.raises(IndexError):
            stepper.step(np.full(streams, 17))
        assert torch.get_num_threads() == before
