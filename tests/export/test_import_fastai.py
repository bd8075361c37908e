"""Models of fastai: what is imported, what is refused, and that nothing in a file is executed."""

import json
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from epigone.errors import UserError
from epigone.export.import_fastai import import_fastai
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.tokenizers.base import END

WORDS = [
    "xxunk",
    "xxpad",
    "xxbos",
    "xxfld",
    "xxmaj",
    "xxup",
    "xxrep",
    "xxwrep",
    "the",
    ",",
    ".",
    "river",
    "and",
    "ferry",
]
OLD_WORDS = ["_unk_", "_pad_", "the", ",", ".", "river", "and", "ferry", "t_up", "tk_rep"]


def stack(words, sizes=(7, 7), embedding=5, seed=0):
    """A plain stack of LSTMs of PyTorch with an embedding and a decoder that share their weight."""
    torch.manual_seed(seed)
    layers = nn.ModuleList()
    width = embedding
    for size in (*sizes, embedding):
        layers.append(nn.LSTM(width, size, 1, batch_first=True))
        width = size
    decoder = nn.Linear(embedding, len(words))
    encoder = nn.Embedding(len(words), embedding)
    decoder.weight = encoder.weight
    return encoder, layers, decoder


def logits_of(parts, ids):
    encoder, layers, decoder = parts
    with torch.no_grad():
        x = encoder(torch.tensor([ids]))
        for layer in layers:
            x, _ = layer(x)
        return decoder(x)[0]


def as_fastai_1(parts):
    """The names of fastai 1: a masked copy of the recurrent weights beside the raw ones."""
    encoder, layers, decoder = parts
    found = OrderedDict({"0.encoder.weight": encoder.weight, "0.encoder_dp.emb.weight": encoder.weight})
    for number, layer in enumerate(layers):
        found[f"0.rnns.{number}.weight_hh_l0_raw"] = layer.weight_hh_l0
        found[f"0.rnns.{number}.module.weight_hh_l0"] = torch.zeros_like(layer.weight_hh_l0)
        for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
            found[f"0.rnns.{number}.module.{name}"] = getattr(layer, name)
    found |= {"1.decoder.weight": decoder.weight, "1.decoder.bias": decoder.bias}
    return OrderedDict((name, tensor.detach().clone()) for name, tensor in found.items())


def as_fastai_07(parts):
    """The names of fastai 0.7, which has no bias of the decoder."""
    encoder, layers, decoder = parts
    found = {"0.encoder.weight": encoder.weight, "0.encoder_with_dropout.embed.weight": encoder.weight}
    for number, layer in enumerate(layers):
        for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
            found[f"0.rnns.{number}.module.{name}"] = getattr(layer, name)
        found[f"0.rnns.{number}.module.weight_hh_l0_raw"] = layer.weight_hh_l0
    found["1.decoder.weight"] = decoder.weight
    decoder.bias.data.zero_()
    return OrderedDict((name, tensor.detach().clone()) for name, tensor in found.items())


@pytest.fixture
def write(tmp_path):
    """Writes weights and words, and returns their paths."""

    def written(weights, words, protocol=4, legacy=False, name="lstm.pth"):
        torch.save(weights, tmp_path / name, _use_new_zipfile_serialization=not legacy)
        (tmp_path / "itos.pkl").write_bytes(pickle.dumps(words, protocol))
        return tmp_path / name, tmp_path / "itos.pkl"

    return written


@pytest.mark.parametrize("protocol", range(6))
def test_logits_are_those_of_a_plain_stack(protocol, write, tmp_path):
    parts = stack(WORDS)
    paths = write(as_fastai_1(parts), WORDS, protocol)
    result = import_fastai(*paths, out=tmp_path / "out")
    made = load_checkpoint(tmp_path / "out")
    ids = np.random.default_rng(protocol).integers(0, len(WORDS), 40).tolist()
    with torch.no_grad():
        found = made.model(torch.tensor([ids]))[0][0]
    torch.testing.assert_close(found, logits_of(parts, ids), rtol=1e-4, atol=1e-5)
    assert (result.units, result.embedding_size, result.tokens) == ([7, 7, 5], 5, len(WORDS))
    assert made.shape.tied
    assert made.tokenizer.vocabulary == ["<unk>", "xxpad", END, *WORDS[3:]]
    assert made.tokenizer.encode("The RIVER, the zebra.").tolist() == [4, 8, 5, 11, 9, 8, 0, 10]
    assert any("dropouts" in notice for notice in result.notices)


