"""Texts to classify, of every kind, and what is written about them: nothing is lost, and the order stays."""

import csv
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.classification.predictions import predictions
from epigone.classification.reading.inputs import read_inputs
from epigone.classification.texts import read_unlabelled
from epigone.errors import UserError
from epigone.text.document import ReadOptions

CLASSES = ("bad", "good")


def classify(texts):
    """A text is good if it has an even number of characters."""
    assert all(texts), "empty texts are not classified"
    good = np.array([0.25 + 0.5 * (len(text) % 2 == 0) for text in texts])
    return np.stack([1 - good, good], axis=1)


def predict(given, stdin=None, **options):
    read = read_inputs(given, ReadOptions(**options), None if stdin is None else io.BytesIO(stdin))
    return predictions(read, CLASSES, classify)


def table(found, tmp_path):
    found.write(tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_text_on_the_command_line(tmp_path):
    found = predict("a fine boat!")
    assert (found.labels, found.probabilities.tolist()) == (["good"], [[0.25, 0.75]])
    assert list(found.rows()) == [{"text": "a fine boat!", "predicted": "good", "P(bad)": 0.25, "P(good)": 0.75}]
    assert table(found, tmp_path) == [
        ["text", "predicted", "P(bad)", "P(good)"],
        ["a fine boat!", "good", "0.25", "0.75"],
    ]
    for text in ("good", "and/or", "3.5 of 5", "x" * 100_000, "a\0b", "fine.\nboats.csv", "-5"):
        assert predict(text).inputs.cells[0] == {"text": text}


@pytest.mark.parametrize("name", ["reviews.csv", "a.txt", "./b", "/no/such/place", "more.jsonl.gz", "b.html"])
def test_a_path_that_is_missing_is_no_text(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="There is no file or folder"):
        predict(name)


def test_a_table_keeps_its_columns_and_all_its_rows(tmp_path):
    (tmp_path / "a.csv").write_text(
        'id,Text ,label\n1,"a, ""b"" c\nd",x\n2,,y\n3,fine,\n4,fine,z\n5\n\n6,"wide, really",,\n=1+1,@ + -,-3\n'
    )
    found = predict(tmp_path / "a.csv")
    rows = table(found, tmp_path)
    assert rows[0] == ["id", "Text", "label", "predicted", "P(bad)", "P(good)"]
    assert [row[:4] for row in rows[1:]] == [
        ["1", 'a, "b" c\nd', "x", "good"],
        ["2", "", "y", ""],
        ["3", "fine", "", "good"],
        ["4", "fine", "z", "good"],
        ["5", "", "", ""],
        ["6", "wide, really", "", "good"],
        ["=1+1", "@ + -", "-3", "bad"],
    ]
    assert rows[2][4:] == ["", ""]
    assert found.inputs.notices[-1] == "2 texts have nothing to read and get no label: a.csv#2, a.csv#5."
    assert found.inputs.names[0] == "a.csv"


def test_rows_that_do_not_fit_are_kept(tmp_path):
    rows = "".join(f"remark {n} of some words,mood {n}\n" for n in range(5))
    (tmp_path / "a.csv").write_text("text,mood\n" + rows + "Row, row, row,merry\n")
    found = predict(tmp_path / "a.csv")
    assert table(found, tmp_path)[-1] == ["Row", " row, row,merry", "", "", ""]
    assert re.search(r"1 row of .*line 7\) was not classified, with more fields", " ".join(found.inputs.notices))


def test_json_lines_keep_their_values(tmp_path):
    lines = [{"text": "fine", "n": [1, {"a": None}]}, {"text": True, "n": 2.5}, {"other": "é", "text": "odd"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = predict(tmp_path / "a.jsonl")
    found.write(tmp_path / "out.jsonl")
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [{key: row[key] for key in line} for row, line in zip(written, lines, strict=True)] == lines
    assert [row["predicted"] for row in written] == ["good", None, "bad"]
    assert "(line 2: true) was not classified, because 'text' is no text there." in " ".join(found.inputs.notices)
    assert [row[:3] for row in table(found, tmp_path)[1:]] == [
        ["fine", '[1, {"a": null}]', ""], ["true", "2.5", ""], ["odd", "", "é"],
    ]  # fmt: skip


def test_columns_of_the_same_name_stay(tmp_path):
    (tmp_path / "a.csv").write_text("text,predicted,P(bad)\nfine words,x,1\nodd words,y,2\n")
    found = predict(tmp_path / "a.csv", column="text")
    assert table(found, tmp_path)[:2] == [
        ["text", "predicted", "P(bad)", "predicted'", "P(bad)'", "P(good)"],
        ["fine words", "x", "1", "good", "0.25", "0.75"],
    ]


def test_a_text_file_is_one_text_or_several(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one line\n===\nanother\n\nodd\n")
    assert list(predict(path).inputs.texts) == ["one line\n===\nanother\n\nodd"]
    assert list(predict(path, documents="lines").inputs.texts) == ["one line", "===", "another", "odd"]
    assert list(predict(path, separator="=+").inputs.texts) == ["one line", "another\n\nodd"]
    assert predict(path).inputs.columns == ("name", "text")
    path.write_text("")
    assert predict(path).labels == [None]
    (tmp_path / "b.tsv").write_text("1\tfine boats in the sun\n2\tbad boats in the rain\n")
    (tmp_path / "rows").write_text("1\tfine boats in the sun\n2\tbad boats in the rain\n")
    assert list(predict(tmp_path / "rows").inputs.texts) == list(predict(tmp_path / "b.tsv").inputs.texts)


def test_a_folder_and_several_arguments(tmp_path):
    for name in ("a.txt", "b/c.txt"):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / name).write_text(f"words of {name}")
    found = predict([tmp_path / "all", "and a text", "and a text"])
    assert list(found.inputs.texts) == ["words of a.txt", "words of b/c.txt", "and a text", "and a text"]
    assert [row["name"] for row in found.rows()] == ["a.txt", "b/c.txt", None, None]
    with pytest.raises(UserError, match="No text was given"):
        predict([])
    (tmp_path / "b.csv").write_text("text,label\n")
    with pytest.raises(UserError, match=r"no text in .*b\.csv: it has no rows with text below its header"):
        predict(tmp_path / "b.csv")


def test_the_standard_input():
    assert list(predict("-", b"one\n\ntwo\n").inputs.texts) == ["one\n\ntwo"]
    assert list(predict("-", b"one\n\ntwo\n", documents="lines").inputs.texts) == ["one", "two"]
    assert list(predict("-", "caf\xe9 au lait, s'il vous pla\xeet".encode("cp1252")).inputs.texts) == [
        "café au lait, s'il vous plaît"
    ]
    found = predict("-", b"id,text\n1,fine\n2,\n", column="text")
    assert found.labels == ["good", None]
    assert found.inputs.notices == ["1 text has nothing to read and gets no label: standard input#2."]
    assert predict("-", b"").labels == [None]
    with pytest.raises(UserError, match=r"^standard input has no column 'b'"):
        predict("-", b"id,text\n1,fine\n2,\n", column="b")


@pytest.mark.parametrize("text", ["", "  \n ", "\x07\u200b"])
def test_an_empty_text_has_no_label(text):
    found = predict(["fine", text])
    assert found.labels == ["good", None]
    assert np.isnan(found.probabilities[1]).all()
    assert json.dumps(list(found.rows())[1]) == json.dumps(
        {"text": text, "predicted": None, "P(bad)": None, "P(good)": None}
    )
    assert found.inputs.notices == ["1 text has nothing to read and gets no label: the text."]


def test_only_csv_and_json_lines_are_written(tmp_path):
    with pytest.raises(UserError, match=r"out\.xlsx names neither CSV nor JSON Lines"):
        predict("fine").write(tmp_path / "out.xlsx")


def test_texts_are_cleaned_as_in_training(tmp_path):
    text = "  \x1b[1mCafe\u0301\x1b[0m  soft\u00adly \n\n"
    (tmp_path / "a.csv").write_text(f'text,n\n"{text}",1\n', encoding="utf-8")
    [expected] = read_unlabelled(tmp_path / "a.csv").texts
    assert list(predict([tmp_path / "a.csv", text]).inputs.texts) == [expected, expected]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=20)
NAMES = st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=8), min_size=2, max_size=4, unique=True)


@given(NAMES, st.data())
def test_what_is_given_comes_back(tmp_path_factory, names, data):
    folder = tmp_path_factory.getbasetemp()
    cells = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=6))
    with open(folder / "in.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *cells])
    found = predict(folder / "in.csv", column=names[0], encoding="utf-8")
    assert [row[: len(names)] for row in table(found, folder)] == [names, *cells]
    assert [label is None for label in found.labels] == [not text for text in found.inputs.texts]
    found.write(folder / "out.jsonl")
    lines = (folder / "out.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [[json.loads(line)[name] for name in names] for line in lines] == cells
