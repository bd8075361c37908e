"""`evaluate`: the measured part of a text, and the result."""

import json
import shutil
from dataclasses import asdict, replace

import pytest

from epigone.errors import UserError
from epigone.evaluation.evaluate import evaluate
from epigone.evaluation.losses import document_losses
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus, SplitOptions
from epigone.training.options import TrainingOptions
from epigone.training.pretrain import pretrain

KEYS = {
    "seen",
    "model",
    "texts",
    "corpus",
    "split",
    "split_seed",
    "fractions",
    "loss",
    "bits_per_char",
    "accuracy",
    "perplexity",
    "tokens",
    "characters",
    "documents",
    "seconds",
    "rows",
    "notices",
    "clamps",
}


@pytest.fixture
def foreign(tmp_path):
    """A text outside the model's training, too short to be split."""
    path = tmp_path / "foreign.txt"
    path.write_text("the gull takes the bread and keeps her bread\n")
    return path


def test_the_text_of_the_training_is_measured_on_its_test_split(trained_folder, song_file, tmp_path):
    copy = tmp_path / "elsewhere.txt"
    copy.write_text(song_file.read_text())
    found = evaluate(trained_folder, copy)
    assert (found.split, found.split_seed, found.texts, found.notices) == ("test", 0, [str(copy)], [])
    assert found.fractions == pytest.approx([0.8, 0.1, 0.1])
    corpus = Corpus.open(song_file, split=SplitOptions((0.8, 0.1, 0.1)))
    assert len(found.rows) == found.documents == len(corpus.splits["test"])
    saved = load_checkpoint(trained_folder)
    expected = document_losses(saved.model, corpus.stream("test", saved.tokenizer))
    assert (found.loss, found.accuracy) == (expected.loss, expected.accuracy)
    assert found.corpus == corpus.hash


def test_a_text_that_was_cut_for_training_is_cut_alike(tmp_path):
    texts = (f"{n} " + "the words of a book\n" * 100 for n in range(3))
    (tmp_path / "books.txt").write_text("\n===\n".join(texts))
    training = TrainingOptions(steps=2, batch_size=4, sequence_length=16)
    pretrain(tmp_path / "books.txt", out=tmp_path / "out", model=ModelOptions(hidden_size=4), training=training)
    found = evaluate(tmp_path / "out", tmp_path / "books.txt")
    assert found.characters == pytest.approx(600, abs=60), "a tenth of the text, not one of the three books"
    assert [row.name.endswith("(test)") for row in found.rows] == [True]


@pytest.mark.parametrize(
    ("asked", "seed", "words"),
    [
        (SplitOptions(split_seed=7), 7, "with seed 7 into 0.8 0.1 0.1"),
        (SplitOptions((0.5, 0.25, 0.25)), 0, "with seed 0 into 0.5 0.25 0.25"),
    ],
)
def test_another_split_than_that_of_the_training_is_followed_and_said(
    trained_folder, song_file, caplog, asked, seed, words
):
    caplog.set_level("WARNING", "epigone")  # as with --quiet
    found = evaluate(trained_folder, song_file, splitting=asked)
    corpus = Corpus.open(song_file, split=replace(asked, fractions=asked.fractions or (0.8, 0.1, 0.1)))
    assert (found.split_seed, found.fractions) == (seed, list(corpus.fractions))
    assert [row.name for row in found.rows] == [corpus.names[i] for i in corpus.splits["test"]]
    (notice,) = found.notices
    assert f"with seed 0 into 0.8 0.1 0.1, and it is now split {words}: the model may have learned" in notice
    assert caplog.messages == [notice]
    assert evaluate(trained_folder, song_file, split="all", splitting=asked).notices == []


def test_characters_that_the_model_does_not_know_make_nothing_look_better(trained_folder, foreign, caplog):
    plain = evaluate(trained_folder, foreign)
    foreign.write_text(foreign.read_text().replace(" ", " \ue000"))
    found = evaluate(trained_folder, foreign)
    assert (found.characters, found.bits_per_char) == (plain.characters, plain.bits_per_char)
    dropped, warning = found.notices
    assert dropped == "all: the char tokenizer lacks and dropped 8 characters (15.38%): '\\ue000' 8 times."
    assert f"{trained_folder} does not know 15% of the characters of the text" in warning
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [warning]
    foreign.write_text("어" * 300)
    with pytest.raises(UserError, match=r"knows none of the characters of the text.*finetune"):
        evaluate(trained_folder, foreign)


