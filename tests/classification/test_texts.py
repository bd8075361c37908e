"""Labelled texts from files of every kind."""

from epigone.classification.texts import read_labelled, read_unlabelled
from epigone.text.document import ReadOptions


def test_a_table_gives_texts_and_labels(tmp_path):
    (tmp_path / "a.csv").write_text("text,stars\nfine boats,10\nbad boats,2\nno boats,10\n")
    read = read_labelled([tmp_path / "a.csv"], ReadOptions(label="stars"))
    assert list(read.texts) == ["fine boats", "bad boats", "no boats"]
    assert (read.classes, read.codes.tolist()) == (("2", "10"), [1, 0, 1])
    assert list(read.names) == ["a.csv", "a.csv#2", "a.csv#3"]
    part = read.subset(read.codes.nonzero()[0])
    assert (list(part.texts), part.classes, len(part)) == (["fine boats", "no boats"], ("2", "10"), 2)
    assert part.hash != read.hash


def test_a_folder_for_each_class(tmp_path):
    for name in ("pos/1.txt", "neg/1.txt", "neg/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"words of {name}")
    read = read_labelled([tmp_path])
    assert (read.classes, read.codes.tolist()) == (("neg", "pos"), [0, 0, 1])
    assert len(read_unlabelled([tmp_path]).texts) == 3
