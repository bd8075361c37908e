"""Labelled texts from files of every kind, and sentences on what is wrong with them."""

import csv
import gzip
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.classification.texts import read_labelled, read_unlabelled
from epigone.errors import UserError
from epigone.text.document import ReadOptions

REMARKS = [f"remark {number} on the boat, and some more words" for number in range(12)]
PAIRS = [(text, "praise" if number % 3 else "complaint") for number, text in enumerate(REMARKS)]


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def pairs(read):
    """Each text with its label."""
    return [(text, read.classes[code]) for text, code in zip(read.texts, read.codes.tolist(), strict=True)]


def rows(delimiter=",", header="text,label", order=(0, 1)):
    lines = [header.replace(",", delimiter)] if header else []
    lines += [
        delimiter.join(f'"{pair[place]}"' if "," in pair[place] else pair[place] for place in order) for pair in PAIRS
    ]
    return "\n".join(lines) + "\n"


def test_a_table_gives_texts_labels_and_names(tmp_path):
    path = write(tmp_path / "a.csv", "text,stars\nfine boats,10\nbad boats,2\nno boats,10\n")
    read = read_labelled([path], ReadOptions(label="stars"))
    assert list(read.texts) == ["fine boats", "bad boats", "no boats"]
    assert (read.classes, read.codes.tolist(), read.codes.dtype) == (("2", "10"), [1, 0, 1], np.int64)
    assert list(read.names) == ["a.csv", "a.csv#2", "a.csv#3"]
    assert len(read) == 3
    part = read.subset(np.array([2, 0]))
    assert (list(part.texts), part.classes, part.names) == (
        ["no boats", "fine boats"], read.classes, ["a.csv#3", "a.csv"],
    )  # fmt: skip
    assert read.subset(np.array([0])).counts.tolist() == [0, 1]


def test_the_hash_is_of_texts_and_labels(tmp_path):
    hashes = {
        read_labelled(write(tmp_path / name, content)).hash
        for name, content in {
            "a.csv": "text,label\nfine boats,1\nbad boats,2\n",
            "b.jsonl": '{"label": 1, "text": "fine boats"}\n{"label": 2, "text": "bad boats"}\n',
            "c.csv": "text,label\nfine boats,2\nbad boats,1\n",
            "d.csv": "text,label\nbad boats,2\nfine boats,1\n",
            "e.csv": "text,label\nfine boat,1\nbad boats,2\n",
        }.items()
    }
    assert len(hashes) == 4, "the first two are the same texts with the same labels"


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.csv", rows(), {}),
        ("a.csv.gz", rows(), {}),
        ("a.csv", rows(header="Text ,Label "), {}),
        ("a.csv", rows(header="\ufeffLABEL,Text", order=(1, 0)), {}),
        ("a.csv", rows(";", header="label;review", order=(1, 0)), {}),
        ("a.csv", rows().replace("\n", "\r\n"), {}),
        ("a.tsv", rows("\t"), {}),
        ("a.tsv", rows("\t", header=""), {}),
        ("a.tsv", rows("\t", header="", order=(1, 0)), {}),
        ("a.tsv", "".join(f"{label}\t{n}\t{text}\n" for n, (text, label) in enumerate(PAIRS)), {}),
        ("a.tsv", "label\tid\ttext\n" + "".join(f"{y}\t{n}\t{text}\n" for n, (text, y) in enumerate(PAIRS)), {}),
        ("a.txt", rows("\t"), {}),
        ("ham_and_spam", rows("\t", header="", order=(1, 0)), {}),
        ("a.txt", rows("\t", header="", order=(1, 0)), {"label": "1"}),
        ("a.txt", rows(";"), {"label": "label"}),
        ("a.csv", rows(header="note,mood"), {"label": "mood", "column": "note"}),
        ("a.csv", rows(header="note,mood"), {"label": " mood"}),
        ("a.csv", rows(header="note,mood"), {"column": "note"}),
        ("a.csv", rows(header="note,mood"), {}),
        ("a.jsonl", "".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in PAIRS), {}),
        ("a.ndjson", "".join(json.dumps({"id": n, "y": p[1], "t": p[0]}) + "\n" for n, p in enumerate(PAIRS)), {}),
    ],
)  # fmt: skip
def test_columns_are_found_where_they_are_clear(tmp_path, name, content, options):
    data = gzip.compress(content.encode()) if name.endswith(".gz") else content
    read = read_labelled(write(tmp_path / name, data), ReadOptions(**options))
    assert pairs(read) == PAIRS
    if len(options) < 2:
        flag = "--column" if "label" in options else "--label" if "column" in options else "--column and --label"
        assert [notice for notice in read.notices if re.search(rf"{name} seems to have .* {flag} name", notice)]
    else:
        assert read.notices == []


