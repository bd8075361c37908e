"""Division of documents, or of one text, into train, validation and test."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from epigone.errors import UserError, check_options
from epigone.text.buffer import FileBuffer
from epigone.text.document import counted, some
from epigone.text.store import PIECE, Texts
from epigone.typed import typed

SPLITS = ("train", "validation", "test")

MINIMUM = 200
"""Fewest characters of a text that can be divided; smaller parts would measure nothing."""

LARGE = 2_000_000
"""Characters of a text from which on a twentieth is enough for validation and for test."""

LEAST = (0.5, 0.25, 0.25)
"""Least parts of the shares of train, validation and test that splits of whole documents must have."""

Fractions = tuple[float, float, float]

THIRDS: Fractions = (1 / 3, 1 / 3, 1 / 3)
MOSTLY: Fractions = (0.8, 0.1, 0.1)
MOSTLY_LARGE: Fractions = (0.9, 0.05, 0.05)


@dataclass(frozen=True)
@typed
class SplitOptions:
    """Division of a corpus into train, validation and test.

    Raises:
        UserError: the fractions are not three positive numbers that add up to 1, or the seed is negative.
    """

    fractions: tuple[float, float, float] | None = None
    """Shares of the text for train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1, everything
    else takes thirds, and both take 0.9 0.05 0.05 from 2 million characters."""
    split_seed: int = 0
    """Seed of the random order in which documents go to the splits."""

    def __post_init__(self) -> None:
        shares = self.fractions
        # Written so that nan fails too.
        if shares is not None and not (len(shares) == 3 and min(shares) > 0 and abs(sum(shares) - 1) < 1e-6):
            raise UserError(
                f"The fractions {' '.join(map(str, shares))} cannot divide a text; give three positive "
                "numbers that add up to 1, such as 0.8 0.1 0.1."
            )
        if self.split_seed < 0:
            raise UserError(f"--split-seed {self.split_seed} is negative; give 0 or a greater number.")
        check_options(self, "be 0 or more", lambda value: value >= 0, "split_seed", most=2**63 - 1)


def learning_split(options: SplitOptions, characters: int) -> SplitOptions:
    """Fill in the shares of a text that is learned from, rather than studied: most of it is for training."""
    return replace(options, fractions=options.fractions or (MOSTLY if characters < LARGE else MOSTLY_LARGE))


def divide(
    texts: Texts, options: SplitOptions, by_position: bool = False
) -> tuple[Texts, dict[str, np.ndarray], Fractions]:
    """Divide texts by document, or by position if there are fewer than three or it is asked for.

    If the documents are so unequal that training would get less than half of its share, or another split less than a
    quarter, the long ones are cut by position.

    Returns:
        The texts, cut if documents are cut; for each split the indices of its documents; and the fractions that were
        used.

    Raises:
        UserError: the text is too short.
    """
    total = int(texts.characters.sum())
    if total < MINIMUM:
        raise UserError(
            f"{some(texts.names)}: {counted(total, 'character')}, too few to be divided into train, validation and "
            f"test; give at least {MINIMUM}."
        )
    fractions = options.fractions or (THIRDS if total < LARGE else MOSTLY_LARGE)
    if by_position or len(texts.names) < len(SPLITS):
        return *split_by_position(texts, fractions), fractions
    splits = split_by_document(texts.characters, fractions, options.split_seed)
    shares = shares_of(texts.characters, splits)
    if all(share >= least * asked for share, asked, least in zip(shares, fractions, LEAST, strict=True)):
        return texts, splits, fractions
    return *split_with_cuts(texts, fractions, options.split_seed), fractions


def split_by_document(characters: np.ndarray, fractions: Fractions, seed: int) -> dict[str, np.ndarray]:
    """Deal out documents at random: each split gets about its share of the characters and at least one document.

    Args:
        characters: (D,) characters in each document; D is at least 3.
        fractions: shares of train, validation and test.
        seed: seed of the order of the documents.

    Returns:
        For each split the indices of its documents, in the random order.
    """
    order = np.random.default_rng(seed).permutation(len(characters))
    ends = np.cumsum(characters[order])

    def number(share: float, least: int, most: int) -> int:
        """Count the first documents that come nearest to this share of the characters."""
        return least + int(np.abs(ends[least - 1 : most] - share * ends[-1]).argmin())

    first = number(fractions[0], 1, len(order) - 2)
    second = number(fractions[0] + fractions[1], first + 1, len(order) - 1)
    return dict(zip(SPLITS, np.split(order, [first, second]), strict=True))


def split_by_position(texts: Texts, fractions: Fractions) -> tuple[Texts, dict[str, np.ndarray]]:
    """Cut texts in order: the first part is for training, the next for validation, the last for test.

    A cut is between documents or lines if one ends near by, else between words or characters. Each part of a document
    becomes a document, named after its split.

    Raises:
        UserError: a part would be blank.
    """
    near = int(min(1000, min(fractions) * texts.characters.sum() / 4))
    parts = _cut(texts, np.arange(len(texts.names)), fractions, near)
    return _parts(texts, [replace(part, cut=True) for part in parts])


def split_with_cuts(texts: Texts, fractions: Fractions, seed: int) -> tuple[Texts, dict[str, np.ndarray]]:
    """Deal out documents at random, and cut those by position that are too long for it.

    Documents are cut that reach from one split into the next by more than a quarter of the smallest one. Each of their
    parts becomes a document, named after its split; the others stay whole.

    Raises:
        UserError: a part would be blank.
    """
    order = np.random.default_rng(seed).permutation(len(texts.names))
    return _parts(texts, _cut(texts, order, fractions, int(min(fractions) * texts.characters.sum() / 4)))


@dataclass(frozen=True)
class _Part:
    """A document, or a part of one."""

    split: str
    document: int
    start: int
    """First byte in the buffer."""
    stop: int
    """Byte after the last one."""
    cut: bool


def _cut(texts: Texts, order: np.ndarray, fractions: Fractions, near: int) -> list[_Part]:
    """Cut documents in an order (D,) into consecutive splits; `near` as in `_place`."""
    bounds = [(0, 0), *(_place(texts, order, share, near) for share in np.cumsum(fractions)[:2]), (len(order), 0)]
    parts: list[_Part] = []
    for split, (first, begin), (last, end) in zip(SPLITS, bounds[:-1], bounds[1:], strict=True):
        before = len(parts)
        for rank in range(first, min(last + 1, len(order))):
            document = int(order[rank])
            start, stop = int(texts.starts[document]), int(texts.stops[document])
            part = max(start, begin if rank == first else 0), min(stop, end) if rank == last else stop
            part = _stripped(texts.buffer, *part)
            if part[0] < part[1]:
                parts.append(_Part(split, document, *part, cut=part != (start, stop)))
        if before == len(parts):
            raise UserError(f"{some(texts.names)} cannot be divided: the part for {split} is blank. Give more text.")
    return parts


def _parts(texts: Texts, parts: list[_Part]) -> tuple[Texts, dict[str, np.ndarray]]:
    """Make documents of the parts, in the order of reading."""
    places = sorted(range(len(parts)), key=lambda place: (parts[place].document, parts[place].start))
    rank = {place: rank for rank, place in enumerate(places)}
    splits = {
        split: np.array([rank[place] for place, part in enumerate(parts) if part.split == split]) for split in SPLITS
    }
    ordered = [parts[place] for place in places]
    origins = [part.document for part in ordered]
    found = Texts(
        buffer=texts.buffer,
        names=[texts.names[part.document] + f" ({part.split})" * part.cut for part in ordered],
        starts=np.array([part.start for part in ordered], np.int64),
        stops=np.array([part.stop for part in ordered], np.int64),
        characters=texts.characters[origins],
        labels=texts.labels,
        label_codes=texts.label_codes[origins],
    )
    for index, part in enumerate(ordered):
        if part.cut:
            found.characters[index] = sum(map(len, found.pieces(index)))
    return found, splits


def nearest_break(window: bytes, centre: int) -> int:
    """Find the place to cut UTF-8 near `centre`: after a newline, else after a space, else between two characters.

    Args:
        window: bytes around the place.
        centre: index in `window` of the ideal cut.
    """
    for mark in (b"\n", b" "):
        places = [place + 1 for place in (window.rfind(mark, 0, centre), window.find(mark, centre)) if place >= 0]
        if places:
            return min(places, key=lambda place: abs(place - centre))
    while centre < len(window) and window[centre] & 0xC0 == 0x80:  # inside a character
        centre += 1
    return centre


def shares_of(characters: np.ndarray, splits: dict[str, np.ndarray]) -> list[float]:
    """The shares of the text that train, validation and test have."""
    return [float(characters[splits[split]].sum() / characters.sum()) for split in SPLITS]


def uneven(characters: np.ndarray, splits: dict[str, np.ndarray], fractions: Fractions) -> bool:
    """True if a split has less than half or more than twice the share of the text that was asked for."""
    return any(
        not 0.5 < share / asked < 2 for share, asked in zip(shares_of(characters, splits), fractions, strict=True)
    )


def division_notices(
    characters: np.ndarray,
    splits: dict[str, np.ndarray],
    fractions: Fractions,
    by_position: bool,
    cut: Sequence[str] = (),
) -> Iterator[str]:
    """Write sentences on a division that may surprise.

    Args:
        characters: (D,) characters in each document.
        splits: for each split the indices of its documents.
        fractions: intended shares of the splits.
        by_position: True if the text is divided in its order.
        cut: names of documents that were cut for a division by document.
    """
    shares = shares_of(characters, splits)
    listed = ", ".join(f"{share:.0%} for {split}" for split, share in zip(SPLITS, shares, strict=True))
    if by_position:
        yield f"With few or unequal documents the text is divided by position, in its order: {listed}."
    elif cut:
        are = "is too long to be dealt out as a whole and was" if len(cut) == 1 else "are too long and were"
        yield f"The documents are very unequal: {some(cut)} {are} cut by position, so that there is {listed}."
    elif uneven(characters, splits, fractions):
        yield f"The documents are too unequal to be divided as asked; the text is divided into {listed}."


def _place(texts: Texts, order: np.ndarray, share: float, near: int) -> tuple[int, int]:
    """Find the end of this share of the characters, for documents in an order (D,).

    Returns:
        The place of the document in `order`, and the byte of the buffer after which it is cut: the end of the document
        within `near` characters, else a break within as many bytes.
    """
    wanted = round(share * int(texts.characters.sum()))
    for rank, size in enumerate(map(int, texts.characters[order])):
        if abs(wanted - size) <= near and rank < len(order) - 1:
            return rank, int(texts.stops[order[rank]])
        if wanted < size:
            break
        wanted -= size
    index = int(order[rank])
    start, byte, stop = int(texts.starts[index]), int(texts.starts[index]), int(texts.stops[index])
    for piece in texts.pieces(index):
        byte += len(piece[:wanted].encode("utf-8"))
        wanted -= len(piece)
        if wanted <= 0:
            break
    around = min(near, 1000)
    first = max(start, byte - around)
    return rank, first + nearest_break(texts.buffer.read(first, min(stop, byte + around)), byte - first)


def _stripped(buffer: FileBuffer, start: int, stop: int) -> tuple[int, int]:
    """Return the bounds of a part without the blank lines around it."""
    if start < stop:
        blank = re.match(rb"(?:[ \t]*\n)*", buffer.read(start, min(stop, start + PIECE)))
        start += blank.end() if blank else 0
    if start < stop:
        end = buffer.read(max(start, stop - PIECE), stop)
        stop -= len(end) - len(end.rstrip())
    return start, stop
