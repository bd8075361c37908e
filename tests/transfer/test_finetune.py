"""Retraining a part: weights that change, weights that do not, and outputs that are computed once."""

import json
import shutil
from dataclasses import replace
from functools import partial

import pytest
import torch

from epigone.errors import UserError
from epigone.evaluation.evaluate import evaluate
from epigone.evaluation.fingerprint_file import FILE, load_fingerprints, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.tokenizers.characters import CharTokenizer
from epigone.training import command
from epigone.training.listeners.monitor import Monitor
from epigone.training.loop import train
from epigone.training.options import MachineOptions, RetrainingOptions
from epigone.training.system.processes import launched
from epigone.transfer import finetune as module
from epigone.transfer.dropout import DropoutOptions
from epigone.transfer.finetune import adaptation_task
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import Selection, select
from epigone.transfer.vocabulary import RetrainedVocabulary

BRIEF = RetrainingOptions(lr=1e-2, steps=6, validate_every=3, batch_size=4, sequence_length=16)
finetune = partial(module.finetune, machine=MachineOptions(device="cpu"))
LAYER_1 = {f"layers.1.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
HEAD = {"head.weight", "head.bias"}
RATES = {"rmsprop": 1e-2, "adagrad": 1e-2, "adam": 1e-2, "adamw": 1e-2, "sgd": 1.0}


def weights(folder):
    return {name: weight.detach() for name, weight in load_checkpoint(folder).model.named_parameters()}


def check(base, out, selected):
    """Check that the weights of `out` are those of `base` except the selected ones."""
    before, after = weights(base), weights(out)
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == selected


class Until(Monitor):
    """Ends the run at a step with an error."""

    def __init__(self, step):
        self.last = step

    def step(self, run):
        if run.counters.step == self.last:
            raise RuntimeError("killed")


# What changes.


@pytest.mark.parametrize("optimizer", RATES)
def test_weights_outside_the_selection_are_bit_identical(optimizer, make_base, song_file, tmp_path):
    training = replace(BRIEF, optimizer=optimizer, lr=RATES[optimizer], weight_decay=0.1, momentum=0.9)
    base = make_base(num_layers=3)
    result = finetune(base, song_file, out=tmp_path / "out", train="layers.1", head=False, training=training)
    assert result.best_step > 0
    check(base, tmp_path / "out", LAYER_1)
    assert result.trained_parameters == 4 * 8 * (8 + 8 + 2)


@pytest.mark.parametrize(
    ("train_", "head", "shape", "selected"),
    [
        ("head", True, {}, HEAD),
        ("head", False, {}, HEAD),
        ("head.bias", False, {}, {"head.bias"}),
        ("layers.1", True, {}, LAYER_1 | HEAD),
        ("embedding", False, {}, {"layers.0.weight_ih"}),
        ("embedding", False, {"embedding_size": 5}, {"embedding.weight"}),
        ("embedding", True, {"embedding_size": 5}, {"embedding.weight"} | HEAD),
        ("head", True, {"embedding_size": 8, "tied": True}, {"embedding.weight", "head.bias"}),
        ("layers.*.weight_hh", False, {}, {"layers.0.weight_hh", "layers.1.weight_hh"}),
        ("*.bias_?h - layers.0", False, {"cell": "gru"}, {"layers.1.bias_ih", "layers.1.bias_hh"}),
        ("!(layers, head.weight)", False, {"cell": "rnn"}, {"head.bias"}),
        ("!head", True, {"num_layers": 1}, {name.replace("1", "0") for name in LAYER_1}),
        ("all - head", True, {"num_layers": 1}, {name.replace("1", "0") for name in LAYER_1}),
        ("layers.1, head.bias", True, {}, LAYER_1 | {"head.bias"}),
    ],
)
def test_the_selection_and_the_head_learn_and_nothing_else(
    train_, head, shape, selected, make_base, song_file, tmp_path
):
    base = make_base(**shape)
    result = finetune(base, song_file, out=tmp_path / "out", train=train_, head=head, training=BRIEF)
    check(base, tmp_path / "out", selected)
    new = load_checkpoint(tmp_path / "out")
    assert new.config["request"]["selection"] == (f"{train_}, head" if head and "head" not in train_ else train_)
    assert result.trained_parameters == select(new.model, new.config["request"]["selection"]).count()


@pytest.mark.parametrize("optimizer", RATES)
def test_a_part_of_a_parameter_learns_alone(optimizer, make_base, song_file, tmp_path):
    base = make_base()
    training = replace(BRIEF, optimizer=optimizer, lr=RATES[optimizer], weight_decay=0.1, momentum=0.9)
    model, codec = load_checkpoint(base).model, load_checkpoint(base).tokenizer
    corpus = Corpus.open(song_file)
    masks = {name: torch.zeros_like(p, dtype=torch.bool) for name, p in model.named_parameters()}
    masks["layers.1.weight_hh"][5:9, ::2] = True
    masks["head.bias"][:] = True
    selection = Selection("units", masks)
    task = adaptation_task(
        model,
        Retrain().prepare(model, selection),
        selection.lowest_layer(model),
        corpus.stream("train", codec),
        corpus.stream("validation", codec),
        codec,
        training,
    )
    assert task.start == 1
    (tmp_path / "out").mkdir()
    with launched(MachineOptions(device="cpu")) as fabric:
        trained = train(task, tmp_path / "out", training, MachineOptions(), fabric)
    assert trained.best_step > 0
    for name, weight in model.named_parameters():
        assert torch.equal(weight != weights(base)[name], masks[name])


def test_a_base_that_nothing_improves_on_is_said_to_be_kept(make_base, song_file, tmp_path, cli):
    out, base = tmp_path / "out", make_base()
    training = ("--lr", "1e-30", "--optimizer", "sgd", "--steps", 2, "--validate-every", 1)
    shown = cli("finetune", base, song_file, "--train", "all", *training, "--out", out)
    check(base, out, set())
    config = json.loads((out / "config.json").read_text())
    assert (config["result"]["outcome"], config["result"]["trained_parameters"]) == ("kept the base", 0)
    assert "Nothing was learned" in (out / "README.md").read_text()
    lines = dict(line.split("  ", 1) for line in shown.out.splitlines() if "  " in line)
    assert "kept the base" in lines
    assert lines["learned"].strip() == "nothing"
    assert "generate" not in lines["next"]
    again = cli("finetune", base, song_file, "--train", "all", *training, "--out", out, "--resume", "--json")
    assert json.loads(again.out)["outcome"] == "kept the base"


# The frozen prefix.

LONGER = replace(BRIEF, steps=20, validate_every=5)
PREFIXES = [
    ("layers.2", {}, 2),
    ("layers.2", {"cell": "gru", "embedding_size": 4}, 2),
    ("layers.1", {"output_dropout": 0.3}, 1),
    ("layers.1", {"dropout": 0.3}, 1),
    ("layers.2", {"dropout": 0.3, "dropout_kind": "variational"}, 1),
    ("head", {}, 3),
    ("head", {"dropout": 0.2}, 1),
    ("layers.2", {"weight_dropout": 0.3}, 0),
    ("layers.2", {"top_size": 5}, 2),
    ("head", {"top_size": 5}, 3),
    ("all", {}, 0),
]


@pytest.mark.parametrize(("train_", "shape", "kept"), PREFIXES)
def test_the_kept_prefix_is_the_ordinary_way_made_shorter(
    train_, shape, kept, make_base, song_file, tmp_path, monkeypatch
):
    base = make_base(num_layers=3, **shape)
    starts = {"short": set(), "ordinary": set()}
    encode = LanguageModel.encode
    for way in starts:

        def noted(self, inputs, state=None, start=0, stop=None, way=way):
            if torch.is_grad_enabled():
                starts[way].add(start)
            return encode(self, inputs, state, start, stop)

        monkeypatch.setattr(LanguageModel, "encode", noted)
        finetune(base, song_file, out=tmp_path / way, train=train_, training=LONGER)
        monkeypatch.setattr(module, "cached_layers", lambda *arguments: 0)
    assert starts == {"short": {kept}, "ordinary": {0}}
    short, ordinary = (
        [json.loads(line) for line in (tmp_path / way / "history.jsonl").read_text().splitlines()] for way in starts
    )
    for mine, theirs in zip(short, ordinary, strict=True):
        for loss in ("train_loss", "validation_loss"):
            assert mine[loss] == pytest.approx(theirs[loss], abs=1e-5)
    for name, weight in weights(tmp_path / "short").items():
        torch.testing.assert_close(weight, weights(tmp_path / "ordinary")[name], rtol=0, atol=1e-5)


def test_the_prefix_runs_once_however_long_the_training(make_base, song_file, tmp_path, monkeypatch):
    base, encode = make_base(num_layers=3), LanguageModel.encode
    calls = {}
    for steps in (20, 60):
        below = calls[steps] = []

        def counted(self, inputs, state=None, start=0, stop=None, below=below):
            if start == 0:
                below.append(stop)
            return encode(self, inputs, state, start, stop)

        monkeypatch.setattr(LanguageModel, "encode", counted)
        training = replace(LONGER, steps=steps)
        finetune(base, song_file, out=tmp_path / str(steps), train="layers.2", training=training)
    assert calls[20] == calls[60] != []
    assert set(calls[20]) == {2}


def test_no_gradient_is_computed_below_the_lowest_learning_layer(make_base, song_file, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "cached_layers", lambda *arguments: 0)
    seen = []
    monkeypatch.setattr(command, "train", lambda task, *rest: seen.append(task.module) or train(task, *rest))
    finetune(make_base(num_layers=3), song_file, out=tmp_path / "out", train="layers.1", training=BRIEF)
    assert {n for n, p in seen[0].named_parameters() if p.grad is not None} == LAYER_1 | HEAD


# Going on.


@pytest.mark.parametrize("train_", ["layers.2", "all"])
def test_resume_is_exact(train_, make_base, song_file, tmp_path):
    base = make_base(num_layers=3, output_dropout=0.2)
    training = replace(LONGER, momentum=0.9)
    machine = MachineOptions(device="cpu", save_every=0.0)
    whole = finetune(base, song_file, out=tmp_path / "whole", train=train_, training=training)
    for step in (1, 7, 20):
        out = tmp_path / f"killed at {step}"
        with pytest.raises(RuntimeError, match="killed"):
            finetune(base, song_file, out=out, train=train_, training=training, machine=machine, monitor=Until(step))
        result = finetune(base, song_file, out=out, train=train_, training=training, resume=True)
        for name, weight in weights(out).items():
            assert torch.equal(weight, weights(tmp_path / "whole")[name])
        histories = []
        for folder in (out, tmp_path / "whole"):
            lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
            histories.append([{k: v for k, v in line.items() if not k.endswith("seconds")} for line in lines])
        assert histories[0] == histories[1]
        assert replace(result, folder="", seconds=0) == replace(whole, folder="", seconds=0)


def test_a_finished_run_is_not_repeated_and_another_is_refused(make_base, song_file, tmp_path):
    base, out = make_base(), tmp_path / "out"
    result = finetune(base, song_file, out=out, train="head", training=BRIEF)
    written = (out / "model.safetensors").stat().st_mtime_ns
    assert finetune(base, song_file, out=out, train="head", training=BRIEF, resume=True) == result
    assert (out / "model.safetensors").stat().st_mtime_ns == written
    with pytest.raises(UserError, match="is not empty"):
        finetune(base, song_file, out=out, train="head", training=BRIEF)
    with pytest.raises(UserError, match=r"selection was head and is now layers\.0, head"):
        finetune(base, song_file, out=out, train="layers.0", training=BRIEF, resume=True)
    with pytest.raises(UserError, match=r"base\.sha256 was"):
        finetune(make_base("other", seed=1), song_file, out=out, train="head", training=BRIEF, resume=True)


def test_a_base_is_known_by_its_weights_wherever_it_lies(make_base, song_file, tmp_path):
    base, out = make_base(), tmp_path / "out"
    result = finetune(base, song_file, out=out, train="head", training=BRIEF)
    shutil.move(base, tmp_path / "moved")
    assert finetune(tmp_path / "moved", song_file, out=out, train="head", training=BRIEF, resume=True) == result


# Options.


def test_dropout_is_the_bases_unless_told(make_base, song_file, tmp_path):
    base = make_base(dropout=0.1, output_dropout=0.2)
    finetune(base, song_file, out=tmp_path / "a", training=BRIEF)
    finetune(base, song_file, out=tmp_path / "b", training=BRIEF, dropouts=DropoutOptions(dropout=0.0))
    configs = [load_checkpoint(tmp_path / name).model.config for name in "ab"]
    assert [(c.dropout, c.output_dropout) for c in configs] == [(0.1, 0.2), (0.0, 0.2)]
    with pytest.raises(UserError, match="dropout must be"):
        finetune(base, song_file, out=tmp_path / "c", training=BRIEF, dropouts=DropoutOptions(dropout=1.0))


AWD = {"dropout": 0.2, "output_dropout": 0.3, "embedding_dropout": 0.1, "input_dropout": 0.2, "weight_dropout": 0.5}


def test_frozen_weights_stay_bit_for_bit_under_every_dropout(make_base, song_file, tmp_path):
    base = make_base(num_layers=3, embedding_size=6, hidden_size=8, top_size=6, tied=True)
    dropouts = DropoutOptions(**AWD, dropout_kind="variational")
    training = replace(BRIEF, activation_penalty=2.0, slowness_penalty=1.0)
    given = {"train": "layers.1", "head": False, "training": training}
    finetune(base, song_file, out=tmp_path / "out", dropouts=dropouts, **given)
    check(base, tmp_path / "out", LAYER_1)
    finetune(base, song_file, out=tmp_path / "plain", **given)
    assert not torch.equal(*(weights(tmp_path / name)["layers.1.weight_hh"] for name in ("out", "plain")))
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert {name: written["model"][name] for name in AWD} == AWD
    assert {name: written["request"]["options"][name] for name in AWD} == AWD


def test_one_factor_scales_the_dropout_of_the_base_and_what_is_given(make_base, song_file, tmp_path):
    base = make_base(dropout=0.1, output_dropout=0.4)
    dropouts = DropoutOptions(dropout=0.2, dropout_scale=2.5)
    result = finetune(base, song_file, out=tmp_path / "out", training=BRIEF, dropouts=dropouts)
    found = load_checkpoint(tmp_path / "out").model.config
    assert (found.dropout, found.output_dropout) == (0.5, 0.95)
    assert "output_dropout 0.4 times 2.5 would be 1; it is 0.95." in result.notices
    other = replace(dropouts, dropout_scale=2.0)
    with pytest.raises(UserError, match=r"options\.dropout_scale was 2\.5 and is now 2\.0"):
        finetune(base, song_file, out=tmp_path / "out", training=BRIEF, dropouts=other, resume=True)
    request = json.loads((tmp_path / "out" / "config.json").read_text())["request"]
    finetune(base, song_file, out=tmp_path / "plain", training=BRIEF)
    plain = json.loads((tmp_path / "plain" / "config.json").read_text())["request"]["options"]
    assert request["options"].keys() - plain.keys() == {"dropout_scale"}  # as 0.2.0 wrote it
    with pytest.raises(UserError, match="dropout_scale must not be negative"):
        DropoutOptions(dropout_scale=-1.0)


@pytest.mark.parametrize(
    ("train_", "message"),
    [
        ("layers.9", "'layers.9' in the selection 'layers.9' matches no weight"),
        ("", r"expected a name, '!' or '\('"),
        ("layers.0)", r"\n    layers.0\)\n            \^"),
        ("all - all", "'all - all' selects no weight"),
    ],
)
def test_a_bad_selection_is_shown_as_it_was_written(train_, message, make_base, song_file, tmp_path):
    with pytest.raises(UserError, match=message):
        finetune(make_base(), song_file, out=tmp_path / "out", train=train_, training=BRIEF)
    assert not (tmp_path / "out").exists()


# Vocabularies.

SMALL = CharTokenizer("\x03\n abcdefghijklmnopqrstuvwxyz")  # without the capitals of the songs


def test_a_char_base_is_extended_by_what_it_lacks(make_base, song_file, tmp_path, caplog):
    caplog.set_level("INFO", "epigone")
    base = make_base(tokenizer=SMALL)
    result = finetune(base, song_file, out=tmp_path / "out", train="layers.1", head=False, training=BRIEF)
    new = load_checkpoint(tmp_path / "out")
    text = song_file.read_text().replace("===", "")
    lacking = sorted(set(text) - set(SMALL.vocabulary))
    assert new.tokenizer.vocabulary == [*SMALL.vocabulary, *lacking]
    assert not new.tokenizer.unknown(text)
    notice = next(n for n in result.notices if "carried over" in n)
    assert notice.startswith(f"29 of {29 + len(lacking)} tokens were carried over from the base's 29; new, started")
    assert repr(lacking[0]) in notice
    assert notice in caplog.messages
    old = weights(base)
    for name, weight in weights(tmp_path / "out").items():  # old rows stay, bit for bit
        if name.startswith("head"):
            assert torch.equal(weight[:29], old[name])
        elif name == "layers.0.weight_ih":
            assert torch.equal(weight[:, :29], old[name])


@pytest.mark.parametrize("train_", ["layers.1", "all"])
def test_the_card_says_what_became_of_the_weights(train_, make_base, song_file, tmp_path):
    same = CharTokenizer(["\x03", *sorted(set(song_file.read_text()))])
    cards = {}
    for name, tokenizer in {"same": same, "more": SMALL}.items():
        finetune(make_base(name, tokenizer), song_file, out=tmp_path / "out" / name, train=train_, training=BRIEF)
        cards[name] = (tmp_path / "out" / name / "README.md").read_text()
    config = json.loads((tmp_path / "out" / "more" / "config.json").read_text())
    rows = f"the rows of {config['new_tokens']} new tokens started from the mean of the base's.\n"
    assert config["new_tokens"] == config["model"]["vocabulary_size"] - 29
    if train_ == "all":
        assert "same`; all of the weights learned.\n" in cards["same"]
        assert f"more`; all of the weights learned; {rows}" in cards["more"]
        assert "bit for bit" not in "".join(cards.values())
    else:
        learned = "the weights that learned: `layers.1, head`. All others are those of the base, bit for bit"
        assert f"{learned}.\n" in cards["same"]
        assert f"{learned}, but {rows}" in cards["more"]


def test_what_the_tokenizer_changes_is_said(make_base, song_file, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(song_file.read_text().replace("a", "á"), encoding="utf-8")
    result = finetune(make_base(), text, out=tmp_path / "out", training=BRIEF)
    assert sum("such as 'á' as 'a'. To keep them, pretrain or finetune" in notice for notice in result.notices) == 1


def test_a_char_base_that_has_every_character_is_left_alone(make_base, song_file, tmp_path):
    text = song_file.read_text()
    tokenizer = CharTokenizer(["\x03", *sorted(set(text) | set("éß"), reverse=True)])
    result = finetune(make_base(tokenizer=tokenizer), song_file, out=tmp_path / "out", train="layers.1", training=BRIEF)
    assert load_checkpoint(tmp_path / "out").tokenizer.vocabulary == tokenizer.vocabulary
    assert not any("carried over" in notice for notice in result.notices)


@pytest.mark.parametrize(("name", "kept"), [("char", None), ("byte", 128)])
def test_an_ascii_base_takes_another_tokenizer(name, kept, make_base, song_file, tmp_path):
    base = make_base()
    result = finetune(
        base, song_file, out=tmp_path / "out", train="layers.1", head=False, tokenizer=name, training=BRIEF
    )
    new = load_checkpoint(tmp_path / "out")
    size = len(new.tokenizer.vocabulary)
    assert new.tokenizer.name == name
    assert new.model.config.vocabulary_size == size
    assert any(n.startswith(f"{kept or size} of {size} tokens were carried over") for n in result.notices)
    old = weights(base)["head.weight"]
    for place, token in enumerate(new.tokenizer.vocabulary):
        if token.isascii() and len(token) == 1:
            assert torch.equal(new.model.head.weight[place], old[ord(token)])


@pytest.mark.parametrize("name", ["word", "bpe"])
def test_a_base_of_words_or_subwords_may_keep_them(name, make_base, song_file, tmp_path):
    tokenizer = Corpus.open(song_file).tokenizer(name)
    text = tmp_path / "text.txt"
    text.write_text(song_file.read_text().replace("ferry", "zébra"), encoding="utf-8")
    base = make_base(tokenizer=tokenizer)
    tokens = RetrainedVocabulary(vocabulary="base")
    result = finetune(base, text, out=tmp_path / "out", train="layers.1", tokens=tokens, training=BRIEF)
    new = load_checkpoint(tmp_path / "out")
    assert new.tokenizer.to_dict() == tokenizer.to_dict()
    assert not any("carried over" in notice for notice in result.notices)
    if name == "word":
        assert any("the word tokenizer read" in notice and "'zébra'" in notice for notice in result.notices)
    else:
        assert any("the bpe tokenizer lacks and dropped" in notice and "'é'" in notice for notice in result.notices)
    evaluated = evaluate(tmp_path / "out", text, split="validation")
    assert evaluated.loss == pytest.approx(result.loss)
    assert evaluated.bits_per_char == pytest.approx(result.bits_per_char)


@pytest.mark.parametrize("name", ["word", "bpe"])
def test_a_char_base_may_become_one_of_words_or_subwords(name, make_base, song_file, tmp_path):
    characters = CharTokenizer.train([song_file.read_text()])
    base = make_base(tokenizer=characters)
    result = finetune(base, song_file, out=tmp_path / "out", train="layers.1", tokenizer=name, training=BRIEF)
    new, old = load_checkpoint(tmp_path / "out"), weights(base)
    assert new.tokenizer.name == name
    both = set(characters.vocabulary) & set(new.tokenizer.vocabulary)
    assert len(both) > (20 if name == "bpe" else 2)
    assert any(n.startswith(f"{len(both)} of {len(new.tokenizer.vocabulary)} tokens") for n in result.notices)
    column = new.tokenizer.vocabulary.index("\n")
    assert torch.equal(
        new.model.layers[0].weight_ih[:, column], old["layers.0.weight_ih"][:, characters.vocabulary.index("\n")]
    )


def test_many_new_characters_are_not_all_listed(make_base, tmp_path):
    hangul = "".join(map(chr, range(0xAC00, 0xAC00 + 300)))
    path = tmp_path / "text.txt"
    path.write_text("\n".join([hangul, hangul[::-1], hangul]))
    result = finetune(make_base(tokenizer=SMALL), path, out=tmp_path / "out", training=replace(BRIEF, steps=1))
    notice = next(n for n in result.notices if "carried over" in n)
    assert "'가'" in notice
    assert "and 290 more" in notice
    assert len(notice) < 300


# Fingerprints.


def test_fingerprints_are_inherited(make_base, song_file, tmp_path):
    base = make_base()
    theirs = Fingerprint.build(["What the base has read, which is not much but more than thirty characters."])
    save_fingerprints(base / FILE, {"training": theirs})
    finetune(base, song_file, out=tmp_path / "out", training=BRIEF)
    prints = load_fingerprints(tmp_path / "out" / FILE)
    assert prints.keys() == {"training", "base training"}
    for inherited, own in zip(prints["base training"].known, theirs.known, strict=True):
        assert inherited.hashes.tolist() == own.hashes.tolist()
    assert prints["training"].copied(
        Corpus.open(song_file, split=SplitOptions((0.8, 0.1, 0.1))).texts("train")
    ).share == pytest.approx(1, abs=0.02)
    finetune(base, song_file, out=tmp_path / "bare", training=BRIEF, fingerprint=False)
    assert not (tmp_path / "bare" / FILE).exists()
