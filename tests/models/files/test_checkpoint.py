"""A model as a folder: reading returns what was saved, and a damaged folder raises a clear error."""

import json
import re
import tracemalloc
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import epigone
from epigone.described import described
from epigone.errors import UserError
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint, save_description, save_weights
from epigone.models.files.description import WEIGHTS, weights_hash
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer

CHARS = CharTokenizer(["\x03", *"abc어"])


def save_model(folder, config, tokenizer, dtype=torch.float32):
    model = LanguageModel(config)
    save_description(folder, config, tokenizer, {"request": {"command": "pretrain"}})
    save_weights(folder, model, dtype)
    return model


@settings(max_examples=30)
@given(
    cell=st.sampled_from(list(CELLS)),
    num_layers=st.integers(1, 3),
    hidden_size=st.integers(1, 6),
    embedding_size=st.sampled_from([0, 3, "tied"]),
    tokenizer=st.sampled_from([CHARS, AsciiTokenizer(), ByteTokenizer()]),
)
def test_a_round_trip_loses_nothing(tmp_path_factory, cell, num_layers, hidden_size, embedding_size, tokenizer):
    folder = tmp_path_factory.mktemp("models") / "model"
    tied = embedding_size == "tied"
    width = hidden_size if tied else embedding_size
    size = len(tokenizer.vocabulary)
    config = ModelConfig(
        cell, num_layers, hidden_size, width, tied, dropout=0.1, dropout_kind="variational", vocabulary_size=size
    )
    model = save_model(folder, config, tokenizer)
    found = load_checkpoint(folder)
    assert found.model.config == config
    assert found.tokenizer.to_dict() == tokenizer.to_dict()
    assert found.config["request"] == {"command": "pretrain"}
    assert found.folder == folder
    assert not found.model.training
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), found.model.parameters(), strict=True))
    if tied:
        assert found.model.head.weight is found.model.embedding.weight
        assert "head.weight" not in load_file(folder / "model.safetensors")


def test_bf16_halves_the_file_and_is_read_as_fp32(tmp_path):
    config = ModelConfig(num_layers=1, hidden_size=32, vocabulary_size=128)
    torch.manual_seed(0)
    model = save_model(tmp_path / "half", config, AsciiTokenizer(), torch.bfloat16)
    found = load_checkpoint(tmp_path / "half").model
    for weight, read in zip(model.parameters(), found.parameters(), strict=True):
        assert read.dtype == torch.float32
        assert torch.equal(read, weight.bfloat16().float())
    size = (tmp_path / "half" / "model.safetensors").stat().st_size
    assert size < 2 * model.num_parameters() + 1000


def test_a_backend_that_does_not_exist_is_refused(make_base):
    with pytest.raises(UserError, match="backend must be one of auto, native, torch, reference; 'x' was given"):
        load_checkpoint(make_base(), backend="x")


def test_loading_leaves_the_random_numbers_alone(make_base):
    folder = make_base()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load_checkpoint(folder)
    assert torch.equal(torch.get_rng_state(), before)


def edit(path, change):
    """Change a JSON file."""
    value = json.loads(path.read_text())
    changed = change(value)
    path.write_text(json.dumps(value if changed is None else changed))


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_file_of_weights_that_is_cut_short(make_base, keep):
    path = make_base() / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged or cut short .*Restore it from a copy"):
        load_checkpoint(path.parent)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_size": 9}, r"head\.weight has shape \(128, 8\) instead of \(128, 9\)"),
        ({"num_layers": 3}, r"layers\.2\.bias_hh is missing"),
        ({"num_layers": 1}, r"layers\.1\.bias_hh is not part of the model"),
        ({"embedding_size": 8}, r"embedding\.weight is missing"),
        ({"cell": "gru"}, r"instead of \(24,\)"),
    ],
)
def test_weights_and_configuration_that_disagree(make_base, change, words):
    folder = make_base()
    edit(folder / "config.json", lambda value: value["model"].update(change))
    with pytest.raises(UserError, match=rf"model\.safetensors does not fit the config\.json beside it: .*{words}"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.pop("model"), "does not describe a model of this version"),
        (lambda v: v.update(model=[1]), "does not describe a model of this version"),
        (lambda v: v["model"].pop("vocabulary_size"), "with the keys cell, cutoffs"),
        (lambda v: v["model"].update(wings=2), "with the keys cell, cutoffs"),
        (lambda v: v["model"].update(cell="mogrifier"), "cannot be built: There is no cell 'mogrifier'"),
        (lambda v: v["model"].update(hidden_size="many"), "cannot be built"),
        (lambda v: v["model"].update(hidden_size=8.5), "cannot be built"),
        (lambda v: v["model"].update(hidden_size=0), "at least one layer and one unit"),
        (lambda v: v["model"].update(vocabulary_size=-1), "cannot be built"),
        (lambda v: [v], "must hold a JSON object, but holds a list"),
    ],
)
def test_a_configuration_that_makes_no_model(make_base, change, words):
    folder = make_base()
    edit(folder / "config.json", lambda value: result if isinstance(result := change(value), list) else None)
    with pytest.raises(UserError, match=rf"config\.json .*{words}"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("text", ["", '{"model": ', "\xff\xfe", "\x00"])
def test_json_that_is_broken(make_base, name, text):
    path = make_base() / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=rf"{re.escape(str(path))} is not valid JSON .*restore it from a copy"):
        load_checkpoint(path.parent)


