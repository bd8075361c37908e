"""Loss of a model on the documents of each source that were held out, as a table for its card.

    python sources.py DATA MODEL

DATA is what prepare.py wrote. Each piece is read from the zero state; long prose is in pieces of a chapter or so.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import epigone
from epigone.evaluation.intervals import MIN_DOCUMENTS, ratio_interval

DATA, MODEL = Path(sys.argv[1]), sys.argv[2]
NAMES = {
    "near_songs": "songs", "near_verse": "poems", "far_prose": "novels and stories", "speeches": "speeches",
    "news_wikinews": "news",
}  # fmt: skip
END = 3

arrays = np.load(DATA / "text.npz")
report = json.loads((DATA / "report.json").read_text())["sources"]
rows = []
for split in ("verse", "prose"):
    ids, ends = arrays[f"valid_{split}"], np.cumsum(arrays[f"valid_{split}_lengths"])
    pieces = [bytes(part[part != END]).decode("ascii") for part in np.split(ids, ends[:-1])]
    sources = [name for name in report if (name in ("near_songs", "near_verse")) == (split == "verse")]
    assert sum(report[name]["validation_units"] for name in sources) == len(pieces)
    for name in sources:
        own, pieces = pieces[: report[name]["validation_units"]], pieces[report[name]["validation_units"] :]
        with tempfile.TemporaryDirectory() as place:
            for i, text in enumerate(own):
                (Path(place) / f"{i:04}.txt").write_text(text, encoding="utf-8")
            found = epigone.evaluate(MODEL, place, split="all", documents="files")
        tokens = np.array([row.tokens for row in found.rows])
        interval = f"{found.loss:.3f}"
        if len(own) >= MIN_DOCUMENTS:
            over = ratio_interval(np.array([row.loss for row in found.rows]) * tokens, tokens)
            interval += f" [{over.low:.3f}, {over.high:.3f}]"
        rows.append(f"| {NAMES[name]} | {len(own)} | {sum(map(len, own)):,} | {interval} | {found.loss / np.log(2):.3f} |")
print("| source | pieces | characters | nats per character (95 % over pieces) | bits |")
print("|---|---|---|---|---|")
print("\n".join(rows))
