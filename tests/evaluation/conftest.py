"""A small model that has learned something."""

from pathlib import Path

import pytest

from epigone.models.config import ModelOptions
from epigone.training.options import TrainingOptions
from epigone.training.pretrain import pretrain


@pytest.fixture(scope="session")
def trained_folder(song_file, tmp_path_factory) -> Path:
    """The folder of a model trained on the songs for some two hundred steps."""
    out = tmp_path_factory.mktemp("trained") / "model"
    pretrain(
        song_file,
        out=out,
        model=ModelOptions(num_layers=2, hidden_size=12),
        training=TrainingOptions(epochs=12, lr=2e-2),
    )
    return out
