"""The study of weights: its parts, its runs, its answers, and one whole quick run."""

import json
from dataclasses import replace

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.evaluation.intervals import Difference
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.jobs import Text, Training, base_of
from epigone.studies.engine.store import run_job
from epigone.studies.engine.thirds import THIRDS
from epigone.studies.experiment import StudyOptions
from epigone.studies.registry import study
from epigone.studies.which_weights.grid import CHANGED, WhichWeightsOptions, checked_parts, with_controls
from epigone.studies.which_weights.jobs import Adapted
from epigone.studies.which_weights.measured import Measured
from epigone.studies.which_weights.questions import questions
from epigone.training.options import RetrainingOptions
from epigone.transfer.selections.selection import select

LEVEL = Difference(0.02, 0.01, 0.03, 0.0001)


def test_chance_stands_beside_each_choice_and_has_as_many_weights(make_base):
    base = make_base()
    model = load_checkpoint(base).model
    found = checked_parts(WhichWeightsOptions(base=str(base)))
    sizes = {}
    for part in found:
        if part.choice and CHANGED not in part.selection and "fisher" not in part.selection + part.choice:
            drawn = part.drawn_as(3)
            if part.choice == "random":
                sizes[part.group, part.share] = select(model, drawn).count()
                assert select(model, part.drawn_as(4)).digest() != select(model, drawn).digest()
    chosen = [part for part in found if part.choice not in ("", "random")]
    assert {(part.group, part.share) for part in chosen} <= sizes.keys()
    first = [part for part in found if part.name in ("head", "fisher 5 % of the weights")]
    assert [part.name for part in with_controls(first, found)] == [
        "head", "fisher 5 % of the weights", "random 5 % of the weights"
    ]  # fmt: skip


def test_every_gate_and_matrix_of_any_cell_is_a_part(make_base):
    names = [part.name for part in checked_parts(WhichWeightsOptions(base=str(make_base(cell="gru"))))]
    assert {"reset gates", "update gate of layer 1", "weight_hh of layer 0", "biases", "lhuc"} <= set(names)
    assert names[0] == "all"
    assert len(set(names)) == len(names)
    plain = [part.name for part in checked_parts(WhichWeightsOptions(base=str(make_base("plain", cell="rnn"))))]
    assert not any("gate" in name or "adaptation" in name for name in plain)
    adapted = checked_parts(WhichWeightsOptions(base=str(make_base("adapted", softmax="adapted"))))
    assert [part.selection for part in adapted if part.name == "adaptation layer"] == ["head.adaptation.*"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rates": ()}, "rates must hold rates above 0"),
        ({"shares": (0.0,)}, "shares must hold percentages"),
        ({"shares": (100.0,)}, "shares must hold percentages"),
        ({"only": ("layer", "gat")}, "only must hold some of .*, but has gat"),
        ({"draws": 0}, "draws"),
        ({"epochs": 0.0}, "epochs"),
    ],
)
def test_options_that_make_no_sense(options, sentence):
    with pytest.raises(UserError, match=sentence):
        WhichWeightsOptions(**options)


def test_a_run_says_what_the_base_forgets_and_keeps_only_what_others_need(make_base, song_file, tmp_path):
    base = load_checkpoint(make_base())
    text = Text.of(song_file, split=THIRDS)
    recipe = RetrainingOptions(lr=3e-2, epochs=2.0, schedule="constant", patience=0, batch_size=4)
    whole = Adapted(Training(text, recipe, base_of(base), "all"), "all", Text.of(song_file), kept=True)
    learned = run_job(whole, tmp_path / "runs")
    assert learned.losses["own"].tokens.sum() == sum(learned.losses[name].tokens.sum() for name in THIRDS_NAMES)
    general = f'weights(change=5%, from="{CHANGED}")'
    part = Training(text, recipe, base_of(base), general.replace(CHANGED, str(learned.folder / "model")))
    few = Adapted(part, general)
    found = run_job(few, tmp_path / "runs")
    assert not (found.folder / "model").exists()
    assert found.trained_parameters < 0.06 * learned.trained_parameters
    assert found.details["kilobytes"] < learned.details["kilobytes"]
    moved = learned.folder.rename(tmp_path / "elsewhere") / "model"
    part = replace(part, selection=general.replace(CHANGED, str(moved)))
    assert replace(few, training=part).settings() == few.settings()


READINGS = ("mixed with n-grams", "dynamic evaluation")
THIRDS_NAMES = ("train", "validation", "test")


def made(name, group="layer", gain=0.02, weights=100, **more):
    """A row as the analysis makes it."""
    settled = {"choice": "", "share": 0.0, "rate": 1e-3, "validation_gain": gain, "gains": {}, "percent": 2.0}
    settled |= {"to_all": Difference(0.0, -0.001, 0.001, 0.5), "p_holm": 1.0, "forgetting": LEVEL, "of": 1000}
    level = Difference(gain, gain - 0.01, gain + 0.01, 0.0001)
    return Measured(name, group, gain=level, weights=weights, kilobytes=3.0, seconds=2.0, runs=4, **settled | more)


