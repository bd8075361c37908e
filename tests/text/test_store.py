from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text import store as module
from epigone.text.document import Document, ReadReport
from epigone.text.store import store

pieces = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=3)
some_documents = st.lists(pieces.filter(lambda parts: parts[0].strip()), min_size=1, max_size=6)


def documents_of(documents, prefix="d"):
    return [Document(f"{prefix}{index}", iter(parts)) for index, parts in enumerate(documents)]


def digest_of(documents):
    return store(documents, None, ReadReport())[1]


@given(some_documents, st.integers(1, 9))
def test_texts_come_back_once_each(documents, piece):
    report = ReadReport()
    texts, _ = store(documents_of(documents), None, report)
    expected: dict[str, tuple[str, str]] = {}
    for index, parts in enumerate(documents):
        whole = "".join(parts)
        expected.setdefault(whole.lstrip(), (f"d{index}", whole))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        assert texts.names[:2] == list(texts.names)[:2]
        found = [(name, "".join(texts.pieces(index))) for index, name in enumerate(texts.names)]
    assert found == list(expected.values())
    assert (report.duplicates, report.relabelled) == (len(documents) - len(expected), 0)
    assert texts.characters.tolist() == [len(text) for _, text in found]
    assert texts.characters.dtype == texts.starts.dtype == texts.stops.dtype == np.int64


@given(pieces, st.integers(1, 9))
def test_a_document_is_cut_between_lines_or_else_between_words(parts, piece):
    text = "".join(parts) + "x"
    texts, _ = store(documents_of([[text]]), None, ReadReport())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        found = list(texts.pieces(0))
    assert "".join(found) == text
    for before, after in pairwise(filter(None, found)):
        spaced = " " in before[1:] or "\n" in before
        assert not spaced or before.endswith("\n") or after.startswith(" ")


@given(some_documents)
def test_the_hash_is_that_of_the_texts(documents):
    joined = [["".join(parts)] for parts in documents]
    _, digest = store(documents_of(documents), None, ReadReport())
    assert digest_of(documents_of(joined, "other name ")) == digest
    assert digest_of(documents_of([*joined, joined[0]])) == digest  # a duplicate adds nothing
    assert digest_of(documents_of([*joined, ["one more" + joined[0][0]]])) != digest
    assert len(digest) == 64


def test_names_come_back_whatever_they_hold():
    names = ["a", "", "b/é.txt#2", "not UTF-8 \udce9", "twice"]
    documents = [Document(name, iter([f"text {min(place, 3)}"])) for place, name in enumerate(names)]
    report = ReadReport()
    texts, _ = store(documents, None, report)
    assert (list(texts.names), report.duplicates) == (names[:4], 1)
    assert texts.names[-1] == names[3]


def test_the_hash_feels_boundaries_order_and_indentation():
    variants = [[["ab"], ["c"]], [["a"], ["bc"]], [["abc"]], [["c"], ["ab"]], [["ab"], [" c"]]]
    assert len({digest_of(documents_of(variant)) for variant in variants}) == len(variants)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, "neg", "pos"])), min_size=1))
def test_labels_are_kept_with_the_first_of_equal_texts(pairs):
    documents = [Document(str(place), iter([text]), label) for place, (text, label) in enumerate(pairs)]
    report = ReadReport()
    texts, digest = store(documents, None, report)
    kept: dict[str, str | None] = {}
    for text, label in pairs:
        kept.setdefault(text, label)
    assert [texts.labels[code] for code in texts.label_codes] == list(kept.values())
    assert report.relabelled == sum(label != kept[text] for text, label in pairs)
    assert digest == digest_of([Document("", iter([text])) for text, _ in pairs])


def test_texts_without_labels_spend_no_memory_on_them():
    texts, _ = store(documents_of([[f"text {number}"] for number in range(1000)]), None, ReadReport())
    assert texts.labels == (None,)
    assert texts.label_codes.shape == (1000,)
    assert texts.label_codes.strides == (0,)
