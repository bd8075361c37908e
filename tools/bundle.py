"""Pack a pretrained model into the package: bf16 weights, a coarser fingerprint, a card that says what it stands on.

    python tools/bundle.py RUN_FOLDER NAME HASHES

HASHES is how many runs of 30 characters the fingerprint keeps, 8 bytes each. The recipe
`src/understudy/bundled/NAME/recipe.toml` is written by hand and stays.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from understudy.evaluation.memorisation import FILE, Fingerprint, load_fingerprints, save_fingerprints
from understudy.models.card import model_card
from understudy.models.checkpoint import load_checkpoint, save_weights
from understudy.storage import atomic_write, read_json, write_json

BUNDLED = Path(__file__).parents[1] / "src" / "understudy" / "bundled"
RIGHTS = """## What it was trained on, and rights

Songs, hymns and ballads from fifteen anthologies, short poems of 184 authors, and 29 novels and stories: English of the
16th to the early 20th century, in the public domain (the songs in the United States at least, the poems by their
authors' deaths). The texts are not part of this package; the weights may be used under its licence (Apache-2.0). Dated
wording and dated views remain in what the model writes. Nothing of the writers that the project measures transfer on
was among the texts.
"""


def main(run: Path, name: str, hashes: int) -> None:
    """Write the folder of a bundled model."""
    folder = BUNDLED / name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = load_checkpoint(run)
    save_weights(folder, checkpoint.model, torch.bfloat16)
    for file in ("tokenizer.json", "history.jsonl"):
        atomic_write(folder / file, (run / file).read_bytes())
    config = read_json(run / "config.json") | {"dtype": "bfloat16"}
    config["request"]["corpus"]["notices"] = []  # they name folders of the machine it was trained on
    for key in ("notices", "folder", "texts"):
        config.get("result", {}).pop(key, None)
    write_json(folder / "config.json", config)
    prints = load_fingerprints(run / FILE)
    thinned = {key: Fingerprint(np.empty(0, np.uint64), f.run, 1, 0).merge(f, hashes) for key, f in prints.items()}
    save_fingerprints(folder / FILE, thinned)
    command = f"understudy pretrain TEXT... --recipe recipe.toml --out {name}"
    recipe = f"The recipe is `recipe.toml` beside this file: `{command}`.\n"
    atomic_write(folder / "README.md", model_card(name, config) + "\n" + recipe + "\n" + RIGHTS)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"{folder.name}: {size:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
