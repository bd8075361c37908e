"""Properties of all registered tokenizers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.base import END, VocabularyOptions
from epigone.text.tokenizers.registry import TOKENIZERS, tokenizer_from_dict, train_tokenizer

anything = st.text(st.characters(exclude_categories=[]))  # lone surrogates and control characters too
KOREAN = "봄이 오면 강가에 나가\n노래를 부르자."
NAMES = sorted(TOKENIZERS)
EXACT = sorted({*TOKENIZERS} - {"fastai"})
"""Those that give every text back; `test_fastai.py` says what the other one drops."""


def trained(name, *texts):
    vocabulary = VocabularyOptions(min_count=1) if name in ("word", "fastai") else VocabularyOptions()
    return train_tokenizer(name, texts, vocabulary)


@given(anything, st.sampled_from(EXACT))
def test_what_is_decoded_is_the_normalised_text(text, name):
    tokenizer = trained(name, "ab\n", text)
    known = "".join(c for c in tokenizer.normalise(text) if c not in tokenizer.unknown(text))
    ids = tokenizer.encode(text)
    if not (name == "word" and any("\ud800" <= c <= "\udfff" for c in text)):
        assert tokenizer.decode(ids) == known
    assert ids.ndim == 1
    assert ids.dtype == tokenizer.dtype
    assert tokenizer.end not in ids


@pytest.mark.parametrize(("name", "shorter"), [("word", 2.2), ("bpe", 1.5)])
def test_a_whole_korean_text_comes_back_from_far_fewer_tokens(name, shorter):
    tales = Path(__file__).parents[2].joinpath("support", "korean.txt").read_text(encoding="utf-8").split("===\n")
    tokenizer = trained(name, *tales)
    ids = [tokenizer.encode(tale) for tale in tales]
    assert [tokenizer.decode(each) for each in ids] == tales
    assert sum(map(len, tales)) > shorter * sum(map(len, ids))
    half = trained(name, *tales[:15])
    assert half.unknown(tales[0]).total() == 0 < sum(half.unknown(tale).total() for tale in tales[15:])
    kept = tokenizer_from_dict(json.loads(json.dumps(half.to_dict())))
    assert all(kept.encode(tale).tolist() == half.encode(tale).tolist() for tale in tales)


@given(anything, st.sampled_from(NAMES))
def test_reading_is_all_of_it_at_once(text, name):
    tokenizer = trained(name, "ab\n", text[: len(text) // 2])
    reading = tokenizer.read(text)
    assert reading.ids.tolist() == tokenizer.encode(text).tolist()
    assert reading.ids.dtype == tokenizer.dtype
    assert reading.unknown == tokenizer.unknown(text)
    assert reading.units >= reading.unknown.total()
    if tokenizer.unit == "character":
        assert reading.characters == len(tokenizer.decode(reading.ids))
        assert reading.spelling == 0
    else:
        assert reading.characters == len(tokenizer.normalise(text))
        assert (reading.spelling > 0) == bool(reading.unknown)


@given(anything, st.sampled_from(EXACT))
def test_normalising_twice_changes_nothing_more(text, name):
    tokenizer = trained(name, "ab", text)
    once = tokenizer.normalise(text)
    assert tokenizer.normalise(once) == once


@pytest.mark.parametrize("name", NAMES)
def test_a_tokenizer_survives_being_written_down(name):
    tokenizer = trained(name, KOREAN)
    again = tokenizer_from_dict(tokenizer.to_dict())
    assert again.vocabulary == tokenizer.vocabulary
    assert (again.name, again.end, again.dtype) == (name, tokenizer.end, tokenizer.dtype)
    assert again.encode(KOREAN).tolist() == tokenizer.encode(KOREAN).tolist()
    assert again.spaces.tolist() == tokenizer.spaces.tolist()
    assert again.printable.tolist() == tokenizer.printable.tolist()
    assert again.to_dict() == tokenizer.to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_every_token_has_its_own_text_and_its_end_is_the_end_symbol(name):
    tokenizer = trained(name, KOREAN)
    size = len(tokenizer.vocabulary)
    assert len(set(tokenizer.vocabulary)) == size == len(tokenizer.printable) == len(tokenizer.spaces)
    assert tokenizer.vocabulary[tokenizer.end] == END
    assert not tokenizer.printable[tokenizer.end]
    assert not tokenizer.spaces[tokenizer.end]
    assert tokenizer.decode([tokenizer.end]) == tokenizer.decode([]) == ""


@pytest.mark.parametrize("name", NAMES)
def test_ids_can_be_written_to_as_torch_wants(name):
    assert trained(name, "abc").encode("abc").flags.writeable


@pytest.mark.parametrize("data", [{"name": "words"}, {}, {"name": None}, {"name": ["ascii"]}])
def test_an_unknown_tokenizer_is_refused_with_those_there_are(data):
    with pytest.raises(UserError, match=re.escape(f"choose one of {TOKENIZERS.choices()}.")):
        tokenizer_from_dict(data)
    with pytest.raises(UserError, match="no tokenizer 'words'"):
        train_tokenizer("words", ["a"])


@pytest.mark.parametrize("name", ["bpe", "char", "word"])
def test_nothing_can_be_learnt_from_nothing(name):
    with pytest.raises(UserError, match="no text to learn"):
        train_tokenizer(name, ["", "\x03"])


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("char", {"vocabulary_size": 90}, "vocabulary_size=90.*word or bpe"),
        ("ascii", {"min_count": 3}, "min_count=3.*the tokenizer word"),
        ("byte", {"lower_case": True}, "lower_case=True.*the tokenizer word"),
        ("bpe", {"min_count": 1}, "bpe has no use for min_count=1"),
    ],
)
def test_options_without_a_use_are_refused(name, options, said):
    with pytest.raises(UserError, match=said):
        train_tokenizer(name, ["abc"], VocabularyOptions(**options))


def test_the_library_of_subwords_is_imported_only_for_them():
    program = (
        "import sys\n"
        "from epigone.text.tokenizers.registry import train_tokenizer\n"
        "for name in ('ascii', 'byte', 'char', 'word'): train_tokenizer(name, ['a a']).encode('a')\n"
        "assert not {'tokenizers', 'torch'} & set(sys.modules)\n"
        "train_tokenizer('bpe', ['a a'])\n"
        "assert 'tokenizers' in sys.modules and 'torch' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-W", "error", "-c", program], check=False).returncode == 0


def test_ids_are_arrays_of_integers_even_where_there_are_none():
    for name in NAMES:
        assert np.issubdtype(trained(name, "ab").encode("").dtype, np.integer)
