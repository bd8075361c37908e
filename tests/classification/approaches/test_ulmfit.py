"""ULMFiT on a tiny language model: both stages, both directions, the folder, the time."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from labelled import make_labelled, write_csv

from epigone.classification.approaches import ulmfit
from epigone.classification.approaches.base import NoBaseError, NoTimeError, Setting
from epigone.classification.approaches.ulmfit import Ulmfit, language_model_length, shares, vocabulary
from epigone.classification.files import load_classifier
from epigone.classification.network import NetworkOptions
from epigone.classification.options import ClassifierOptions
from epigone.classification.train import train_classifier
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.subwords import SubwordTokenizer
from epigone.training.options import MachineOptions

TEXTS = make_labelled(40)
MACHINE = MachineOptions(threads=1, save_every=0)


@pytest.fixture
def bases(make_base, monkeypatch) -> dict[str, Path]:
    """A language model in each direction, and short stages."""
    monkeypatch.setattr(ulmfit, "MOST_EPOCHS", 2)
    monkeypatch.setattr(
        ulmfit, "NetworkOptions", lambda: NetworkOptions(head_steps=25, epochs=(1, 1), layer_steps=1, lr=0.01)
    )
    tokenizer = SubwordTokenizer.train(TEXTS.texts[:20], VocabularyOptions(vocabulary_size=60), TEXTS.texts)
    shape = {"tokenizer": tokenizer, "num_layers": 2, "hidden_size": 8, "embedding_size": 8, "tied": True}
    return {name: make_base(name, direction=name, **shape) for name in ("forward", "backward")}


@pytest.fixture
def setting(tmp_path, bases) -> Setting:
    (tmp_path / "stages").mkdir()
    base, backward = map(str, (bases["forward"], bases["backward"]))
    return Setting(folder=tmp_path / "stages", base=base, backward=backward, machine=MACHINE)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_it_is_saved_and_read_as_it_was_measured(setting, direction, tmp_path):
    approach = Ulmfit(direction)
    fitted = approach.fit(TEXTS, setting)
    found = fitted.probabilities(TEXTS.texts)
    assert found.shape == (40, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    (tmp_path / "kept").mkdir()
    fitted.save(tmp_path / "kept")
    loaded = approach.load(tmp_path / "kept", TEXTS.classes)
    np.testing.assert_allclose(loaded.probabilities(TEXTS.texts), found, atol=1e-7)
    assert loaded.model.config.direction == direction
    alone = np.concatenate([loaded.probabilities([text]) for text in TEXTS.texts])
    np.testing.assert_allclose(alone, found, atol=1e-6)
    assert loaded.probabilities([""]).shape == (1, 2)
    assert loaded.probabilities([]).shape == (0, 2)


def test_the_language_model_reads_unlabelled_texts_too_and_no_label(setting):
    more = [f"{text} Indeed." for text in TEXTS.texts]
    Ulmfit().fit(TEXTS, replace(setting, unlabelled=more))
    (source,) = setting.folder.glob("language-model-*.jsonl")
    read = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    assert {line["text"] for line in read} == {*TEXTS.texts, *more}
    assert all(line.keys() == {"text"} for line in read)


def test_fits_of_the_same_texts_share_a_language_model(setting, monkeypatch, tmp_path):
    trained = []
    real = ulmfit.finetune

    def counted(*arguments, **options):
        trained.append(options["resume"])
        return real(*arguments, **options)

    monkeypatch.setattr(ulmfit, "finetune", counted)
    for name, places in (("one", np.arange(20)), ("two", np.arange(10, 30))):
        (tmp_path / name).mkdir()
        shared = replace(setting, folder=tmp_path / name, shared=setting.folder, unlabelled=TEXTS.texts)
        Ulmfit().fit(TEXTS.subset(places), shared)
    assert trained == [False]
    assert len(list(setting.folder.glob("language-model-*.jsonl"))) == 1


def test_a_base_in_one_direction_leaves_the_other_out(setting):
    with pytest.raises(NoBaseError, match="--backward"):
        Ulmfit("backward").fit(TEXTS, replace(setting, backward=""))
    assert Ulmfit("backward").base(replace(setting, base="", backward="")) == ulmfit.BACKWARD
    with pytest.raises(UserError, match="no model folder"):
        Ulmfit().fit(TEXTS, replace(setting, base="missing"))


def test_a_base_that_reads_the_other_way_is_refused(setting):
    with pytest.raises(UserError, match="reads backward"):
        Ulmfit().fit(TEXTS, replace(setting, base=setting.backward))


def test_too_few_minutes_leave_it_out(setting):
    with pytest.raises(NoTimeError):
        Ulmfit().fit(TEXTS, replace(setting, minutes=1e-6))


def test_short_texts_are_read_more_often():
    assert language_model_length(1_000, None) == {"epochs": 10}
    assert language_model_length(4_000_000, None) == {"epochs": 5}
    assert language_model_length(10**9, None) == {"epochs": 1}
    assert language_model_length(10**9, 600) == {"minutes": 10}
    assert language_model_length(1_000, 600) == {"epochs": 10}


def test_plenty_of_text_has_tokens_of_its_own(bases, make_base):
    base = load_checkpoint(bases["forward"])
    assert vocabulary(base, 1_000).vocabulary == "both"
    assert vocabulary(base, 10_000_000).vocabulary == "text"
    assert vocabulary(base, 10_000_000).vocabulary_size == 60
    assert vocabulary(load_checkpoint(make_base("letters")), 10_000_000).vocabulary == "auto"


def test_the_table_has_both_directions_and_their_mean(bases, tmp_path):
    texts = write_csv(tmp_path / "texts.csv", TEXTS)
    rows = ("majority", "nb-svm", "ulmfit", "ulmfit-backward", "both-directions", "blend")
    options = ClassifierOptions(rows=rows, base=str(bases["forward"]), backward=str(bases["backward"]))
    result = train_classifier(texts, out=tmp_path / "out", options=options, machine=MACHINE)
    assert tuple(row.name for row in result.rows) == rows
    by_name = {row.name: row for row in result.rows}
    for name in ("seconds", "megabytes"):
        parts = getattr(by_name["ulmfit"], name) + getattr(by_name["ulmfit-backward"], name)
        assert getattr(by_name["both-directions"], name) == pytest.approx(parts)
    assert load_classifier(tmp_path / "out").classifier.probabilities(["lovely"]).shape == (1, 2)


def test_without_a_backward_base_its_rows_are_left_out(bases, tmp_path):
    texts = write_csv(tmp_path / "texts.csv", TEXTS)
    rows = ("majority", "ulmfit", "ulmfit-backward", "both-directions")
    options = ClassifierOptions(rows=rows, base=str(bases["forward"]))
    result = train_classifier(texts, out=tmp_path / "out", options=options, machine=MACHINE)
    assert [row.name for row in result.rows] == ["majority", "ulmfit"]
    assert [line.split(":")[0] for line in result.left_out] == ["ulmfit-backward", "both-directions"]


def test_a_join_needs_its_rows():
    with pytest.raises(UserError, match="choose ulmfit-backward too"):
        train_classifier("none.csv", out="none", options=ClassifierOptions(rows=("ulmfit", "both-directions")))


def test_few_texts_choose_the_language_model_and_of_many_a_small_share():
    assert shares(10_000) == pytest.approx((0.94, 0.05, 0.01))
    learned, choosing, left = shares(100_000_000)
    assert choosing * 100_000_000 == pytest.approx(1_000_000)
    assert learned + choosing + left == pytest.approx(1)
