"""The frozen states of a language model as features."""

import numpy as np
import pytest
import torch
from labelled import make_labelled
from token_by_token import record_states

from epigone.classification.approaches import states
from epigone.classification.approaches.base import Setting
from epigone.classification.approaches.states import Reader, States, reader_of
from epigone.errors import UserError
from epigone.evaluation.states import summarised_states
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.streams import token_stream


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_summaries_are_those_of_states_read_token_by_token(make_base, cell):
    base = load_checkpoint(make_base(cell=cell))
    texts = ["A kettle.", "", "rain " * 70, "x"]
    stream = token_stream(([text] for text in texts), base.tokenizer)
    found = summarised_states(base.model, stream)
    for i, text in enumerate(texts):
        tokens = base.tokenizer.encode(text)
        outputs = record_states(base.model, tokens, base.tokenizer.end)[0]
        with torch.no_grad():  # the state after the end symbol, which is read first
            _, state = base.model.encode(torch.tensor([[base.tokenizer.end]]))
        every = np.concatenate([state[0][None, :, 0].numpy(), outputs]).reshape(len(tokens) + 1, -1)
        assert found["mean"][i] == pytest.approx(every.mean(axis=0), abs=1e-5)
        assert found["max"][i] == pytest.approx(every.max(axis=0), abs=1e-5)
        assert found["last"][i] == pytest.approx(every[-1], abs=1e-5)


def test_summaries_are_bit_for_bit_those_of_a_text_alone():
    reader, texts = reader_of("english-tiny"), make_labelled(20).texts
    together = Reader(reader.checkpoint).read(texts)
    alone = np.concatenate([Reader(reader.checkpoint).read([text]) for text in texts])
    assert (together == alone).all()


def test_small_batches_give_the_same_and_each_text_is_read_once(monkeypatch):
    reader, texts = reader_of("english-tiny"), [*make_labelled(12).texts, "", "kind"]
    expected = Reader(reader.checkpoint).read(texts)
    monkeypatch.setattr(states, "AT_ONCE", 100)
    fresh = Reader(reader.checkpoint)
    read: list[int] = []
    summarised = Reader._summarised
    monkeypatch.setattr(
        Reader, "_summarised", lambda self, batch: (read.append(len(batch)), summarised(self, batch))[1]
    )
    assert (fresh.read([*texts, texts[0]]) == expected[[*range(14), 0]]).all()
    assert sum(read) == 14
    assert len(read) > 3
    assert (fresh.read(texts[::-1]) == expected[::-1]).all()
    assert sum(read) == 14


def test_what_is_kept_is_bounded(monkeypatch):
    reader, texts = reader_of("english-tiny"), make_labelled(12).texts
    monkeypatch.setattr(states, "MOST_KEPT", 5 * 384)
    fresh = Reader(reader.checkpoint)
    assert fresh.read(texts).shape == (12, 384)
    assert len(fresh.kept) == 5


def test_of_many_texts_some_are_learned_and_that_is_said(setting, monkeypatch):
    monkeypatch.setattr(states, "MOST_TEXTS", 10)
    read: list[int] = []
    genuine = Reader.read
    monkeypatch.setattr(Reader, "read", lambda self, texts: (read.append(len(texts)), genuine(self, texts))[1])
    States().fit(make_labelled(24), setting)
    assert read == [10]
    assert setting.notices == ["frozen states: 10 of the texts were learned, to save time."]


def test_the_folder_is_complete_without_the_base(make_base, tmp_path):
    base, train = make_base(), make_labelled(20)
    (tmp_path / "work").mkdir()
    learned = States().fit(train, Setting(folder=tmp_path / "work", base=str(base)))
    (tmp_path / "saved").mkdir()
    learned.save(tmp_path / "saved")
    base.rename(tmp_path / "gone")
    loaded = States().load(tmp_path / "saved", train.classes)
    assert (loaded.probabilities(train.texts) == learned.probabilities(train.texts)).all()


def test_a_base_that_is_missing_is_named(setting):
    with pytest.raises(UserError, match="no bundled model of that name"):
        States().fit(make_labelled(10), Setting(folder=setting.folder, base="engish"))