LONG = [(f"{text} of the {n}th of many long days on the river", str(1 + n % 2)) for n, (text, _) in enumerate(PAIRS)]
NUMBERED = [(text.replace(",", ""), label) for text, label in LONG]


def each(row, header=""):
    """A table with such a row for each numbered remark: `{n}`, `{y}` and `{t}` are number, label and text."""
    return header + "".join(row.format(n=n + 10, y=label, t=text) + "\n" for n, (text, label) in enumerate(NUMBERED))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (each("{y},{t}"), "has no header, it seems"),
        (each("{y},Title {n},{t}"), "has no header, it seems"),
        (each('"{y}","14678{n}","Mon Apr 06 22:19","NO","me{n}","{t}"'), "has no header, it seems"),
        (
            each("{y},{t}\nlabel,text", "label,text\n"),
            r"12 rows of .*\(lines 3; 5; 7 …\) were left out: the header again",
        ),
        (each("{y},{t},,", "v1,v2,,\n"), "column 'v2' and labels in its column 'v1'"),
        (each("5703061{n},{y},{t},2015-02-{n}", "id,airline_sentiment,text,created\n"), "column 'airline_sentiment'"),
        (each("{t};{y}\r", "\ufeffsep=;\r\ntext;label\r\n"), "'text'"),
        (each("{t},{y}", "Remarks of the summer\n\ntext,label\n"), "as a title"),
        (each("{t},{y}\n", "text,label\n\n"), "'text'"),
    ],
)
def test_tables_as_people_have_them(tmp_path, content, told):
    read = read_labelled(write(tmp_path / "a.csv", content))
    assert pairs(read) == NUMBERED
    assert re.search(told, " ".join(read.notices))


def test_a_label_called_1_in_a_table_without_header(tmp_path):
    path = write(tmp_path / "a.csv", each("{y},{t}"))
    for options in ({"label": "1"}, {"label": "1", "column": "2"}, {"column": "2"}):
        assert pairs(read_labelled(path, ReadOptions(**options))) == NUMBERED
    named = write(tmp_path / "b.csv", each("{t},good{y}", "2,1\n"))
    assert read_labelled(named, ReadOptions(label="1")).classes == ("good1", "good2")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.txt",
            "__label__a fine boats\n__label__b bad boats\n",
            r"as fastText writes them.*`sed -E .*a\.txt > texts\.tsv`",
        ),
        ("a.xlsx", b"PK\x03\x04" + bytes(200), "is a zip archive|spreadsheet|Excel"),
        ("a.parquet", b"PAR1" + bytes(200), "Parquet"),
        ("a.json", '[{"text": "fine", "label": 1}]', "jq -c"),
        (
            "a.csv",
            "number,label\n1,a\n2,b\n3,a\n4,b\n",
            r"no column of texts beside that of the labels: 'number' \(1, 2, 3, …\)",
        ),
        ("a.csv", "text,label\nfine boats,a\n", r"The text in .*a\.csv has the label 'a'"),
    ],
)
def test_what_cannot_be_read_gets_a_remedy(tmp_path, name, content, message):
    with pytest.raises(UserError, match=message):
        read_labelled(write(tmp_path / name, content))


