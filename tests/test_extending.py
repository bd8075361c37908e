"""The examples of docs/extending.md, from outside the package: in Python, by the commands, in other processes."""

import json
import re
import subprocess
import sys

import numpy as np
import processes
import pytest
from extending import EXAMPLES, PAGE, write_example
from labelled import make_labelled, write_csv
from safetensors.torch import load_file

import epigone
from epigone.extensions import load
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.experiment import StudyOptions
from epigone.text.tokenizers.registry import TOKENIZERS

pytestmark = pytest.mark.usefixtures("registries")
BRIEF = {"steps": 6, "batch_size": 4, "sequence_length": 16}
FLAGS = ("--steps", 6, "--batch-size", 4, "--sequence-length", 16, "--device", "cpu")
SHAPE = ("--num-layers", 1, "--hidden-size", 8)
MACHINE = epigone.MachineOptions(device="cpu")


@pytest.fixture
def example(tmp_path):
    """Writes an example into a folder of the user's, and returns its path."""
    (tmp_path / "mine").mkdir()
    return lambda name: write_example(name, tmp_path / "mine")


def pretrain(texts, out, tokenizer="char", **shape):
    model = epigone.ModelOptions(**{"num_layers": 1, "hidden_size": 8} | shape)
    training = epigone.TrainingOptions(**BRIEF)
    return epigone.pretrain(texts, out=out, tokenizer=tokenizer, model=model, training=training, machine=MACHINE)


