"""Write the fingerprint of a bundled model anew, from the text that it learned.

    python tools/fingerprint.py NAME TEXT...

The text is that of the last stage, or of an earlier one which holds it too; its hash is in the model's config.json, and
other text is refused.
"""

import sys
from pathlib import Path

from epigone.evaluation.fingerprint_file import FILE, save_fingerprints
from epigone.evaluation.memorisation import fingerprint_of
from epigone.models.files.checkpoint import load_checkpoint
from epigone.storage import read_json
from epigone.text.corpus import Corpus, SplitOptions

BUNDLED = Path(__file__).parents[1] / "src" / "epigone" / "bundled"


def main(name: str, *texts: str) -> None:
    """Write the fingerprint."""
    folder = BUNDLED / name
    config = read_json(folder / "config.json")
    corpus = Corpus.open(texts, split=None)
    stages = [config["request"], *config.get("stages", [])]
    facts = next((stage["corpus"] for stage in stages if stage["corpus"]["hash"] == corpus.hash), None)
    if facts is None:
        raise SystemExit(f"{name} learned another text: that given has the hash {corpus.hash}.")
    whole = "fractions" not in facts  # of a text that was divided before it became documents
    learned = corpus if whole else corpus.resplit(SplitOptions(tuple(facts["fractions"]), facts["split_seed"]))
    prints = {"training": fingerprint_of(learned, load_checkpoint(folder).tokenizer, "all" if whole else "train")}
    save_fingerprints(folder / FILE, prints)
    print(f"{folder / FILE}: {(folder / FILE).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
