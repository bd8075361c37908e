"""What is said of the length of a text is what was measured."""

import re
from pathlib import Path

import pytest

from epigone.corpora.measures.enough import GAINS, TOO_FEW, advice

DOCS = Path(__file__).parents[3] / "docs"


def test_the_gains_are_those_of_the_results():
    page = (DOCS / "results" / "defaults" / "README.md").read_text(encoding="utf-8")
    found: dict[int, list[float]] = {size: [] for size in GAINS}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| english-") and re.fullmatch(r"[+-][\d.]+", cells[9]):
            characters = int(cells[1].replace(",", ""))
            found[min(size for size in GAINS if size >= characters)].append(float(cells[9]))
    assert {size: sorted(gains) for size, gains in found.items()} == {s: sorted(g) for s, g in GAINS.items()}


def test_three_songs_are_those_of_the_guide():
    page = (DOCS / "guides" / "write-like-yourself.md").read_text(encoding="utf-8")
    characters, before, after = TOO_FEW
    assert f"| nothing: the base as it is | {before} |" in page
    assert f"| three songs ({characters:,} characters) | {after} |" in page


@pytest.mark.parametrize(
    ("characters", "said"),
    [
        (900, ["are fewer than finetune was measured with", "With about 5,000"]),
        (6_000, ["With about 5,000 characters", "With about 20,000"]),
        (49_999, ["With about 20,000 characters", "With about 50,000"]),
        (10**7, ["With about 150,000 characters or more"]),
    ],
)
def test_the_length_of_a_text_chooses_the_sentences(characters, said):
    told = advice(characters)
    assert len(told) == len(said)
    assert all(part in sentence for part, sentence in zip(said, told, strict=True))
