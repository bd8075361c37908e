"""A last training on all of the text."""

import json
from functools import partial

import pytest
import torch
from stopping import stopped_before_save

from epigone import evaluate
from epigone.models.config import ModelOptions
from epigone.models.files.card import model_card
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.corpus import Corpus, SplitOptions
from epigone.training.options import FinetuneOptions, MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.transfer.finetune import finetune

MACHINE = MachineOptions(device="cpu", save_every=0.0)
RETRAINED = partial(
    finetune, train="layers.1", training=FinetuneOptions(steps=30, lr=0.01, validate_every=5), machine=MACHINE
)
TRAINED = partial(
    pretrain,
    model=ModelOptions(num_layers=1, hidden_size=8),
    training=TrainingOptions(steps=30, lr=0.01, validate_every=5),
    machine=MACHINE,
)


def weights(folder):
    return dict(load_checkpoint(folder).model.named_parameters())


@pytest.mark.parametrize("kind", ["finetune", "pretrain"])
def test_all_of_the_text_is_learned_in_the_end(kind, make_base, song_file, tmp_path, cli):
    begin = {"finetune": partial(RETRAINED, make_base()), "pretrain": TRAINED}[kind]
    plain, final = begin(song_file, out=tmp_path / "plain"), begin(song_file, out=tmp_path / "final", final=True)
    assert (plain.loss, plain.best_step) == (final.loss, final.best_step), "the figures are those before"
    assert final.best_step > 0
    assert (plain.refit, final.refit) == (False, True)
    ours, theirs = weights(tmp_path / "final"), weights(tmp_path / "plain")
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)
    corpus = Corpus.open(song_file, split=SplitOptions((0.8, 0.1, 0.1)))
    held_out = tmp_path / "held-out.txt"
    held_out.write_text("\n\n".join(corpus.texts("validation")), encoding="utf-8")
    plain_seen, final_seen = (evaluate(tmp_path / name, held_out).seen for name in ("plain", "final"))
    assert plain_seen is None
    assert final_seen > 0.99, "what was held out is learned now"
    before, after = (evaluate(tmp_path / name, held_out).loss for name in ("plain", "final"))
    assert after < before + 0.05
    config = json.loads((tmp_path / "final" / "config.json").read_text())
    assert config["request"]["options"]["final"] is True
    assert "validation and test included" in model_card("mine", config)
    assert not (tmp_path / "final" / "final").exists()


def test_what_is_frozen_stays_so(make_base, song_file, tmp_path):
    base = make_base()
    RETRAINED(base, song_file, out=tmp_path / "out", final=True)
    old, new = weights(base), weights(tmp_path / "out")
    moved = {name for name in old if not torch.equal(old[name], new[name])}
    assert moved
    assert all(name.startswith(("layers.1", "head")) for name in moved)


def test_a_model_that_learned_all_does_not_measure_itself_on_it(make_base, song_file, tmp_path):
    base = make_base()
    RETRAINED(base, song_file, out=tmp_path / "plain")
    RETRAINED(base, song_file, out=tmp_path / "final", final=True)
    assert not any("learned" in notice for notice in evaluate(tmp_path / "plain", song_file).notices)
    assert any("learned all of this text" in notice for notice in evaluate(tmp_path / "final", song_file).notices)


def test_the_command_says_so(make_base, song_file, tmp_path, cli):
    words = ("--train", "layers.1", "--lr", 0.01, "--steps", 20, "--validate-every", 5, "--final")
    shown = cli("finetune", make_base(), song_file, "--out", tmp_path / "out", *words)
    assert "at the end, all of the text was learned" in shown.out


@pytest.mark.parametrize("kind", ["finetune", "pretrain"])
@pytest.mark.parametrize("saves", [2, 33, 40])
def test_a_killed_run_ends_alike(kind, saves, make_base, song_file, tmp_path):
    begin = {"finetune": partial(RETRAINED, make_base()), "pretrain": TRAINED}[kind]
    whole = begin(song_file, out=tmp_path / "whole", final=True)
    with stopped_before_save(saves):
        begin(song_file, out=tmp_path / "out", final=True)
    result = begin(song_file, out=tmp_path / "out", final=True, resume=True)
    assert (result.loss, result.best_step, result.refit) == (whole.loss, whole.best_step, True)
    ours, theirs = weights(tmp_path / "out"), weights(tmp_path / "whole")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_what_a_kill_after_the_result_left_is_removed(make_base, song_file, tmp_path):
    base = make_base()
    RETRAINED(base, song_file, out=tmp_path / "out", final=True)
    (tmp_path / "out" / "final").mkdir()
    RETRAINED(base, song_file, out=tmp_path / "out", final=True, resume=True)
    assert not (tmp_path / "out" / "final").exists()
