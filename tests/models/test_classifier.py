"""The classifier reads a text alike alone, padded, in a batch and in pieces, and like PyTorch's own layers."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from epigone.models.classifier import TextClassifier
from epigone.models.config import ModelConfig

CONFIG = ModelConfig(num_layers=2, hidden_size=6, embedding_size=5, vocabulary_size=11)


@pytest.fixture(params=["native", "torch"])
def model(request):
    torch.manual_seed(0)
    found = TextClassifier(CONFIG, classes=3, piece=4, backend=request.param)
    with torch.no_grad():
        for parameter in found.parameters():
            nn.init.normal_(parameter, std=0.5)
    return found.eval()


def padded(lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(11, (len(lengths), max(lengths)), generator=generator)
    return tokens, torch.tensor(lengths)


def test_features_are_last_largest_and_mean(model):
    tokens, lengths = padded([9])
    outputs = nn.LSTM(5, 6, num_layers=2, batch_first=True)
    with torch.no_grad():
        for layer, weights in enumerate(model.layers):
            for name, weight in weights.named_parameters():
                getattr(outputs, f"{name}_l{layer}").copy_(weight)
        found, _ = outputs(model.embedding(tokens))
        expected = torch.cat([found[:, -1], found.amax(1), found.mean(1)], 1)
        torch.testing.assert_close(model.features(tokens, lengths), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("piece", [1, 3, 4, 20])
def test_neither_batch_nor_padding_nor_pieces_change_a_text(model, piece):
    lengths = [1, 4, 5, 9, 8, 3]
    tokens, counts = padded(lengths)
    model.piece = piece
    with torch.no_grad():
        together = model(tokens, counts).softmax(1)
        other = torch.cat([tokens.masked_fill(torch.arange(9) >= counts[:, None], 7), torch.full((6, 5), 2)], 1)
        torch.testing.assert_close(model(other, counts).softmax(1), together, atol=1e-6, rtol=0)
        for row, length in enumerate(lengths):
            alone = model(tokens[row : row + 1, :length], counts[row : row + 1]).softmax(1)
            torch.testing.assert_close(alone, together[row : row + 1], atol=1e-6, rtol=0)


def test_gradients_reach_every_piece_but_not_through_the_state_between(model):
    """Backpropagation for classification in pieces (BPT3C): pooling reaches all of them."""
    tokens, lengths = padded([8])
    model.piece = 4
    embedded = model.embedding(tokens).detach().requires_grad_()
    model.embedding.forward = lambda ids: (
        embedded.transpose(0, 1)[: ids.shape[0]] if begun.append(1) or len(begun) == 1 else embedded.transpose(0, 1)[4:]
    )
    begun: list[int] = []
    features = model.features(tokens, lengths)
    features[:, 12:].sum().backward()  # the mean
    assert (embedded.grad.abs().sum(2) > 0).all()
    embedded.grad = None
    begun.clear()
    model.features(tokens, lengths)[:, :6].sum().backward()  # the last output
    assert (embedded.grad[:, :4] == 0).all()
    assert (embedded.grad[:, 4:].abs().sum(2) > 0).all()


def test_a_language_model_lends_its_weights_by_name():
    torch.manual_seed(0)
    found = TextClassifier(CONFIG, classes=2)
    names = {name for name, _ in found.named_parameters()}
    assert {"embedding.weight", "layers.0.weight_ih", "layers.1.bias_hh", "head.hidden.weight"} <= names


def test_features_are_as_wide_as_the_top_layer():
    torch.manual_seed(0)
    model = TextClassifier(replace(CONFIG, top_size=4), classes=3, piece=4).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    tokens, lengths = padded([9, 3])
    outputs, _ = model.encode(tokens[:1])
    found = model.features(tokens, lengths)
    assert found.shape == (2, 12)
    torch.testing.assert_close(found[0], torch.cat([outputs[0, -1], outputs[0].amax(0), outputs[0].mean(0)]))
    assert model(tokens, lengths).shape == (2, 3)
