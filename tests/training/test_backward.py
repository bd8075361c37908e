"""Models that read backward: every command heeds the direction."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from token_by_token import record_states

from epigone.app.look import look
from epigone.errors import UserError
from epigone.evaluation.evaluate import evaluate
from epigone.export.quantize import quantize
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.tokenizers.direction import is_backward
from epigone.training.options import FinetuneOptions, MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.transfer.finetune import finetune

SMALL = ModelOptions(num_layers=2, hidden_size=8)
BACKWARD = replace(SMALL, direction="backward")
BRIEF = TrainingOptions(
    lr=1e-2, steps=12, validate_every=4, batch_size=4, sequence_length=16, sample_every=6, sample_length=30
)
SHORT = FinetuneOptions(lr=1e-2, steps=6, validate_every=3, batch_size=4, sequence_length=16)
CPU = MachineOptions(device="cpu")


@pytest.fixture
def mirrored_file(song_file, tmp_path):
    """The songs, each from its last character to its first."""
    songs = song_file.read_text().split("\n\n===\n\n")
    path = tmp_path / "mirrored.txt"
    path.write_text("\n\n===\n\n".join(song.strip()[::-1] for song in songs) + "\n")
    return path


@pytest.fixture
def backward(song_file, tmp_path):
    """A small model that reads backward."""
    pretrain(song_file, out=tmp_path / "backward", model=BACKWARD, training=BRIEF, machine=CPU)
    return tmp_path / "backward"


def test_reading_backward_is_reading_a_mirrored_text(song_file, mirrored_file, backward, tmp_path):
    """Bit by bit: training, validation, evaluation, and the samples."""
    pretrain(mirrored_file, out=tmp_path / "forward", model=SMALL, training=BRIEF, machine=CPU)
    models = [load_checkpoint(folder) for folder in (backward, tmp_path / "forward")]
    assert [model.shape.direction for model in models] == ["backward", "forward"]
    assert models[0].tokenizer.vocabulary == models[1].tokenizer.vocabulary
    for mine, theirs in zip(*(model.model.parameters() for model in models), strict=True):
        assert torch.equal(mine, theirs)
    found = [evaluate(backward, song_file), evaluate(tmp_path / "forward", mirrored_file)]
    assert found[0].loss == found[1].loss
    assert [row.loss for row in found[0].rows] == [row.loss for row in found[1].rows]
    samples = [
        [json.loads(line)["text"].split("\n\n") for line in (folder / "samples.jsonl").read_text().splitlines()]
        for folder in (backward, tmp_path / "forward")
    ]
    assert samples[0] == [[part[::-1] for part in parts] for parts in samples[1]]


def test_the_next_command_is_one_that_the_model_can_do(song_file, tmp_path, cli):
    for direction, command in (("backward", "evaluate"), ("forward", "generate")):
        out = tmp_path / direction
        shown = cli("pretrain", song_file, "--steps", 2, "--direction", direction, "--out", out).out
        assert f"epigone {command} {out}" in shown


def test_only_backward_models_say_so(backward, song_file, make_base, cli):
    assert json.loads((backward / "config.json").read_text())["model"]["direction"] == "backward"
    assert "direction" not in json.loads((make_base() / "config.json").read_text())["model"]
    assert "language model" in (backward / "README.md").read_text()
    assert "that reads backward" in (backward / "README.md").read_text()
    assert json.loads(cli("info", backward, "--json").out)["facts"]["reads"] == "backward"
    assert json.loads(cli("info", make_base(), "--json").out)["facts"].get("reads") is None


def test_retraining_keeps_the_direction(backward, song_file, tmp_path):
    finetune(backward, song_file, out=tmp_path / "out", train="all", training=SHORT, machine=CPU)
    made = load_checkpoint(tmp_path / "out")
    assert made.shape.direction == "backward"
    assert is_backward(made.tokenizer)
    assert "direction" not in made.config["request"]["options"]


def test_a_forward_base_becomes_a_backward_model(song_file, mirrored_file, make_base, tmp_path):
    base = make_base(embedding_size=4)
    made = [
        finetune(
            base,
            text,
            out=tmp_path / name,
            train="layers",
            head=False,
            direction=direction,
            training=SHORT,
            machine=CPU,
        )
        for name, text, direction in (("a", song_file, "backward"), ("b", mirrored_file, None))
    ]
    assert made[0].loss == made[1].loss
    assert any(
        notice.startswith(f"{base} reads forward, and the new model reads backward") for notice in made[0].notices
    )
    new = load_checkpoint(tmp_path / "a")
    assert new.shape.direction == new.config["request"]["options"]["direction"] == "backward"
    assert torch.equal(new.model.embedding.weight, load_checkpoint(base).model.embedding.weight)
    again = finetune(
        base, song_file, out=tmp_path / "a", train="layers", head=False, direction="backward", training=SHORT,
        machine=CPU, resume=True,
    )  # fmt: skip
    assert again == made[0]
    with pytest.raises(UserError, match="direction"):
        finetune(base, song_file, out=tmp_path / "a", train="layers", head=False, training=SHORT, resume=True)


def test_a_backward_model_does_not_write(backward, song_file, cli):
    for further in ((), ("--next", 3), ("-i",), ("--stream",)):
        refused = cli("generate", backward, *further)
        assert (refused.status, "reads backward" in refused.err) == (2, True)


def test_it_is_quantized_on_a_text(backward, song_file, tmp_path):
    with pytest.raises(UserError, match="cannot write the text that quantize measures on"):
        quantize(backward, out=tmp_path / "none")
    result = quantize(backward, song_file, out=tmp_path / "small")
    assert abs(result.difference) < 0.05
    assert load_checkpoint(tmp_path / "small").shape.direction == "backward"


def test_look_shows_the_text_from_its_beginning(backward):
    text = "the river takes"
    found = look(backward, text=text, unit=["layers.1[3]"])
    assert "".join(found.tokens) == text
    source = load_checkpoint(backward, "reference")
    states = record_states(source.model, source.tokenizer.encode(text), source.tokenizer.end)[0]
    np.testing.assert_allclose(found.units[0].values, states[::-1, 1, 3], atol=1e-6)
    assert any("reads backward" in notice for notice in found.notices)


def test_beginnings_of_sentences_are_for_forward_models(song_file, tmp_path):
    with pytest.raises(UserError, match="a backward one begins at their ends"):
        pretrain(
            song_file, out=tmp_path / "out", model=BACKWARD, training=replace(BRIEF, windows="prefix"), machine=CPU
        )
