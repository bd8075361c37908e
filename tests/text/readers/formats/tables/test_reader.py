import csv
import gzip
import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.corpus import Corpus
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.formats.tables.reader import read_table

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
def test_a_line_that_is_no_object_is_left_out_and_named(tmp_path, line):
    path, report = tmp_path / "a.json", ReadReport()
    path.write_text('{"text": "a"}\n{"text": "b"}\n' + line + '\n{"text": "c"}\n', encoding="utf-8")
    assert ["".join(row.pieces) for row in read_table(path, "a", ReadOptions(), report)] == ["a", "b", "c"]
    assert report.skipped == [f"1 row of {path} (line 3) was left out: no JSON object there."]


def test_a_file_whose_lines_are_mostly_no_objects_is_refused(read):
    with pytest.raises(UserError, match=r"a\.json, line 3, is not a JSON object"):
        read('{"text": "a"}\n{\n"text": "b"}\n', "a.json")
    with pytest.raises(UserError, match=r"a\.json, line 1, is not a JSON object"):
        read('[\n{"text": "a"},\n{"text": "b"}\n]\n', "a.json")


def test_malformed_csv_names_the_line(read, monkeypatch):
    monkeypatch.setattr("epigone.text.readers.formats.tables.csv_rows._LONGEST", 5)
    with pytest.raises(UserError, match=r"a\.csv, line 2, is not valid CSV"):
        read("text\nlonger than five\n", "a.csv")


def open_table(tmp_path, text, name="a.csv", **options):
    """Read a table as the commands do: its texts, and what is said of them."""
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    corpus = Corpus.open(tmp_path / name, ReadOptions(**options), split=None)
    return list(corpus.texts()), corpus.notices


ROWS = [f"word{k} and a few more of them" for k in range(6)]
NUMBERED = "".join(f"{number},{text}\n" for number, text in enumerate(ROWS))


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("".join(f"{text},{number}\n" for number, text in enumerate(ROWS)), {}, "has no header, it seems"),
        ("".join(f"{text}\n" for text in ROWS), {}, "has no header, it seems"),
        (NUMBERED, {"column": "2"}, "has no header, it seems"),
        ("text\n" + "".join(f"{text}\n" for text in ROWS), {}, ""),
        ("# made by me\nid,text\n" + NUMBERED, {}, "1 row of .*a.csv \\(line 1\\) was skipped as a comment"),
        ("# by me\n# and you\nid,text\n" + NUMBERED, {}, "2 rows of .*lines 1; 2"),
        ("Songs of the year 2020\nid,text\n" + NUMBERED, {}, "skipped as a title"),
        ("Songs\n\nid,text\n" + NUMBERED, {}, "skipped as a title"),
        ("#,text\n" + NUMBERED, {}, ""),
        ("sep=;\nid;text\n" + NUMBERED.replace(",", ";"), {}, ""),
        ("\ufeffsep=;\r\nid;text\r\n" + NUMBERED.replace(",", ";"), {}, ""),
        ("id|text\n" + NUMBERED.replace(",", "|"), {}, ""),
        ("Text ,score\n" + "".join(f"{text},3.7\n" for text in ROWS), {"column": "Text "}, ""),
        ("Text ,mood\n" + "".join(f"{text},merry\n" for text in ROWS), {}, ""),
        ("".join(f"mood {k % 2},{text}\n" for k, text in enumerate(ROWS)), {"column": "2"}, "has no header"),
        ("".join(f"{k % 2}\t{text}, so\n" for k, text in enumerate(ROWS)).replace(", so", ""), {}, "has no header"),
        ("id,text\n" + NUMBERED + "id,text\n", {}, r"1 row of .*\(line 8\) was left out: the header again"),
        ("Text ,score\n" + "".join(f"{text},3.7\n" for text in ROWS), {"column": "Text"}, ""),
        ("id,text,\n" + NUMBERED.replace("\n", ",\n"), {}, ""),
        ("id,text\n" + NUMBERED.replace("\n", ",,\n"), {}, ""),
        ("text,text\n" + "".join(f"{text},other {text}\n" for text in ROWS), {"column": "text (1)"}, ""),
        ("When,What did you sing on the way home\n" + "".join(f"2020-01-0{k + 1},{t}\n" for k, t in enumerate(ROWS)),
         {"column": "What did you sing on the way home"}, ""),
    ],
)  # fmt: skip
def test_the_header_is_found_or_its_absence_told(tmp_path, text, options, told):
    found, notices = open_table(tmp_path, text, **options)
    assert found == ROWS
    assert re.search(told, " ".join(notices)) if told else notices == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,text\n" + NUMBERED.replace("1,w", '1,"w'), r"In 1 row of .*a\.csv \(line 3\) a quotation mark is opened"),
        ("id,text\n" + NUMBERED.replace("5,w", '5,"w'), r"\(line 7\)"),
        ("id,text\n" + NUMBERED.replace("1,w", '1,"w').replace("2,w", '2,"w'), r"In 2 rows of .*\(lines 3; 4\)"),
        ("id,text\n" + NUMBERED.replace("1,w", '1,"w').replace("4,w", '4,"w'), r"In 2 rows of .*\(lines 3; 6\)"),
        ("id,text\n" + NUMBERED.replace("1,w", '1,"w').strip(), r"\(line 3\)"),
    ],
)
def test_a_quotation_mark_that_is_not_closed_swallows_no_row(tmp_path, text, told):
    found, [notice] = open_table(tmp_path, text)
    assert found == ROWS
    assert re.search(told, notice)


