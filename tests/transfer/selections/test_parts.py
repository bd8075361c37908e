"""Selections down to gates, units, tokens and single weights."""

import json

import numpy as np
import pytest
import torch

import epigone
from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.transfer.selections.selection import select, with_head
from epigone.transfer.selections.weights import Context

ONE_HOT = LanguageModel(ModelConfig("lstm", num_layers=2, hidden_size=4, vocabulary_size=6))
EMBEDDED = LanguageModel(ModelConfig("lstm", num_layers=3, hidden_size=4, vocabulary_size=6, embedding_size=3))
TIED = LanguageModel(ModelConfig("lstm", num_layers=2, hidden_size=4, vocabulary_size=6, embedding_size=4, tied=True))
GRU = LanguageModel(ModelConfig("gru", num_layers=2, hidden_size=4, vocabulary_size=6))
CONTEXT = Context(("a", "b", "é", "\n", '"', "\x03"), (2, 4))


def rows(model, expression, name, context=CONTEXT):
    """The selected rows of a parameter of which each is selected as a whole or not at all."""
    mask = select(model, expression, context).masks[name]
    flat = mask.reshape(len(mask), -1)
    assert (flat.all(1) == flat.any(1)).all()
    return flat.any(1).nonzero().flatten().tolist()


@pytest.mark.parametrize(("gate", "place"), [("input", 0), ("forget", 1), ("cell", 2), ("output", 3)])
def test_a_gate_is_its_block_of_rows(gate, place):
    block = list(range(4 * place, 4 * place + 4))
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        assert rows(ONE_HOT, f"layers.1[{gate}]", f"layers.1.{name}") == block
        assert rows(ONE_HOT, f"layers.1[{gate}]", f"layers.0.{name}") == []
    assert rows(ONE_HOT, f"layers.*.weight_hh[{gate}]", "layers.0.weight_hh") == block
    assert rows(ONE_HOT, f"layers.*.weight_hh[{gate}]", "layers.0.bias_hh") == []
    assert select(ONE_HOT, f"layers.1[{gate}]").count() == select(ONE_HOT, "layers.1").count() // 4


def test_gates_of_a_gru_and_several_at_once():
    assert rows(GRU, "layers.0[update, new]", "layers.0.bias_hh") == list(range(4, 12))
    assert rows(GRU, "all[reset]", "layers.1.bias_ih") == [0, 1, 2, 3]
    assert rows(GRU, "all[reset]", "head.weight") == []


def test_units_are_their_rows_in_every_gate():
    assert rows(ONE_HOT, "layers.1[1-2]", "layers.1.weight_hh") == [1, 2, 5, 6, 9, 10, 13, 14]
    for expression in (
        "units(layers.1, 1-2)",
        "layers.1.cell[1,2]",
        "layers.1.hidden[1-2]",
        "units(layers.1.cell, 2, 1)",
    ):
        found, same = select(ONE_HOT, expression), select(ONE_HOT, "layers.1[1-2]")
        assert all(torch.equal(found.masks[name], same.masks[name]) for name in same.masks)
    assert rows(ONE_HOT, "layers.1[forget][2]", "layers.1.weight_ih") == [6]
    assert rows(ONE_HOT, "layers.1[2][forget]", "layers.1.weight_ih") == [6]
    assert select(ONE_HOT, "units(layers.*, 0)").count() == select(ONE_HOT, "layers.0[0], layers.1[0]").count()


@pytest.mark.parametrize(
    ("model", "layer", "reading"),
    [
        (ONE_HOT, 0, {"layers.0.weight_hh", "layers.1.weight_ih"}),
        (ONE_HOT, 1, {"layers.1.weight_hh", "head.weight"}),
        (EMBEDDED, 2, {"layers.2.weight_hh", "head.weight"}),
        (TIED, 1, {"layers.1.weight_hh", "embedding.weight"}),
    ],
)
def test_readers_add_the_columns_that_read_a_unit(model, layer, reading):
    alone = select(model, f"units(layers.{layer}, 3)").masks
    read = select(model, f"units(layers.{layer}, 3, readers=yes)").masks
    for name, mask in read.items():
        expected = alone[name].clone()
        if name in reading:
            expected[:, 3] = True
        assert torch.equal(mask, expected)


