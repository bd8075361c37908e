import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.document import Document, ReadReport
from epigone.text.splitting import (
    LARGE,
    LEAST,
    MINIMUM,
    SPLITS,
    SplitOptions,
    divide,
    division_notices,
    nearest_break,
    split_by_document,
    split_by_position,
)
from epigone.text.store import store

THIRDS = (1 / 3, 1 / 3, 1 / 3)
fractions = st.tuples(*[st.floats(0.05, 1)] * 3).map(lambda shares: tuple(share / sum(shares) for share in shares))


def texts_of(*documents):
    return store((Document(f"d{i}", iter([text])) for i, text in enumerate(documents)), None, ReadReport())[0]


@given(st.lists(st.integers(1, 10_000), min_size=3, max_size=50), fractions, st.integers(0, 99))
def test_documents_are_dealt_out_completely(sizes, shares, seed):
    splits = split_by_document(np.array(sizes), shares, seed)
    assert list(splits) == list(SPLITS)
    order = np.concatenate(list(splits.values()))
    assert order.tolist() == np.random.default_rng(seed).permutation(len(sizes)).tolist()
    assert all(len(indices) for indices in splits.values())


@given(st.lists(st.integers(50, 150), min_size=30, max_size=100), fractions, st.integers(0, 99))
def test_shares_of_the_text_are_as_asked(sizes, shares, seed):
    characters = np.array(sizes)
    splits = split_by_document(characters, shares, seed)
    for split, share in zip(SPLITS, shares, strict=True):
        # Each of the two cuts is off by half a document at most, unless a split would be empty.
        assert abs(characters[splits[split]].sum() - share * characters.sum()) <= 151


