import subprocess

import pytest

from epigone.text.corpus import Corpus
from epigone.text.readers.checks.markup import markup_of

VERSE = "We row and row, and row again,\nthe reeds lean over in the rain.\n"
TEXTS = {
    "subtitles": "1\n00:00:01,000 --> 00:00:02,500\nRow on.\n\n2\n00:00:03,000 --> 00:00:04,000\nOn.\n",
    "lyrics with times": "[00:12.00]Row on\n[00:15.30]and on\n[00:17.00]and on\n",
    "LaTeX": "% a song\n\\documentclass{article}\n\\begin{document}\nRow on.\n\\end{document}\n",
    "mail": "From: a@b.c\nTo: d@e.f\nSubject: Rowing\nDate: today\n\nRow on.\n",
    "quoted-printable": "It=E2=80=99s caf=C3=A9 =\nand so on =\nand =\non =\n" * 3,
    "HTML": "<p>Row</p> on, <b>row</b> on, <i>row</i> on, <i>row</i> <b>on</b>.\n",
    "XML": '<?xml version="1.0"?>\n<song><line>Row on.</line></song>\n',
    "decoded as cp1252": "“It’s” a café, naïve — so… it’s. é é".encode().decode("cp1252", "replace"),
    "decoded as mac_roman": "“It’s” a café, naïve — so… it’s. é é".encode().decode("mac_roman"),
    "decoded as cp1251": "Белеет парус одинокой в тумане".encode().decode("cp1251", "replace"),
    "decoded as cp437": "Le garçon était déjà là, près de la forêt".encode().decode("cp437"),
    "decoded as Latin-1": ("Белеет парус одинокой в тумане моря голубом. " * 3).encode("cp1251").decode("latin-1"),
    "HTML with the codes": "It&#39;s a &quot;nice&quot; day &amp; so on<br>\n" * 2,
    "chat": "[01/02/2020, 10:11:12] Bo: Row on\n" * 3 + "1/2/20, 10:11 PM - Bo: Row on\n" * 3,
    "notebook": '{"cells": [{"cell_type": "markdown", "source": ["Row on"]}], "nbformat": 4}',
    "JSON": '{"songs": ["Row on", "And on"]}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_marks_are_recognised_and_told(tmp_path, name):
    assert name in markup_of(TEXTS[name]).name
    (tmp_path / "a.txt").write_text(TEXTS[name], encoding="utf-8")
    told = " ".join(Corpus.open(tmp_path, split=None).notices)
    assert "a.txt looks like" in told
    assert "are learned as text" in told
    (tmp_path / "b.txt").write_text(f"{TEXTS[name]}x", encoding="utf-8")
    assert "a.txt, " in " ".join(Corpus.open(tmp_path, split=None).notices)


def test_webvtt_and_a_mailbox():
    assert markup_of("WEBVTT\n\n00:01.000 --> 00:02.000\nRow on.\n").name == "subtitles"
    assert markup_of("From a@b.c Mon Jan  1 00:00:00 2024\nX: y\n\nRow on.\n").name.startswith("mail")


@pytest.mark.parametrize(
    "text",
    [
        VERSE, "1\n" + VERSE + "2\n" + VERSE, "From: home\nTo: sea\n\n" + VERSE, "[Chorus]\n" + VERSE,
        "He said: a < b, and c > d = e.\n" * 9, "Â is a letter, and Ã too.\n", "E=MC\n" * 9, "\\o/ hey \\o/\n" * 9, "",
    ],
)  # fmt: skip
def test_texts_without_marks_have_none(text):
    assert markup_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Â and Ã are letters. Le château du château â. Ã©\n",
        "São João não é às irmãs: ação, coração.\n",
        "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau.\n",
        "Белеет парус одинокой в тумане моря голубом.\n",
        "Πρώτη γραμμή της ποίησης εδώ.\n",
        "床前明月光，疑是地上霜。\n",
        "“It’s” a café, naïve — so… it’s.\n",
        "{not a list} [nor this one]\n",
    ],
)
def test_letters_of_other_languages_are_no_damage(text):
    assert markup_of(text * 20) is None


@pytest.mark.parametrize("line", ["[01/02/2020, 10:11:12] Bo: Row on", "1/2/20, 10:11 PM - Bo: Row on"])
def test_the_command_for_a_chat_removes_its_times(tmp_path, line):
    (tmp_path / "chat.txt").write_text(f"{line}\n" * 5, encoding="utf-8")
    remedy = markup_of(f"{line}\n" * 5).remedy
    command = remedy.split("`")[1].format(file="chat.txt")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "text.txt").read_text(encoding="utf-8") == "Bo: Row on\n" * 5
