"""Pickled lists of words, in every way that Python writes them, and in none other."""

import contextlib
import pickle
import pickletools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.export.word_list import read_words

words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=40)


@settings(max_examples=40)
@given(words, st.integers(0, 5))
def test_every_protocol_is_read(tmp_path_factory, words, protocol):
    path = tmp_path_factory.mktemp("words") / "itos.pkl"
    words = [*words, *words[:3], "long " * 200]  # equal objects come from the memo
    path.write_bytes(pickle.dumps(words, protocol))
    assert read_words(path) == words
    path.write_bytes(pickletools.optimize(path.read_bytes()))
    assert read_words(path) == words


def test_a_long_list_comes_in_parts(tmp_path):
    path, words = tmp_path / "itos.pkl", [f"word {i}" for i in range(70_000)]
    for protocol in (1, 4):
        path.write_bytes(pickle.dumps(words, protocol))
        assert read_words(path) == words


def test_strings_of_python_2_are_read(tmp_path):
    path = tmp_path / "itos.pkl"
    path.write_bytes(b"(lp0\nS'the'\np1\naS'river'\np2\nag1\na.")
    assert read_words(path) == ["the", "river", "the"]
    path.write_bytes(b"\x80\x02]q\x00(U\x03theU\x05caf\xc3\xa9e.")
    assert read_words(path) == ["the", "café"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"]",
        b"(.",
        b"a.",
        b"e.",
        b"h\x00.",
        b"]h\x05.",
        b"](e",
        b"\x8c\x03thea.",
        b"](\x8c",
        b"\xff.",
        b"e](e.",
    ],
)
def test_broken_programs_are_refused(data, tmp_path):
    path = tmp_path / "itos.pkl"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"itos\.pkl"):
        read_words(path)


def test_no_file_makes_anything_but_a_list_of_strings(tmp_path):
    """Whatever is changed in a file, it is read as strings, or refused and no other error comes."""
    path, generator = tmp_path / "itos.pkl", random.Random(0)
    whole = pickle.dumps(["the", "river", "the", "ferry" * 60], 4)
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(data)
        with contextlib.suppress(UserError):
            assert all(type(word) is str for word in read_words(path))