def test_the_seed_decides():
    sizes = np.arange(1, 40)
    again = [split_by_document(sizes, THIRDS, seed)["train"].tolist() for seed in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


lines = st.lists(st.text(st.sampled_from("ab é우"), min_size=1, max_size=30).filter(str.strip), min_size=3)


def unspaced(text):
    return "".join(text.split())


@given(st.lists(lines.map("\n".join), min_size=1, max_size=2, unique=True), fractions)
def test_a_division_by_position_keeps_the_text_and_its_order(documents, shares):
    texts = texts_of(*documents)
    try:
        parts, splits = split_by_position(texts, shares)
    except UserError:  # a part would be blank, which happens in texts of a few characters
        reject()
    found = ["".join(parts.pieces(index)) for index in range(len(parts.names))]
    assert unspaced("".join(found)) == unspaced("".join("".join(texts.pieces(i)) for i in range(len(texts.names))))
    assert np.concatenate([splits[split] for split in SPLITS]).tolist() == list(range(len(found)))
    assert parts.characters.tolist() == list(map(len, found))
    assert all(text == text.rstrip(" \t\n") and text.strip() for text in found)


@pytest.mark.parametrize("alphabet", ["ab", "é우", "aé우😀"])
@pytest.mark.parametrize("separator", ["\n", " ", ""])
@given(shares=fractions, size=st.integers(2_000, 9_000))
def test_parts_by_position_have_their_shares(alphabet, separator, shares, size):
    word = (alphabet * 10)[:10]
    text = separator.join([word] * (size // len(word)))
    parts, splits = split_by_position(texts_of(text), shares)
    for split, share in zip(SPLITS, shares, strict=True):
        [index] = splits[split]
        assert parts.names[index] == f"d0 ({split})"
        assert abs(parts.characters[index] - share * len(text)) <= 2 * (len(word) + 2)
        if separator:  # no word is cut
            assert set("".join(parts.pieces(index)).split()) == {word}


def test_cuts_prefer_lines_to_spaces():
    text = "\n".join(["some words in a line"] * 100)
    parts, _ = split_by_position(texts_of(text), THIRDS)
    for index in range(3):
        assert set("".join(parts.pieces(index)).split("\n")) == {"some words in a line"}


def test_two_documents_are_cut_between_them_where_that_is_near():
    first, second = "first song\n" * 100, "second song\n" * 190
    parts, splits = split_by_position(texts_of(first, second), THIRDS)
    assert parts.names == ["d0 (train)", "d1 (validation)", "d1 (test)"]
    assert parts.characters[0] == len(first) - 1
    parts, splits = split_by_position(texts_of(first[:400], second), THIRDS)
    assert parts.names == ["d0 (train)", "d1 (train)", "d1 (validation)", "d1 (test)"]
    assert splits["train"].tolist() == [0, 1]


def test_a_part_without_text_is_refused():
    with pytest.raises(UserError, match="for validation is blank"):
        split_by_position(texts_of("a" * 100 + "\n" * 10_000 + "b" * 100), THIRDS)


def test_the_nearest_break():
    assert nearest_break(b"aa\nbb cc\ndd", 5) == 3
    assert nearest_break(b"aa\nbb cc\ndd", 7) == 9
    assert nearest_break(b"aa bb", 4) == 3
    assert nearest_break("ééé".encode(), 3) == 4
    assert nearest_break(b"abc", 2) == 2
    assert nearest_break(b"abc", 3) == 3


def test_little_text_is_refused_with_the_minimum():
    with pytest.raises(UserError, match=rf"d0, d1, d2.*{MINIMUM}"):
        divide(texts_of("a", "b", "c"), SplitOptions())
    with pytest.raises(UserError, match=f"{MINIMUM - 1} characters.*{MINIMUM}"):
        divide(texts_of("a" * (MINIMUM - 1)), SplitOptions())
    parts, splits, _ = divide(texts_of("a" * MINIMUM), SplitOptions())
    assert parts.characters[splits["train"]].sum() > MINIMUM // 4


def test_large_corpora_keep_most_for_training():
    assert divide(texts_of(*["a" * 100 + c for c in "xyz"]), SplitOptions())[2] == pytest.approx(THIRDS)
    large = texts_of(*["a" * (LARGE // 3) + c for c in "xyz"])
    assert divide(large, SplitOptions())[2] == (0.9, 0.05, 0.05)
    assert divide(large, SplitOptions(fractions=(0.5, 0.3, 0.2)))[2] == (0.5, 0.3, 0.2)


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5, 0.0), (1.0, 1.0, 1.0), (0.5, 0.5), (-1.0, 1.0, 1.0), (float("nan"),) * 3]
)
def test_fractions_that_divide_nothing_are_refused(shares):
    with pytest.raises(UserError, match=r"add up to 1|each is a number or None"):
        SplitOptions(fractions=shares)


def test_a_negative_seed_is_refused():
    with pytest.raises(UserError, match="seed -1"):
        SplitOptions(split_seed=-1)


def test_notices_tell_of_divisions_nobody_asked_for():
    splits = {split: np.array([index]) for index, split in enumerate(SPLITS)}
    even, uneven = np.array([30, 33, 36]), np.array([90, 5, 5])
    assert list(division_notices(even, splits, THIRDS, False)) == []
    assert "too unequal" in next(division_notices(uneven, splits, THIRDS, False))
    assert next(division_notices(even, splits, THIRDS, False, ["a.txt"])) == (
        "The documents are very unequal: a.txt is too long to be dealt out as a whole and was cut by position, so that "
        "there is 30% for train, 33% for validation, 36% for test."
    )
    assert "a, b are too long and were cut by position" in next(
        division_notices(even, splits, THIRDS, False, ["a", "b"])
    )
    assert "90% for train" in next(division_notices(uneven, splits, (0.9, 0.05, 0.05), True))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shares", [THIRDS, (0.8, 0.1, 0.1), (0.9, 0.05, 0.05)])
@pytest.mark.parametrize(
    "lengths", [(2_000, 10, 10), (2_000, 9, 8, 7, 6, 5), (900, 800, 20), (700, 700, 700), (5,) * 40 + (900,)]
)
def test_documents_too_long_to_be_dealt_out_are_cut(lengths, shares, seed):
    documents = ["\n".join(f"{place}: line {line}" for line in range(size)) for place, size in enumerate(lengths)]
    texts = texts_of(*documents)
    parts, splits, _ = divide(texts, SplitOptions(shares, seed))
    total = sum(map(len, documents))
    for split, share, least in zip(SPLITS, shares, LEAST, strict=True):
        assert parts.characters[splits[split]].sum() / total / share > least
    assert sorted(np.concatenate(list(splits.values()))) == list(range(len(parts.names)))
    found = ["".join(parts.pieces(index)) for index in range(len(parts.names))]
    assert "\n".join(found) == "\n".join(documents), "in the order of reading"
    assert parts.characters.tolist() == list(map(len, found))
    for name, text in zip(parts.names, found, strict=True):
        assert (" (" in name) == (text not in documents)


def test_the_seed_decides_what_a_long_document_is_cut_into():
    texts = texts_of("".join(f"line {line}\n" for line in range(999)), "tiny one", "tiny two")
    found = {
        seed: {split: texts_.tolist() for split, texts_ in divide(texts, SplitOptions(split_seed=seed))[1].items()}
        for seed in (0, 0, 1, 2, 3)
    }
    assert len({str(splits) for splits in found.values()}) > 1
    assert found[0] == {k: v.tolist() for k, v in divide(texts, SplitOptions())[1].items()}


def test_parts_by_position_have_the_label_of_their_document():
    texts = store(
        (Document(name, iter([name * 500 + "\n"]), label) for name, label in ("ax", "by")), None, ReadReport()
    )[0]
    parts, _ = split_by_position(texts, (0.25, 0.5, 0.25))
    found = [(name, parts.labels[code]) for name, code in zip(parts.names, parts.label_codes, strict=True)]
    assert found == [("a (train)", "x"), ("a (validation)", "x"), ("b (validation)", "y"), ("b (test)", "y")]
