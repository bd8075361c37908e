import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers import subwords
from epigone.text.tokenizers.base import END, VocabularyOptions
from epigone.text.tokenizers.subwords import SubwordTokenizer

anything = st.text(st.characters(exclude_categories=[]))
SONG = "The ferry comes over the river.\nThe ferryman's oars don't rest, and over the river the rain comes.\n" * 4
GERMAN = "Der Fährmann rudert über den Fluß, der Fährmann rudert über'n Fluß.\n" * 3
KOREAN = "봄이 오면 강가에 나가 노래를 부르자.\n강가에 나가 봄이 오면 춤을 추자.\n" * 3
CHINESE = "江水流过石桥，江水流过石桥。船夫说：“江水流过石桥！” 我用Python写诗。\n" * 3


def learned(*texts, size=0, held_out=()):
    return SubwordTokenizer.train(texts, VocabularyOptions(vocabulary_size=size), held_out)


def tokens(tokenizer, text):
    return [tokenizer.vocabulary[i] for i in tokenizer.encode(text)]


@settings(max_examples=60)
@given(anything, st.text())
def test_what_is_known_comes_back_and_the_rest_is_counted(text, other):
    tokenizer = learned(SONG, text)
    for each in (text, other):
        unknown = tokenizer.unknown(each)
        assert tokenizer.decode(tokenizer.encode(each)) == "".join(c for c in each if c not in unknown)
    assert set(tokenizer.unknown(text)) <= {END} | {chr(code) for code in range(0xD800, 0xE000)}


@pytest.mark.parametrize("text", [SONG, GERMAN, KOREAN, CHINESE])
def test_texts_of_several_languages_come_back_in_fewer_tokens(text):
    tokenizer = learned(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) < len(text) / 2
    assert sorted(token for token in tokenizer.vocabulary[1:] if len(token) == 1) == sorted(set(text))
    again = SubwordTokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict(), ensure_ascii=False)))
    assert again.encode(text).tolist() == tokenizer.encode(text).tolist()


@pytest.mark.parametrize("text", [SONG, GERMAN, KOREAN, CHINESE])
def test_nothing_is_joined_across_the_edge_of_a_word(text):
    for token in learned(text).vocabulary[1:]:
        assert token.strip() == token or token[1:] == token.strip() or not token.strip(), token
        kinds = {"sign" if not c.isalnum() and c not in "'’" else "word" for c in token.strip()}
        assert len(kinds) <= 1, token


def test_words_are_learned_with_the_space_before_them():
    assert tokens(learned(SONG), "xx over the river")[-3:] == [" over", " the", " river"]
    assert " don't" in learned(SONG * 3).vocabulary
    assert "江水流过石桥" in learned(CHINESE).vocabulary
    assert not any(token.startswith(" 我") for token in learned(CHINESE).vocabulary)


def test_a_long_text_is_read_in_parts_that_change_nothing(monkeypatch):
    tokenizer = learned(SONG + "\n\n\n x")
    whole = tokenizer.encode(SONG + "\n\n" + SONG).tolist()
    for size in (1, 7, 100):
        monkeypatch.setattr(subwords, "CHUNK", size)
        assert tokenizer.encode(SONG + "\n\n" + SONG).tolist() == whole
        assert learned(SONG).to_dict() == learned(SONG).to_dict()


def test_the_size_is_as_asked_and_a_smaller_one_is_the_beginning():
    characters = len(set(SONG))
    small, large = learned(SONG, size=characters + 5), learned(SONG, size=characters + 20)
    assert len(small.vocabulary) == characters + 5
    assert len(large.vocabulary) == characters + 20
    assert large.vocabulary[: len(small.vocabulary)] == small.vocabulary
    assert large.merges[: len(small.merges)] == small.merges


def test_left_out_the_size_fits_the_text(monkeypatch):
    long = " ".join(f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrstx") * 2
    found = learned(long, held_out=[long])
    assert len(found.vocabulary) <= 1 + len(set(long)) + int(4 * len(long) ** 0.5)
    monkeypatch.setattr(subwords, "MOST", 3)
    few = learned(long, held_out=[long])
    assert len(few.vocabulary) == 1 + len(set(long)) + 3
    assert few.vocabulary == found.vocabulary[: len(few.vocabulary)]
    assert few.decode(few.encode(long)) == long


def test_the_alphabet_is_that_of_what_is_held_out_too():
    tokenizer = learned(SONG, held_out=["é ß"])
    assert not tokenizer.unknown("é ß")
    assert {"é", "ß"} < set(tokenizer.vocabulary)
    assert tokenizer.unknown("ü").total() == 1


@pytest.mark.parametrize(
    ("size", "said"), [(5, "5 is too small.* 9 different.*10 or more"), (99_999, "99,999 is more than.* 13 tokens")]
)
def test_a_size_that_does_not_fit_is_refused(size, said):
    with pytest.raises(UserError, match=f"vocabulary_size of {said}"):
        learned("abcdf the the the", size=size)


def test_the_same_text_gives_the_same_subwords_in_every_process():
    program = (
        "from epigone.text.tokenizers.subwords import SubwordTokenizer\nimport hashlib\n"
        f"found = SubwordTokenizer.train([{SONG + GERMAN + KOREAN!r}]).to_dict()\n"
        "print(hashlib.sha256(repr(found).encode()).hexdigest())"
    )
    results = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }
    assert len(results) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocabulary", None),
        ("vocabulary", ["a", "b"]),
        ("vocabulary", [END, "a", "a"]),
        ("vocabulary", [END, "a", ""]),
        ("vocabulary", [END, 3]),
        ("merges", None),
        ("merges", [[1]]),
        ("merges", [[1, 10**6]]),
        ("merges", [[0, 1]]),
        ("merges", ["ab"]),
        ("merges", [[1, 1]]),
    ],
)
def test_damage_is_told(key, value):
    data = learned("\nxy" + SONG).to_dict()
    SubwordTokenizer.from_dict(data)
    with pytest.raises(UserError, match=rf"`{key}`.*tokenizer\.json"):
        SubwordTokenizer.from_dict(data | {key: value})
