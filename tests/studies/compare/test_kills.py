"""A comparison that is killed again and again ends like one that never was."""

import sys

import pytest
from killing import campaign

CAMPAIGN = """
# Compare once undisturbed, and once with a kill before some change of every call, until one is not killed.
import json, random, sys
from pathlib import Path
import torch
from killing import die_before, killed
from epigone.errors import UserError
from epigone.app.info import info
from epigone.studies.compare.compare import compare
from epigone.studies.compare.grid import CompareOptions
from epigone.studies.engine.search import SearchOptions
from epigone.training.options import MachineOptions, RetrainingOptions

base, text, place, seed = sys.argv[1:]
generator = random.Random(int(seed))
torch.set_num_threads(1)


def make(out, number=0, half=False):
    if number:
        die_before(number, str(out), half)
    compare(
        base, corpus=[text], out=out, train=["head"], resume=True,
        options=CompareOptions(seeds=1, workers=1, max_order=2, sample_length=40),
        searching=SearchOptions(trials=2, finalists=1, max_hidden=8, search_epochs=0.3),
        training=RetrainingOptions(steps=4, validate_every=2, batch_size=4, sequence_length=16, lr=1e-2),
        machine=MachineOptions(save_every=0),
    )


def left_by(out):
    found = json.loads((out / "comparison.json").read_text())
    rows = [{key: row[key] for key in ("name", "loss", "validation_loss", "train_loss")} for row in found["rows"]]
    model = {file.name: file.read_bytes() for file in (out / "model").iterdir() if file.suffix == ".safetensors"}
    return rows, found["verdict"], found["winner"], model, sorted(file.name for file in out.glob("[!.]*"))


whole, out, kills, least = Path(place, "whole"), Path(place, "out"), 0, 1
assert killed(lambda: make(whole)) == 0
while True:
    number, half = least + generator.randrange(16), generator.random() < 0.3
    status = killed(lambda: make(out, number, half))
    if status is not None:
        break
    kills += 1
    least += kills % 2 == 0  # so that every campaign comes to its end
    if (out / "study.json").exists():
        assert info(out).facts["command"] == "compare"
assert status == 0
assert killed(lambda: make(out)) == 0  # a result that is there already stays
assert left_by(out) == left_by(whole), (left_by(out), left_by(whole))
left = [str(path) for path in out.rglob("*") if path.name.endswith(".tmp")]
assert not left, left
print(kills)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
def test_kills_before_changes(make_base, song_file, tmp_path):
    (tmp_path / "place").mkdir()
    assert campaign(CAMPAIGN, make_base(), song_file, tmp_path / "place", 1) > 5