def test_what_reads_a_unit_is_all_that_its_value_reaches():
    # Zero the columns of the readers of a unit: then its outgoing weights change nothing.
    model = LanguageModel(ModelConfig("lstm", num_layers=2, hidden_size=4, vocabulary_size=6))
    difference = select(model, "units(layers.0, 1, readers=yes) - units(layers.0, 1)").masks
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter[difference[name]] = 0
        own = select(model, "layers.0[1]").masks
        tokens = torch.randint(6, (2, 9))
        before, _ = model(tokens)
        for name, parameter in model.named_parameters():
            parameter[own[name] & ~select(model, "units(layers.0, 1, readers=yes) - layers.0[1]").masks[name]] += 1.0
        after, _ = model(tokens)
    torch.testing.assert_close(before, after)


def test_tokens_are_rows_of_embedding_and_head_and_columns_of_one_hot_input():
    assert rows(EMBEDDED, 'embedding["é","\\n"]', "embedding.weight") == [2, 3]
    assert rows(EMBEDDED, 'head["a"]', "head.weight") == rows(EMBEDDED, 'head["a"]', "head.bias") == [0]
    assert rows(EMBEDDED, 'head["\\""]', "head.bias") == [4]
    assert rows(TIED, 'head["a"]', "embedding.weight") == [0]
    mask = select(ONE_HOT, 'embedding["é"]', CONTEXT).masks["layers.0.weight_ih"]
    assert mask[:, 2].all()
    assert mask.sum() == 16
    assert rows(EMBEDDED, "embedding[new]", "embedding.weight") == [2, 4]
    assert select(EMBEDDED, 'all["a"]', CONTEXT).count() == 3 + 4 + 1


def test_white_space_in_quotes_is_kept():
    context = Context((" ", "\u00a0", "x  y", "c", "d", "e"))
    assert rows(EMBEDDED, 'head["\u00a0"]', "head.bias", context) == [1]
    assert rows(EMBEDDED, '  head[ "x  y" ,  " "]  ', "head.bias", context) == [0, 2]
    assert select(EMBEDDED, 'head["x  y"] ,\n layers.1', context).expression == 'head["x  y"] , layers.1'


def test_random_weights_are_as_many_as_asked_and_come_with_their_seed():
    total = ONE_HOT.num_parameters()
    first = select(ONE_HOT, "weights(random=10%, seed=3)")
    assert first.count() == round(total / 10)
    assert select(ONE_HOT, "weights(random=7)").count() == 7
    again, other = (select(ONE_HOT, f"weights(random=10%, seed={seed})").masks for seed in (3, 4))
    assert all(torch.equal(first.masks[name], again[name]) for name in again)
    assert any(not torch.equal(again[name], other[name]) for name in again)
    inside = select(ONE_HOT, "weights(layers.1 - layers.1.bias_hh, random=50%)")
    assert inside.count() == (select(ONE_HOT, "layers.1").count() - 16) // 2
    assert not inside.masks["layers.1.bias_hh"].any()
    assert not inside.masks["head.weight"].any()
    nested = select(ONE_HOT, "weights((layers.0, layers.1[forget]), random=10%)").masks
    assert not nested["layers.1.bias_ih"][8:].any()


def test_every_weight_is_drawn_alike():
    counts = sum(
        torch.cat(
            [mask.flatten() for mask in select(ONE_HOT, f"weights(random=10%, seed={seed})").masks.values()]
        ).double()
        for seed in range(400)
    )
    assert isinstance(counts, torch.Tensor)
    expected = 40.0
    chi = ((counts - expected) ** 2 / (expected * 0.9)).sum()
    assert abs(float(chi) - len(counts)) < 6 * (2 * len(counts)) ** 0.5


