"""Probing as a whole: the function, the ranking, the page."""

import base64
import gzip
import json
import re

import numpy as np
import pytest

import epigone
from epigone.app.cli import run
from epigone.app.display import as_text
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint, save_weights
from epigone.models.files.ranking import read_ranking

SMALL = {"characters": 8000, "positions": 1500, "passages": 12}
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def novel(tmp_path_factory):
    """A text with speeches in quotation marks, in many short documents."""
    generator = np.random.default_rng(0)
    words = ["river", "stone", "kettle", "rain", "winter", "market", "bread", "and", "but", "oar", "gull"]

    def phrase():
        return " ".join(generator.choice(words, generator.integers(3, 9)))

    lines = [f'{phrase().capitalize()}. "{phrase().capitalize()}," said {phrase()}.\n{phrase()}.' for _ in range(60)]
    path = tmp_path_factory.mktemp("novel") / "novel.txt"
    path.write_text("\n===\n".join(lines), encoding="utf-8")
    return path


def plant(folder):
    """Let a unit of layer 0 be a toggle: 1 after a first quotation mark, until the next one."""
    source = load_checkpoint(folder)
    layer = source.model.layers[0]
    size = source.shape.hidden_size
    weights = {name: weight.data for name, weight in layer.weights().items()}
    unit, mark = 3, ord('"')
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        for gate in range(4):
            weights[name][gate * size + unit] = 0
    i, f, g, o = (gate * size + unit for gate in range(4))
    # On a mark the input gate opens and the candidate is the opposite of the state; else the state is kept.
    weights["bias_ih"][[i, f, g, o]] = weights["bias_ih"].new_tensor([-12.0, 12.0, 0.0, 8.0])
    weights["weight_ih"][i, mark], weights["weight_ih"][f, mark] = 24.0, -24.0
    weights["weight_ih"][g, mark], weights["weight_hh"][g, unit] = 6.0, -14.0
    save_weights(folder, source.model)
    return f"layers.0[{unit}]"


def packed(page):
    data = re.search(r'<script type="text/plain" id="packed">([^<]*)</script>', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(data)))


def test_a_unit_that_follows_quotation_marks_is_found(make_base, novel, tmp_path):
    base = make_base()
    name = plant(base)
    found = epigone.probe(base, property="quotes", text=novel, out=tmp_path / "probe", **SMALL)
    assert found.first[0] == name
    (row,) = found.rows
    assert row.unit in (name, name.replace("[", ".cell["))
    assert row.accuracy > 0.97
    assert row.interval[0] > 0.95
    assert row.selectivity > 0.3
    assert row.all_units > 0.97
    shape = load_checkpoint(base).shape
    ranking = read_ranking(tmp_path / "probe" / "probe.json", shape)
    assert len(ranking) == 16
    assert ranking[0].written(shape) == name
    chosen = epigone.selection(base, f"units(from={tmp_path}/probe/probe.json, top=1)")
    assert chosen.selected == epigone.selection(base, "units(layers.0, 3)").selected
    assert name in as_text(found)


