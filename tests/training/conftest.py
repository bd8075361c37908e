"""Short runs on a tiny text, shared by the tests of training."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from stopping import left_by

from epigone.models.config import ModelOptions
from epigone.text.corpus import SplitOptions
from epigone.training.options import DisplayOptions, MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain

SMALL = ModelOptions(num_layers=2, hidden_size=8)
SHORT = TrainingOptions(epochs=3, patience=0, lr=1e-2)


@pytest.fixture(scope="session")
def train(song_file, tmp_path_factory):
    """Run `pretrain` on the songs, with a small model and about 50 steps, into a new folder unless one is given."""

    def run(
        out=None, *, model=SMALL, training=SHORT, machine=MachineOptions(), display=DisplayOptions(), resume=False,
        monitor=None, **options,
    ):  # fmt: skip
        out = out or tmp_path_factory.mktemp("run") / "out"
        return pretrain(
            song_file, out=out, model=model, training=replace(training, **options), machine=machine, display=display,
            resume=resume, monitor=monitor, split=SplitOptions((1 / 3, 1 / 3, 1 / 3)),
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def undisturbed(train):
    """The files of an undisturbed run; each kind of run is made once."""

    @cache
    def make(model=SMALL, training=SHORT):
        return left_by(Path(train(model=model, training=training).folder))

    return make
