import bz2
import gzip
import lzma
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from books import page, write_book

from epigone.errors import UserError
from epigone.text.corpus import Corpus
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers import registry as readers
from epigone.text.readers.paths import read_documents


def read(path, **options):
    report = ReadReport()
    documents = [(d.name, "".join(d.pieces)) for d in read_documents(path, ReadOptions(**options), report)]
    return documents, report


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path):
    write(tmp_path, b_txt="Bee.", a__z_md="Zed.", a__y_text_gz="Why.", a__b__c_tokens="Sea.", C_TXT="Cap.")
    documents, report = read(tmp_path)
    assert documents == [
        ("C.TXT", "Cap."),
        ("a/b/c.tokens", "Sea."),
        ("a/y.text.gz", "Why."),
        ("a/z.md", "Zed."),
        ("b.txt", "Bee."),
    ]
    assert report.notices() == []


def test_a_file_with_separators_gives_several_documents_in_a_folder_too(tmp_path):
    write(tmp_path, a_txt="\nOne.\n\n===\n\nTwo.\n", b_txt="Three.")
    assert read(tmp_path)[0] == [("a.txt", "One."), ("a.txt#2", "Two."), ("b.txt", "Three.")]


def test_lists_beside_the_texts_are_left_out_and_named(tmp_path):
    write(tmp_path, a_txt="One.", b_csv="text\nx\n", c_tsv="text\nx\n", d__e_json="{}", _hidden_txt="no")
    documents, report = read(tmp_path)
    assert documents == [("a.txt", "One.")]
    [notice] = report.notices()
    remedy = f"Give {tmp_path / 'b.csv'} by itself, as another argument, if its text is wanted too."
    assert notice == f"3 files in {tmp_path} left out: b.csv, c.tsv, d/e.json. {remedy}"
    write(tmp_path, aaa_html="x", README="x")  # a table is likelier to be wanted
    assert read(tmp_path)[1].notices()[0].endswith(remedy)


def test_tables_are_read_when_they_are_given(tmp_path):
    write(tmp_path, a_csv="n,text\n1,One.\n2,\n", b_jsonl_gz='{"lyrics": "Two."}', c_tsv="text\nThree.\n")
    documents, report = read(tmp_path / "a.csv")
    assert documents == [("a.csv", "One.")]
    assert report.empty == 1
    assert read(tmp_path / "b.jsonl.gz", column="lyrics")[0] == [("b.jsonl.gz", "Two.")]
    assert read(tmp_path / "c.tsv")[0] == [("c.tsv", "Three.")]


def test_the_tree_of_aclimdb(tmp_path):
    write(
        tmp_path,
        aclImdb__README_txt="About.",
        aclImdb__train__urls_txt="http",
    )
    for place, text in {
        "train/pos/0_9.txt": "Good.<br /><br />Very.",
        "train/unsup/3_0.txt": "Perhaps.",
        "test/neg/1_2.txt": "Bad.",
    }.items():
        path = tmp_path / "aclImdb" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    documents, report = read(tmp_path / "aclImdb")
    assert documents == [
        ("test/neg/1_2.txt", "Bad."),
        ("train/pos/0_9.txt", "Good.\n\nVery."),
        ("train/unsup/3_0.txt", "Perhaps."),
    ]
    assert "README.txt" in report.notices()[0]
    assert read(tmp_path / "aclImdb" / "train" / "pos")[0] == [("0_9.txt", "Good.\n\nVery.")]


def test_the_cornell_corpus_is_known_by_its_separator(tmp_path):
    line = "L1 +++$+++ u0 +++$+++ m0 +++$+++ ADA +++$+++ Ahoy.\n"
    write(tmp_path, lines_txt=line, metadata_txt="m0 +++$+++ a film +++$+++ 1999\n", readme_txt="About.")
    assert read(tmp_path / "lines.txt")[0] == [("lines.txt#m0", "Ahoy.")]
    documents, report = read(tmp_path)
    assert documents == [("lines.txt#m0", "Ahoy."), ("readme.txt", "About.")]
    assert any("metadata.txt" in notice for notice in report.notices())
    with pytest.raises(UserError, match=r"metadata\.txt.*movie_lines\.txt"):
        read(tmp_path / "metadata.txt")


def test_binary_files_are_left_out_of_a_folder_and_refused_by_themselves(tmp_path):
    write(tmp_path, a_txt="One.", c_txt="Three.")
    (tmp_path / "b.txt").write_bytes(b"\0\1\2")
    documents, report = read(tmp_path)
    assert documents == [("a.txt", "One."), ("c.txt", "Three.")]
    assert [notice for notice in report.notices() if "b.txt is a binary file" in notice]
    with pytest.raises(UserError, match=r"b\.txt is a binary file"):
        read(tmp_path / "b.txt")