def test_a_column_of_labels_is_told_from_others(tmp_path):
    header = "shop,stars,id,title,review\n"
    table = "".join(
        f"shop {n % 2},{1 + n % 5},{n},A title {n},It was the {n}th time that the boat came late to the pier\n"
        for n in range(40)
    )
    read = read_labelled(write(tmp_path / "a.csv", header + table))
    assert read.classes == tuple("12345")
    assert read.texts[3].startswith("It was the 3th")
    assert read.notices == [
        f"{tmp_path / 'a.csv'} seems to have texts in its column 'review' and labels in its column 'stars'; --column "
        "and --label name others."
    ]
    write(tmp_path / "a.csv", header.replace("stars", "wind") + table)
    with pytest.raises(
        UserError, match=r"not clear.*labels: 'shop' \(shop 0, shop 1\); 'wind' \(1, 2, 3, …\)\..*--label shop"
    ):
        read_labelled(tmp_path / "a.csv")


def test_the_whole_table_is_looked_at(tmp_path):
    table = "".join(f"{'good' if n < 400 else 'bad'},1,the boat {n} came home\n" for n in range(800))
    assert read_labelled(write(tmp_path / "a.csv", "a,b,c\n" + table)).classes == ("bad", "good")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("question,answer,label\nWhere is it?,It is here.,a\nWho is it?,It is me now.,b\n",
         r"not clear which of its columns holds the texts: 'answer', 'question'\. Name one with --column"),
        ("text\nfine boats\nbad boats\n", r"texts and no labels: it has no other column"),
        ("text,id\nfine boats,1\nbad boats,2\n", r"no column looks like one of labels.*'id' \(1, 2\)"),
        ("text,label\nfine boats,good\nbad boats,good\n", r"All 2 labelled texts.*label 'good'.*two classes"),
        ("text,label\nfine boats,\nbad boats,\n", r"no column looks like one of labels.*'label' \(empty\)"),
        ("text,label\n,good\n,bad\n", r"There is no text in .*a\.csv"),
        ("text,label\n", r"There is no text in .*a\.csv"),
        ("", r"There is no text in .*a\.csv"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_an_error_with_a_remedy(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_labelled(write(tmp_path / "a.csv", content))


def test_a_column_that_does_not_exist_is_named(tmp_path):
    path = write(tmp_path / "a.csv", rows())
    with pytest.raises(UserError, match=r"no column 'stars'; its columns are: 'text', 'label'.*--label"):
        read_labelled(path, ReadOptions(label="stars"))
    with pytest.raises(UserError, match=r"no column 'review'.*--column"):
        read_labelled(path, ReadOptions(column="review"))
    with pytest.raises(UserError, match="There is no file or folder"):
        read_labelled(tmp_path / "b.csv")
    for none in ([], [""]):
        with pytest.raises(UserError, match="No texts were given"):
            read_labelled(none)


def test_cells_that_are_empty_are_left_out_and_named(tmp_path):
    content = "text,label\nfine,good\n,bad\nbad,bad\n  ,good\nodd,\nNaN,bad\nnull,NaN\nnone,null\n"
    read = read_labelled(write(tmp_path / "a.csv", content))
    assert pairs(read) == [("fine", "good"), ("bad", "bad"), ("NaN", "bad"), ("null", "NaN"), ("none", "null")]
    assert read.classes == ("bad", "good", "NaN", "null")
    assert "2 empty documents dropped: a.csv#2, a.csv#4." in read.notices
    assert "1 text has no label; it serves as unlabelled text: a.csv#5." in read.notices
    assert read.unlabelled == ["odd"]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "1", "2"], ("1", "2", "9", "10")),
        (["1.0", "1", "01", "-2", "1e2"], ("-2", "01", "1", "1.0", "1e2")),
        (["b", "B", "a", "C", "10", "9"], ("9", "10", "a", "B", "b", "C")),
        (["é", "e", "z", "nan", "inf", "1_0", "٣"], ("1_0", "e", "inf", "nan", "z", "é", "٣")),
    ],
)
def test_numbers_are_in_numerical_order_and_others_alphabetical(tmp_path, labels, classes):
    content = "text,label\n" + "".join(f"boat {n},{label}\n" for n, label in enumerate(labels * 2))
    assert read_labelled(write(tmp_path / "a.csv", content)).classes == classes


