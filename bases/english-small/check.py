"""Do the written pieces, run by an independent numpy LSTM, give the loss that train.py's evaluation gives?

    python3 check.py FOLDER [--device cpu]
"""

import glob
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from safetensors.numpy import load_file  # noqa: E402

import train  # noqa: E402

folder = sys.argv[1]
w = {}
for path in sorted(glob.glob(f"{folder}/weights-*.safetensors")):
    assert Path(path).stat().st_size < 15 * 2**20
    w |= load_file(path)
hidden = w["head.weight"].shape[1]
assert {n: a.shape for n, a in w.items()} == {
    "layers.0.weight_ih": (4 * hidden, 128), "layers.0.weight_hh": (4 * hidden, hidden), "layers.0.bias_ih": (4 * hidden,),
    "layers.0.bias_hh": (4 * hidden,), "layers.1.weight_ih": (4 * hidden, hidden), "layers.1.weight_hh": (4 * hidden, hidden),
    "layers.1.bias_ih": (4 * hidden,), "layers.1.bias_hh": (4 * hidden,), "head.weight": (128, hidden), "head.bias": (128,)}
assert all(a.dtype == np.float16 for a in w.values())
print(len(w), "tensors,", sum(a.size for a in w.values()), "weights")
w = {n: a.astype(np.float64) for n, a in w.items()}
with np.load(Path(__file__).parent / "data" / "text.npz") as file:
    ids = np.append(np.uint8(3), file["valid_verse"][:50])
h, c = np.zeros((2, hidden)), np.zeros((2, hidden))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


losses = []
for i in range(50):
    x = np.eye(128)[ids[i]]
    for k in range(2):
        z = w[f"layers.{k}.weight_ih"] @ x + w[f"layers.{k}.bias_ih"] + w[f"layers.{k}.weight_hh"] @ h[k] + w[f"layers.{k}.bias_hh"]
        gi, gf, gg, go = np.split(z, 4)
        c[k] = sigmoid(gf) * c[k] + sigmoid(gi) * np.tanh(gg)
        x = h[k] = sigmoid(go) * np.tanh(c[k])
    z = w["head.weight"] @ x + w["head.bias"]
    losses.append(np.log(np.exp(z - z.max()).sum()) + z.max() - z[ids[i + 1]])
model = train.Model(hidden, 0.0)
torch.set_num_threads(1)
own = train.evaluate(model, {n: torch.from_numpy(a.astype(np.float32)) for n, a in w.items()}, torch.from_numpy(ids), rows=1)
print(f"numpy {np.mean(losses):.6f}, train.py {own:.6f}")
assert abs(np.mean(losses) - own) < 1e-3
