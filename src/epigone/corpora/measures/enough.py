"""Advice on how much text is enough: what docs/results/defaults and a guide measured of texts of a length."""

import statistics

from epigone.text.document import counted

GAINS: dict[int, tuple[float, ...]] = {
    5_000: (0.0117, 0.2621, 0.0038, 0.0330, 0.0138, 0.2343, 0.0011, -0.0461),
    20_000: (0.0297, 0.3190, 0.0150, 0.0658, 0.0232, 0.2823, 0.0077, -0.0080),
    50_000: (0.0281, 0.0189, 0.0311),
    150_000: (0.0407, 0.0378, 0.0701),
}
"""Nats per character by which `finetune` lowered the loss of english-tiny, and of english-small as it was in version
0.1.0, on documents that no run read, by the characters that it was given: songs, poems, limericks and a novel
(docs/results/defaults)."""
TOO_FEW = 1_800, 1.553, 1.562
"""Characters of three songs, and the loss of english-tiny on others by the same hand before and after them
(docs/guides/write-like-yourself.md)."""


def advice(characters: int) -> list[str]:
    """Say what was measured of texts of about this length, and of longer ones."""
    told = []
    sizes = list(GAINS)
    if characters < sizes[0]:
        few, before, after = TOO_FEW
        told.append(
            f"{counted(characters, 'character')} are fewer than finetune was measured with. Three songs ({few:,} "
            f"characters) taught english-tiny nothing: its loss on other songs by the same hand was {before} nats per "
            f"character before and {after} after."
        )
    else:
        size = max(each for each in sizes if each <= characters)
        over = " or more" if size == sizes[-1] else ""
        told.append(f"With about {size:,} characters{over}, {_gained(size)}.")
    longer = [size for size in sizes if size > characters]
    if longer:
        told.append(f"With about {longer[0]:,}, {_gained(longer[0])}.")
    return told


def _gained(size: int) -> str:
    gains = GAINS[size]
    low, high, middle = min(gains), max(gains), statistics.median(gains)
    ends = f"by {low:.3f} to {high:.3f} nats per character"
    if low < 0:
        ends = f"by up to {high:.3f} nats per character, and raised it by {-low:.3f} in the worst case"
    return (
        f"finetune lowered the loss on documents it had not read {ends}; by {middle:.3f} in the middle of {len(gains)} "
        "trainings"
    )
