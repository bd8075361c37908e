"""`selection`: what an expression selects, in numbers and as a picture; and `info --names`, which lists the names."""

import json

import numpy as np
import pytest

import epigone
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.report.plots.selected_weights import binned
from epigone.transfer.selections.selection import select


def test_counts_are_those_of_the_masks(make_base):
    folder = make_base()
    masks = select(load_checkpoint(folder).model, "layers.1[forget], head.bias").masks
    found = epigone.selection(folder, "layers.1[forget], head.bias")
    assert {part.name: part.selected for part in found.parts} == {name: int(m.sum()) for name, m in masks.items()}
    assert found.selected == 2 * 8 * 8 + 2 * 8 + 128
    assert found.weights == sum(mask.numel() for mask in masks.values())
    strip = next(part.by_rows for part in found.parts if part.name == "layers.1.weight_hh")
    assert strip == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


def test_the_command_says_how_much_learns(cli, make_base):
    outcome = cli("selection", make_base(), "layers.0[cell]")
    assert outcome.status == 0
    line = next(line for line in outcome.out.splitlines() if line.startswith("layers.0.weight_hh"))
    assert "·" * 16 + "█" * 8 + "·" * 8 in line
    assert "weights learn" in outcome.out
    found = json.loads(cli("selection", make_base(), "layers.0[cell]", "--json").out)
    assert found["gates"] == ["input", "forget", "cell", "output"]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_drawn(make_base, tmp_path, ending):
    out = tmp_path / "new" / f"selected.{ending}"
    epigone.selection(make_base(cell="gru", embedding_size=4), "weights(random=10%)", out=out)
    assert out.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")


def test_parts_of_a_picture_are_means():
    mask = np.zeros((8, 6), bool)
    mask[:2] = True
    mask[7, 5] = True
    assert binned(mask, 4).shape == (4, 4)
    np.testing.assert_array_equal(binned(mask, 2), [[0.5, 0.5], [0, 1 / 12]])
    np.testing.assert_array_equal(binned(mask), mask)


def test_scores_need_a_text_and_take_one(make_base, song_file):
    folder = make_base()
    with pytest.raises(UserError, match="needs a text for the score fisher; give one with --data"):
        epigone.selection(folder, "weights(fisher=1%)")
    assert epigone.selection(folder, "weights(fisher=10)", data=[song_file]).selected == 10


def test_wrong_files_and_expressions_are_told(make_base, tmp_path):
    with pytest.raises(UserError, match=r"a \.png or \.svg file"):
        epigone.selection(make_base(), "all", out=tmp_path / "x.pdf")
    with pytest.raises(UserError, match="matches no weight"):
        epigone.selection(make_base(), "layers.7")


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_listed_name_selects_something(make_base, cell):
    folder = make_base(cell=cell, embedding_size=3)
    model = load_checkpoint(folder).model
    names = [row["name"] for row in epigone.info(folder, names=True).rows]
    assert {name for name, _ in model.named_parameters()} <= set(names)
    for name in names:
        assert select(model, name).count() > 0
    assert epigone.info(folder).rows == []


def test_the_names_of_states_are_those_that_look_reads(make_base):
    folder = make_base()
    states = [row["name"] for row in epigone.info(folder, names=True).rows if row["meaning"].startswith("a state")]
    found = epigone.look(folder, text="a song", unit=[f"{name}[3]" for name in states])
    assert [unit.name for unit in found.units] == ["layers.0[3]", "layers.0.cell[3]", "layers.1[3]", "layers.1.cell[3]"]
