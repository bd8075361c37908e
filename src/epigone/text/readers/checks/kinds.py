"""Kinds of files that are no plain text, and the way to convert each."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from zipfile import BadZipFile, ZipFile

HEAD = 4096
"""First bytes of a file that tell its kind."""

_OFFICE = "Open it in a word processor and save it as .docx, or as plain text."
_SHEET = "Open it in a spreadsheet program and save it as .csv."
_UNPACK = "Unpack it and give what is in it."
_OCR = "Have its text recognised (OCR), for example with `tesseract {file} text`."
_CALIBRE = "Convert it to EPUB, for example with Calibre: `ebook-convert {file} book.epub`."
_TABLE = "Save its texts as .csv or as JSON Lines with the program or library that made it, such as pandas."
_SPEECH = "Have the words written down by a program for recognising speech."


@dataclass(frozen=True)
class Kind:
    """A format that is not read."""

    name: str
    """The format, with its article."""
    remedy: str
    """The way to convert it; `{file}` is the name of the file."""
    starts: tuple[bytes, ...] = ()
    """Beginnings of its files."""
    recognises: Callable[[bytes], bool] | None = None
    """Another test of the first bytes."""
    suffixes: tuple[str, ...] = ()
    """Suffixes that tell it from formats with the same beginning; an empty tuple accepts all."""
    member: str = ""
    """A file inside it, or the folder of one, if it is a zip archive."""


_OLE = (bytes.fromhex("d0cf11e0a1b11ae1"),)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def _media(head: bytes) -> bool:
    return head[4:8] == b"ftyp"


def _binary(head: bytes) -> bool:
    return b"\0" in head


KINDS = (
    Kind("a document in Rich Text Format (RTF)", _OFFICE, (rb"{\rtf",)),
    Kind("a PDF", "Give it the suffix .pdf.", recognises=lambda head: b"%PDF-" in head[:1024]),
    Kind("a PostScript file", "Convert it to PDF, for example with `ps2pdf {file}`.", (b"%!PS", b"\xc5\xd0\xd3\xc6")),
    Kind("an old spreadsheet (.xls)", _SHEET, _OLE, suffixes=(".xls",)),
    Kind("an old presentation (.ppt)", "Save its text as .docx or as plain text.", _OLE, suffixes=(".ppt",)),
    Kind("a mail of Outlook (.msg)", "Save it as plain text.", _OLE, suffixes=(".msg",)),
    Kind("an old Word document (.doc), or an encrypted one", _OFFICE, _OLE),
    Kind("a Word document", "Give it the suffix .docx.", _ZIP, member="word/document.xml"),
    Kind("a spreadsheet (.xlsx)", _SHEET, _ZIP, member="xl/"),
    Kind("a presentation (.pptx)", "Save its text as .docx or as plain text.", _ZIP, member="ppt/"),
    Kind("an EPUB", "Give it the suffix .epub.", _ZIP, member="META-INF/container.xml"),
    Kind("a spreadsheet (.ods)", _SHEET, _ZIP, recognises=lambda head: b"opendocument.spreadsheet" in head[:120]),
    Kind("an OpenDocument file (.odt)", _OFFICE, _ZIP, recognises=lambda head: b"opendocument." in head[:120]),
    Kind("a document of Apple's Pages or Numbers", "Export it as .docx, .csv or plain text.", _ZIP, member="Index/"),
    Kind("arrays of NumPy (.npz) or weights of PyTorch", _TABLE, _ZIP, suffixes=(".npz", ".pt", ".pth")),
    Kind("a zip archive", _UNPACK, _ZIP),
    Kind("a tar archive", _UNPACK, recognises=lambda head: head[257:262] == b"ustar"),
    Kind("a 7z archive", _UNPACK, (b"7z\xbc\xaf\x27\x1c",)),
    Kind("a RAR archive", _UNPACK, (b"Rar!\x1a\x07",), _binary),
    Kind("packed by gzip", "Give it the suffix .gz, or unpack it.", (b"\x1f\x8b",)),
    Kind("packed by bzip2", "Give it the suffix .bz2, or unpack it.", recognises=lambda head: head[4:10] == b"1AY&SY"),
    Kind("packed by xz", "Give it the suffix .xz, or unpack it.", (b"\xfd7zXZ\0",)),
    Kind("packed by zstd", "Unpack it: `unzstd {file}`.", (b"\x28\xb5\x2f\xfd",)),
    Kind("a picture (PNG)", _OCR, (b"\x89PNG\r\n\x1a\n",)),
    Kind("a picture (JPEG)", _OCR, (b"\xff\xd8\xff",)),
    Kind("a picture (GIF)", _OCR, (b"GIF87a", b"GIF89a")),
    Kind("a picture (TIFF)", _OCR, (b"II*\0", b"MM\0*")),
    Kind("a picture (BMP)", _OCR, recognises=lambda head: head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"),
    Kind("a picture (WebP)", _OCR, recognises=lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    Kind("a picture (HEIC)", _OCR, recognises=lambda head: _media(head) and head[8:11] in (b"hei", b"mif", b"avi")),
    Kind("a scanned book (DjVu)", "Convert it with `djvutxt {file} text.txt`.", (b"AT&TFORM",), _binary),
    Kind("a Kindle or Mobipocket book", _CALIBRE, recognises=lambda head: head[60:68] in (b"BOOKMOBI", b"TEXtREAd")),
    Kind("a book of Microsoft Reader or a help file", _CALIBRE, (b"ITSF", b"ITOLITLS"), _binary),
    Kind("a recording", _SPEECH, (b"ID3", b"OggS", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1"), _binary),
    Kind("a film or a recording (Matroska)", _SPEECH, (b"\x1aE\xdf\xa3",)),
    Kind("a recording", _SPEECH, recognises=lambda head: head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI ")),
    Kind("a film or a recording", _SPEECH, recognises=_media),
    Kind(
        "a database (SQLite)",
        "Write its texts to a table: `sqlite3 -csv -header {file} 'SELECT … FROM …' > texts.csv`.",
        (b"SQLite format 3\0",),
    ),
    Kind("a table (Parquet)", _TABLE, (b"PAR1",), _binary),
    Kind("a table (Arrow or Feather)", _TABLE, (b"ARROW1", b"FEA1"), _binary),
    Kind("a data file (HDF5)", _TABLE, (b"\x89HDF\r\n\x1a\n",)),
    Kind("an array of NumPy (.npy)", _TABLE, (b"\x93NUMPY",)),
    Kind(
        "a pickle of Python, which may run any program when it is opened",
        "Only if you trust its source, open it in Python and save its texts as .txt or .csv.",
        recognises=lambda head: bool(re.match(rb"\x80[\x02-\x05]", head)),
    ),
    Kind("a property list of Apple", "Convert it with `plutil -convert json {file}`.", (b"bplist0",), _binary),
    Kind("a program", "Give a text.", (b"\x7fELF", b"MZ\x90\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")),
)  # fmt: skip
"""The known kinds; the first that fits a file counts."""


def kind_of(path: Path, head: bytes) -> Kind | None:
    """Recognise a file that is no text by its first bytes.

    Args:
        path: the file.
        head: its first bytes, `HEAD` or more, unpacked if its suffix says that it is packed.
    """
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    members: list[str] | None = None
    for kind in KINDS:
        if kind.starts and not head.startswith(kind.starts):
            continue
        if kind.recognises is not None and not kind.recognises(head):
            continue
        if kind.suffixes and path.suffix.lower() not in kind.suffixes:
            continue
        if kind.member:
            members = _members(path) if members is None else members
            if not any(member.startswith(kind.member) for member in members):
                continue
        return kind
    return None


def conversion(path: Path, kind: Kind) -> str:
    """Write what a file is, and how it becomes text."""
    return f"{path} is {kind.name}, not plain text. {kind.remedy.format(file=quote(path.name))}"


def holds(path: Path, head: bytes, member: str) -> bool:
    """True for a zip archive with a member of this name."""
    return head.startswith(_ZIP) and member in _members(path)


def _members(path: Path) -> list[str]:
    try:
        with ZipFile(path) as archive:
            return archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return []