def test_values_of_json_are_labels(tmp_path):
    values = [True, False, None, 1, 1.5, "1", ["a"], " yes ", ""]
    lines = "".join(json.dumps({"text": f"boat {n}", "label": v}) + "\n" for n, v in enumerate(values))
    read = read_labelled(write(tmp_path / "a.jsonl", lines))
    assert dict(pairs(read)) == {
        "boat 0": "true", "boat 1": "false", "boat 3": "1", "boat 4": "1.5", "boat 5": "1", "boat 6": '["a"]',
        "boat 7": "yes",
    }  # fmt: skip
    assert read.unlabelled == ["boat 2", "boat 8"]


def notices(tmp_path, labels, texts=None):
    texts = texts or [f"boat {n}" for n in range(len(labels))]
    with open(tmp_path / "a.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return " ".join(read_labelled(tmp_path / "a.csv").notices)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["1", "1.0", "01", "2"] * 2, r"same number are kept apart: '01' and '1' and '1.0'\. Write"),
        (["Good", "good", "bad"] * 2, r"only in capitals or spaces are kept apart: 'Good' and 'good'\. Write"),
        (["so  so", "so so", "bad"] * 2, r"only in capitals or spaces are kept apart: 'so  so' and 'so so'\."),
        (
            ["a", "a", "b", "b", "c"],
            r"1 class has one text only, so it is learned and cannot be measured: 'c' \(a.csv#5\)",
        ),
        ([*"aabbcdef"], r"4 classes have one text only.*measured, such as 'c' \(a.csv#5\), 'd' \(a.csv#6\), 'e'"),
        (
            [*"abcdefghijk"],
            r"11 different labels for 11 texts, such as 'a', 'b', 'c' and 8 more: they are probably no classes",
        ),
        (["a"] * 19 + ["b"], r"95% of the texts have the label 'a', so always giving it is as accurate"),
        (['["x"]', '["y"]'] * 2, r"2 labels are lists or objects: '\[\"x\"\]', '\[\"y\"\]'\. A text has one class"),
        (["x" * 90, "y"] * 2, ""),
    ],
)
def test_labels_that_look_like_a_mistake_are_told(tmp_path, labels, told):
    assert re.search(told, notices(tmp_path, labels))


def test_nothing_is_told_of_sound_labels(tmp_path):
    assert notices(tmp_path, ["a", "b", "10", "9"] * 3).count(".") == 2, "only the columns that were guessed"
    assert "differ" not in notices(tmp_path, ["a", "b"] * 3)


def test_equal_texts_count_once(tmp_path):
    texts = ["same", "same", " same ", "other", "odd", "odd", "odd", "split", "split", "loose", "loose"]
    labels = ["a", "a", "a", "b", "a", "b", "b", "a", "b", "", "b"]
    told = notices(tmp_path, labels, texts)
    read = read_labelled(tmp_path / "a.csv")
    assert pairs(read) == [("same", "a"), ("other", "b"), ("odd", "b"), ("loose", "b")]
    assert read.names[-1] == "a.csv#11"
    assert "6 exact duplicates of other documents dropped." in told
    assert "1 text came with several labels, of which it keeps the most common: a.csv#5 (a, b)." in told
    assert "1 text came with several labels, of which none is more common; it is left out: a.csv#8 (a, b)." in told
    assert read.unlabelled == []


def test_a_folder_for_each_class(tmp_path):
    for name in ("pos/1.txt", "neg/1.txt", "neg/old/2.txt", "neg/3.html", "README.txt", "list.csv"):
        write(tmp_path / "all" / name, f"<p>words of {name}")
    read = read_labelled(tmp_path / "all")
    assert (read.classes, read.codes.tolist()) == (("neg", "old", "pos"), [0, 0, 1, 2])
    assert f"README.txt in {tmp_path / 'all'} is left out, because the folders there are the classes." in read.notices
    assert len(read_labelled(tmp_path / "all", ReadOptions(label="folder")).classes) == 4, "as it was asked for"
    assert len(read_unlabelled(tmp_path / "all").texts) == 5
    assert read_labelled([tmp_path / "all" / "neg", tmp_path / "all" / "pos"]).classes == ("neg", "old", "pos")
    with pytest.raises(UserError, match=r"The text in .*pos has the label 'pos'"):
        read_labelled(tmp_path / "all" / "pos")
    assert read_labelled(tmp_path / "all" / "pos", least_classes=1).classes == ("pos",)
    write(tmp_path / "tables" / "a.csv", rows())
    with pytest.raises(UserError, match=r"no text file in .*tables .*give any other file by its own path"):
        read_labelled(tmp_path / "tables")