def test_scores_put_the_highest_first():
    scores = {name: torch.zeros(p.shape) for name, p in ONE_HOT.named_parameters()}
    scores["head.bias"] = torch.arange(6.0)
    scores["layers.0.bias_hh"][3] = 4.5
    context = Context(scorers={"fisher": lambda: scores})
    found = select(ONE_HOT, "weights(fisher=2)", context)
    assert found.masks["head.bias"].tolist() == [False] * 5 + [True]
    assert found.masks["layers.0.bias_hh"].nonzero().flatten().tolist() == [3]
    assert found.count() == 2
    equal = Context(scorers={"fisher": lambda: {name: torch.ones(p.shape) for name, p in ONE_HOT.named_parameters()}})
    assert (
        select(ONE_HOT, "weights(head.bias, fisher=50%)", equal).masks["head.bias"].tolist() == [True] * 3 + [False] * 3
    )
    assert select(ONE_HOT, "weights(head.bias, fisher=100%)", equal).count() == 6


def test_change_compares_with_a_retrained_model(make_base, song_file, tmp_path):
    folder = make_base()
    base = load_checkpoint(folder).model
    recipe = epigone.FinetuneOptions(lr=0.1, steps=30, schedule="constant")
    epigone.finetune(folder, song_file, out=tmp_path / "new", train="layers.0.bias_hh", head=False, training=recipe)
    found = select(base, f'weights(change=3, from="{tmp_path / "new"}")')
    assert found.count() == 3
    assert found.masks["layers.0.bias_hh"].sum() == 3
    with pytest.raises(UserError, match="did not change any weight"):
        select(base, f'weights(change=3, from="{folder}")')
    larger = make_base("larger", hidden_size=9)
    with pytest.raises(UserError, match="another shape"):
        select(base, f'weights(change=3, from="{larger}")')


def test_a_ranking_gives_the_first_and_the_last_units(tmp_path):
    path = tmp_path / "my probe.json"
    ranked = [("layers.0[1]", 0.5), ("layers.1.cell[3]", 0.9), ("layers.1[3]", 0.8), ("layers.0.cell[2]", -0.3)]
    path.write_text(json.dumps({"units": [{"name": name, "score": score} for name, score in ranked]}), encoding="utf-8")
    quoted = json.dumps(str(path))
    assert rows(ONE_HOT, f"units(from={quoted}, top=1)", "layers.1.bias_hh") == [3, 7, 11, 15]
    assert (
        select(ONE_HOT, f"units(from={quoted}, top=25%)").count() == select(ONE_HOT, "layers.1[3], layers.0[1]").count()
    )
    assert rows(ONE_HOT, f"units(from={quoted}, bottom=1)", "layers.0.bias_hh") == [2, 6, 10, 14]
    assert rows(ONE_HOT, f"units(layers.0, from={quoted}, top=1)", "layers.0.bias_hh") == [1, 5, 9, 13]
    with pytest.raises(UserError, match=r"asks for 4 units, but .* ranks 3"):
        select(ONE_HOT, f"units(from={quoted}, top=50%)")
    path.write_text('{"units": [{"name": "layers.7[1]", "score": 1}]}', encoding="utf-8")
    with pytest.raises(UserError, match="ranks units of another model"):
        select(ONE_HOT, f"units(from={quoted}, top=1)")


