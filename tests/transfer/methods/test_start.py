"""Methods that change the state that documents begin in, and no weight of the base."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stopping import At, Stop, left_by, stop

import epigone
from epigone.errors import UserError
from epigone.evaluation.losses import document_losses
from epigone.models.files.model_folder import read_folder
from epigone.transfer.methods.initial_state import InitialState
from epigone.transfer.methods.priming import Priming

RECIPE = epigone.FinetuneOptions(lr=3e-3, steps=12, schedule="constant", patience=0, validate_every=6)
METHODS = {"initial-state": InitialState(), "priming": Priming(context=500)}


@pytest.fixture(params=METHODS)
def made(request, make_base, song_file, tmp_path):
    """A model that begins otherwise, its base, and the name of the method."""
    base = make_base(num_layers=3, top_size=5)
    epigone.finetune(base, song_file, out=tmp_path / "new", method=METHODS[request.param], training=RECIPE)
    return base, tmp_path / "new", request.param


def losses(folder, text, **how):
    return epigone.evaluate(folder, text, split="all", **how).loss


def test_only_the_beginning_changes(made, song_file):
    base, new, name = made
    before, after = (load_file(folder / "model.safetensors") for folder in (base, new))
    assert all(torch.equal(before[weight], after[weight]) for weight in before)
    assert set(after) - set(before) == {"start.hidden", "start.cell"}
    assert all(after[name].shape == (3, 8) for name in ("start.hidden", "start.cell"))
    assert all(after[name].any() and not after[name][2, 5:].any() for name in ("start.hidden", "start.cell"))
    config = json.loads((new / "config.json").read_text())
    assert config["model"]["start_state"]
    assert config["request"]["selection"] == "start"
    assert config["request"]["method"]["name"] == name
    assert config["result"]["trained_parameters"] == 2 * (8 + 8 + 5)
    assert config["result"]["outcome"] == "finished"
    card = (new / "README.md").read_text()
    assert "whose documents begin in a state of its own" in card
    assert f"with the method `{name}" in card
    assert losses(new, song_file) != losses(base, song_file)


def test_every_engine_begins_there(made, song_file):
    _, new, _ = made
    expected = losses(new, song_file, backend="torch")
    assert losses(new, song_file) == pytest.approx(expected, abs=1e-5)
    assert losses(new, song_file, precision="bf16") == pytest.approx(expected, abs=1e-3)
    texts = [epigone.generate(new, tokens=60, samples=3, seed=5, backend=how).texts for how in ("native", "torch")]
    assert texts[0] == texts[1]


def test_it_is_stored_small_and_in_eight_bits(made, song_file, tmp_path):
    _, new, _ = made
    small = epigone.delta(new, out=tmp_path / "small")
    assert small.weights == 2 * 3 * 8
    again = read_folder(tmp_path / "small").weights()
    assert all(np.array_equal(again[name], weight) for name, weight in read_folder(new).weights().items())
    epigone.quantize(new, out=tmp_path / "int8")
    eight = load_file(tmp_path / "int8" / "model.safetensors")
    assert torch.equal(eight["start.cell"], load_file(new / "model.safetensors")["start.cell"])
    assert losses(tmp_path / "int8", song_file) == pytest.approx(losses(new, song_file), abs=0.02)


def test_its_names_are_listed(made, cli):
    _, new, _ = made
    names = [row["name"] for row in json.loads(cli("info", new, "--names", "--json").out)["rows"]]
    assert {"start.hidden", "start.cell"} <= set(names)
    found = epigone.selection(new, "start")
    assert found.selected == 2 * (8 + 8 + 5)
    weights = sum(part.weights for part in found.parts if not part.name.startswith("start."))
    for expression in ("all", "!layers.0, layers.0", "*"):
        assert epigone.selection(new, expression).selected == weights


def test_what_is_retrained_after_it_keeps_it(made, song_file, tmp_path):
    _, new, _ = made
    epigone.finetune(new, song_file, out=tmp_path / "more", train="layers.1", training=RECIPE)
    before, after = (load_file(folder / "model.safetensors") for folder in (new, tmp_path / "more"))
    assert all(torch.equal(before[name], after[name]) for name in ("start.hidden", "start.cell"))
    assert not torch.equal(before["layers.1.weight_hh"], after["layers.1.weight_hh"])
    with pytest.raises(UserError, match="which learns from beginnings alone, by --method initial-state"):
        epigone.finetune(new, song_file, out=tmp_path / "none", train="start", head=False, training=RECIPE)


def test_a_run_goes_on_bit_for_bit(make_base, song_file, tmp_path):
    base, call = (
        make_base(),
        {"method": InitialState(), "training": RECIPE, "machine": epigone.MachineOptions(save_every=0)},
    )
    epigone.finetune(base, song_file, out=tmp_path / "whole", **call)
    with pytest.raises(Stop):
        epigone.finetune(base, song_file, out=tmp_path / "parts", monitor=At(7, stop), **call)
    epigone.finetune(base, song_file, out=tmp_path / "parts", resume=True, **call)
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")


def test_learning_lowers_the_loss_and_priming_takes_no_step(make_base, song_file, tmp_path):
    base = make_base()
    longer = replace(RECIPE, steps=76, validate_every=19)  # the 19 beginnings of the training split, four times
    epigone.finetune(base, song_file, out=tmp_path / "learned", method="initial-state", training=longer)
    rows = (tmp_path / "learned" / "history.jsonl").read_text().splitlines()[1:]
    found = [json.loads(row)["train_loss"] for row in rows]
    assert found == sorted(found, reverse=True)
    primed = epigone.finetune(base, song_file, out=tmp_path / "primed", method="priming")  # no rate is searched
    assert (primed.steps, primed.trials, primed.outcome) == (0, [], "finished")


def test_trials_choose_a_rate_for_it(make_base, song_file, tmp_path):
    found = epigone.finetune(make_base(), song_file, out=tmp_path / "new", method=InitialState(), steps=8)
    assert {trial["selection"] for trial in found.trials} == {"start"}


def test_priming_is_the_state_after_the_text(make_base, song_file, tmp_path):
    base = make_base()
    epigone.finetune(base, song_file, out=tmp_path / "new", method=Priming(context=0))
    checkpoint = epigone.load_checkpoint(base)
    from epigone.text.corpus import Corpus, SplitOptions
    from epigone.text.readers.registry import ReadOptions

    corpus = Corpus.open([song_file], ReadOptions(), None).for_learning(SplitOptions())
    stream = corpus.stream("train", checkpoint.tokenizer, 0)
    with torch.no_grad():
        _, state = checkpoint.model.encode(torch.from_numpy(stream.inputs.astype(np.int64))[None])
    after = load_file(tmp_path / "new" / "model.safetensors")
    for name, vector in zip(("hidden", "cell"), state, strict=True):
        torch.testing.assert_close(after[f"start.{name}"], vector[:, 0], atol=1e-5, rtol=0)
    held_out = corpus.stream("validation", checkpoint.tokenizer)
    model = epigone.load_checkpoint(tmp_path / "new", "reference").model
    assert document_losses(model, held_out).loss == pytest.approx(
        json.loads((tmp_path / "new" / "config.json").read_text())["result"]["loss"], abs=1e-5
    )


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"train": "layers.0"}, "learns the selection 'start' and no weight of the base; leave out --train 'layers.0'"),
        ({"method": InitialState(), "windows": "prefix"}, "not of sentences; leave out --windows"),
        ({"method": Priming(), "final": True}, "so nothing is learned anew; leave out --final"),
    ],
)
def test_what_makes_no_sense_is_refused(make_base, song_file, tmp_path, name, options, sentence):
    with pytest.raises(UserError, match=sentence):
        epigone.finetune(
            make_base(), song_file, out=tmp_path / "new", **{"method": METHODS[name], "lr": 0.01} | options
        )


def test_a_base_without_such_a_state_has_nothing_to_select(make_base):
    with pytest.raises(UserError, match="'start' matches no weight\\. The method initial-state gives it one"):
        epigone.selection(make_base(), "start")
