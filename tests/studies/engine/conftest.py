"""Fixtures for the tests of the engine: one finished run."""

import pytest

from epigone.evaluation.fingerprint_file import FILE, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.models.files.description import weights_hash
from epigone.studies.engine.jobs import Base, Text, Training
from epigone.studies.engine.store import run_job
from epigone.training.options import RetrainingOptions


@pytest.fixture
def run(make_base, song_file, tmp_path):
    """A base with a fingerprint, a text, and a run that retrained the base on it."""
    base, text = make_base(), Text.of(song_file)
    save_fingerprints(base / FILE, {"training": Fingerprint.build(["x" * 50])})
    training = RetrainingOptions(steps=4, batch_size=4, sequence_length=16)
    return text, run_job(Training(text, training, Base(str(base), weights_hash(base)), "head"), tmp_path / "runs")
