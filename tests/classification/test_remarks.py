"""The sample remarks: sound, balanced, and neither a toy nor a riddle."""

from pathlib import Path

import numpy as np
import pytest

from epigone.classification.folds import divide
from epigone.classification.texts import read_labelled, read_unlabelled

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_remarks_are_balanced_and_all_different():
    remarks = read_labelled(EXAMPLES / "remarks.csv")
    further = read_unlabelled(EXAMPLES / "remarks-unlabelled.txt")
    assert (remarks.classes, remarks.counts.tolist()) == (("complaint", "praise"), [160, 160])
    assert len(further.texts) == 307
    assert not set(remarks.texts) & set(further.texts)
    assert len(remarks.notices) == len(further.notices) == 1, "on the columns, and on the lines"
    words = [len(text.split()) for text in [*remarks.texts, *further.texts]]
    assert (min(words), max(words)) == (6, 26)


def test_words_alone_get_three_quarters_of_them_right():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear = pytest.importorskip("sklearn.linear_model")
    remarks = read_labelled(EXAMPLES / "remarks.csv")
    texts, right = np.array(remarks.texts), []
    for fold in divide(remarks, 0):
        words = text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        model = linear.LogisticRegression().fit(words.fit_transform(texts[fold.train]), remarks.codes[fold.train])
        right.append(model.predict(words.transform(texts[fold.held])) == remarks.codes[fold.held])
    assert 0.70 < np.concatenate(right).mean() < 0.85