def test_validation_is_where_the_training_was_measured(trained_folder, song_file):
    result = json.loads((trained_folder / "config.json").read_text())["result"]
    found = evaluate(trained_folder, song_file, split="validation")
    for key in ("loss", "bits_per_char", "accuracy", "perplexity", "tokens", "characters", "documents"):
        assert getattr(found, key) == result[key]


def test_a_foreign_text_is_measured_whole_and_in_one_piece(trained_folder, foreign):
    found = evaluate(trained_folder, foreign)
    assert (found.split, found.split_seed, found.documents, found.notices) == ("all", None, 1, [])
    text = foreign.read_text().strip()
    assert found.tokens == found.characters == len(text)
    assert [row.name for row in found.rows] == ["foreign.txt"]
    with pytest.raises(UserError, match="too few to be divided"):
        evaluate(trained_folder, foreign, split="test")


def test_all_of_the_training_text_is_all(trained_folder, song_file):
    found = evaluate(trained_folder, song_file, split="all")
    whole = Corpus.open(song_file, split=None)
    assert (found.documents, found.split_seed) == (24, None)
    assert found.characters == whole.characters.sum()
    parts = [evaluate(trained_folder, song_file, split=split) for split in ("train", "validation", "test")]
    assert sum(part.documents for part in parts) == 24
    assert sum(part.tokens for part in parts) == found.tokens
    mean = sum(part.loss * part.tokens for part in parts) / found.tokens
    assert found.loss == pytest.approx(mean, rel=1e-6)


def test_a_part_of_a_foreign_text(trained_folder, foreign):
    foreign.write_text("\n===\n".join(f"The ferry brings stone number {i} under the winter rain." for i in range(9)))
    found = evaluate(trained_folder, foreign, split="validation", splitting=SplitOptions(split_seed=3))
    corpus = Corpus.open(foreign, split=SplitOptions(split_seed=3))
    assert (found.split, found.split_seed) == ("validation", 3)
    assert [row.name for row in found.rows] == [corpus.names[i] for i in corpus.splits["validation"]]


def test_it_is_deterministic_and_its_keys_are_stable(trained_folder, song_file):
    first, second = (asdict(evaluate(trained_folder, song_file)) for _ in range(2))
    assert first.keys() == KEYS
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert first["rows"][0].keys() == {"name", "loss", "tokens"}
    weighted = sum(row["loss"] * row["tokens"] for row in first["rows"]) / first["tokens"]
    assert weighted == pytest.approx(first["loss"], rel=1e-9)
    json.dumps(first)


def test_what_was_changed_is_said_once(trained_folder, song_file, tmp_path, caplog):
    path = tmp_path / "twice.txt"
    path.write_text(song_file.read_text() + "\n===\n" + song_file.read_text())
    with caplog.at_level("INFO", "epigone"):
        found = evaluate(trained_folder, path)
    (notice,) = (notice for notice in found.notices if "duplicate" in notice)
    assert caplog.messages.count(notice) == 1


@pytest.mark.parametrize("part", ["model", "text", "split"])
def test_bad_input_gets_a_sentence(trained_folder, song_file, tmp_path, part):
    arguments = {"model": trained_folder, "text": song_file, "split": None} | {part: tmp_path / "nothing"}
    with pytest.raises(UserError, match="nothing"):
        evaluate(arguments["model"], arguments["text"], split=arguments["split"])


def test_a_text_that_was_split_otherwise_by_an_earlier_version_is_told(trained_folder, song_file, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(trained_folder, model)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    assert evaluate(model, song_file).notices == []
    config["request"]["corpus"]["splits"]["train"]["characters"] += 1
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "by an earlier version, which split this text otherwise" in evaluate(model, song_file).notices[0]