def test_documents_of_other_formats_are_found_in_folders(tmp_path, monkeypatch):
    pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    write(tmp_path, a_html="<p>One.</p>", b__c_MD="*Two.*", d_txt="Three.", e_xhtml_gz="<p>Four.", f_js="x")
    (tmp_path / "g.pdf").write_bytes(b"none")
    documents, report = read(tmp_path)
    assert documents == [("a.html", "One."), ("b/c.MD", "Two."), ("d.txt", "Three."), ("e.xhtml.gz", "Four.")]
    script, pdf = report.notices()
    assert "1 file" in script
    assert pdf.startswith(f"Left out: {tmp_path / 'g.pdf'} is no PDF")
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    documents, report = read(tmp_path)
    assert documents == [("a.html", "One."), ("d.txt", "Three."), ("e.xhtml.gz", "Four.")]
    assert report.notices()[1].endswith("c.MD needs the package markdown-it-py: pip install markdown-it-py.")


def test_a_folder_of_which_nothing_can_be_read_says_why(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"none")
    (tmp_path / "b.txt").write_bytes(b"\0")
    with pytest.raises(
        UserError, match=r"no text in .*\. Left out: .*a\.pdf is no PDF.*b\.txt is a binary file.* Give a"
    ):
        read(tmp_path)


def test_documents_are_cleaned_and_counted(tmp_path):
    write(tmp_path, a_txt="\r\n  One\x03.\r\n\n===\n \n===\n\nTwo.", b_txt=" \n")
    documents, report = read(tmp_path)
    assert documents == [("a.txt", "  One."), ("a.txt#3", "Two.")]
    assert (report.newlines, report.controls, report.empty) == (2, 1, 2)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"===\n===\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=r"no text in .*a\.txt"):
        read(tmp_path / "a.txt")
    with pytest.raises(UserError, match="no text in"):
        read(tmp_path)


def test_a_folder_without_texts_says_what_it_holds(tmp_path):
    with pytest.raises(UserError, match="holds no files"):
        read(tmp_path)
    write(tmp_path, a_csv="text\nx\n", b_csv="text\nx\n", c_mp3="x")
    with pytest.raises(UserError, match=r"2 \.csv, 1 \.mp3.*\.txt.*by its own path"):
        read(tmp_path)


