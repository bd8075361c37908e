import csv
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.formats.tables import read_table

KAGGLE = (
    "artist,song,link,text\n"
    'The Herons,Reed Song,/h/reed.html,"Down by the reeds,  \r\nwe sang ""hey ho""  \r\n\r\nall day."\n'
    'The Herons,"Mud, Mud",/h/mud.html,Only mud.\n'
)


@pytest.fixture
def read(tmp_path):
    def read(text, name, column=None):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        rows = read_table(path, name, ReadOptions(column=column), ReadReport())
        return [(row.name, "".join(row.pieces)) for row in rows]

    return read


def texts(rows):
    return [text for _, text in rows]


@pytest.mark.parametrize("name", ["songs.csv", "songs.csv.gz"])
def test_the_lyrics_of_kaggle(read, name):
    reed = 'Down by the reeds,  \nwe sang "hey ho"  \n\nall day.'
    assert read(KAGGLE, name) == [(name, reed), (f"{name}#2", "Only mud.")]
    assert texts(read(KAGGLE, name, "song")) == ["Reed Song", "Mud, Mud"]


def test_a_field_may_be_longer_than_the_csv_module_likes(read):
    long = "la " * 100_000
    assert texts(read(f'text,n\n"{long}",1\n', "a.csv")) == [long]


def test_the_only_column_of_text_needs_no_name(read):
    assert texts(read("id,year,lyrics\n1,1801.5,Hey\n2,,\n", "a.csv")) == ["Hey", ""]
    assert texts(read('{"id": 1, "lyrics": "Hey"}\n{"id": 2, "lyrics": "Ho"}\n', "a.jsonl")) == ["Hey", "Ho"]
    assert texts(read("lyrics\nHey\n", "a.csv")) == ["Hey"]


@pytest.mark.parametrize(
    ("text", "name"), [("title,lyrics\nA,Hey\n", "a.csv"), ('{"title": "A", "lyrics": "Hey"}', "a.jsonl")]
)
def test_two_columns_of_text_leave_it_open(read, text, name):
    with pytest.raises(UserError, match=rf"{name}.*'title', 'lyrics'.*--column"):
        read(text, name)
    assert texts(read(text, name, "lyrics")) == ["Hey"]
    with pytest.raises(UserError, match=rf"{name} has no column 'lyric'.*'title', 'lyrics'"):
        read(text, name, "lyric")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_file_may_have_other_delimiters(read, delimiter):
    assert texts(read(f'n{delimiter}text\n1{delimiter}"a, b"\n', "a.csv")) == ["a, b"]


def test_quotation_marks_in_tsv_are_just_that(read):
    text = 'label\ttext\npos\t"Great", he said\nneg\tan unclosed " mark\npos\t"all ""of"" it"\nneg\t"A" and "B"\n'
    assert texts(read(text, "a.tsv")) == ['"Great", he said', 'an unclosed " mark', 'all "of" it', '"A" and "B"']


def test_tsv_with_quoted_newlines_is_read_too(read):
    assert texts(read('label\ttext\npos\t"one\ntwo"\nneg\tthree\n', "a.tsv")) == ["one\ntwo", "three"]


def test_short_rows_and_nulls_are_empty_texts(read):
    assert texts(read("n,text\n1\n\n2,Hey\n", "a.csv")) == ["", "Hey"]
    assert texts(read('{"text": null}\n\n{"n": 1}\n{"text": 5}\n', "a.ndjson")) == ["", "", "5"]


def test_a_table_without_rows_has_no_documents(read):
    assert read("text\n", "a.csv") == read("", "a.csv") == read("", "a.jsonl") == read("", "a.tsv", "text") == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_only_carriage_returns_in_texts_are_counted(tmp_path, suffix, end):
    path, report = tmp_path / f"a{suffix}", ReadReport()
    rows = {
        ".csv": ["n,text", '1,"one\r\ntwo\rthree\nfour"', '"a\r\nb",plain'],
        ".tsv": ["n\ttext", '1\t"one\r\ntwo\rthree\nfour"', '"a\r\nb"\tplain'],
        ".jsonl": [json.dumps({"text": "one\ntwo\nthree\nfour"}), '{"text": "plain"}'],
    }[suffix]
    path.write_bytes("".join(row + end for row in rows).encode())
    found = ["".join(row.pieces) for row in read_table(path, "t", ReadOptions(), report)]
    assert found == ["one\ntwo\nthree\nfour", "plain"]
    assert report.newlines == (0 if suffix == ".jsonl" else 2)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"))))
def test_what_python_writes_is_read_again(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "table.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("n", "text"), *enumerate(written)])
    options = ReadOptions(encoding="utf-8")
    assert texts_of(path, options) == written
    path = path.with_suffix(".jsonl")
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in written), encoding="utf-8")
    assert texts_of(path, options) == written


def texts_of(path, options):
    return ["".join(row.pieces) for row in read_table(path, "t", options, ReadReport())]


@pytest.mark.parametrize("line", ["{broken", "[1, 2]", '"text"', "12", "[" * 100_000])
def test_a_line_that_is_no_object_is_named(read, line):
    with pytest.raises(UserError, match=r"a\.json, line 3"):
        read('{"text": "a"}\n{"text": "b"}\n' + line, "a.json")


def test_malformed_csv_names_the_line(read, monkeypatch):
    monkeypatch.setattr("epigone.text.readers.formats.tables._LONGEST", 5)
    with pytest.raises(UserError, match=r"a\.csv, line 2, is not valid CSV"):
        read("text\nlonger than five\n", "a.csv")
