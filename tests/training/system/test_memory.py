"""Training on a corpus larger than the allowed memory."""

import subprocess
import sys

import pytest

LIMIT = 700_000_000  # bytes; PyTorch alone takes some 300 million
CODE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))
from epigone.models.config import ModelOptions
from epigone.text.splitting import SplitOptions
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain
result = pretrain(
    sys.argv[1], out=sys.argv[2], tokenizer=sys.argv[3], model=ModelOptions(num_layers=1, hidden_size=8),
    training=TrainingOptions(steps=20), machine=MachineOptions(threads=1), split=SplitOptions((0.998, 0.001, 0.001)),
)
print(result.steps)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
@pytest.mark.parametrize("tokenizer", ["char", "ascii"])
def test_a_large_text_trains_under_a_memory_limit(tmp_path, tokenizer):
    lines = [f"the ferry number {i} goes over at {i % 24} and comes back before it is dark\n" for i in range(15_000)]
    block = "".join(lines)
    path = tmp_path / "large.txt"
    with open(path, "w", encoding="ascii") as file:
        for _ in range(120_000_000 // len(block)):
            file.write(block)
    arguments = [sys.executable, "-c", CODE.format(limit=LIMIT), path, tmp_path / "out", tokenizer]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "20"
