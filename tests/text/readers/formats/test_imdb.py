from pathlib import Path

import pytest

from epigone.text.readers.formats.imdb import is_review


def test_tags_in_film_reviews_become_newlines(read):
    review = "Slow.<br /><br />But the boats<br/>were fine."
    assert read(review, name="aclImdb/train/pos/7_9.txt")[0] == [("7_9.txt", "Slow.\n\nBut the boats\nwere fine.")]
    assert read(review, name="aclImdb/train/urls_pos.txt")[0] == [("urls_pos.txt", review)]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("aclImdb/test/neg/0_2.txt", True),
        ("unsup/12_0.txt", True),
        ("pos/a_1.txt", False),
        ("songs/0_2.txt", False),
        ("neg/0_2.tsv", False),
    ],
)
def test_reviews_are_known_by_their_place(path, answer):
    assert is_review(Path(path)) == answer