def test_every_section_has_an_example_that_is_whole():
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    with_code = [section.partition("\n")[0] for section in sections if "```python" in section]
    assert with_code == [
        "A cell", "A tokenizer", "A reader", "A sampler rule", "A way to adapt", "A study", "A head",
        "A head for other targets", "An approach to classify texts", "A property to probe for",
    ]  # fmt: skip
    assert len(EXAMPLES) == len(with_code)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_documented_and_formatted_as_our_code_is(name, example):
    path = example(name)
    assert re.match(r'"""[A-Z].*\."""\n|"""[A-Z].*\?"""\n', EXAMPLES[name])
    ruff = [sys.executable, "-m", "ruff"]
    checks = (
        ["format", "--check", "--line-length", "120", "--isolated"],
        ["check", "--select", "E,F,I,B,UP", "--ignore", "B008", "--line-length", "120", "--isolated"],
    )
    for check in checks:
        done = subprocess.run([*ruff, *check, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_cell(example, cli, song_file, tmp_path):
    load(example("minimal_gru.py"))
    result = pretrain(song_file, tmp_path / "base", cell="minimal-gru")
    found = epigone.evaluate(tmp_path / "base", song_file, split="validation")
    assert found.loss == pytest.approx(result.loss, abs=1e-4)
    checked = epigone.gradcheck(
        epigone.GradcheckOptions("minimal-gru", hidden_size=4, vocabulary_size=5, sequence_length=6)
    )
    assert checked.passed
    assert cli("gradcheck", "--cell", "minimal-gru", "--hidden-size", 3, "--vocabulary-size", 4).status == 0
    assert cli("pretrain", song_file, "--cell", "minimal-gru", *FLAGS, *SHAPE, "--out", tmp_path / "a").status == 0
    assert len(cli("generate", tmp_path / "a", "--length", 20).out) >= 20


def test_a_tokenizer(example, cli, song_file, tmp_path):
    load(example("letters.py"))
    codec = TOKENIZERS["letters"].train([])
    assert codec.decode(codec.encode("Row, über\x03 2!")) == codec.normalise("Row, über\x03 2!") == "row   ber   "
    pretrain(song_file, tmp_path / "base", "letters")
    [text] = epigone.generate(tmp_path / "base", epigone.GenerateOptions("Row! ", length=30)).texts
    assert re.fullmatch(r"row  [a-z \n]{30}", text)
    assert "letters (the letters a to z" in " ".join(cli("pretrain", "--help").out.replace("│", " ").split())
    trained = cli("pretrain", song_file, "--tokenizer", "letters", *FLAGS, *SHAPE, "--out", tmp_path / "a")
    assert trained.status == 0, trained.err
    assert json.loads(cli("info", tmp_path / "a", "--json").out)["facts"]["tokenizer"] == "letters"


def test_a_reader(example, cli, tmp_path):
    load(example("lyrics.py"))
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.lrc").write_text(
            f"[ar:A. Singer]\n[00:0{number}.00] Row {number}\n[00:09.5][00:19]Row on\n"
        )
    corpus = epigone.Corpus.open(folder, split=None)
    assert list(corpus.texts()) == [f"Row {number}\nRow on" for number in range(3)]
    assert json.loads(cli("info", folder, "--json").out)["facts"]["documents"] == 3


def test_a_sampler_rule(example, cli, tmp_path):
    load(example("top_a.py"))
    extent = epigone.GenerateOptions(length=200)

    def write(rule, backend):
        sampling = epigone.SamplingOptions(seed=2, temperature=1.2, rule=(rule,))
        return epigone.generate("english-tiny", extent, sampling, epigone.EngineOptions(backend)).texts[0]

    strict = write("top_a=1", "torch")
    assert strict == write("top_a=1", "auto") != write("top_a=0", "torch")
    words = ("--rule", "top_a=1", "--length", 200, "--seed", 2, "--temperature", 1.2)
    assert json.loads(cli("generate", "english-tiny", *words, "--json").out)["texts"] == [strict]
    assert "top_a must be between 0 and 1" in cli("generate", "english-tiny", "--rule", "top_a=2").err


def test_a_way_to_adapt(example, cli, make_base, song_file, tmp_path):
    load(example("discriminative.py"))
    from discriminative import Discriminative

    base, rate = make_base(), {}
    for factor in (1.0, 1e6):
        out = tmp_path / str(factor)
        training = epigone.RetrainingOptions(**BRIEF)
        method = Discriminative(factor)
        epigone.finetune(base, song_file, out=out, method=method, training=training, machine=MACHINE)
        before, after = (load_checkpoint(folder).model for folder in (base, out))
        moved = [
            float((b.weight_hh - a.weight_hh).detach().norm()) for b, a in zip(before.layers, after.layers, strict=True)
        ]
        rate[factor] = moved[0] / moved[1]
    assert rate[1e6] < 1e-3 < rate[1.0]
    flags = ("--method", "discriminative", "--factor", 2, *FLAGS)
    result = cli("finetune", base, song_file, *flags, "--out", tmp_path / "flags")
    assert result.status == 0, result.err
    config = json.loads((tmp_path / "flags" / "config.json").read_text())
    assert config["request"]["method"] == {"name": "discriminative", "factor": 2.0}


def test_a_tied_head_learns_once(example, make_base, song_file, tmp_path):
    load(example("discriminative.py"))
    from discriminative import Discriminative

    model = load_checkpoint(make_base(embedding_size=8, tied=True)).model
    groups = Discriminative().prepare(model, epigone.select(model, "all")).groups
    assert sum(len(group.parameters) for group in groups) == len(list(model.parameters()))
    assert [group.rate for group in groups] == pytest.approx([1, 1 / 2.6, 1 / 2.6**2])


def test_a_study(example, cli, song_file, tmp_path):
    load(example("sizes.py"))
    from sizes import SizesOptions

    result = epigone.study(
        "sizes",
        data=[f"text={song_file}"],
        out=tmp_path / "out",
        options=StudyOptions(seeds=2, workers=1),
        grid=SizesOptions((4, 8), steps=4),
    )
    assert [row["name"] for row in result.rows] == ["4 units", "8 units"]
    assert re.search(r"The best network has [48] units\.", (tmp_path / "out" / "report.md").read_text())
    assert "--units" in cli("study", "sizes", "--help").out
    size = ("--units", 4, "--units", 8, "--steps", 4, "--seeds", 2, "--workers", 1)
    again = cli("study", "sizes", "--data", f"text={song_file}", *size, "--out", tmp_path / "out", "--resume", "--json")
    assert again.status == 0, again.err
    assert [row["loss"] for row in json.loads(again.out)["rows"]] == [row["loss"] for row in result.rows]


def test_a_head(example, cli, song_file, tmp_path):  # tests/models/heads/test_registry.py does more
    load(example("mixture.py"))
    result = pretrain(song_file, tmp_path / "base", softmax="mixture")
    assert epigone.evaluate(tmp_path / "base", song_file, split="validation").loss == pytest.approx(
        result.loss, abs=1e-4
    )
    assert cli("pretrain", song_file, "--softmax", "mixture", *FLAGS, *SHAPE, "--out", tmp_path / "a").status == 0
    assert len(cli("generate", tmp_path / "a", "--length", 20).out) >= 20


def test_a_head_for_other_targets(example, song_file, tmp_path):
    load(example("word_starts.py"))
    from word_starts import learn_word_starts

    training = epigone.TrainingOptions(steps=60, lr=0.03, validate_every=20, batch_size=8, sequence_length=16)
    out = tmp_path / "out"
    trained = learn_word_starts("english-tiny", song_file, out=out, training=training, machine=MACHINE)
    first, *_, last = trained.history
    assert trained.outcome == "finished"
    assert last["validation_loss"] < 0.3 < first["validation_loss"]
    assert last["validation_accuracy"] > 0.9 > first["validation_accuracy"]
    head = load_file(out / "head.safetensors")
    assert {name: tuple(weight.shape) for name, weight in head.items()} == {"weight": (2, 64), "bias": (2,)}


def in_a_process(*words):
    done = processes.epigone(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_together_in_processes_of_their_own(example, song_file, tmp_path):
    """Train a model of our cell, tokenizer and head, retrain it by our method, write by our rule."""
    names = ("minimal_gru.py", "letters.py", "mixture.py", "discriminative.py", "top_a.py")
    mine = [word for name in names for word in ("--extension", example(name))]
    shape = ("--cell", "minimal-gru", "--softmax", "mixture", "--tokenizer", "letters", *SHAPE)
    base, out = tmp_path / "base", tmp_path / "out"
    in_a_process("pretrain", song_file, *shape, *FLAGS, *mine, "--out", base)
    in_a_process("finetune", base, song_file, "--method", "discriminative", *FLAGS, *mine, "--out", out)
    text = in_a_process("generate", out, "--rule", "top_a=0.5", "--length", 30, *mine)
    assert re.fullmatch(r"[a-z \n]{30,}", text)


@pytest.mark.slow
def test_a_study_in_worker_processes(example, song_file, tmp_path):
    call = ("study", "sizes", "--data", f"text={song_file}", "--extension", example("sizes.py"))
    size = ("--units", 4, "--steps", 4, "--workers", 2, "--quick")
    found = json.loads(in_a_process(*call, *size, "--out", tmp_path / "out", "--json"))
    assert np.isfinite(found["rows"][0]["loss"])


def test_an_approach_to_classify_texts(example, cli, tmp_path):
    texts = write_csv(tmp_path / "texts.csv", make_labelled(40))
    path = example("letters_only.py")
    flags = ("--extension", path, "--rows", "majority,letters-only", "--out", tmp_path / "out", "--json")
    trained = json.loads(cli("classify", "train", texts, *flags).out)
    assert [row["name"] for row in trained["rows"]] == ["majority", "letters-only"]
    assert trained["winner"] == "letters-only"  # rude words have other letters than kind ones
    measured = cli("classify", "evaluate", tmp_path / "out", texts, "--extension", path, "--json")
    assert json.loads(measured.out)["figures"]["accuracy"] > 0.5


def test_a_property(example, cli, song_file, make_base, tmp_path):
    path, out = example("first_word.py"), tmp_path / "probe"
    text = tmp_path / "text.txt"
    text.write_text(song_file.read_text(encoding="utf-8").replace("\n", ".\n"), encoding="utf-8")
    words = ("probe", make_base(), "--property", "first-word", "--text", text, "--positions", 1500, "--out", out)
    assert cli(*words, "--extension", path, "--json").status == 0
    (found,) = json.loads((out / "probe.json").read_text(encoding="utf-8"))["properties"]
    assert (found["name"], found["level"]) == ("first-word", "low")
    assert found["vectors"][0]["all_units"]["accuracy"] > 0.6
