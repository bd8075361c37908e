"""The kinds of runs: their names, resuming, and measures."""

import pickle
import re
import time
from dataclasses import replace

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.description import weights_hash
from epigone.studies.engine import jobs as module
from epigone.studies.engine.jobs import (
    SPLITS,
    Base,
    Ngrams,
    Text,
    Training,
    Untouched,
    base_of,
    facts_of,
    facts_of_run,
    open_text,
)
from epigone.studies.engine.store import folder_of, identity, run_job, under_way
from epigone.text.readers.registry import ReadOptions
from epigone.text.splitting import SplitOptions
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import CharTokenizer
from epigone.training.loop import Loop
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions, TrainingOptions

CPU = MachineOptions(device="cpu")
BRIEF = TrainingOptions(lr=1e-2, steps=6, validate_every=3, batch_size=4, sequence_length=16)
TINY = ModelOptions(num_layers=1, hidden_size=8)


@pytest.fixture
def text(song_file):
    return Text.of(song_file)


def from_base(text, folder, **options):
    training = RetrainingOptions(**vars(BRIEF) | options)
    return Training(text, training, Base(str(folder), weights_hash(folder)), "layers.1, head", machine=CPU)


# What names a run.


def test_a_changed_file_that_a_selection_names_starts_a_run_anew(text, make_base, tmp_path):
    def job(selection):
        return replace(from_base(text, base), selection=selection)

    base, other = make_base(), make_base("other", seed=1)
    probe = tmp_path / "probe.json"
    probe.write_text('{"units": [{"name": "layers.1.hidden[3]", "score": 1.0}]}')
    of_probe, of_model = f'units(from="{probe}", top=1)', f"weights(change=1%, from={other}), layers.0"
    before = [job(of_probe), job(of_model)]
    assert "files" not in job("layers.1").settings()  # runs from before there were such selections keep their names
    assert [identity(each) for each in before] == [identity(job(of_probe)), identity(job(of_model))]
    found = run_job(before[0], tmp_path / "store")
    assert found.trained_parameters < run_job(job("layers.1"), tmp_path / "store").trained_parameters
    probe.write_text('{"units": [{"name": "layers.1.hidden[4]", "score": 1.0}]}')
    make_base("other", seed=2)
    after = [job(of_probe), job(of_model)]
    assert all(identity(old) != identity(new) for old, new in zip(before, after, strict=True))
    with pytest.raises(UserError, match=r"probe\.json changed while it was being used"):
        run_job(as_in_a_worker(before[0]), tmp_path / "new")
    probe.unlink()
    with pytest.raises(UserError, match=r"no checkpoint|not a|there is no|There is no"):
        job(of_probe)


def as_in_a_worker(job):
    """The same run, as it reaches a worker."""
    return pickle.loads(pickle.dumps(job))


def test_a_text_is_named_by_its_documents_and_split(song_file, tmp_path):
    copy = tmp_path / "elsewhere.txt"
    copy.write_bytes(song_file.read_bytes())
    a, b = Text.of(song_file), Text.of(copy, read=ReadOptions(separator="==="))
    assert a.identity() == b.identity()
    assert a.identity() != Text.of(song_file, split=SplitOptions(split_seed=1)).identity()
    copy.write_bytes(song_file.read_bytes() + b"\n===\none more")
    assert Text.of(copy).hash != a.hash


def test_a_text_is_read_once(song_file, monkeypatch):
    text = Text.of(song_file)
    monkeypatch.setattr(module.Corpus, "open", lambda *arguments: pytest.fail("it is open already"))
    assert open_text(text).hash == text.hash