def test_the_layout_of_fastai_0_7_gets_an_end_and_its_markers(write, tmp_path):
    parts = stack(OLD_WORDS)
    paths = write(as_fastai_07(parts), OLD_WORDS, 2, legacy=True, name="fwd_wt103.h5")
    result = import_fastai(*paths, out=tmp_path / "out")
    made = load_checkpoint(tmp_path / "out")
    assert made.tokenizer.vocabulary == ["<unk>", *OLD_WORDS[1:8], "xxup", "xxrep", END]
    assert any("xxbos" in notice for notice in result.notices)
    assert made.tokenizer.encode("RIVER and").tolist() == [8, 5, 6]
    with torch.no_grad():
        found = made.model(torch.tensor([[2, 5, 1]]))[0][0]
    torch.testing.assert_close(found[:, : len(OLD_WORDS)], logits_of(parts, [2, 5, 1]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(made.model.embedding.weight[-1], parts[0].weight.mean(0))


@pytest.mark.slow
@pytest.mark.parametrize("units", [1150, 1152])
def test_models_of_the_published_size(units, write, tmp_path):
    words = [*WORDS, *(f"word{i}" for i in range(2000))]
    parts = stack(words, (units, units), 400)
    import_fastai(*write(as_fastai_1(parts), words), out=tmp_path / "out")
    made = load_checkpoint(tmp_path / "out")
    assert (made.shape.hidden_size, made.shape.top_size, made.shape.embedding_size) == (units, 400, 400)
    with torch.no_grad():
        found = made.model(torch.tensor([[2, 8, 11, 500]]))[0][0]
    torch.testing.assert_close(found, logits_of(parts, [2, 8, 11, 500]), rtol=1e-3, atol=1e-4)


def test_the_folder_is_a_base_like_any_other(write, song_file, tmp_path, cli):
    weights, words = write({"model": as_fastai_1(stack(WORDS, (5, 5)))}, WORDS)
    made = cli("import-fastai", weights, words, "--out", tmp_path / "base")
    assert made.status == 0, made.err
    assert "5, 5 and 5 units" in made.out
    assert cli("info", tmp_path / "base").status == 0
    assert "import-fastai" in (tmp_path / "base/README.md").read_text()
    tuned = cli(
        "finetune",
        tmp_path / "base",
        song_file,
        "--train",
        "all",
        "--lr",
        0.01,
        "--vocabulary-size",
        80,
        "--steps",
        3,
        "--out",
        tmp_path / "mine",
    )
    assert tuned.status == 0, tuned.err
    vocabulary = load_checkpoint(tmp_path / "mine").tokenizer.vocabulary
    assert {"lantern", "kettle"} < set(vocabulary)
    assert vocabulary[: len(WORDS)] == load_checkpoint(tmp_path / "base").tokenizer.vocabulary
    assert cli("evaluate", tmp_path / "mine", song_file).status == 0
    written = cli("generate", tmp_path / "mine", "--tokens", 30)
    assert written.status == 0
    assert not any(marker in written.out for marker in ("xxmaj", "xxup", "xxrep", "<unk>"))
    again = cli("import-fastai", weights, words, "--out", tmp_path / "base")
    assert (again.status, "is not empty" in again.err) == (2, True)


def test_a_backward_model_is_imported_as_such(write, tmp_path):
    paths = write(as_fastai_1(stack(WORDS)), WORDS)
    import_fastai(*paths, out=tmp_path / "out", direction="backward")
    assert load_checkpoint(tmp_path / "out").tokenizer.encode("river , ferry").tolist() == [13, 9, 11]


def test_words_may_come_as_json_and_doubles_are_told(write, tmp_path):
    words = [*WORDS, "xxfake", "the", "xxfake"]
    weights, _ = write(as_fastai_1(stack(words)), words)
    (tmp_path / "itos.json").write_text(json.dumps(words))
    result = import_fastai(weights, tmp_path / "itos.json", out=tmp_path / "out")
    assert any(notice.startswith("2 words are in the list twice") for notice in result.notices)
    assert load_checkpoint(tmp_path / "out").tokenizer.encode("the").tolist() == [15]


# Files that would run a program.


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.command = f"echo hacked > {file}"

    def __reduce__(self):
        return os.system, (self.command,)


def check_that_it_works(path, flag):
    """The file does its harm where it is unpickled, so that a refusal means something."""
    with path.open("rb") as file:
        pickle.load(file)
    assert flag.exists()
    flag.unlink()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.skipif(os.name == "nt", reason="the command is one of a POSIX shell")
def test_words_that_would_run_a_program_are_refused(protocol, write, tmp_path):
    flag = tmp_path / "hacked"
    weights, words = write(as_fastai_1(stack(WORDS)), WORDS)
    words.write_bytes(pickle.dumps([*WORDS[1:], Hostile(flag)], protocol))
    check_that_it_works(words, flag)
    with pytest.raises(UserError, match=r"holds the instruction (STACK_)?GLOBAL at byte \d+, which a list of words"):
        import_fastai(weights, words, out=tmp_path / "out")
    assert not flag.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.skipif(os.name == "nt", reason="the command is one of a POSIX shell")
def test_weights_that_would_run_a_program_are_refused(legacy, write, tmp_path):
    flag = tmp_path / "hacked"
    weights, words = write(as_fastai_1(stack(WORDS)) | {"opt": Hostile(flag)}, WORDS, legacy=legacy)
    torch.load(weights, weights_only=False)
    assert flag.exists()
    flag.unlink()
    with pytest.raises(UserError, match=r"lstm.pth holds (posix|os)\.system, which weights do not need"):
        import_fastai(weights, words, out=tmp_path / "out")
    assert not flag.exists()
    assert not (tmp_path / "out").exists()


def test_an_old_pytorch_is_not_trusted(write, tmp_path, monkeypatch):
    paths = write(as_fastai_1(stack(WORDS)), WORDS)
    for version in ("2.5.1+cpu", "1.13"):
        monkeypatch.setattr(torch, "__version__", version)
        with pytest.raises(UserError, match=r"may execute code .*; install PyTorch 2.6 or newer"):
            import_fastai(*paths, out=tmp_path / "out")


# Files that are damaged or do not fit.


def test_truncated_files_are_refused(write, tmp_path):
    weights, words = write(as_fastai_1(stack(WORDS)), WORDS)
    for path, step in ((words, 1), (weights, 997)):
        whole = path.read_bytes()
        for length in range(0, len(whole), step):
            path.write_bytes(whole[:length])
            with pytest.raises(UserError, match=path.name):
                import_fastai(weights, words, out=tmp_path / "out")
        path.write_bytes(whole)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.encoder.weight": None}, "has no matrix 0.encoder.weight"),
        ({"0.rnns.1.module.weight_ih_l0": None}, "lacks weights of its layers"),
        ({"0.rnns.0.module.bias_ih_l0": torch.zeros(3)}, r"bias_ih has shape \(3,\) instead of \(28,\)"),
        ({"0.rnns.1.weight_hh_l0_raw": torch.zeros(4, 9)}, "weight_hh has shape"),
        ({"0.rnns.1.weight_hh_l0_raw": torch.tensor(1.0)}, "lacks weights of its layers"),
        ({"1.decoder.bias": torch.zeros(2)}, "head.bias has shape"),
        ({"1.decoder.bias": torch.full((14,), torch.nan)}, "no finite floats"),
        ({"0.encoder.weight": torch.zeros(14, 5, dtype=torch.int64)}, "no finite floats"),
        ({"1.layers.0.weight": torch.zeros(2)}, "has 1.layers.0.weight, which a language model of fastai has not"),
        ({"opt": {"lr": 1}}, "does not hold tensors by name"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, message, write, tmp_path):
    weights = as_fastai_1(stack(WORDS)) | change
    paths = write({name: tensor for name, tensor in weights.items() if tensor is not None}, WORDS)
    with pytest.raises(UserError, match=message):
        import_fastai(*paths, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (WORDS[:-1], "has 13 words, and .* has rows for 14"),
        (["a", *WORDS[1:]], "no token for unknown words"),
        ([1, *WORDS[1:]], "holds the instruction BININT1"),
        ([[], *WORDS[1:]], "is not a list of strings"),
        ("the", "is not a list of strings"),
        ({"the": "river"}, "holds the instruction EMPTY_DICT"),
        (tuple(WORDS), "holds the instruction TUPLE"),
        (["\ud800", *WORDS[1:]], "half of a surrogate pair"),
    ],
)
def test_other_lists_are_refused(words, message, write, tmp_path):
    paths = write(as_fastai_1(stack(WORDS)), words)
    with pytest.raises(UserError, match=message):
        import_fastai(*paths, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_files_are_named(write, tmp_path):
    weights, words = write(as_fastai_1(stack(WORDS)), WORDS)
    with pytest.raises(UserError, match=r"There is no file .*none.pth"):
        import_fastai(tmp_path / "none.pth", words, out=tmp_path / "out")
    with pytest.raises(UserError, match=r"none\.pkl"):
        import_fastai(weights, tmp_path / "none.pkl", out=tmp_path / "out")
    with pytest.raises(UserError, match=r"(damaged|no weights)"):
        import_fastai(words, words, out=tmp_path / "out")
