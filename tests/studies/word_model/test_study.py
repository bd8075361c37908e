"""The study of word models: networks of equal size, blocks of characters, windows, and one whole quick run."""

import csv
import json
import random
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from epigone.errors import UserError
from epigone.evaluation.intervals import ratio_interval
from epigone.evaluation.losses import document_losses
from epigone.models.config import ModelOptions, sized, weight_shapes
from epigone.models.language_model import LanguageModel
from epigone.studies.engine.jobs import Text
from epigone.studies.experiment import Context, StudyOptions
from epigone.studies.registry import study
from epigone.studies.word_model.analysis import prompt_and_next
from epigone.studies.word_model.grid import WordModelOptions, network
from epigone.studies.word_model.study import STUDY
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.sentences import sentences_apart
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.training.batches import Prefixes
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions


class Titles(Monitor):
    """Notes the title and size of each stage."""

    def __init__(self):
        self.said = []

    def jobs(self, title, total, under_way=tuple):
        self.said.append((title, total))


@pytest.mark.parametrize("vocabulary", [60, 1000, 8000, 30_000])
def test_networks_have_the_same_number_of_weights_whatever_the_vocabulary(vocabulary):
    options = WordModelOptions(weights=1_000_000)
    shape = sized(network(options, vocabulary), vocabulary)
    weights = sum(int(np.prod(each)) for each in weight_shapes(shape).values())
    assert weights == pytest.approx(1_000_000, rel=0.03)
    assert shape.tied
    assert shape.embedding_size == shape.hidden_size


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weights": 100}, "weights"),
        ({"num_layers": 0}, "num_layers"),
        ({"tokenizers": ()}, "tokenizers must hold some of char, .*, but is empty"),
        ({"tokenizers": ("char", "wrod")}, "tokenizers must hold some of .*, but is char, wrod"),
    ],
)
def test_options_that_make_no_sense(options, sentence):
    with pytest.raises(UserError, match=sentence):
        WordModelOptions(**options)


def test_options_of_another_study_are_refused(tmp_path):
    with pytest.raises(UserError, match="The grid of vanilla-rnn is given as VanillaRnnOptions, not WordModelOptions"):
        study("vanilla-rnn", data=["book=x"], out=tmp_path, grid=WordModelOptions(num_layers=2))


def test_too_few_weights_for_the_vocabulary():
    with pytest.raises(
        UserError, match=r"No network of 20,000 weights holds a vocabulary of 30,000 tokens; .*--weights"
    ):
        network(WordModelOptions(weights=20_000), 30_000)


@pytest.mark.parametrize(
    ("line", "begin"),
    [
        ("Down the river, slowly, goes the ferry.", ("Down the river,", "slowly")),
        ("“It is late,” said the old man.", ("“It is late,”", "said")),
        ("我们坐船过河。", ("我们坐", "船")),
        ("The ferry goes.", None),
        ("", None),
    ],
)
def test_the_beginning_of_a_line_and_the_word_after_it(line, begin):
    assert prompt_and_next(line) == begin


def test_the_loss_of_sentences_is_that_of_all_their_beginnings(tmp_path):
    path = tmp_path / "tales.txt"
    path.write_text(Path(__file__).parents[2].joinpath("support", "korean.txt").read_text(encoding="utf-8"))
    corpus = Corpus.open([path], ReadOptions(), SplitOptions())
    tokenizer = corpus.tokenizer("word", VocabularyOptions(min_count=2))
    torch.manual_seed(0)
    options = ModelOptions(num_layers=1, hidden_size=16, embedding_size=16)
    model = LanguageModel(sized(options, len(tokenizer.vocabulary)))
    stream = corpus.stream("validation", tokenizer)
    windows = Prefixes.of(stream, tokenizer, TrainingOptions(batch_size=1, sequence_length=1000, shuffle=False))
    windows = replace(windows, opens=np.ones_like(windows.opens))
    losses = []
    with torch.no_grad():
        for index in range(len(stream)):
            inputs, targets = windows.batch(index)
            if targets[0, -1] != tokenizer.end:
                logits, _ = model(inputs, model.initial_state(1))
                losses.append(float(torch.nn.functional.cross_entropy(logits[0, -1:], targets[0, -1:])))
    apart = document_losses(model, sentences_apart(stream, tokenizer))
    found, whole = apart.loss, document_losses(model, stream)
    assert (apart.characters.sum(), apart.spelling.sum()) == (whole.characters.sum(), whole.spelling.sum())
    assert apart.tokens.sum() == whole.tokens.sum()
    assert found == pytest.approx(np.mean(losses), abs=1e-5)
    assert found != pytest.approx(whole.loss, abs=1e-5)


