import gzip
import pickle
import sqlite3
import tarfile
import zipfile

import pytest

from epigone.text.document import ReadReport
from epigone.text.readers.checks.kinds import kind_of
from epigone.text.readers.decoding import NotText, read_text

HEADS = {
    "RTF": rb"{\rtf1\ansi Row on.}",
    "PDF": b"%PDF-1.7\nxyz",
    "PostScript": b"%!PS-Adobe-3.0\n",
    r"Word document \(\.doc\)": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500),
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "RAR": b"Rar!\x1a\x07\x01\x00",
    "gzip": gzip.compress(b"Row on."),
    "bzip2": b"BZh91AY&SY\x01\x02",
    "xz": b"\xfd7zXZ\0\0\4",
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "GIF": b"GIF89a\x01\0\x01\0",
    "TIFF": b"II*\0\x08\0\0\0",
    "WebP": b"RIFF\x24\0\0\0WEBPVP8 ",
    "HEIC": b"\0\0\0\x18ftypheic",
    "DjVu": b"AT&TFORM\0\0\1\2DJVM",
    "Kindle": bytes(60) + b"BOOKMOBI",
    "film or a recording": b"\0\0\0\x18ftypmp42",
    "recording": b"ID3\x03\0\0\0",
    "Parquet": b"PAR1\x15\0\x15",
    "HDF5": b"\x89HDF\r\n\x1a\n\0",
    "NumPy": b"\x93NUMPY\x01\0",
    "pickle": pickle.dumps(["Row on."]),
    "program": b"\x7fELF\x02\x01\x01\0",
}


@pytest.mark.parametrize("name", HEADS)
def test_kinds_are_named_with_a_way_to_convert_them(tmp_path, name):
    path = tmp_path / "my songs.txt"
    path.write_bytes(HEADS[name])
    with pytest.raises(NotText, match=rf"my songs\.txt is .*{name}.*, not plain text\. .*--encoding"):
        list(read_text(path, None, ReadReport()))
    assert "{file}" not in str(kind_of(path, HEADS[name]).remedy.format(file="x"))


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("word/document.xml", "Word document"),
        ("xl/workbook.xml", r"spreadsheet \(\.xlsx\)"),
        ("ppt/presentation.xml", "presentation"),
        ("META-INF/container.xml", "EPUB"),
        ("Index/Document.iwa", "Apple"),
        ("songs/a.txt", "zip archive"),
    ],
)
def test_archives_are_told_by_their_members(tmp_path, member, name):
    path = tmp_path / "a.txt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "x" * 5_000)
        archive.writestr(member, "x")
    with pytest.raises(NotText, match=name):
        list(read_text(path, None, ReadReport()))


def test_other_containers(tmp_path):
    (tmp_path / "a").write_text("Row on.")
    with tarfile.open(tmp_path / "b.txt", "w") as archive:
        archive.add(tmp_path / "a", "a")
    with zipfile.ZipFile(tmp_path / "c.txt", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    sqlite3.connect(tmp_path / "d.txt").execute("create table songs (text)").connection.commit()
    for file, name in {"b.txt": "tar archive", "c.txt": r"spreadsheet \(\.ods\)", "d.txt": "SQLite"}.items():
        with pytest.raises(NotText, match=name):
            list(read_text(tmp_path / file, None, ReadReport()))


@pytest.mark.parametrize(
    "text",
    ["PAR1 of the story", "BM, he wrote.", "ID3 tags", "Rar! he cried", "€ 5 is not much", "RIFF and WAVE", "MZ"],
)
@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
def test_texts_that_begin_alike_are_texts(tmp_path, text, codec):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(codec))
    assert "".join(read_text(path, None, ReadReport())) == text


def test_an_encoding_that_is_asked_for_is_believed(tmp_path):
    (tmp_path / "a.txt").write_bytes(HEADS["RTF"])
    assert "".join(read_text(tmp_path / "a.txt", "ascii", ReadReport())) == HEADS["RTF"].decode()
