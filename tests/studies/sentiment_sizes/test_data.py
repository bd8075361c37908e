"""The data: held out for good, nested subsets, and no held-out text in what a language model reads."""

import csv
import json
from dataclasses import replace

import pytest

from epigone.errors import UserError
from epigone.studies.experiment import Context
from epigone.studies.sentiment_sizes.data import Plain, Subset, division_of, open_labelled, sizes_of, sources
from epigone.studies.sentiment_sizes.grid import SentimentSizesOptions
from epigone.studies.sentiment_sizes.jobs import PlainRetraining
from epigone.studies.sentiment_sizes.measured import MeasuredSets
from epigone.studies.sentiment_sizes.misspelling import misspelt
from epigone.studies.sentiment_sizes.setup import Setup
from epigone.text.readers.registry import ReadOptions


def read(data):
    found, notices = sources(data, ReadOptions(), False)
    assert notices == []
    return found


def test_parts_are_disjoint_and_subsets_of_a_seed_are_nested(subset):
    train, validation, test = subset.division.parts()
    assert (len(train), len(validation), len(test)) == (160, 40, 40)
    assert not set(train.texts) & {*validation.texts, *test.texts}
    assert not set(validation.texts) & set(test.texts)
    small, large = (set(replace(subset, size=size).texts().texts) for size in (10, 50))
    assert small < large < set(train.texts)
    assert small != set(Subset(subset.division, 10, 1).texts().texts)


def test_no_language_model_reads_a_held_out_text(data, options, subset, tmp_path):
    context = Context(out=tmp_path, sources=read(data), options=options, seeds=range(2))
    setup = Setup.of(context)
    held = {text for part in setup.division.parts()[1:] for text in part.texts}
    with data["unlabelled"].open(encoding="utf-8") as file:
        assert held <= {row["text"] for row in csv.DictReader(file)}  # so that leaving them out has an effect
    models = [job for row in setup.language_models() for job in row.jobs]
    assert {type(job) for job in models} == {PlainRetraining}
    assert {job.plain.subset is None for job in models} == {True, False}
    for job in models:
        texts = job.plain.texts()
        assert texts
        assert not held & set(texts)
    assert set(setup.division.parts()[0].texts) <= set(models[0].plain.texts())


def test_what_finetune_gets_holds_no_test_text(data, bases, options, monkeypatch, tmp_path):
    context = Context(out=tmp_path, sources=read(data), options=options, seeds=range(2))
    setup = Setup.of(context)
    seen = []

    def finetune(base, source, **others):
        seen.extend(json.loads(line)["text"] for line in source.read_text(encoding="utf-8").splitlines())
        raise KeyboardInterrupt

    monkeypatch.setattr("epigone.studies.sentiment_sizes.jobs.finetune", finetune)
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        setup.language_model("forward", 8, 0).compute(folder)
    assert set(seen) > set(setup.division.parts()[0].texts)
    assert not {text for part in setup.division.parts()[1:] for text in part.texts} & set(seen)


def test_a_small_set_holds_out_a_fifth_and_says_so(data):
    division, notices = division_of(read(data)["labelled"], 2400, 30)
    assert (division.validation, division.test) == (48, 30)
    assert notices == [
        "Of 240 labelled texts 48 are held out for validation and 30 for the test, a fifth for each at most."
    ]
    assert division_of(read(data)["labelled"], 20, 30)[1] == []
    assert sizes_of(division, (500, 10, 100, 1)) == (
        [10, 100], ["Left out, as there are 162 texts of 2 classes to learn from: 1, 500 labels."]
    )  # fmt: skip
    with pytest.raises(UserError, match="None of the sizes 1, 500 fits: there are 162 texts of 2 classes"):
        sizes_of(division, (500, 1))


def test_the_sets_that_are_measured(data):
    found = read(data)
    division, _ = division_of(found["labelled"], 40, 40)
    texts = MeasuredSets(division, found["other"], further=12).texts()
    _, validation, test = division.parts()
    assert texts["validation"].texts == validation.texts
    wrong = {misspelt(text, 0.3): code for text, code in zip(test.texts, test.codes, strict=True)}
    assert [wrong[text] for text in texts["misspelt-30"].texts] == texts["misspelt-30"].codes.tolist()
    assert len(set(texts["misspelt-30"].codes)) == 2, "the file holds class after class, and every class is measured"
    assert len(texts["other"]) == 12
    other = open_labelled(found["other"])
    labels = dict(zip(other.texts, other.codes, strict=True))
    assert [labels[text] for text in texts["other"].texts] == texts["other"].codes.tolist()


def test_other_texts_need_the_same_classes(data, tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("text,label\na b c,good\nd e f,3\ng h i,good\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"stars\.csv has the class '3', which .*remarks\.csv has not; .* bad, good"):
        read(data | {"other": path})


def test_texts_that_change_are_noticed(data, tmp_path):
    path = tmp_path / "more.csv"
    path.write_text("text\na b c\nd e f\n", encoding="utf-8")
    found = read({"labelled": data["labelled"], "unlabelled": path})
    changed = replace(found["unlabelled"], hash="0")
    with pytest.raises(UserError, match=r"more\.csv changed while it was being used; start again"):
        Plain(division_of(found["labelled"], 40, 40)[0], None, changed).texts()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sizes": ()}, "sizes must hold numbers"), ({"sizes": (0, 10)}, "sizes must hold numbers"),
        ({"rows": ("tfidf", "bert")}, "rows must hold some of majority, .*, but is tfidf, bert"),
        ({"rows": ()}, "but is empty"), ({"test": 0}, "test"), ({"epochs": 0.0}, "epochs"),
        ({"most_tokens": 4}, "most_tokens"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(changes, sentence):
    with pytest.raises(UserError, match=sentence):
        SentimentSizesOptions(**changes)
