"""Dynamic evaluation: score first, then learn."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import epigone
from epigone.errors import UserError
from epigone.evaluation.dynamic import FADING, DynamicOptions, dynamic_losses
from epigone.evaluation.losses import document_losses
from epigone.models.files.checkpoint import load_checkpoint
from epigone.text.streams import token_stream


def prepared(make_base, texts, **shape):
    source = load_checkpoint(make_base(**shape), "reference")
    return source.model, token_stream(([text] for text in texts), source.tokenizer)


TEXTS = ["The river ran by the mill and the mill ran too.", "a", "Bread and rain, bread and rain, " * 3]


def test_without_a_rate_it_is_the_plain_loss(make_base):
    model, stream = prepared(make_base, TEXTS)
    found, plain = dynamic_losses(model, stream, DynamicOptions(0.0)), document_losses(model, stream)
    np.testing.assert_allclose(found.nats, plain.nats, rtol=1e-5)
    np.testing.assert_array_equal(found.tokens, plain.tokens)
    np.testing.assert_array_equal(found.correct, plain.correct)


def test_each_piece_is_measured_before_it_is_learned(make_base):
    """The same by hand, with the update of the paper."""
    model, stream = prepared(make_base, TEXTS)
    options = DynamicOptions(0.01, 0.1, 10)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    found = dynamic_losses(model, stream, options)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters()), "the model stays as it is"
    squares = {name: torch.zeros_like(p) for name, p in before.items()}
    expected, step = np.zeros(len(TEXTS)), 0
    for document in range(len(TEXTS)):
        begin, end = int(stream.offsets[document]), int(stream.offsets[document + 1])
        state = None
        for place in range(begin, end, 10):
            inputs = torch.tensor(np.asarray(stream.inputs[place : min(place + 10, end)]).astype(int))[None]
            targets = torch.tensor(np.asarray(stream.targets[place : min(place + 10, end)]).astype(int))
            model.zero_grad()
            logits, state = model(inputs, state)
            state = tuple(part.detach() for part in state)
            nats = F.cross_entropy(logits[0], targets, reduction="none")
            expected[document] += nats.detach()[targets != stream.end].sum().item()
            nats.mean().backward()
            step += 1
            with torch.no_grad():
                for name, p in model.named_parameters():
                    squares[name] = FADING * squares[name] + (1 - FADING) * p.grad**2
                    mean = squares[name] / (1 - FADING**step)
                    moved = p - 0.01 * p.grad / (mean.sqrt() + 1e-8)
                    p.copy_(moved + 0.1 * (before[name] - moved))
    np.testing.assert_allclose(found.by_document()[0], expected, rtol=1e-4)


def test_the_first_piece_is_measured_by_the_model_as_it_was(make_base):
    model, stream = prepared(make_base, TEXTS[2:])
    wild = dynamic_losses(model, stream, DynamicOptions(1.0, dynamic_tokens=10_000))
    assert wild.loss == pytest.approx(document_losses(model, stream).loss, rel=1e-5)


def test_a_model_learns_a_text_that_repeats_itself(make_base, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("The lantern and the oar, the lantern and the oar. " * 60, encoding="utf-8")
    base = make_base(hidden_size=24)
    plain = epigone.evaluate(base, path, split="all").loss
    dynamic = epigone.evaluate(base, path, split="all", dynamic=0.003, dynamic_tokens=16).loss
    assert dynamic < plain - 0.5


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dynamic": -1.0}, "dynamic must not be negative"),
        ({"dynamic_decay": 1.0}, "dynamic_decay must be at least 0 and below 1"),
        ({"dynamic_tokens": 0}, "dynamic_tokens must be 1 or more"),
    ],
)
def test_wrong_options_are_told(options, sentence):
    with pytest.raises(UserError, match=sentence):
        DynamicOptions(**options)