def test_the_tree_of_aclimdb(tmp_path):
    for place in ("train/pos/0_9", "train/neg/1_2", "train/unsup/2_0", "test/pos/0_10", "test/neg/1_1"):
        write(tmp_path / "aclImdb" / f"{place}.txt", f"A film about {place}.<br /><br />" * 3)
    write(tmp_path / "aclImdb" / "README", "About the data.")
    write(tmp_path / "aclImdb" / "imdb.vocab", "the\na\n")
    read = read_labelled(tmp_path / "aclImdb")
    assert (read.classes, read.counts.tolist()) == (("neg", "pos"), [2, 2])
    assert [text.split(".")[0] for text in read.unlabelled] == ["A film about train/unsup/2_0"]
    assert "1 text has no label; it serves as unlabelled text: train/unsup/2_0.txt." in read.notices
    assert "<br" not in read.texts[0]
    rated = read_labelled(tmp_path / "aclImdb", ReadOptions(label="rating"))
    assert rated.classes == ("1", "2", "9", "10")
    assert len(read_labelled(tmp_path / "aclImdb" / "train").texts) == 2
    assert len(read_unlabelled(tmp_path / "aclImdb").texts) == 5


def test_a_file_for_each_class(tmp_path):
    for label in ("pos", "neg"):
        write(tmp_path / f"rt.{label}.txt", "".join(f"{label} sentence {n}\n" for n in range(5)))
    paths = [tmp_path / "rt.pos.txt", tmp_path / "rt.neg.txt"]
    for options in ({}, {"label": "file"}):
        read = read_labelled(paths, ReadOptions(**options))
        assert pairs(read) == [(f"{label} sentence {n}", label) for label in ("pos", "neg") for n in range(5)]
        assert (
            f"Each line of {paths[0]} is read as a text of its own; --documents files reads it as one." in read.notices
        )
        assert ("The ends of the file names are the labels" in read.notices[0]) == (not options)
    whole = read_labelled(paths, ReadOptions(documents="files"))
    assert (len(whole), whole.classes) == (2, ("neg", "pos"))
    with pytest.raises(UserError, match=r"rt\.pos\.txt is a text without labels\..*--label file"):
        read_labelled(paths[0])
    write(tmp_path / "rt.neg.txt", "One.\n===\nTwo\nlines.\n")
    assert read_labelled(paths).counts.tolist() == [2, 5]
    for label in ("pos", "neg"):
        write(tmp_path / f"{label}.csv", "".join(f"{label} sentence in words and number {n}\n" for n in range(5)))
    read = read_labelled([tmp_path / "pos.csv", tmp_path / "neg.csv"], ReadOptions(label="file"))
    assert (read.classes, read.counts.tolist()) == (("neg", "pos"), [5, 5])


def test_several_tables_may_differ_in_their_columns(tmp_path):
    write(tmp_path / "a.csv", "text,label\nfine boats,good\nbad boats,bad\n")
    write(tmp_path / "b.jsonl", '{"review": "late boats", "label": "bad"}\n{"review": "fine boats", "label": "good"}\n')
    read = read_labelled([tmp_path / "a.csv", tmp_path / "b.jsonl"])
    assert pairs(read) == [("fine boats", "good"), ("bad boats", "bad"), ("late boats", "bad")]


def test_a_limit_counts_over_all_paths(tmp_path):
    write(tmp_path / "a.csv", "text,label\nfine boats,good\nbad boats,bad\n")
    write(tmp_path / "b.csv", "text,label\nlate boats,bad\nearly boats,good\n")
    read = read_labelled([tmp_path / "a.csv", tmp_path / "b.csv"], ReadOptions(limit=23))
    assert list(read.texts) == ["fine boats", "bad boats", "late"]