def test_texts_of_several_lines_are_not_taken_for_rows(tmp_path):
    texts_ = ["One, two\nthree, four\nfive, six", "7,seven\neight", "1\n2\n3"]
    rows = "".join(f'{number},"{text}"\n' for number, text in enumerate(texts_))
    assert open_table(tmp_path, "id,text\n" + rows) == (texts_, [])


def test_a_file_full_of_unclosed_marks_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.csv: the quotation marks around the texts are in disorder.* line 1,0\d\d"):
        open_table(tmp_path, "id,text\n" + "".join(f'{number},"word {number}\n' for number in range(3_001)))


def test_a_record_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("epigone.text.readers.formats.tables.csv_rows._RECORD", 200)
    found, notices = open_table(tmp_path, 'text\n"one\n' + "two\n" * 200)
    assert len(found) == 2  # of 201 rows the others are duplicates
    assert "line 2) a quotation mark is opened and not closed" in notices[-1]


WIDE = [f"{text}, really" for text in ROWS]


@pytest.mark.parametrize(
    "rows",
    [
        "text\n" + "".join(f"{text}\n" for text in WIDE),
        "id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(WIDE)),
        "id,text,stars\n9,fine,1\n" + "".join(f"{number},{text},{number % 5}\n" for number, text in enumerate(WIDE)),
        "text,label\n" + "fine,pos\nfine,neg\n" * 3 + "".join(f"{text},pos\n" for text in WIDE),
    ],
)
def test_commas_outside_quotation_marks_stay_in_the_text(tmp_path, rows):
    found, notices = open_table(tmp_path, rows)
    assert [text for text in found if text != "fine"] == WIDE
    assert re.search(r"6 rows of .*a\.csv \(lines \d+; \d+; \d+ …\) were too wide", " ".join(notices))


def test_rows_that_fit_no_header_are_left_out_or_refused(tmp_path):
    rows = "".join(f"{text},mood {number}\n" for number, text in enumerate(ROWS))
    found, notices = open_table(tmp_path, "text,mood\n" + rows + "Row, row, row,merry\n")
    assert found == ROWS
    assert notices == [
        f"1 row of {tmp_path / 'a.csv'} (line 8) was left out, with more fields than the header has columns."
    ]
    with pytest.raises(UserError, match=r"a\.csv, line 2, has 3 fields, and the header has 2; so do most rows"):
        open_table(tmp_path, "text,mood\n" + "".join(f"{text},mood {n}\n" for n, text in enumerate(WIDE)))


def test_rows_that_are_cut_are_told(tmp_path):
    found, notices = open_table(tmp_path, "n,text\n1\n2,Hey\n3\n")
    assert found == ["Hey"]
    assert f"2 rows of {tmp_path / 'a.csv'} (lines 2; 4) were cut before the column 'text', and had no text." in notices


def test_two_columns_of_one_name_are_told_apart(tmp_path):
    text = "text,text\n" + "".join(f"{text},other {text}\n" for text in ROWS)
    with pytest.raises(UserError, match=r"not clear .*'text \(1\)', 'text \(2\)'.*--column"):
        open_table(tmp_path, text)
    with pytest.raises(UserError, match=r"no column 'text'; its columns are: 'text \(1\)'"):
        open_table(tmp_path, text, column="text")


