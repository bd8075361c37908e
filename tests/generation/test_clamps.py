"""Texts and losses of a model with clamped units: one meaning in every engine, in Python and on the command line."""

import json
from functools import partial

import pytest

import epigone
from epigone.errors import UserError
from epigone.kernels import engine

CLAMPS = ["layers.1.cell[3-9]=1", "layers.2[0]=-0.5", "layers.0.cell[40]=0"]
NAMED = [*(f"layers.1.cell[{unit}]=1" for unit in range(3, 10)), "layers.2[0]=-0.5", "layers.0.cell[40]=0"]
write = partial(epigone.generate, "english-tiny", length=200, samples=4, seed=3)
native = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")


@native
def test_both_engines_write_the_same_text():
    free, held = write(), write(clamp=CLAMPS)
    assert held.clamps == NAMED
    assert free.clamps == []
    assert held.texts != free.texts
    assert write(clamp=CLAMPS, backend="torch").texts == held.texts
    for precision in ("bf16", "int8"):
        assert write(clamp=CLAMPS, precision=precision).texts != write(precision=precision).texts


def test_a_given_checkpoint_stays_as_it_was():
    checkpoint = epigone.load_checkpoint("english-tiny")
    found = epigone.generate(checkpoint, length=50, seed=1, backend="torch", clamp="layers.2=0")
    assert found.clamps == [f"layers.2[{unit}]=0" for unit in range(64)]
    assert checkpoint.model.clamps == ()


def test_likely_next_tokens_are_those_of_the_clamped_model():
    free, held = (epigone.generate("english-tiny", prompt="Th", next=3, clamp=clamp) for clamp in ((), ["layers.2=0"]))
    assert held.clamps
    assert held.next != free.next


def test_a_probe_and_one_command_silence_units(cli, tmp_path, song_file):
    ranking = tmp_path / "probe.json"
    units = [{"name": f"layers.{unit % 3}.cell[{unit}]", "score": unit / 64} for unit in range(64)]
    ranking.write_text(json.dumps({"units": units}))
    clamp = ("--clamp", f"units(from={ranking}, top=2)=0", "--clamp", "layers.0[5]=0")
    found = cli("generate", *clamp, "english-tiny", "--length", 20, "--seed", 1, "--json")
    assert json.loads(found.out)["clamps"] == ["layers.0.cell[63]=0", "layers.2.cell[62]=0", "layers.0[5]=0"]
    measured = cli("evaluate", "english-tiny", song_file, *clamp)
    assert measured.status == 0, measured.err
    assert "layers.0.cell[63]=0, layers.2.cell[62]=0, layers.0[5]=0" in measured.out
    losses = [epigone.evaluate("english-tiny", song_file, clamp=held).loss for held in ((), clamp[1::2])]
    assert f"{losses[1]:.4f}" in measured.out
    assert losses[1] != losses[0]


@native
def test_both_engines_measure_the_same_loss(song_file):
    measure = partial(epigone.evaluate, "english-tiny", song_file)
    held = measure(clamp=CLAMPS)
    assert held.clamps == NAMED
    assert held.loss > measure().loss
    assert measure(clamp=CLAMPS, backend="torch").loss == pytest.approx(held.loss, abs=1e-5)
    assert measure(clamp=CLAMPS, precision="bf16").loss == pytest.approx(held.loss, abs=0.01)
    assert measure(clamp=CLAMPS, precision="int8").loss == pytest.approx(held.loss, abs=0.05)


def test_a_model_that_goes_on_learning_is_clamped_too(make_base, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("The river ran by the mill.\n")
    measure = partial(epigone.evaluate, make_base(), text, dynamic=1e-9)
    clamp = "layers.1=0.5"
    plain = epigone.evaluate(tmp_path / "base", text, clamp=clamp).loss
    assert measure(clamp=clamp).loss == pytest.approx(plain, abs=1e-5)
    assert abs(measure().loss - plain) > 1e-4


def test_a_desk_writes_with_clamps(cli, monkeypatch):
    import io
    import sys

    found = []
    for clamp in ((), ("--clamp", "layers.1=0")):
        monkeypatch.setattr(sys, "stdin", io.StringIO("The\n"))
        found.append(cli("generate", "english-tiny", "-i", "--seed", 4, "--length", 40, *clamp).out)
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("clamp", "sentence"),
    [
        ("layers.3[0]=0", "There is no unit layers.3"),
        ("layers.0.state7[0]=0", "has no state 'state7'"),
        ("units(from=none.json, top=3)=0", "none.json"),
        ("embedding=0", "names no unit"),
    ],
)
def test_what_means_nothing_is_refused(cli, song_file, clamp, sentence):
    for command in (("generate", "english-tiny"), ("evaluate", "english-tiny", song_file)):
        refused = cli(*command, "--clamp", clamp)
        assert (refused.status, sentence in refused.err) == (2, True), refused.err


def test_a_stepper_of_ones_own_knows_no_clamps():
    with pytest.raises(UserError, match="leave out clamp"):
        epigone.generate("english-tiny", clamp="layers.1=0", stepper=object())
