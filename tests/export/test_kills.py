"""A quantisation that is killed anywhere leaves a whole model or none, and the same command makes it then."""

import sys

import pytest
from killing import campaign

from epigone.kernels import engine

CAMPAIGN = """
# Quantise once undisturbed, and then with a kill before each change in the folder, until one is not killed.
import json, sys
from pathlib import Path
import torch
from killing import die_before, killed
from epigone.errors import UserError
from epigone.export.quantize import quantize
from epigone.models.files.checkpoint import load_checkpoint

model, text, place = sys.argv[1:]
torch.set_num_threads(1)


def make(out, number=0, half=False):
    if number:
        die_before(number, str(out), half)
    quantize(model, text, out=out)


def left_by(out):
    passing = (".lock", ".tmp", "README.md")  # the card has the name of the folder
    return {path.name: path.read_bytes() for path in out.iterdir() if not path.name.endswith(passing)}


assert killed(lambda: make(Path(place, "whole"))) == 0
whole, states = left_by(Path(place, "whole")), {"nothing": 0, "whole": 0}
for half in (False, True):
    number, status = 1, None
    while status is None:
        out = Path(place, f"out{number}{half}")
        status = killed(lambda: make(out, number, half))
        try:
            load_checkpoint(out)
            states["whole"] += 1
        except UserError as error:
            assert "no model folder" in str(error) or "not a checkpoint" in str(error), error
            states["nothing"] += 1
            assert killed(lambda: make(out)) == 0, number
        assert left_by(out) == whole, number
        number += 1
    assert status == 0
print(json.dumps(states))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
def test_a_kill_before_each_change(make_base, song_file, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(song_file.read_text()[:4000])
    (tmp_path / "place").mkdir()
    states = campaign(CAMPAIGN, make_base(), text, tmp_path / "place")
    assert states["nothing"] > 15
    assert states["whole"] > 2