def test_a_lone_name_at_the_top_of_names_is_told(tmp_path):
    found, [notice] = open_table(tmp_path, "Ada\nBo\nCy\nDi\n")
    assert found == ["Bo", "Cy", "Di"]
    assert notice.startswith(f"The first row of {tmp_path / 'a.csv'}, 'Ada', is taken for the name of its column")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('["first", "second"]', "first\nsecond"),
        ('[["a", "b"], ["c"]]', "a\nb\n\nc"),
        ("[]", ""), ("null", ""), ("5", "5"), ("1.5", "1.5"), ('"NaN"', "NaN"), ('""', ""),
    ],
)  # fmt: skip
def test_values_of_json_that_are_texts(read, value, text):
    assert texts(read(f'{{"lines": {value}, "n": 1}}\n', "a.jsonl", "lines")) == [text]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("NaN", "NaN"), ("Infinity", "inf"), ("true", "true"), ("false", "false"), ('{"a": 1}', "an object"),
        ('["a", 1]', "a list"), ('["a", null]', "a list"), ("[[[1]]]", "a list"),
    ],
)  # fmt: skip
def test_values_of_json_that_are_no_texts_are_left_out_and_named(tmp_path, value, named):
    rows = f'{{"text": "Row on"}}\n{{"text": {value}}}\n{{"text": {value}}}\n'
    found, [notice] = open_table(tmp_path, rows, "a.jsonl")
    assert found == ["Row on"]
    assert re.search(
        rf"2 rows of .*\(lines 2: {named}.*; 3: {named}.*\) were left out, because 'text' is no text", notice
    )
    with pytest.raises(UserError, match=rf"no text in .*1 row of .*\(line 1: {named}.*\) was left out"):
        open_table(tmp_path, f'{{"text": {value}}}\n', "a.jsonl")


def test_a_key_of_json_may_have_spaces_around_it(tmp_path):
    assert open_table(tmp_path, '{" text ": "Row on", "n": 1}\n', "a.jsonl", column="text") == (["Row on"], [])


def test_json_in_one_piece_gets_a_command(read):
    for text, every in (('[\n{"text": "a"}\n]', ".[]"), ('{\n"text": "a"\n}', ".")):
        with pytest.raises(UserError, match=rf"line 1, is not a JSON object.*jq -c '{re.escape(every)}' a\.json"):
            read(text, "a.json")


@pytest.mark.parametrize("name", ["a.txt", "rows", "a.dat.gz"])
@pytest.mark.parametrize("rows", ["id,text\n" + NUMBERED, "\n".join(json.dumps({"text": text}) for text in ROWS)])
def test_a_column_makes_a_table_of_plain_text(tmp_path, name, rows):
    data = gzip.compress(rows.encode()) if name.endswith(".gz") else rows
    assert open_table(tmp_path, data, name, column="text") == (ROWS, [])
    with pytest.raises(UserError, match=r"has no column 'lyrics'"):
        open_table(tmp_path, data, name, column="lyrics")


@pytest.mark.parametrize(
    "cell",
    ['{0}, "{1}, so"', '{0},"he said \\"{1}\\", so"', "{0},'{1}, so'", "{0}, '{1}, so'", '{0}, "a \\"{1}\\", so"'],
)
def test_other_ways_to_quote_are_recognised(tmp_path, cell):
    found, notices = open_table(tmp_path, "id,text\n" + "".join(cell.format(n, t) + "\n" for n, t in enumerate(ROWS)))
    assert all(text in row and row.endswith(", so") and "\\" not in row for row, text in zip(found, ROWS, strict=True))
    assert notices == []


def test_apostrophes_are_no_quotation_marks(tmp_path):
    rows = "id,text\n1,'Tis so\n2,'Twas on\n3,\"'Tis, off\"\n"
    assert open_table(tmp_path, rows) == (["'Tis so", "'Twas on", "'Tis, off"], [])


def test_a_table_with_commas_may_be_called_tsv(tmp_path):
    assert open_table(tmp_path, "id,text\n" + NUMBERED, "a.tsv") == (ROWS, [])


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('["Row on", "And on"]', "jq -c '.[] | {text: .}' a.json"),
        ('"Row on"\n"And on"\n', "jq -c '. | {text: .}' a.json"),
        ('{"songs": [{"text": "Row on"}]}', "jq -c '.songs[]' a.json > texts.jsonl"),
    ],
)
def test_texts_elsewhere_in_json_get_a_command(tmp_path, text, command):
    with pytest.raises(UserError, match=re.escape(f"`{command}`")):
        open_table(tmp_path, text, "a.json")


def test_a_table_of_many_columns_is_read_in_linear_time_and_named_shortly(read):
    names = [f"c{number % 90_000}" for number in range(100_000)]  # some of them twice
    table = ",".join(names) + "\n" + ",".join("ab" for _ in names) + "\n"
    begin = time.process_time()
    with pytest.raises(UserError, match=r"'c0 \(1\)', 'c1 \(1\)'.* and 99,980 more\. Name one") as refused:
        read(table, "wide.csv")
    assert time.process_time() - begin < 10
    assert len(str(refused.value)) < 1000
    with pytest.raises(UserError, match="and 99,980 more"):
        read(table, "wide.csv", "d")


def test_numbers_are_no_candidates_for_the_texts(tmp_path):
    with pytest.raises(UserError, match=r"holds the texts: 'lyrics', 'artist'\. Name one"):
        open_table(tmp_path, ",lyrics,artist\n0,Row on,Bo\n1,Row home,Ka\n")
