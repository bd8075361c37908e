"""Make a model folder of the pieces that train.py wrote, with what it learned and how well it reads the held-out text.

    python pack.py PIECES DATA/text.npz OUT [LOG...]

PIECES holds weights-*.safetensors and log.json of the last training; OUT is for `epigone quantize` and tools/bundle.py. The
logs are those of all trainings, the last of which is PIECES/log.txt if none is given.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from epigone import evaluate
from epigone.evaluation.fingerprint_file import FILE, save_fingerprints
from epigone.evaluation.memorisation import fingerprint_of
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import save_description, save_weights
from epigone.models.language_model import LanguageModel
from epigone.storage import read_json, write_json
from epigone.text.corpus import Corpus, ReadOptions
from epigone.text.tokenizers.characters import AsciiTokenizer

pieces, data, out, *trainings = map(Path, sys.argv[1:])
found = {}
for path in sorted(pieces.glob("weights-*.safetensors")):
    found |= load_file(path)
weights = {name: w for name, w in found.items() if not name.endswith(".scale")}
for name, scale in found.items():
    if name.endswith(".scale"):  # whole numbers of 8 bits
        name = name.removesuffix(".scale")
        weights[name] = weights[name].astype(np.float32) * scale[:, None]
run = read_json(pieces / "log.json")
layers, hidden = sum("weight_hh" in name for name in weights), weights["head.weight"].shape[1]
cell = run["options"].get("cell", "lstm")
model = LanguageModel(ModelConfig(cell, num_layers=layers, hidden_size=hidden, vocabulary_size=128))
model.load_state_dict({name: torch.from_numpy(w.astype(np.float32)) for name, w in weights.items()})

# What was learned, and what was held out, as documents.
text = out / "text"
text.mkdir(parents=True)
with np.load(data) as file:
    for split, names in (("learned", ("verse", "prose")), ("held-out", ("valid_verse", "valid_prose"))):
        for name in names:
            documents = file[name].tobytes().decode("ascii").split("\x03")
            (text / split).mkdir(exist_ok=True)
            (text / split / f"{name.removeprefix('valid_')}.txt").write_text("\n===\n".join(filter(str.strip, documents)))
learned = Corpus.open([text / "learned"], ReadOptions(), None)
lines = [path.read_text().splitlines() for path in trainings or [pieces / "log.txt"]]
ends = [[line for line in each if "train_loss" in line][-1] for each in lines]
characters = sum(int(each[-1].split("tokens/s, ")[1].split(" tokens")[0].replace(",", "")) for each in lines)
unsaid = ("out", "data", "init", "tiny", "mode", "validate_every", "steps", "int8", "device")
options = {k: v for k, v in run["options"].items() if k not in unsaid}
steps = sum(int(line.split(" step ")[1].split()[0]) for line in ends)
request = {
    "command": "bases/english-small/train.py", "tokenizer": "ascii", "options": {"training": options},
    "corpus": {"documents": len(learned.names), "characters": int(learned.characters.sum()), "hash": learned.hash},
}
ADVICE = {  # measured: docs/log/bases.md
    "train": "layers.1", "rates": [3e-4, 1e-3], "epochs": 1.0, "schedule": "constant", "sure_from": 15_000
}  # fmt: skip
advice = {"advice": ADVICE} if out.name == "english-small" else {}
save_description(out, model.config, AsciiTokenizer(), {"request": request} | advice)
save_weights(out, model)
save_fingerprints(out / FILE, {"training": fingerprint_of(learned, AsciiTokenizer(), "all")})
found = evaluate(out, text / "held-out", split="all")
history, best = run["history"], run["written"]
rows = [
    {"epoch": row["epochs"], "step": row["steps"], "validation_loss": 0.7 * row[f"{kind}_verse"] + 0.3 * row[f"{kind}_prose"],
     "train_loss": row["train_loss"], "seconds": row["elapsed"], "best": row["elapsed"] == best["at"]}
    for row in history
    for kind in (["ema"] if "ema_verse" in row else ["last"])
]
(out / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
size = sum(w.size for w in weights.values())
config = read_json(out / "config.json")
config["result"] = {
    "outcome": "finished", "loss": found.loss, "bits_per_char": found.bits_per_char, "accuracy": found.accuracy,
    "perplexity": found.perplexity, "tokens": found.tokens, "characters": found.characters, "documents": found.documents,
    "seconds": sum(float(each[-1].split("[")[1].split(" s]")[0]) for each in lines),
    "steps": steps, "epochs": characters / int(learned.characters.sum()),
    "best_step": steps - history[-1]["steps"] + next(row["steps"] for row in history if row["elapsed"] == best["at"]),
    "parameters": size, "trained_parameters": size,
}
write_json(out / "config.json", config)
print(json.dumps(config["result"], indent=1))