def test_random_units_are_as_many_as_asked():
    masks = select(EMBEDDED, "units(random=25%, seed=1)").masks
    assert sum(int(masks[f"layers.{layer}.bias_hh"].sum()) for layer in range(3)) == 3 * 4
    assert (
        len({tuple(rows(EMBEDDED, f"units(layers.1, random=2, seed={s})", "layers.1.bias_hh")) for s in range(9)}) > 2
    )


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (
            "layers.1[forgot]",
            r"'layers.1\[forgot\]'.* means nothing: there gates, \[input, forget, cell, output\], or units",
        ),
        ("layers.1[4]", "asks for unit 4; the units are 0 to 3"),
        ("layers.1[2-1]", "has the range 2-1, which runs backwards"),
        ("layers.1[]", "has an empty place"),
        ("layers.1[01]", "means nothing"),
        ("layers[1]", r"is no layer; write layers.1, or layers.\*\[1\] for units of all layers"),
        ("layers[01]", "is no layer"),
        ("layers.1[forget,,input]", "has an empty place"),
        ("units(random=)", "has an argument without a value"),
        ("layers.1[forget,]", "has an empty place"),
        ("layers.1[forget, 2]", "means nothing"),
        ('head["zz"]', 'names the token "zz", which the model does not have'),
        ('head["\\x"]', "which is no text in quotes"),
        ("head[forget]", "a token in quotes"),
        ("head[0]", "a token in quotes"),
        ('layers.1["a"]', "or units, such as"),
        ("layers.1[forget", "has no meaning here"),
        ("units()", "names no unit"),
        ("units(layers.1, 0-15)", "asks for unit 15"),
        ("units(layers.9, 0)", "'layers.9', which is no layer; there are layers.0 to layers.1"),
        ("units(head, 0)", "'head', which is no layer"),
        ("units(0-3, seed=1)", "has seed= without random="),
        ("units(random=0%)", "has random=0%; write a share such as 10%, or a number from 1 to 8"),
        ("units(random=9)", "has random=9"),
        ("units(random=101%)", "has random=101%"),
        ("units(random=1.5)", "has random=1.5"),
        ("units(random=1, top=2)", "gives top= and random=; give one of"),
        ("units(top=10%)", "write from= and the probe.json"),
        ("units(random=1, from=x.json)", "draws by chance, so from= means nothing"),
        ("units(from=x.json)", "says not which it takes"),
        ("units(from=missing.json, top=1)", "missing.json"),
        ("units(layers.0, 1, readers=maybe)", "write yes or no"),
        ("units(layers.0, 1, colour=red)", "has colour=, which means nothing there"),
        ("units(readers=yes, layers.0)", "has 'layers.0' behind readers=; write it first"),
        ("units(layers.0, , 1)", "has an empty argument"),
        ("units(layers.0, random=1, random=2)", "gives random= twice"),
        ("units(layers.0, 1", r"expected '\)'"),
        ("weights(fisher=1%)", "needs a text for the score fisher"),
        ("weights(change=1%)", "needs from= and the folder"),
        ("weights(random=1%, from=x)", "has from=, which goes with change= alone"),
        ("weights(fisher=1%, seed=1)", "has seed=, which goes with random= alone"),
        ("weights(layers.0)", "says not which it takes"),
        ("weights(random=1%, seed=x)", "write a whole number"),
        ("weights(nothing, random=1%)", "matches no weight"),
        ("weights(random=1%) layers.0", "expected ',' or '-' or the end"),
    ],
)
def test_what_means_nothing_is_told(expression, sentence):
    with pytest.raises(UserError, match=sentence):
        select(ONE_HOT, expression, CONTEXT)


def test_a_part_of_the_head_counts_as_naming_it():
    assert with_head(EMBEDDED, 'head["a"], layers.0', CONTEXT).masks["head.bias"].sum() == 1
    assert with_head(EMBEDDED, "weights(head, random=1)").masks["head.weight"].sum() <= 1
    assert with_head(EMBEDDED, "units(layers.0, 1)").masks["head.weight"].all()


def test_new_tokens_need_tokens_that_are_new():
    with pytest.raises(UserError, match="the model has no token that its base lacks"):
        select(EMBEDDED, "embedding[new]", Context(CONTEXT.vocabulary))


def test_scores_of_all_weights_of_a_large_model_take_little_time():
    model = LanguageModel(ModelConfig("lstm", num_layers=2, hidden_size=128, vocabulary_size=60))
    values = {name: torch.from_numpy(np.random.default_rng(0).random(p.shape)) for name, p in model.named_parameters()}
    found = select(model, "weights(gradient=1%)", Context(scorers={"gradient": lambda: values}))
    least = min(float(values[name][mask].min()) for name, mask in found.masks.items() if mask.any())
    assert found.count() == round(model.num_parameters() / 100)
    assert max(float(values[name][~mask].max()) for name, mask in found.masks.items() if not mask.all()) <= least