def test_unlabelled_texts(tmp_path):
    table = write(tmp_path / "a.csv", "id,review,label\n1,fine boats,good\n2,bad boats,bad\n3,fine boats,good\n")
    read = read_unlabelled(table)
    assert (list(read.texts), list(read.names)) == (["fine boats", "bad boats"], ["a.csv", "a.csv#2"])
    assert read.notices[0] == f"{table} seems to have texts in its column 'review'; --column names another."
    listed = write(tmp_path / "a.txt", "fine boats\nbad boats\n")
    assert list(read_unlabelled(listed).texts) == ["fine boats", "bad boats"]
    story = write(tmp_path / "b.txt", "Fine boats.\n\nThey went on\nand on.\n")
    assert list(read_unlabelled(story).texts) == ["Fine boats.\n\nThey went on\nand on."]
    assert len(read_unlabelled([table, listed, story], ReadOptions(label="label")).texts) == 3
    assert len(read_unlabelled(listed, ReadOptions(documents="files")).texts) == 1


def test_a_long_document_is_whole(tmp_path):
    long = " ".join(f"word{n}" for n in range(100_000))
    read = read_labelled(write(tmp_path / "a.csv", f"text,label\n{long},a\nshort,b\n"))
    assert read.texts[0] == long


def test_thousands_of_classes(tmp_path):
    labels = [str(number // 3) for number in range(6_000)]
    assert "one text only" not in notices(tmp_path, labels)
    assert read_labelled(tmp_path / "a.csv").classes == tuple(map(str, range(2_000)))


CELLS = st.text(st.characters(exclude_categories=["C"], exclude_characters="\u00ad"), max_size=30)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=12, unique_by=lambda pair: pair[0].strip()))
def test_what_is_written_is_read(tmp_path_factory, written):
    written = [(unicodedata.normalize("NFC", text), label) for text, label in written]
    path = tmp_path_factory.getbasetemp() / "table.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), ("first", "one"), ("last", "two"), *written])
    lines = path.with_suffix(".jsonl")
    rows = [("first", "one"), ("last", "two"), *written]
    lines.write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in rows), encoding="utf-8")
    options = ReadOptions(encoding="utf-8", column="text", label="label")
    expected = {}
    for text, label in rows:
        if text.strip() and label.strip():
            expected.setdefault(text.strip(), label.strip())
    for source in (path, lines):
        read = dict(pairs(read_labelled(source, options)))
        assert {text: read[text] for text in read} == {text: expected[text] for text in read}
        assert len(read) == len(expected)


MEASURE = """
import sys
from epigone.classification.texts import read_labelled
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
before = peak()
read = read_labelled(sys.argv[1])
print(peak() - before, len(read), len(read.classes), len(read.hash))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_linear_in_the_texts(tmp_path):
    used = []
    for number in (50_000, 100_000):
        with open(tmp_path / "a.csv", "w") as file:
            file.write("text,stars\n")
            file.writelines(f"{n} the reeds lean over and the boat comes home,{n % 5}\n" for n in range(number))
        result = subprocess.run(
            [sys.executable, "-c", MEASURE, tmp_path / "a.csv"], capture_output=True, text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        memory, texts, classes, _ = map(int, result.stdout.split())
        assert (texts, classes) == (number, 5)
        used.append(memory)
    assert used[1] < 120e6
    assert used[1] < 2.5 * used[0]


@pytest.mark.corpus
def test_real_corpora(corpora):
    read = read_labelled(corpora / "sentiment_open" / "movie_reviews_2k.tsv")
    assert (read.classes, len(read)) == (("neg", "pos"), 2_000)
    polarity = [corpora / "sentiment_open" / f"rt_polarity.{label}.txt" for label in ("neg", "pos")]
    read = read_labelled(polarity)
    assert read.classes == ("neg", "pos")
    assert 10_600 < len(read) <= 10_662
