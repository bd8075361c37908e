"""Units that can be read, held still, high and low."""

import json

import numpy as np
import pytest

import epigone
from epigone.app.display import as_text
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint, save_weights
from epigone.probing.judge import counting, learned
from epigone.probing.measures.targets import Target
from epigone.probing.properties.registry import PROPERTIES

UNIT = 3
SMALL = {"characters": 6000, "positions": 2000}


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """Documents of runs of a and of b; each run begins with a mark of its own."""
    generator = np.random.default_rng(0)
    documents = []
    for _ in range(30):
        runs = [f"{'(a' if i % 2 else ')b'}{'ab'[1 - i % 2] * generator.integers(2, 30)} " for i in range(8)]
        documents.append("".join(runs))
    path = tmp_path_factory.mktemp("changing") / "changing.txt"
    path.write_text("\n===\n".join(documents), encoding="utf-8")
    return path


def plant(folder, strength):
    """Let a unit of the upper layer be high after ( and low after ), and the head expect a or b by it."""
    source = load_checkpoint(folder)
    size = source.shape.hidden_size
    lower, upper = ({name: weight.data for name, weight in layer.weights().items()} for layer in source.model.layers)
    for weights in (lower, upper):
        for weight in weights.values():
            for gate in range(4):
                weight[gate * size + UNIT] = 0
        i, f, g, o = (gate * size + UNIT for gate in range(4))
        weights["bias_ih"][[i, f, g, o]] = weights["bias_ih"].new_tensor([12.0, -12.0, 0.0, 12.0])
    # Below, the input gate is shut for all but the marks; above, the state is that of the unit below.
    lower["bias_ih"][i], lower["bias_ih"][f] = -12.0, 12.0
    for mark, value in (("(", 9.0), (")", -9.0)):
        lower["weight_ih"][i, ord(mark)], lower["weight_ih"][f, ord(mark)] = 24.0, -24.0
        lower["weight_ih"][g, ord(mark)] = value
    upper["weight_ih"][g, UNIT] = 5.0
    head = source.model.head
    head.weight.data[:, UNIT] = 0
    head.weight.data[ord("a"), UNIT], head.weight.data[ord("b"), UNIT] = strength, -strength
    head.bias.data[[ord("a"), ord("b")]] = 4.0
    save_weights(folder, source.model)


def probed(base, text, out, **more):
    """Test all eight units of the upper layer: a letter that has just been read is seen in each of them."""
    return epigone.probe(base, property="vowel", text=text, names="layers.1", out=out, causal=8, **SMALL, **more)


def planted(found):
    (row,) = (row for row in found.causal if row.unit == f"layers.1[{UNIT}]")
    return row


def test_a_unit_that_the_model_uses_carries_what_can_be_read_from_it(make_base, changing, tmp_path):
    base = make_base()
    plant(base, 5.0)
    found = probed(base, changing, tmp_path / "out")
    row = planted(found)
    assert [each.unit for each in found.causal if each.carries] == [row.unit]
    assert row.reads
    assert row.ablates
    assert row.clamps
    assert row.carries
    assert row.rise[0] > 0.5 > row.rise_random
    assert row.rise_with > 0.5
    assert row.rise_without > 0.5
    assert row.high > 0.9
    assert row.low < 0.1
    assert row.difference[0] > 0.8 > row.difference_random
    assert row.judge is None
    kept = json.loads((tmp_path / "out" / "probe.json").read_text(encoding="utf-8"))["causal"]
    assert [each["unit"] for each in kept if each["carries"]] == [row.unit]
    assert "all: it carries it" in as_text(found)


def test_a_unit_that_nobody_reads_carries_nothing(make_base, changing, tmp_path):
    base = make_base()
    plant(base, 0.0)
    source = load_checkpoint(base)
    source.model.layers[1].weights()["weight_hh"].data[:, UNIT] = 0
    save_weights(base, source.model)
    row = planted(probed(base, changing, tmp_path / "out"))
    assert row.reads
    assert not row.ablates
    assert not row.clamps
    assert not row.carries
    assert row.rise[1] == pytest.approx(0, abs=1e-6)
    assert row.high == row.low


def test_labels_are_judged_by_a_classifier(make_base, tmp_path):
    table = tmp_path / "moods.csv"
    moods = (("sad", "dull, grey and sad"), ("happy", "so merry and glad"))
    rows = [f'"{text} {i}",{mood}' for i in range(20) for mood, text in moods]
    table.write_text("\n".join(["text,label", *rows]))
    found = epigone.probe(make_base(), labelled=f"mood={table}", out=tmp_path / "out", causal=2, **SMALL)
    assert [row.property for row in found.causal] == ["mood", "mood"]
    assert all(row.judge == 1 for row in found.causal)
    assert len({row.unit for row in found.causal}) == 2
    assert all(0 <= row.low <= 1 and 0 <= row.high <= 1 for row in found.causal)


def test_a_judge_knows_what_it_learned():
    texts = [("ab " if i % 2 else "xy ") * 20 for i in range(24)]
    target = Target("kind", "high", np.arange(24, dtype=np.float32) % 2)
    judge = learned(texts, target, np.arange(24) // 2)
    assert judge.score == 1
    high, low = judge.judged(["ab ab ab ab", "xy xy xy xy"])
    assert high > 0.8
    assert low < 0.2
    graded = learned(texts, Target("kind", "high", np.arange(24, dtype=np.float32)), np.arange(24) // 2)
    assert graded.score is not None
    assert list(counting(PROPERTIES["vowel"]).judged(["aeb c", "", "123"])) == pytest.approx([0.5, 0, 0])


def test_a_text_of_one_short_document_is_too_little_to_ablate_on(make_base, tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("The rain in May. " * 350)
    with pytest.raises(UserError, match="leave out --causal"):
        epigone.probe(make_base(), property="vowel", text=path, out=tmp_path / "out", causal=1, **SMALL)
