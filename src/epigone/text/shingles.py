"""Hashes of the runs of a text ("shingles", Broder 1997), by which texts are compared without being kept."""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

BLOCK = 1 << 16
"""Codes hashed at a time, so that the arrays fit in the processor's cache."""

_BASE = 0x9E3779B97F4A7C15


def hash_runs(codes: Hashes, run: int) -> Hashes:
    """Hash each run of codes: a polynomial modulo 2**64 whose bits are then mixed.

    Runs are joined from runs of 1, 2, 4 and more codes: the hash of two in a row is that of the first, times the base
    to the length of the second, plus that of the second.

    Args:
        codes: the codes (N,) of characters.
        run: the length of a run, from 1.

    Returns:
        The hashes (N - run + 1,) in order; none if there are fewer codes than a run has.
    """
    if len(codes) < run:
        return np.empty(0, np.uint64)
    if len(codes) > BLOCK + run:
        starts = range(0, len(codes) - run + 1, BLOCK)
        return np.concatenate([hash_runs(codes[start : start + BLOCK + run - 1], run) for start in starts])
    power, size, factor = codes, 1, _BASE  # all runs of `size` codes, and the base to that length
    hashes, length = np.zeros(len(codes) + 1, np.uint64), 0  # all runs of `length` codes
    while size <= run:
        if run & size:
            length += size
            number = len(codes) - length + 1
            hashes = hashes[:number] * np.uint64(factor) + power[length - size :][:number]
        if 2 * size <= run:
            power = power[:-size] * np.uint64(factor) + power[size:]
        size, factor = 2 * size, factor * factor % 2**64
    return mixed(hashes)


def hash_segments(codes: Hashes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Hashes:
    """Hash segments of codes, each as a whole: a polynomial modulo 2**64 whose bits are then mixed.

    Args:
        codes: the codes of all segments, one after the other (N,).
        starts: the index of the first code of each segment (S,), ascending from 0.
        lengths: the number of codes of each, from 1 (S,).

    Returns:
        The hashes (S,).
    """
    if not len(starts):
        return np.empty(0, np.uint64)
    powers = np.full(int(lengths.max()), _BASE, np.uint64)
    powers[0] = 1
    powers = np.multiply.accumulate(powers)
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    return mixed(np.add.reduceat(codes * powers[places], starts) + lengths.astype(np.uint64))


def mixed(hashes: Hashes) -> Hashes:
    """Mix all bits of hashes by the finaliser of SplitMix64 (Steele et al. 2014).

    The low bits of a polynomial depend on the low bits of the codes alone.
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    return hashes ^ (hashes >> np.uint64(31))


def divisible(hashes: Hashes, rate: int) -> NDArray[np.bool_]:
    """Tell which hashes are kept at a rate, a power of two. The choice depends on the run alone."""
    return (hashes & np.uint64(rate - 1)) == 0
