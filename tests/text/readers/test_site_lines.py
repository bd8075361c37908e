from collections import Counter

import pytest

from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents
from epigone.text.readers.site_lines import without_site_lines


def removed(*pieces):
    found = Counter()
    return "".join(without_site_lines(iter(pieces), found, keep=False)), +found


@pytest.mark.parametrize(
    ("text", "song"),
    [
        ("12 ContributorsRow On Lyrics[Verse]\nRow on", "[Verse]\nRow on"),
        ("1 ContributorRow On Lyrics\nRow on", "Row on"),
        ("1,204 ContributorsTranslationsFrançaisRow On LyricsRow on\nhome", "Row on\nhome"),
        ("Row on\nYou might also like[Chorus]\nRow home", "Row on\n[Chorus]\nRow home"),
        ("Row on\nYou might also like\nRow home", "Row on\nRow home"),
        ("Row on\nSee Ada Rower LiveGet tickets as low as $57\nRow home", "Row on\nRow home"),
        ("Row on\nRow home12Embed", "Row on\nRow home"),
        ("Row on\nRow home.1.2KEmbed\n", "Row on\nRow home."),
        ("Row on\nYou might also like\nRow homeEmbed", "Row on\nRow home"),
        ("Row on\n5Embed", "Row on\n"),
    ],
)
def test_words_of_a_site_go(text, song):
    found, counts = removed(text)
    assert found == song
    assert counts


@pytest.mark.parametrize(
    "text",
    [
        "12 Contributors wrote the songs of this book.",
        "I thought that You might also like\nto row",
        "you might also like\nto row",
        "The posts that we Embed",
        "Embed",
        "No Contributors Lyrics",
    ],
)
def test_other_texts_stay(text):
    assert removed(text) == (text, Counter())


def test_pieces_are_joined_again():
    song, counts = removed("12 ContributorsRow Lyrics\nRow on\n", "You might also like\nRow", " home", "3Embed")
    assert song == "Row on\nRow home"
    assert counts == {"12 Contributors": 1, "You might also like": 1, "Embed": 1}


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.jsonl"])
def test_they_are_offered_and_counted_in_every_format(tmp_path, name):
    song = "2 ContributorsRow Lyrics\nRow on\nYou might also like\nRow home3Embed"
    content = {
        "a.txt": song,
        "a.html": song.replace("\n", "<br>"),
        "a.jsonl": f'{{"text": {song!r}}}'.replace("'", '"'),
    }
    (tmp_path / name).write_text(content[name])
    report = ReadReport()
    [text] = ["".join(document.pieces) for document in read_documents(tmp_path / name, ReadOptions(), report)]
    assert text == song
    kinds = "Words of a lyrics site, '12 Contributors' (1), 'You might also like' (1), 'Embed' (1)"
    assert f"{kinds}, are learned too; --no-site-lines leaves them out." in report.notices()
    report = ReadReport()
    options = ReadOptions(site_lines=False)
    [text] = ["".join(document.pieces) for document in read_documents(tmp_path / name, options, report)]
    assert text == "Row on\nRow home"
    assert f"{kinds}, left out." in report.notices()