@pytest.fixture
def texts(tmp_path):
    draw = random.Random(1)
    words = ["the", "ferry", "goes", "over", "slowly", "and", "comes", "back", "before", "it", "is", "noon"]
    for name in ("paper", "songs"):
        rare = lambda: "".join(draw.choices("aeiklmnorst", k=9))  # noqa: E731
        sentences = [
            " ".join([*draw.choices(words, k=8), *([rare()] if number % 5 == 0 else [])]).capitalize() + "."
            for number in range(1500)
        ]
        (tmp_path / f"{name}.txt").write_text("\n".join(sentences))
    return [f"{name}={tmp_path / name}.txt" for name in ("paper", "songs")]


@pytest.mark.slow
def test_the_quick_run_compares_tokenizers_windows_and_next_words(texts, tmp_path):
    out, options = tmp_path / "out", StudyOptions(quick=True, workers=1)
    titles, grid = Titles(), WordModelOptions(weights=20_000)
    result = study("word-model", data=texts, out=out, options=options, grid=grid, monitor=titles)
    roles = {role: Text.of(path) for role, path in (each.split("=") for each in texts)}
    context = Context(out=out, sources=roles, options=grid, seeds=range(2), quick=True)
    assert [(stage.title, stage.runs) for stage in STUDY.plan(context)] == titles.said
    for role in ("paper", "songs"):
        rows = [row for row in result.rows if row["table"] == role]
        assert [row["tokenizer"] for row in rows] == ["char", "word", "bpe"]
        for row in rows:
            assert row["interval"]["low"] < row["bits"] < row["interval"]["high"]
            assert row["interval"]["estimate"] == pytest.approx(row["bits"])
            assert (row["unknown"] > 0.1) == (row["tokenizer"] == "word")
            assert (row["difference"] is None) == (row["tokenizer"] == "char")
        windows = [row for row in result.rows if row["table"] == f"{role}: windows"]
        assert [row["name"] for row in windows] == ["stream", "prefixes"]
        assert windows[0]["tokens_per_second"] > windows[1]["tokens_per_second"] > 0
    predicted = [row for row in result.rows if row["table"] == "next words"]
    assert all(len(row["next"]) == 5 for row in predicted)
    assert {row["text"] for row in predicted} == {"paper", "songs"}
    page = (out / "report.md").read_text()
    for said in ("A quick trial", "beginnings of sentences beside the stream", "The likeliest next words", "bits/char"):
        assert said in page
    lines = list(csv.DictReader((out / "blocks.csv").read_text(encoding="utf-8").splitlines()))
    for row in result.rows[:3]:
        mine = [line for line in lines if line["row"] == row["name"]]
        bits = np.mean([[float(x["bits"]) for x in mine if x["seed"] == seed] for seed in "01"], axis=0)
        again = ratio_interval(bits, np.array([float(x["characters"]) for x in mine if x["seed"] == "0"]))
        assert asdict(again) == pytest.approx(row["interval"])
    saved = json.loads((out / "result.json").read_text())
    again = study(
        "word-model", data=texts, out=out, options=options, grid=WordModelOptions(weights=20_000), resume=True
    )
    assert [row.get("bits") for row in saved["rows"]] == [row.get("bits") for row in again.rows]
    grid = WordModelOptions(weights=20_000, tokenizers=("byte", "bpe"))
    other = study("word-model", data=texts, out=out, options=options, grid=grid, resume=True)
    assert [(row["table"], row["tokenizer"]) for row in other.rows] == [
        (role, tokenizer) for role in ("paper", "songs") for tokenizer in ("byte", "bpe")
    ]
    assert other.rows[3]["labels"] == {"family": "bpe", "text": "songs", "tokenizer": "bpe"}
    assert {row["difference"] for row in other.rows} == {None}  # without characters there is nothing to differ from
