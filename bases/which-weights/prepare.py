"""Prepare the texts of the bases of the study which-weights: songs, novels, and a mixture of books, news and dialogue.

    python prepare.py CORPORA DATA

CORPORA holds near_songs, far_prose, news_wikinews and dialogue_drama. DATA gets near.npz, far.npz and mixture.npz for
../english-small/train.py, and near.txt, far.txt and mixture.txt, held-out documents that show what a base forgets.
"""

import sys
from pathlib import Path

import numpy as np

from epigone.text.corpus import Corpus, ReadOptions
from epigone.text.tokenizers.characters import AsciiTokenizer

CORPORA, DATA = Path(sys.argv[1]), Path(sys.argv[2])
SIZE, PIECE, HELD, OWN = 5_618_000, 8_000, 0.03, 80_000  # characters of a base, of a piece of a book; held-out share and text
SOURCES = {
    "near": {"near_songs": SIZE},
    "far": {"far_prose": SIZE},
    "mixture": {"far_prose": 3_270_000, "news_wikinews": SIZE, "dialogue_drama": SIZE},
}
tokenizer = AsciiTokenizer()
DATA.mkdir(parents=True, exist_ok=True)


def pieces(text):
    """A document in pieces of about PIECE characters, cut after paragraphs."""
    found, start = [], 0
    while len(text) - start > 1.5 * PIECE and (at := text.find("\n\n", start + PIECE)) >= 0:
        found.append(text[start : at + 2])
        start = at + 2
    return [*found, text[start:]]


for name, sources in SOURCES.items():
    random = np.random.default_rng(0)
    learned, held_out = [], []
    for source, limit in sources.items():
        corpus = Corpus.open([CORPORA / source], ReadOptions(limit=limit), None)
        cut = [piece for text in corpus.texts() for piece in ((p, i) for i, p in enumerate(reversed(pieces(text))))]
        held = set(random.permutation(len(cut))[: round(HELD * len(cut))].tolist())
        for number, (piece, from_end) in enumerate(cut):
            tokens = np.append(tokenizer.encode(piece), [tokenizer.end] * (from_end == 0)).astype(np.uint8)
            (held_out if number in held else learned).append(tokens)
    arrays = {}
    for key, documents in (("verse", learned), ("valid_verse", held_out), ("prose", []), ("valid_prose", held_out[:1])):
        arrays[key] = np.concatenate(documents) if documents else np.zeros(0, np.uint8)
        arrays[f"{key}_lengths"] = np.array([len(document) for document in documents], np.int64)
    np.savez_compressed(DATA / f"{name}.npz", **arrays)
    chosen, size = [], 0
    for i in random.permutation(len(held_out)):
        if size < OWN:
            chosen.append(tokenizer.decode([token for token in held_out[i] if token != tokenizer.end]).strip("\n"))
            size += len(chosen[-1])
    (DATA / f"{name}.txt").write_text("\n\n===\n\n".join(chosen) + "\n", encoding="utf-8")
    print(name, len(learned), "pieces,", len(arrays["verse"]), "characters; held out", len(arrays["valid_verse"]), size)
