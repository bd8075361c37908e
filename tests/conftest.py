"""What all tests share: a small text written for them, and one thread."""

import random
from pathlib import Path

import pytest
import torch

WORDS = (
    "river stone morning lantern ferry oar the a over under slowly brings takes keeps my her their gull kettle rain "
    "winter market bread and but when while"
).split()

SHARED = Path(__file__).parents[2] / "shared" / "corpora"


@pytest.fixture(autouse=True)
def _one_thread():
    """Results are bit-identical at the same number of threads only."""
    torch.set_num_threads(1)


def make_song(generator: random.Random, lines: int) -> str:
    """A few lines of words in no particular order."""
    return "\n".join(" ".join(generator.choices(WORDS, k=generator.randint(3, 6))).capitalize() for _ in range(lines))


@pytest.fixture(scope="session")
def song_file(tmp_path_factory) -> Path:
    """Twenty-four small songs in one file, separated by ===: about 6,000 characters."""
    generator = random.Random(0)
    songs = [make_song(generator, generator.randint(5, 12)) for _ in range(24)]
    path = tmp_path_factory.mktemp("songs") / "songs.txt"
    path.write_text("\n\n===\n\n".join(songs) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the text corpora are not beside the checkout")
    return SHARED
