"""Words and subwords that a base does not know, learned by finetune."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from epigone.errors import UserError
from epigone.evaluation.evaluate import evaluate
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.training.options import FinetuneOptions, MachineOptions
from epigone.transfer import finetune as module
from epigone.transfer.vocabulary import RetrainedVocabulary, remap_vocabulary

BRIEF = FinetuneOptions(lr=1e-2, steps=60, validate_every=20, batch_size=4, sequence_length=16)
finetune = partial(module.finetune, machine=MachineOptions(device="cpu"))
BASE, BOTH, TEXT = (RetrainedVocabulary(vocabulary=choice) for choice in ("base", "both", "text"))
NEW = {"river": "zébra", "lantern": "quagga", "ferry": "okapi", "kettle": "yak", "winter": "vicuña", "market": "xerus"}


@pytest.fixture
def other_file(song_file, tmp_path):
    """The songs, with six of their words exchanged for others."""
    text = song_file.read_text(encoding="utf-8")
    for word, new in NEW.items():
        text = text.replace(word, new).replace(word.capitalize(), new.capitalize())
    path = tmp_path / "other.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def base_of(song_file, make_base):
    """Makes an untrained base with a tokenizer of the songs."""
    return lambda name, **shape: make_base(tokenizer=Corpus.open(song_file).tokenizer(name), **shape)


@pytest.mark.parametrize("tokens", [BOTH, TEXT])
@pytest.mark.parametrize("name", ["word", "bpe", "char"])
def test_rows_are_carried_over_by_name(name, tokens, base_of, other_file, tmp_path):
    base = base_of(name, embedding_size=8, tied=True)
    result = finetune(
        base, other_file, out=tmp_path / "out", train="layers.1", head=False, tokens=tokens, training=BRIEF
    )
    old, new = load_checkpoint(base), load_checkpoint(tmp_path / "out")
    place = {token: i for i, token in enumerate(old.tokenizer.vocabulary)}
    added = [token for token in new.tokenizer.vocabulary if token not in place]
    if name == "word":
        assert set(NEW.values()) <= set(added)
        assert not any("'zébra'" in n for n in result.notices if "as unknown" in n)
    assert any("zé" in token or token in "éñ" for token in added)
    before, after = old.model.embedding.weight, new.model.embedding.weight
    for i, token in enumerate(new.tokenizer.vocabulary):
        if token in place:
            assert torch.equal(after[i], before[place[token]])
    if tokens is BOTH:
        assert new.tokenizer.vocabulary[: len(place)] == old.tokenizer.vocabulary
    torch.testing.assert_close(after[new.tokenizer.vocabulary.index(added[0])], before.mean(0))
    assert any(n.startswith("The tokens that were carried over make up ") for n in result.notices)
    assert not any("lacks and dropped" in n for n in result.notices)


@pytest.mark.parametrize("name", ["word", "bpe"])
def test_a_text_full_of_new_words_is_predicted_better(name, base_of, other_file, tmp_path):
    """In bits per character, in which the spelling of unknown words counts."""
    base = base_of(name)
    found = {}
    for tokens in (BASE, BOTH):
        out = tmp_path / f"with {tokens.vocabulary}"
        finetune(base, other_file, out=out, train="all", tokens=tokens, training=replace(BRIEF, steps=150))
        found[tokens.vocabulary] = evaluate(out, other_file, split="validation")
    assert found["both"].bits_per_char < 0.95 * found["base"].bits_per_char
    if name == "bpe":  # otherwise it reads another text
        assert found["both"].characters > found["base"].characters


def test_the_command_learns_new_words(base_of, other_file, tmp_path, cli):
    base, out = base_of("word"), tmp_path / "out"
    length = ("--lr", "0.01", "--steps", 2, "--train", "all")
    chosen = ("--vocabulary", "both", "--min-count", 3)
    assert cli("finetune", base, other_file, *length, *chosen, "--out", out).status == 0
    options = json.loads((out / "config.json").read_text())["request"]["options"]
    assert (options["vocabulary"]["vocabulary"], options["vocabulary"]["min_count"]) == ("both", 3)
    assert cli("finetune", base, other_file, *length, *chosen, "--out", out, "--resume").status == 0
    other = cli("finetune", base, other_file, *length, "--vocabulary", "text", "--out", out, "--resume")
    assert other.status == 2
    assert cli("generate", out, "--prompt", "zébra", "--tokens", 3).status == 0


@pytest.mark.parametrize("name", ["word", "bpe", "char", "ascii"])
def test_new_words_are_learned_by_default_and_runs_without_go_on(name, base_of, other_file, tmp_path):
    base, out = base_of(name), tmp_path / "out"
    run = partial(finetune, base, other_file, train="layers.1", training=replace(BRIEF, steps=2))
    results = {
        tokens.vocabulary: run(out=tmp_path / f"with {tokens.vocabulary}", tokens=tokens)
        for tokens in (RetrainedVocabulary(), *([BOTH] if name != "ascii" else []), BASE)
    }
    same = "base" if name == "ascii" else "both"
    assert results["auto"].loss == results[same].loss
    requests = {
        choice: json.loads((tmp_path / f"with {choice}" / "config.json").read_text())["request"] for choice in results
    }
    assert requests["auto"] == requests[same]
    # As before there was a choice: a char base learns characters, and no base learns words.
    before = "both" if name == "char" else "base"
    assert "vocabulary" not in requests[before]["options"]
    (tmp_path / f"with {before}").rename(out)
    assert run(out=out, resume=True).loss == results[before].loss


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ascii", {"tokens": BOTH}, "the same tokens for every text; leave out --vocabulary both"),
        ("char", {"tokens": RetrainedVocabulary(min_count=3)}, "no use for min_count=3"),
        ("bpe", {"tokens": replace(BOTH, min_count=3)}, "no use for min_count=3"),
        ("bpe", {"tokens": BOTH, "tokenizer": "word"}, "leave out --tokenizer word, or --vocabulary"),
        ("word", {"tokens": RetrainedVocabulary(vocabulary="base", vocabulary_size=30)}, "give --vocabulary both or"),
        ("word", {"tokens": replace(TEXT, min_count=10_000)}, "No word occurs 10000 times"),
        ("word", {"tokens": replace(TEXT, vocabulary_size=10_000)}, "is more than there is to learn"),
    ],
)
def test_options_that_do_not_fit_are_refused(name, options, message, base_of, other_file, tmp_path):
    with pytest.raises(UserError, match=message):
        finetune(base_of(name), other_file, out=tmp_path / "out", train="all", training=BRIEF, **options)
    assert not (tmp_path / "out").exists()


def test_a_choice_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="There is no vocabulary 'own'; choose one of auto, base, both, text"):
        RetrainedVocabulary(vocabulary="own")


def test_options_of_the_vocabulary_reach_another_tokenizer(base_of, other_file, tmp_path):
    tokens = RetrainedVocabulary(vocabulary_size=40)
    finetune(
        base_of("char"), other_file, out=tmp_path / "out", train="all", tokenizer="word", tokens=tokens, training=BRIEF
    )
    new = load_checkpoint(tmp_path / "out").tokenizer
    expected = Corpus.open(other_file).tokenizer("word", VocabularyOptions(vocabulary_size=40))
    assert len(new.vocabulary) == len(expected.vocabulary) == 40


@pytest.mark.parametrize("tokens", [BASE, TEXT])
def test_a_softmax_becomes_adaptive_and_full_again(tokens, base_of, other_file, tmp_path):
    base = base_of("word", embedding_size=8, tied=True)
    first = finetune(
        base, other_file, out=tmp_path / "first", train="all", tokens=replace(tokens, softmax="adaptive"),
        training=BRIEF,
    )  # fmt: skip
    adaptive = load_checkpoint(tmp_path / "first")
    assert adaptive.shape.cutoffs
    assert first.loss < np.log(len(adaptive.tokenizer.vocabulary)) - 0.2
    request = json.loads((tmp_path / "first" / "config.json").read_text())["request"]["options"]
    assert request["vocabulary"]["softmax"] == "adaptive"
    finetune(
        tmp_path / "first", other_file, out=tmp_path / "full", train="layers.1", head=False,
        tokens=replace(BASE, softmax="full"), training=replace(BRIEF, steps=1),
    )  # fmt: skip
    full = load_checkpoint(tmp_path / "full")
    assert not full.shape.cutoffs
    assert torch.equal(full.model.embedding.weight, adaptive.model.embedding.weight)


def test_a_new_adaptive_softmax_starts_with_clusters_alike(base_of):
    model, vocabulary = (
        load_checkpoint(base_of("word")).model,
        list(load_checkpoint(base_of("word")).tokenizer.vocabulary),
    )
    changed, _ = remap_vocabulary(model, vocabulary, vocabulary, "adaptive")
    assert not changed.head.clusters.weight.any()
    assert not changed.head.clusters.bias.any()
    assert torch.equal(changed.head.weight, model.head.weight)
    outputs = torch.randn(5, model.config.output_size)
    torch.testing.assert_close(changed.head.logits(outputs).exp().sum(-1), torch.ones(5))


def test_a_softmax_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="There is no softmax 'small'"):
        RetrainedVocabulary(softmax="small")
