"""`pretrain`: a model from scratch, from tiny texts too; the command itself under Ctrl-C."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import pytest
from stopping import history, left_by

from epigone.errors import UserError
from epigone.evaluation.losses import document_losses
from epigone.kernels import VARIABLE, engine
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus, ReadOptions, SplitOptions
from epigone.text.sentences import sentences_apart
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.registry import TOKENIZERS
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.transfer.finetune import finetune

TINY = ModelOptions(num_layers=1, hidden_size=8)
NO_HEADERS = ReadOptions(gutenberg=False)


def test_beginnings_of_sentences_are_validated_on_sentences(song_file, tmp_path):
    options = TrainingOptions(windows="prefix", steps=12, validate_every=4, lr=0.01)
    vocabulary = VocabularyOptions(min_count=1)
    base, out = tmp_path / "base", tmp_path / "out"
    first = pretrain(song_file, out=base, model=TINY, tokenizer="word", vocabulary=vocabulary, training=options)
    second = finetune(base, song_file, out=out, training=options)
    for result, folder in ((first, base), (second, out)):
        found = load_checkpoint(folder)
        stream = Corpus.open(song_file, split=SplitOptions((0.8, 0.1, 0.1))).stream("validation", found.tokenizer)
        apart = document_losses(found.model, sentences_apart(stream, found.tokenizer)).loss
        assert min(row["validation_loss"] for row in history(folder)) == pytest.approx(apart, abs=1e-6)
        assert result.loss == pytest.approx(document_losses(found.model, stream).loss, abs=1e-6)  # of the whole text
        assert abs(apart - result.loss) > 1e-4


@pytest.mark.parametrize("size", [200, 211, 2000])
def test_a_tiny_text_trains(song_file, tmp_path, size):
    (tmp_path / "tiny.txt").write_text(song_file.read_text().replace("\n\n===\n\n", "\n")[:size].strip() + "!")
    result = pretrain(
        tmp_path / "tiny.txt", out=tmp_path / "out", model=TINY, training=TrainingOptions(epochs=2, lr=0.01)
    )
    rows = history(tmp_path / "out")
    assert result.steps >= 2 * 16  # an epoch has some steps to learn in, however short the text
    assert math.isfinite(result.loss)
    assert rows[-1]["train_loss"] < rows[0]["validation_loss"]
    assert any("divided by position" in notice for notice in result.notices)


@pytest.mark.parametrize("tokenizer", sorted(TOKENIZERS))
def test_the_result_is_that_of_the_kept_weights(song_file, tmp_path, tokenizer):
    out = tmp_path / "out"
    result = pretrain(song_file, out=out, tokenizer=tokenizer, model=TINY, training=TrainingOptions(epochs=3))
    saved = load_checkpoint(out)
    losses = document_losses(
        saved.model, Corpus.open(song_file, split=SplitOptions((0.8, 0.1, 0.1))).stream("validation", saved.tokenizer)
    )
    assert result.loss == losses.loss == min(row["validation_loss"] for row in history(out))
    assert (result.tokens, result.documents) == (losses.tokens.sum(), len(losses.characters))
    assert saved.tokenizer.name == tokenizer
    assert result.parameters == result.trained_parameters == saved.model.num_parameters()
    config = json.loads((out / "config.json").read_text())
    assert config["request"]["command"] == "pretrain"
    assert config["request"]["corpus"]["hash"] == Corpus.open(song_file).hash
    assert config["result"]["loss"] == result.loss
    assert (result.texts, result.corpus) == ([str(song_file)], config["request"]["corpus"]["hash"])
    assert (result.split, result.split_seed) == ("validation", 0)
    assert result.fractions == pytest.approx([0.8, 0.1, 0.1])


def test_the_backend_that_is_asked_for_trains(song_file, tmp_path, monkeypatch):
    def weights(name: str, backend: str, command=pretrain, start=(), **more) -> bytes:
        options = {"training": TrainingOptions(epochs=2), "machine": MachineOptions(backend=backend)}
        command(*start, song_file, out=tmp_path / name, **options, **more)
        return (tmp_path / name / "model.safetensors").read_bytes()

    asked = weights("asked", "torch", model=TINY)
    refined = weights("refined", "torch", finetune, [tmp_path / "asked"])
    monkeypatch.setenv(VARIABLE, "none")
    engine.cache_clear()
    try:
        assert asked == weights("forced", "auto", model=TINY)
        assert refined == weights("forced refined", "auto", finetune, [tmp_path / "asked"])
        with pytest.raises(UserError, match="This installation has no native engine"):
            weights("none", "native", model=TINY)
    finally:
        engine.cache_clear()


def test_what_the_tokenizer_changes_is_in_the_result_and_on_the_card(song_file, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(song_file.read_text().replace("a", "á"), encoding="utf-8")
    result = pretrain(
        text, out=tmp_path / "out", tokenizer="ascii", model=TINY, training=TrainingOptions(steps=1), read=NO_HEADERS
    )
    changed = [notice for notice in result.notices if "the ascii tokenizer" in notice]
    assert [notice.partition(":")[0] for notice in changed] == ["train"]
    assert "such as 'á' as 'a'. To keep them, pretrain or finetune with --tokenizer char." in changed[0]
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["result"]["notices"] == result.notices
    assert config["request"]["corpus"]["read"] == {"gutenberg": False}
    card = (tmp_path / "out" / "README.md").read_text()
    assert all(f"- {notice}" in card for notice in changed)
    assert "split with seed 0 into train / validation / test by 0.8 / 0.1 / 0.1." in card
    assert "- read with `gutenberg` False" in card


@pytest.mark.parametrize(
    ("tokenizer", "level"), [("word", "word-level"), ("bpe", "subword-level"), ("byte", "character")]
)
def test_what_the_vocabulary_is_stands_in_the_folder(song_file, tmp_path, tokenizer, level):
    out = tmp_path / "out"
    vocabulary = VocabularyOptions() if tokenizer == "byte" else VocabularyOptions(vocabulary_size=45)
    options = {"out": out, "tokenizer": tokenizer, "model": TINY, "training": TrainingOptions(steps=1)}
    result = pretrain(song_file, **options, vocabulary=vocabulary)
    request = json.loads((out / "config.json").read_text())["request"]
    assert request["options"].get("vocabulary") == (None if tokenizer == "byte" else asdict(vocabulary))
    assert f"A {level}" in (out / "README.md").read_text()
    if tokenizer != "byte":
        assert len(load_checkpoint(out).tokenizer.vocabulary) == 45
        with pytest.raises(UserError, match="vocabulary_size was 45 and is now 46"):
            pretrain(song_file, **options, vocabulary=VocabularyOptions(vocabulary_size=46), resume=True)
    assert pretrain(song_file, **options, vocabulary=vocabulary, resume=True) == result


def test_words_are_learned_from_the_training_split_alone(song_file, tmp_path):
    corpus = Corpus.open(song_file, split=SplitOptions((0.8, 0.1, 0.1)))
    new = corpus.splits["validation"][0]
    songs = [corpus.text(index) for index in range(len(corpus.names))]
    songs[new] += "\nzebra zebra zebra"
    (tmp_path / "songs.txt").write_text("\n===\n".join(songs))
    changed = Corpus.open(tmp_path / "songs.txt", split=SplitOptions((0.8, 0.1, 0.1)))
    assert "zebra" in "".join(changed.texts("validation"))
    result = pretrain(
        tmp_path / "songs.txt", out=tmp_path / "out", tokenizer="word", model=TINY, training=TrainingOptions(steps=2)
    )
    tokenizer = load_checkpoint(tmp_path / "out").tokenizer
    assert "zebra" not in tokenizer.vocabulary
    said = next(notice for notice in result.notices if notice.startswith("validation: the word tokenizer read"))
    assert "'zebra' 3 times" in said
    assert re.search(r"words as unknown \(\d+\.\d\d%\)", said)
    losses = document_losses(load_checkpoint(tmp_path / "out").model, changed.stream("validation", tokenizer))
    assert result.bits_per_char == losses.bits_per_char
    assert result.bits_per_char > result.loss * result.tokens / math.log(2) / result.characters


def test_a_result_of_an_earlier_version_is_still_read(song_file, tmp_path):
    options = {"out": tmp_path / "out", "model": TINY, "training": TrainingOptions(steps=1)}
    result = pretrain(song_file, **options)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    for key in ("texts", "corpus", "split", "split_seed", "fractions"):
        del config["result"][key]
    (tmp_path / "out" / "config.json").write_text(json.dumps(config))
    assert pretrain(song_file, **options, resume=True).loss == result.loss


def test_without_a_fingerprint_there_is_no_trace_of_the_text(song_file, tmp_path):
    pretrain(song_file, out=tmp_path / "out", model=TINY, training=TrainingOptions(steps=1), fingerprint=False)
    assert not (tmp_path / "out" / "fingerprint.safetensors").exists()


def test_nothing_is_written_when_the_input_is_bad(song_file, tmp_path):
    for text, tokenizer in ((tmp_path / "none.txt", "char"), (song_file, "words")):
        with pytest.raises(UserError, match=r"none\.txt|no tokenizer 'words'"):
            pretrain(text, out=tmp_path / "out", tokenizer=tokenizer)
        assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_the_command_under_ctrl_c(song_file, tmp_path):
    options = ["--hidden-size", "8", "--dropout", "0.2", "--steps", "400", "--patience", "0", "--validate-every", "20"]
    command = [sys.executable, "-m", "epigone", "pretrain", song_file, *options, "--quiet", "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    parts = [*command, "--out", tmp_path / "parts"]
    lines = tmp_path / "parts" / "history.jsonl"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(parts, **pipes, text=True, env=environment) as program:
        while not lines.exists() or len(lines.read_text().splitlines()) < 4:
            assert program.poll() is None
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        out, error = program.communicate(timeout=60)
    assert (program.returncode, error) == (130, "")
    result = json.loads(out)
    assert result["outcome"] == "interrupted"
    assert result["steps"] < 400
    load_checkpoint(tmp_path / "parts")
    for rest in ([*parts, "--resume"], [*command, "--out", tmp_path / "whole"]):
        done = subprocess.run(rest, capture_output=True, text=True, timeout=120, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["steps"] == 400
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")
