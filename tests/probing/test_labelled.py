"""Labelled texts as properties."""

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.probing.labelled import PASSAGE, read_passages


def table(path, rows):
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows), encoding="utf-8")
    return path


def several(label, number, length=1):
    return [(f"{label} text {i} " + "and so on " * length, label) for i in range(number)]


def test_two_labels_are_one_property_with_as_many_of_each(tmp_path):
    path = table(tmp_path / "a.csv", several("bad", 40) + several("good", 20))
    found = read_passages("mood", [path], 600, 0)
    (target,) = found.targets
    assert (target.name, target.level) == ("mood", "high")
    assert [text.startswith("good") for text in found.texts] == target.classes.tolist()
    assert abs(target.classes.sum() - (~target.classes).sum()) <= 1
    assert 600 <= sum(map(len, found.texts)) < 700
    assert len(set(found.documents.tolist())) == len(found.texts)


def test_long_texts_are_cut_and_stay_one_document(tmp_path):
    path = table(tmp_path / "a.csv", several("bad", 5, 200) + several("good", 5, 200))
    found = read_passages("mood", [path], 1 << 20, 0)
    assert max(map(len, found.texts)) == PASSAGE
    assert len(set(found.documents.tolist())) == 10 < len(found.texts)


def test_a_label_with_few_texts_is_divided_by_passages(tmp_path):
    path = table(tmp_path / "a.csv", several("bad", 1, 400) + several("good", 5, 200))
    found = read_passages("mood", [path], 1 << 20, 0)
    bad = ~found.targets[0].classes
    assert len(set(found.documents[bad].tolist())) == bad.sum()
    assert "'bad'" in found.notices[0]


def test_several_labels_are_a_property_each_and_numbers_are_graded(tmp_path):
    words = table(tmp_path / "a.csv", [*several("x", 6), *several("y", 6), *several("z", 6)])
    assert [target.name for target in read_passages("who", [words], 1 << 20, 0).targets] == ["who=x", "who=y", "who=z"]
    numbers = table(tmp_path / "b.csv", [*several("1950", 2), *several("1960", 2), *several("1999.5", 2)])
    (target,) = read_passages("year", [numbers], 1 << 20, 0).targets
    assert target.graded
    assert np.unique(target.values).tolist() == [1950, 1960, 1999.5]


def test_too_few_passages_are_told(tmp_path):
    path = table(tmp_path / "a.csv", several("bad", 2) + several("good", 30))
    with pytest.raises(UserError, match="No two labels of the property mood have 4 passages"):
        read_passages("mood", [path], 1 << 20, 0)
