"""Labelled texts that a few words tell apart."""

import csv
import random
from pathlib import Path

import numpy as np

from epigone.classification.texts import LabelledTexts

GOOD = "lovely bright warm kind tasty calm gladly".split()  # noqa: SIM905
BAD = "awful dull cold rude stale loud sadly".split()  # noqa: SIM905
PLAIN = "the soup a table we waited for it was and this in town with bread my seat".split()  # noqa: SIM905


def make_labelled(number: int, classes: tuple[str, ...] = ("bad", "good"), seed: int = 0) -> LabelledTexts:
    """Texts of plain words with one or two of their class; a third class has no words of its own."""
    generator = random.Random(seed)
    own = {"bad": BAD, "good": GOOD}
    codes = [i % len(classes) for i in range(number)]
    texts = []
    for code in codes:
        found = generator.choices(PLAIN, k=generator.randint(4, 12))
        found += generator.choices(own.get(classes[code], PLAIN), k=generator.randint(1, 2))
        generator.shuffle(found)
        texts.append(" ".join(found).capitalize() + ".")
    return LabelledTexts(texts, np.array(codes), classes, [f"made#{i}" for i in range(number)])


def write_csv(path: Path, labelled: LabelledTexts, text: str = "text", label: str = "label") -> Path:
    """Write labelled texts as a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([text, label])
        writer.writerows(zip(labelled.texts, [labelled.classes[code] for code in labelled.codes], strict=True))
    return path