def test_a_missing_path_suggests_similar_ones(tmp_path):
    write(tmp_path, near__songs_txt="La.")
    with pytest.raises(UserError, match=r"no file or folder .*song\.txt; did you mean .*songs\.txt\?"):
        read(tmp_path / "near" / "song.txt")
    with pytest.raises(UserError, match=r"did you mean .*near\?"):
        read(tmp_path / "naer" / "songs.txt")
    with pytest.raises(UserError, match=r"no file or folder .*zzz\. Give"):
        read(tmp_path / "zzz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_neither_file_nor_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        read(tmp_path / "pipe")


def test_what_cannot_be_read_in_a_folder_is_left_out_and_named(tmp_path):
    write(tmp_path, a_txt="One.", b_txt="Two.", d__e_txt="Three.")
    (tmp_path / "broken.txt").symlink_to("nowhere.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "linked.txt").symlink_to("a.txt")
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(b"Four.\n" * 999)[:-20])
    (tmp_path / "odd.txt").write_bytes(b"caf\xe9\xff\xfe" + bytes(range(1, 32)) * 9)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.txt")
    documents, report = read(tmp_path)
    assert [name for name, _ in documents] == ["a.txt", "b.txt", "d/e.txt", "linked.txt"]
    told = " ".join(report.notices())
    assert f"Left out of {tmp_path}: broken.txt (broken links)." in told
    assert f"Left out of {tmp_path}: loop (links to folders are not followed)." in told
    assert "cut.txt.gz is not a complete gzip file" in told
    assert "odd.txt is not UTF-8" in told
    assert not hasattr(os, "mkfifo") or f"Left out of {tmp_path}: pipe.txt (neither files nor folders)." in told


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_what_may_not_be_read_is_left_out_and_named(tmp_path):
    write(tmp_path, a_txt="One.", b_txt="Two.", c__d_txt="Three.")
    (tmp_path / "b.txt").chmod(0)
    (tmp_path / "c").chmod(0)
    documents, report = read(tmp_path)
    (tmp_path / "c").chmod(0o700)
    assert [name for name, _ in documents] == ["a.txt"]
    assert "b.txt could not be read: Permission denied" in " ".join(report.notices())
    assert f"Left out of {tmp_path}: c (Permission denied)" in " ".join(report.notices())


def test_a_file_that_fails_inside_a_document_is_read_up_to_there(tmp_path, monkeypatch):
    write(tmp_path, a_txt="One.", b_txt="Two.\n" * 9, c_txt="Three.")
    original = readers.READERS["plain"]

    def failing(path, name, options, report):
        for document in original.read(path, name, options, report):
            yield replace(document, pieces=cut(document.pieces, path))

    def cut(pieces, path):
        yield from pieces
        if path.name == "b.txt":
            raise OSError(5, "Input/output error", str(path))

    monkeypatch.setitem(readers.READERS, "plain", replace(original, read=failing))
    documents, report = read(tmp_path)
    assert [name for name, _ in documents] == ["a.txt", "b.txt", "c.txt"]
    assert report.notices() == [f"The rest is left out: {tmp_path / 'b.txt'} could not be read: Input/output error."]
    with pytest.raises(OSError, match="Input/output"):
        read(tmp_path / "b.txt")


def test_a_broken_link_is_named_as_one(tmp_path):
    (tmp_path / "a.txt").symlink_to("nowhere.txt")
    with pytest.raises(UserError, match=r"a\.txt is a broken link to nowhere\.txt"):
        read(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("options", "flag", "heeding"),
    [
        ({"column": "verse"}, "--column verse", "table"),
        ({"encoding": "cp437"}, "--encoding cp437", "plain, movie_lines"),
        ({"gutenberg": False}, "--no-gutenberg", "plain, imdb"),
    ],
)
def test_an_option_that_no_file_heeds_is_refused(tmp_path, options, flag, heeding):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    with pytest.raises(UserError, match=rf"{flag} has no meaning for .*a\.pdf \(pdf\); leave it out.*: {heeding}"):
        read(tmp_path / "a.pdf", **options)
    write(tmp_path, b_txt="One.", c_csv="verse\nTwo.\n")
    if "column" not in options:
        assert read(tmp_path, **options)[0] == [("b.txt", "One.")]


def test_the_formats_of_other_suffixes_are_recognised(tmp_path):
    write(tmp_path, a_txt="\n<!DOCTYPE html>\n<html><p>One &amp; two.</p></html>", b_txt="Is <html> a mark?")
    assert read(tmp_path)[0] == [("a.txt", "One & two."), ("b.txt", "Is <html> a mark?")]
    write_book(tmp_path / "c.txt", {"a.xhtml": page("Three.")})
    assert read(tmp_path / "c.txt")[0] == [("c.txt", "Three.")]


@pytest.mark.parametrize("name", ["a.txt.bz2", "a.txt.xz", "a.txt.gz"])
def test_packed_files_are_read(tmp_path, name):
    pack = {".bz2": bz2.compress, ".xz": lzma.compress, ".gz": gzip.compress}[Path(name).suffix]
    (tmp_path / name).write_bytes(pack(b"One.\n===\nTwo.\n"))
    assert read(tmp_path)[0] == [(name, "One."), (f"{name}#2", "Two.")]
    for cut in (5, len(pack(b"x" * 999)) // 2, -4):
        (tmp_path / name).write_bytes(pack(os.urandom(999).hex().encode())[:cut])
        for options in ({}, {"encoding": "utf-8"}):
            with pytest.raises(UserError, match=rf"{name} is not a complete (gzip|bzip2|xz) file"):
                read(tmp_path / name, **options)


def test_a_text_of_which_little_is_read_is_told(tmp_path):
    write(tmp_path, a_txt="One line of text.\n" * 9, b_txt="\n" * 200 + "Two.")
    report = read(tmp_path)[1]
    assert report.warnings == [
        f"Only 2% of {tmp_path / 'b.txt'} is read, 4 of 204 characters: the rest is control characters and blank lines."
    ]


def test_hints_are_given_only_if_there_are_few_documents(tmp_path):
    write(tmp_path, a_txt="One.\n---\nTwo.\n---\nThree.\n")
    [hint] = read(tmp_path)[1].notices()
    assert hint == (
        f"{tmp_path / 'a.txt'} is one document. If lines such as '---' separate documents in it, give --separator "
        r"'\s*(\-\s*)+'."
    )
    assert len(read(tmp_path, separator=r"\s*(\-\s*)+")[0]) == 3
    write(tmp_path, b_txt="Four.", c_txt="Five.")
    assert read(tmp_path)[1].notices() == []


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.csv", "id,text\n", "no rows with text"),
        ("a.html", "<script>x</script>", "only marks, scripts or navigation"),
        ("a.md", "![](a.png)", "only marks and links"),
        ("a.txt", " \n", "it is blank"),
        ("a.txt", "", "it is empty"),
    ],
)
def test_a_file_without_text_says_why(tmp_path, name, text, why):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"There is no text in .*{name}: {why}|There is no text in .*{name}: .*{why}"):
        read(tmp_path / name)


def test_a_refused_flag_is_written_as_it_is_given(tmp_path):
    write(tmp_path, a_txt="One.", b_csv="text\nx\n")
    for path, options, flag in [
        ("a.txt", {"titles": True}, "--titles has"),
        ("a.txt", {"titles": False}, "--no-titles has"),
        ("b.csv", {"documents": "pages"}, "--documents pages has"),
    ]:
        with pytest.raises(UserError, match=rf"^{flag} no meaning"):
            read(tmp_path / path, **options)


@pytest.mark.parametrize("name", ["a" * 5000, "/".join(["a" * 200] * 30)])
def test_a_name_that_is_too_long_is_refused_in_a_short_sentence(name):
    with pytest.raises(UserError, match=r"Could not read aaa.*…: File name too long\.") as refused:
        Corpus.open(name)
    assert len(str(refused.value)) < 300