def test_a_text_that_changed_under_way_is_refused(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one line of text\n" * 30)
    text = Text.of(path)
    path.write_text("another line of text\n" * 30)
    with pytest.raises(UserError, match="changed while it was being used"):
        open_text(replace(text, split=SplitOptions(split_seed=7)))  # as a worker that has not read it yet
    assert Text.of(path).hash != text.hash


def test_what_determines_a_run(text, make_base):
    base = make_base()
    job = Training(text, BRIEF, machine=CPU, model=TINY)
    same = [
        replace(job, machine=replace(CPU, threads=4, save_every=1.0), display=DisplayOptions(tensorboard=True)),
        replace(job, text=replace(text, paths=("elsewhere",))),
        replace(job, selection="head"),  # means nothing from scratch
    ]
    others = [
        replace(job, training=replace(BRIEF, seed=1)),
        replace(job, training=replace(BRIEF, lr=2e-2)),
        replace(job, model=replace(TINY, hidden_size=16)),
        replace(job, tokenizer="byte"),
        replace(job, tokenizer="word"),
        replace(job, tokenizer="word", vocabulary=VocabularyOptions(min_count=1)),
        replace(job, text=replace(text, hash="another")),
        from_base(text, base),
        replace(from_base(text, base), selection="layers.0, head"),
        replace(from_base(text, base), dropout=0.1),
        from_base(text, make_base("other", seed=1)),
        Untouched(text, Base(str(base), weights_hash(base))),
        Ngrams(text),
        Ngrams(text, max_order=3),
        Ngrams(text, source=text),
    ]
    assert {identity(other) for other in same} == {identity(job)}
    assert len({identity(other) for other in [job, *others]}) == 1 + len(others)
    moved = replace(from_base(text, base), base=Base("moved", weights_hash(base)))
    assert identity(moved) == identity(from_base(text, base))


# Doing it once.


def test_a_finished_run_is_read_not_repeated(text, tmp_path):
    job = Training(text, BRIEF, machine=CPU, model=TINY)
    first = run_job(job, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    again = run_job(job, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == times
    assert again.history == first.history
    assert again.validation_loss == first.validation_loss
    for split in SPLITS:
        for key, value in vars(first.losses[split]).items():
            assert np.array_equal(vars(again.losses[split])[key], value)
    assert first.trained_parameters == load_checkpoint(first.folder / "model").model.num_parameters()
    assert first.validation_loss == pytest.approx(min(row["validation_loss"] for row in first.history))


@pytest.mark.parametrize("kind", ["scratch", "transfer"])
def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(kind, text, make_base, tmp_path, monkeypatch):
    training = replace(BRIEF, steps=20)
    job = Training(text, training, model=TINY) if kind == "scratch" else from_base(text, make_base(), **vars(training))
    job = replace(job, machine=replace(CPU, save_every=0.0))
    whole = run_job(job, tmp_path / "whole")
    step = Loop._step

    def killed(self, hidden):
        if self.counters.step == 11:
            raise RuntimeError("killed")
        return step(self, hidden)

    monkeypatch.setattr(Loop, "_step", killed)
    with pytest.raises(RuntimeError, match="killed"):
        run_job(job, tmp_path / "killed")
    steps = []
    monkeypatch.setattr(Loop, "_step", lambda self, hidden: steps.append(self.counters.step) or step(self, hidden))
    resumed = run_job(job, tmp_path / "killed")
    assert steps == list(range(11, 20))
    for split in SPLITS:
        assert np.array_equal(resumed.losses[split].nats, whole.losses[split].nats)
    weights = (folder / "model" / "model.safetensors" for folder in (resumed.folder, whole.folder))
    assert next(weights).read_bytes() == next(weights).read_bytes()


def test_a_run_that_was_killed_before_it_began_begins(text, tmp_path):
    job = Training(text, BRIEF, machine=CPU, model=TINY)
    whole = run_job(job, tmp_path / "whole")
    torn = tmp_path / "killed" / whole.folder.name / "model"
    torn.mkdir(parents=True)
    (torn / ".config.json.123.tmp").write_text("{")
    assert run_job(job, tmp_path / "killed").validation_loss == whole.validation_loss
    assert not (torn / ".config.json.123.tmp").exists()


def test_a_diverged_run_is_kept_as_such(text, tmp_path):
    wild = replace(BRIEF, optimizer="sgd", lr=1e38, schedule="constant", clip=0.0, summed=True)
    finished = run_job(Training(text, wild, model=TINY, machine=CPU), tmp_path)
    assert finished.losses == {}
    assert finished.validation_loss == float("inf")
    assert "smaller --lr" in finished.details["failure"]
    assert run_job(Training(text, wild, model=TINY, machine=CPU), tmp_path) == finished


def test_an_interrupted_run_leaves_no_result(text, tmp_path, monkeypatch):
    pretrain = module.pretrain
    monkeypatch.setattr(module, "pretrain", lambda *a, **k: replace(pretrain(*a, **k), outcome="interrupted"))
    with pytest.raises(KeyboardInterrupt):
        run_job(Training(text, BRIEF, machine=CPU, model=TINY), tmp_path)
    assert not list(tmp_path.rglob("result.json"))


# What is under way.


def test_a_run_under_way_says_how_far_it_is(text, tmp_path, monkeypatch):
    job = Training(text, replace(BRIEF, steps=None, epochs=2.0), model=TINY, machine=CPU)
    folders, since, said = {folder_of(job, tmp_path): "scratch"}, time.time() - 1, []
    step = Loop._step

    def looking(self, hidden):
        said.append(under_way(folders, since))
        return step(self, hidden)

    assert under_way(folders, since) == []
    monkeypatch.setattr(Loop, "_step", looking)
    finished = run_job(job, tmp_path)
    first, *_, last = (row["validation_loss"] for row in finished.history[:-1])
    assert said[0] == [f"scratch: epoch 0 of 2, validation {first:.4f}"]
    assert re.fullmatch(rf"scratch: epoch 1\.\d+ of 2, validation {last:.4f}", said[-1][0])
    assert under_way(folders, since) == []


# What is measured.


@pytest.mark.parametrize("tokenizer", [None, CharTokenizer("\x03\n abcdefghijklmnopqrstuvwxyz")])
def test_an_untouched_base_is_what_retraining_starts_from(tokenizer, text, make_base, tmp_path):
    """All characters count, even those that its vocabulary lacks, so that its loss can be compared."""
    base = make_base(tokenizer=tokenizer)
    untouched = run_job(Untouched(text, Base(str(base), weights_hash(base))), tmp_path)
    retrained = run_job(from_base(text, base), tmp_path)
    assert untouched.validation_loss == pytest.approx(retrained.history[0]["validation_loss"], rel=1e-6)
    for split in SPLITS:
        corpus = open_text(text)
        assert untouched.losses[split].tokens.sum() == corpus.characters[corpus.splits[split]].sum()
        assert np.array_equal(untouched.losses[split].tokens, retrained.losses[split].tokens)
    assert untouched.trained_parameters == 0
    assert retrained.validation_loss < untouched.validation_loss


@pytest.mark.parametrize("tokenizer", ["ascii", "char", "byte"])
def test_ngrams_count_the_same_tokens_as_networks(tokenizer, text, tmp_path):
    ngrams = run_job(Ngrams(text, tokenizer, max_order=3), tmp_path)
    scratch = run_job(Training(text, BRIEF, machine=CPU, model=TINY, tokenizer=tokenizer), tmp_path)
    for split in SPLITS:
        assert np.array_equal(ngrams.losses[split].tokens, scratch.losses[split].tokens)
        assert 0 < ngrams.losses[split].loss < scratch.losses[split].loss  # after six steps
    assert ngrams.losses["test"].correct.size == 0
    assert ngrams.details["order"] in (2, 3)
    assert ngrams.trained_parameters is None


def test_a_mixture_is_no_worse_on_validation_than_the_text_alone(text, tmp_path):
    alone = run_job(Ngrams(text, max_order=3), tmp_path)
    other = tmp_path / "other.txt"
    other.write_text("a winter market and my gull over her kettle\n" * 8)
    mixed = run_job(Ngrams(text, source=Text.of(other), max_order=3), tmp_path)
    assert mixed.validation_loss <= alone.validation_loss + 1e-9
    assert 0 <= mixed.details["weight"] <= 1


# What is said of them.


def test_facts_say_how_a_text_was_read_and_a_network_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = Text(("../songs.csv",), "hash", ReadOptions(column="lyrics"))
    assert facts_of(text, {"documents": 3, "read": {"column": "lyrics"}, "notices": ["read"]}) == {
        "name": ["songs.csv"],
        "path": ("../songs.csv",),
        "documents": 3,
        "read": {"column": "lyrics"},
    }
    facts = facts_of_run(Training(text, TrainingOptions(patience=8), model=ModelOptions(hidden_size=24)))
    assert facts["tokenizer"] == "ascii"
    assert facts["model"]["hidden_size"] == 24
    assert (facts["training"]["patience"], facts["training"]["batch_size"]) == (8, 64)
    assert "text" not in facts


def test_a_bundled_base_is_known_by_its_name(make_base, monkeypatch):
    folder = make_base()
    monkeypatch.setattr(module, "bundled_models", lambda: {"english": folder})
    assert base_of(load_checkpoint(folder)).path == "english"
    monkeypatch.setattr(module, "bundled_models", dict)
    assert base_of(load_checkpoint(folder)).path == str(folder)
    assert base_of(load_checkpoint(folder)).hash == weights_hash(folder)
