"""What the tests of studies share: runs that were never run."""

from pathlib import Path

import numpy as np
import pytest

from understudy.evaluation.losses import Losses
from understudy.studies.runs import Finished


@pytest.fixture
def make_losses():
    """Losses (nats per token) of documents of equal length, a block each unless more are asked for."""

    def make(loss, documents=12, blocks=1, tokens=100, known=True) -> Losses:
        size = documents * blocks
        nats = np.broadcast_to(np.asarray(loss, float), size) * tokens
        correct = np.full(size, tokens // 2) if known else np.zeros(0, np.int64)
        owner = np.repeat(np.arange(documents), blocks)
        return Losses(nats, np.full(size, tokens), correct, owner, np.full(documents, blocks * tokens))

    return make


@pytest.fixture
def make_finished(make_losses):
    """A finished run with these losses on validation, test and train; one that diverged without."""

    def make(validation=None, test=None, train=1.0, name="run", **options) -> Finished:
        if validation is None:
            return Finished(Path(name), {})
        losses = {"train": train, "validation": validation, "test": test}
        return Finished(
            Path(name), {k: make_losses(v, **options) for k, v in losses.items()}, seconds=2.0, trained_parameters=10
        )

    return make