def test_everything_at_once(make_base, novel, tmp_path):
    table = tmp_path / "mood.csv"
    rows = [f"{'all is well' if i % 2 else 'rain and rain'} {i},{'good' if i % 2 else 'bad'}" for i in range(80)]
    table.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("kettel->kettle\nwintr->winter, wintry\nmarkt->market\nbred->bread\nstoen->stone\n")
    base = make_base()
    found = epigone.probe(
        base, text=[novel], labelled=[f"mood={table}"], pairs=pairs, property=["vowel", "spelling"],
        names=["layers.0", "layers.1.forget"], out=tmp_path / "probe", **SMALL,
    )  # fmt: skip
    assert [(row.property, row.level) for row in found.rows] == [
        ("spelling", "low"),
        ("vowel", "low"),
        ("mood", "high"),
    ]
    written = json.loads((tmp_path / "probe" / "probe.json").read_text(encoding="utf-8"))
    assert [vector["name"] for vector in written["properties"][0]["vectors"]] == ["layers.0.hidden", "layers.1.forget"]
    units = {unit["name"]: unit for unit in written["units"]}
    assert len(units) == 16
    one = units["layers.0[2]"]
    assert one["score"] == pytest.approx(one["high"] - one["low"], abs=2e-4)
    assert len(one["hidden"]["vowel"]) == len(written["measures"])
    assert len(units["layers.1[2]"]["forget"]["spelling"]) == len(written["changes"])
    assert found.rows[2].accuracy > 0.9  # the moods have different words
    shown = packed((tmp_path / "probe" / "index.html").read_text(encoding="utf-8"))
    assert [each["name"] for each in shown["properties"]] == ["spelling", "vowel", "mood"]
    assert {row["chosen"] for row in shown["curves"]} == {"none", "top", "bottom", "random"}
    assert "".join(shown["pieces"]).startswith(novel.read_text(encoding="utf-8")[:20])
    first = shown["vectors"][0]
    assert len(first["shades"]) == 8
    assert shown["from"] == 0 or shown["pieces"][shown["from"] - 1] == "\n"
    assert {len(shades) for shades in first["shades"]} == {min(1200, len(shown["pieces"]) - shown["from"])}
    assert len(first["highest"][0]) == 3
    with pytest.raises(UserError, match="is not empty"):
        epigone.probe(base, text=[novel], property="vowel", out=tmp_path / "probe", **SMALL)


def test_nothing_on_the_page_is_markup(make_base, novel, tmp_path):
    base = make_base(HOSTILE.replace("/", ""))
    text = tmp_path / "hostile.txt"
    text.write_text(novel.read_text(encoding="utf-8").replace("said", f"said {HOSTILE}"), encoding="utf-8")
    epigone.probe(base, property="vowel", text=text, out=tmp_path / "probe", **SMALL)
    page = (tmp_path / "probe" / "index.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2
    assert "alert(1)" not in page.replace("&lt;script&gt;alert(1)&lt;script&gt;", "")
    assert packed(page)["title"] == base.name


def test_a_model_that_reads_backward_is_probed_too(make_base, novel, tmp_path):
    base = make_base(direction="backward")
    found = epigone.probe(base, property=["quotes", "vowel"], text=novel, out=tmp_path / "probe", **SMALL)
    assert len(found.rows) == 2
    with pytest.raises(UserError, match="reads backward"):
        epigone.probe(base, property="case", text=novel, out=tmp_path / "other", **SMALL)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Give a property with --property and a text with --text"),
        (
            ["--property", "qoutes", "--text", "NOVEL"],
            "There is no property 'qoutes'; choose one of quotes (inside quot",
        ),
        (["--property", "quotes"], "The property quotes is measured in a text; give one with --text."),
        (["--property", "spelling", "--text", "NOVEL"], "The property spelling needs a list with --pairs"),
        (["--property", "brackets", "--text", "NOVEL"], "too few places where the property brackets is different"),
        (["--labelled", "quotes=NOVEL"], "The property quotes needs no labels"),
        (["--text", "NOVEL", "--names", "layers.7"], "'layers.7' names no state of this model"),
    ],
)
def test_mistakes_get_a_sentence(make_base, novel, tmp_path, capsys, arguments, sentence):
    words = [word.replace("NOVEL", str(novel)) for word in arguments]
    assert run(["probe", str(make_base()), *words, "--out", str(tmp_path / "out")]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_a_property_of_ones_own_is_probed_from_outside(registries, make_base, novel, tmp_path):
    from epigone.probing.properties.base import Property, characters
    from epigone.probing.properties.registry import PROPERTIES

    PROPERTIES.register(Property("the-letter-e", "an e", lambda text: characters(text, "e".__eq__).astype(np.float32)))
    found = epigone.probe(make_base(), property="the-letter-e", text=novel, out=tmp_path / "probe", **SMALL)
    assert found.rows[0].all_units > 0.9
