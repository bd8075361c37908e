"""Hashes of runs: the fast form equals the equation."""

import numpy as np
import pytest

from epigone.text.shingles import divisible, hash_runs


def by_equation(codes, run):
    """The polynomial of each run, code by code, and the finaliser of SplitMix64, in whole numbers of Python."""
    hashes = []
    for start in range(len(codes) - run + 1):
        value = 0
        for code in codes[start : start + run]:
            value = (value * 0x9E3779B97F4A7C15 + int(code)) % 2**64
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
        hashes.append(value ^ (value >> 31))
    return hashes


@pytest.mark.parametrize("run", [1, 2, 3, 7, 8, 30, 31, 32, 33, 40])
@pytest.mark.parametrize("more", [-1, 0, 1, 17])
def test_runs_are_hashed_as_the_equation_says(run, more):
    codes = np.random.default_rng(run).integers(0x110000, size=run + more).astype(np.uint64)
    assert hash_runs(codes, run).tolist() == by_equation(codes, run)


def test_a_rate_keeps_the_hashes_that_it_divides():
    hashes = np.arange(9, dtype=np.uint64)
    assert hashes[divisible(hashes, 4)].tolist() == [0, 4, 8]
    assert divisible(hashes, 1).all()