def test_answers_say_yes_only_where_a_difference_counts():
    tokens, random = np.full(60, 500.0), np.random.default_rng(0)
    noise = random.normal(0, 0.01, 60)

    def losses(level):
        return (level + noise + random.normal(0, 0.002, 60)) * tokens, tokens

    rows = [
        made("all", "all", 0.05, 1000),
        made("top 10 % of the units", "units", 0.04, choice="top", share=10.0),
        made("layer 1", gain=0.03, weights=500),
        made("random 10 % of the units", "units", 0.02, choice="random", share=10.0),
        made("bottom 10 % of the units", "units", 0.02, choice="bottom", share=10.0),
        made("biases", "biases", 0.01, weights=10, to_all=Difference(0.04, 0.03, 0.05, 0.0001)),
    ]
    levels = {row.name: losses(1.1 - row.gain.estimate) for row in rows}
    found = {claim.claim: claim for claim in questions(rows, levels)}
    answers = {claim: each.answer for claim, each in found.items()}
    assert answers["Which choice is best on writers on whom nothing was chosen?"] == "all"
    assert answers["Do units chosen by top gain more than random ones of the same number?"] == "yes"
    assert answers["Do units chosen by bottom gain more than random ones of the same number?"] == "no"
    assert answers["Do the units that the probe puts first gain more than the best set of layers?"] == "yes"
    assert answers["Is there a rule that matches retraining everything with a tenth of the weights?"] == "yes"
    assert answers["Is there a rule that matches retraining everything with one per cent of the weights?"] == "no"
    assert "forgets +0.020 [+0.010, +0.030]" in found["What does it cost?"].evidence
    smallest = float(answers["What is the smallest difference that this study can detect?"])
    assert 0 < smallest < 0.005


def test_a_writer_for_the_verdict_is_needed(song_file, make_base, tmp_path):
    grid = WhichWeightsOptions(base=str(make_base()))
    with pytest.raises(UserError, match="needs a writer on whom nothing is chosen"):
        study("which-weights", data={"target": song_file}, out=tmp_path / "out", grid=grid)


def test_the_quick_run_leaves_answers_tables_and_a_page(song_file, make_base, tmp_path):
    other = tmp_path / "ann.txt"
    other.write_text(song_file.read_text("utf-8").replace("river", "meadow").replace("lantern", "candle"), "utf-8")
    data = {"target": song_file, "own": other, "ann": other}
    grid = WhichWeightsOptions(
        base=str(make_base()),
        rates=(3e-2,),
        shares=(10.0,),
        draws=2,
        best=2,
        best_seeds=2,
        dynamic_rates=(1e-3,),
        only=("head", "weights", "reading"),
    )
    options, out = StudyOptions(quick=True, workers=1), tmp_path / "out"
    found = study("which-weights", data=data, out=out, options=options, grid=grid)
    names = [row["name"] for row in found.rows]
    expected = [
        "all",
        "head",
        *(f"{choice} 10 % of the weights" for choice in ("fisher", "gradient", "change", "random")),
        *(f"{what}, {how}" for what in ("untouched", "layer 1 + head") for how in READINGS),
    ]
    assert sorted(names) == sorted(expected)
    assert all((row["forgetting"] is None) == (row["group"] == "reading") for row in found.rows)
    assert all(row["gain"]["low"] <= row["gain"]["estimate"] for row in found.rows)
    assert found.rows[0]["validation_gain"] == max(row["validation_gain"] for row in found.rows)
    assert {"What each choice gains", "What each choice costs"} <= {table.title for table in found.tables}
    page = (out / "report.html").read_text("utf-8")
    assert "Do weights chosen by fisher gain more than random ones of the same number?" in page
    # Few are judged: nothing runs anew, and the others are told with their gains on the targets.
    few = study("which-weights", data=data, out=out, options=options, grid=replace(grid, judged=1), resume=True)
    told = {
        table: [row["name"] for row in few.rows if row["table"] == table] for table in ("parts", "on targets alone")
    }
    assert sorted(told["parts"] + told["on targets alone"]) == sorted(expected)
    assert "all" in told["parts"]
    assert names[0] in told["parts"]
    assert "head" in told["parts"] + told["on targets alone"]
    assert len(told["parts"]) <= 3
    assert "What the other choices gain on the targets" in {table.title for table in few.tables}
    runs = len(list((out / "runs").iterdir()))
    again = study("which-weights", data=data, out=out, options=options, grid=grid, resume=True)
    assert len(list((out / "runs").iterdir())) == runs
    assert json.dumps(again.rows) == json.dumps(found.rows)
