"""Pack a pretrained model into the package: small weights, and a card that names its training text.

    python tools/bundle.py NAME RUN_FOLDER...

One run, or its stages in order: the weights are the last stage's, in 8 bits if `epigone quantize` made its folder and
in bf16 otherwise; the fingerprint covers all. The recipes in
`src/epigone/bundled/NAME` are written by hand and stay, one for each stage, named in alphabetical order; so does
texts.md, the section of the card on the training text.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from epigone.evaluation.fingerprint_file import FILE, load_fingerprints, save_fingerprints
from epigone.models.files.card import model_card
from epigone.models.files.checkpoint import load_checkpoint, save_weights
from epigone.models.files.description import WEIGHTS, weights_hash
from epigone.storage import atomic_write, read_json, write_json

BUNDLED = Path(__file__).parents[1] / "src" / "epigone" / "bundled"
TEXTS = "texts.md"
RIGHTS = """## What it was trained on, and rights

Songs, hymns and ballads from fifteen anthologies, short poems of 184 authors, and 29 novels and stories: English of the
16th to the early 20th century, in the public domain (the songs in the United States at least, the poems by their
authors' deaths). The texts are not part of this package; the weights may be used under its licence (Apache-2.0). Dated
wording and dated views remain in what the model writes. Nothing of the writers that the project measures transfer on
was among the texts.
"""


def main(name: str, *runs: Path) -> None:
    """Write the folder of a bundled model."""
    folder = BUNDLED / name
    folder.mkdir(parents=True, exist_ok=True)
    small = read_json(runs[-1] / "config.json").get("dtype") == "int8"
    if small:
        atomic_write(folder / "model.safetensors", (runs[-1] / "model.safetensors").read_bytes())
    else:
        save_weights(folder, load_checkpoint(runs[-1]).model, torch.bfloat16)
    for file in ("tokenizer.json", "history.jsonl"):
        atomic_write(folder / file, (runs[-1] / file).read_bytes())
    *earlier, config = (without_paths(read_json(run / "config.json")) for run in runs)
    dtype = "int8" if small else "bfloat16"
    config |= {"dtype": dtype, WEIGHTS: weights_hash(folder), "stages": [stage["request"] for stage in earlier]}
    if earlier:
        config["request"]["base"]["name"] = f"{name}, stage {len(earlier)}"
    write_json(folder / "config.json", config)
    prints = {
        "training" if run == runs[-1] else f"stage {number}": load_fingerprints(run / FILE)["training"]
        for number, run in enumerate(runs, 1)
        if (run / FILE).exists()
    }
    save_fingerprints(folder / FILE, prints)
    rights = (folder / TEXTS).read_text(encoding="utf-8") if (folder / TEXTS).exists() else RIGHTS
    atomic_write(folder / "README.md", f"{model_card(name, config)}\n{stages(folder)}\n{rights}")
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"{folder.name}: {size:.2f} MB")


def without_paths(config: dict[str, Any]) -> dict[str, Any]:
    """The description of a run without the names of folders on the machine that trained it."""
    config["request"]["corpus"]["notices"] = []
    for key in ("notices", "folder", "texts"):
        config.get("result", {}).pop(key, None)
    if "quantised" in config:
        config["quantised"] |= {"base": "the same weights in fp32", "text": Path(config["quantised"]["text"]).name}
    return config


def stages(folder: Path) -> str:
    """The section of the card on its recipes, each described by its first line."""
    recipes = sorted(folder.glob("*.toml"))
    if not recipes:
        return ""
    lines = [recipe.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for recipe in recipes]
    return "\n".join(["## Recipe", "", *(f"- `{r.name}`: {line}" for r, line in zip(recipes, lines, strict=True)), ""])


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
