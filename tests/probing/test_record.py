"""Recording into files, on every backend and for every tokenizer."""

import json
import sys

import h5py
import numpy as np
import pytest
import torch
from token_by_token import record_states

import epigone
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.probing.recording.gradients import gradient_times_input
from epigone.text.corpus import Corpus
from epigone.text.streams import token_stream


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("A kettle sings.\n===\nRain, rain again.\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_arrays_are_the_states_after_each_token(make_base, text, tmp_path, cell):
    base = make_base(cell=cell)
    found = epigone.record(base, text, out=tmp_path / "out", dtype="float32")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [vector.name for vector in found.vectors] == [vector["name"] for vector in index["vectors"]]
    assert len(found.vectors) == 2 * {"lstm": 6, "gru": 4, "rnn": 1}[cell]
    source = load_checkpoint(base)
    ids = np.load(tmp_path / "out" / "tokens.npy")
    for document, written in zip(index["documents"], Corpus.open([text], split=None).texts(), strict=True):
        rows = slice(document["row"], document["row"] + document["tokens"])
        assert source.tokenizer.decode(ids[rows]) == written
        states = record_states(source.model, ids[rows], source.tokenizer.end)
        for index_, kind in enumerate(("hidden", "cell")[: len(states)]):
            for layer in range(2):
                array = np.load(tmp_path / "out" / f"layers.{layer}.{kind}.npy", mmap_mode="r")
                np.testing.assert_allclose(array[rows], states[index_][:, layer], atol=1e-5)


def test_patterns_choose_what_is_recorded_in_half_precision(make_base, text, tmp_path):
    found = epigone.record(make_base(), text, out=tmp_path / "out", names=["layers.*.cell", "layers.1"])
    assert [vector.name for vector in found.vectors] == ["layers.0.cell", "layers.1.hidden", "layers.1.cell"]
    array = np.load(tmp_path / "out" / "layers.0.cell.npy")
    assert (array.dtype, array.shape) == (np.float16, (found.tokens, 8))
    with pytest.raises(UserError, match=r"'layers.\*.update' names no state of this model; .* hidden, cell, input"):
        epigone.record(make_base(), text, out=tmp_path / "other", names=["layers.*.update"])
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("tokenizer", ["word", "bpe", "byte"])
def test_tokens_have_their_places_in_the_text(song_file, tmp_path, make_base, tokenizer):
    corpus = Corpus.open([song_file])
    codec = corpus.tokenizer(tokenizer)
    base = make_base(tokenizer=codec, vocabulary_size=len(codec.vocabulary))
    epigone.record(base, song_file, out=tmp_path / "out", names="layers.0")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    starts, ids = (np.load(tmp_path / "out" / name) for name in ("starts.npy", "tokens.npy"))
    first = index["documents"][1]
    rows = slice(first["row"], first["row"] + first["tokens"])
    assert starts[first["row"]] == 0
    assert (np.diff(starts[rows]) >= 0).all()
    written = codec.decode(ids[rows]).replace("<unk>", "<unknown>")
    last = codec.decode(ids[rows][-1:]).strip()
    assert written.endswith(last)
    assert len(written) - starts[rows][-1] - len(last) in (0, 1)  # a space may be before it


def test_lstmvis_gets_its_layout(make_base, text, tmp_path):
    epigone.record(make_base(), text, out=tmp_path / "plain", dtype="float32")
    epigone.record(make_base(), text, out=tmp_path / "vis", dtype="float32", format="lstmvis")
    project = dict(line.split(": ", 1) for line in (tmp_path / "vis" / "lstm.yml").read_text().splitlines())
    kinds = json.loads(project["states"])["types"]
    words = {}
    for line in (tmp_path / "vis" / "words.dict").read_text(encoding="utf-8").splitlines():
        if len(line.split()) == 2:  # as LSTMVis reads it
            words[int(line.split()[1])] = line.split()[0]
        elif line[0] == " ":
            words[int(line)] = " "
    with h5py.File(tmp_path / "vis" / "train.hdf5") as train, h5py.File(tmp_path / "vis" / "states.hdf5") as states:
        shown = "".join(words[number] for number in train["word_ids"][:].tolist())
        assert shown.startswith("A kettle sings.")
        assert len(kinds) == 12
        for kind in kinds:
            array = np.load(tmp_path / "plain" / f"{kind['path']}.npy")
            np.testing.assert_array_equal(states[kind["path"]][:], array)
            assert not kind.get("unsigned") or (array >= 0).all()
            assert kind.get("transform") == (None if kind["type"] == "cell" else "none")
    assert not list((tmp_path / "vis").glob("layers*"))
    assert sorted(words) == list(range(128))


def test_without_h5py_that_is_said(make_base, text, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match="needs the package h5py"):
        epigone.record(make_base(), text, out=tmp_path / "vis", format="lstmvis")


@pytest.mark.parametrize("shape", [{}, {"embedding_size": 5}])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_are_those_of_one_prediction_after_the_other(make_base, cell, shape):
    source = load_checkpoint(make_base(cell=cell, **shape), "torch")
    stream = token_stream([["abca"], ["cab"]], source.tokenizer)
    found = gradient_times_input(load_checkpoint(source.folder).model, stream)
    assert found.shape == (7, 7)
    assert not found[:4, 4:].any()
    assert not found[4:, :4].any()
    assert not np.triu(found, 1).any()
    ids = torch.tensor([source.tokenizer.end, *b"abca"])
    for step, target in ((2, ord("c")), (4, source.tokenizer.end)):
        one_hot = torch.eye(128)[ids[: step + 1]]
        inputs = (one_hot if source.model.embedding is None else one_hot @ source.model.embedding.weight).detach()
        inputs.requires_grad_()
        state = source.model.initial_state(1)
        parts = [layer.weights() for layer in source.model.layers]
        states = [tuple(s[i] for s in state) for i in range(2)]
        for x in inputs[:, None]:
            for layer, weights in enumerate(parts):
                states[layer] = source.model.cell.step(
                    x @ weights["weight_ih"].T + weights["bias_ih"], states[layer], weights
                )
                x = states[layer][0]
        source.model.head.logits(x[None])[0, 0].log_softmax(-1)[target].backward()
        expected = (inputs.grad * inputs).sum(1)[1:]
        np.testing.assert_allclose(found[step - 1, :step], expected.detach().numpy(), atol=1e-6)


def test_gradients_are_for_short_texts(make_base, song_file, tmp_path):
    with pytest.raises(UserError, match=r"1,000 tokens at most.*--limit 1000"):
        epigone.record(make_base(), song_file, out=tmp_path / "out", gradients=True)
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_too_small_is_told_before(make_base, text, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100}))
    with pytest.raises(UserError, match=r"The arrays need 0\.0 GB"):
        epigone.record(make_base(), text, out=tmp_path / "out")