def test_a_tokenizer_of_another_model(make_base):
    folder = make_base(tokenizer=CHARS)
    edit(folder / "tokenizer.json", lambda value: ByteTokenizer().to_dict())
    with pytest.raises(UserError, match=r"tokenizer\.json has 256 tokens but the model of .*config\.json has 5"):
        load_checkpoint(folder)


@pytest.mark.parametrize("tokenizer", [{"name": "words"}, {}, {"name": "char"}, {"name": "char", "vocabulary": ["a"]}])
def test_a_tokenizer_that_is_none(make_base, tokenizer):
    folder = make_base()
    edit(folder / "tokenizer.json", lambda value: tokenizer)
    with pytest.raises(UserError, match=r"tokenizer\.json describes no tokenizer: "):
        load_checkpoint(folder)


def test_a_part_that_is_missing(make_base):
    folder = make_base()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"Could not read .*tokenizer\.json: No such file"):
        load_checkpoint(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"is not a checkpoint: it has no model\.safetensors"):
        load_checkpoint(folder)


def test_a_file_from_another_program(make_base):
    folder = make_base()
    save_file({"rnn.weight": torch.ones(3)}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"head\.bias is missing"):
        load_checkpoint(folder)


def test_the_description_is_readable_json(make_base):
    folder = make_base(tokenizer=CHARS)
    config = json.loads((folder / "config.json").read_text())
    assert config["model"] == json.loads(json.dumps(described(load_checkpoint(folder).model.config)))
    assert config["epigone"] == epigone.__version__
    assert "어" in (folder / "tokenizer.json").read_text(encoding="utf-8")


def test_there_is_no_pickle_in_the_house():
    words = re.compile(r"torch\.(save|load)\b|\bpickle\b|\bjoblib\b|\bdill\b|\ballow_pickle\b|\bmarshal\b|\bshelve\b")
    sources = sorted(Path(epigone.__file__).parent.rglob("*.py"))
    assert len(sources) > 50
    code = {path.name: [line.split("#")[0] for line in path.read_text().splitlines()] for path in sources}
    found = [f"{name}: {line}" for name, lines in code.items() for line in lines if words.search(line)]
    # Published weights come in no other format; this form of loading executes nothing.
    allowed = re.compile(r"^import_fastai\.py: .*torch\.load\(.*weights_only=True\)$")
    found = [line for line in found if not allowed.match(line)]
    assert [line for line in found if re.search(r"\bimport\b|torch\.|\(", line)] == []


def test_weights_that_are_not_numbers_are_named(make_base):
    folder = make_base()
    weights = load_file(folder / "model.safetensors")
    weights["layers.1.weight_hh"][3, 2] = float("nan")
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"layers\.1\.weight_hh holds numbers that are not finite"):
        load_checkpoint(folder)


def test_weights_are_known_by_their_hash(make_base):
    folder = make_base()
    edit(folder / "config.json", lambda value: value.update({WEIGHTS: weights_hash(folder)}))
    load_checkpoint(folder)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-3] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(UserError, match=rf"model\.safetensors has changed .* delete {WEIGHTS} from config\.json"):
        load_checkpoint(folder)
    edit(folder / "config.json", lambda value: value.pop(WEIGHTS) and None)
    load_checkpoint(folder)


@pytest.mark.parametrize("change", [{"num_layers": 10**6}, {"num_layers": 9999}, {"hidden_size": 10**7}])
def test_a_network_larger_than_its_weights_takes_no_memory(make_base, change):
    folder = make_base()
    edit(folder / "config.json", lambda value: value["model"].update(change))
    tracemalloc.start()
    with pytest.raises(UserError, match=r"config\.json"):
        load_checkpoint(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_file_of_weights_that_says_it_is_larger(make_base):
    path = make_base() / "model.safetensors"
    data = path.read_bytes()
    for length in (1 << 60, 1 << 33, 0):
        path.write_bytes(length.to_bytes(8, "little") + data[8:])
        with pytest.raises(UserError, match=r"damaged or cut short \(its header has"):
            load_checkpoint(path.parent)
    path.write_bytes(data + b"more")
    with pytest.raises(UserError, match=r"damaged or cut short"):
        load_checkpoint(path.parent)
