"""A text that continues from a state."""

import numpy as np
import pytest
import torch

from epigone.generation.continuation import continued
from epigone.generation.sampling import SamplingOptions
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.characters import CharTokenizer

GREEDY = SamplingOptions(temperature=0, seed=0)
TOKENIZER = CharTokenizer("\x03abcdefgh")


@pytest.mark.parametrize("cell", CELLS)
def test_greedy_text_follows_the_model(cell):
    torch.manual_seed(1)
    model = LanguageModel(ModelConfig(cell, 2, 12, vocabulary_size=9, init="normal", init_std=0.8))
    tokens = TOKENIZER.encode("abcabdaeh").astype(np.int64)
    with torch.no_grad():
        _, state = model(torch.from_numpy(tokens[:-1])[None])
        text = continued(model, TOKENIZER, state, int(tokens[-1]), 10, GREEDY)
        expected, token = [], int(tokens[-1])
        while len(expected) < 10:
            logits, state = model(torch.tensor([[token]]), state)
            logits = logits[0, 0].clone()
            if token == TOKENIZER.end:
                logits[TOKENIZER.end] = -torch.inf
            token = int(logits.argmax())
            expected.append(token)
    ends = [i for i, token in enumerate(expected) if token == TOKENIZER.end]
    assert text == "\n\n".join(TOKENIZER.decode(part) for part in np.split(np.array(expected), ends))


def test_the_seed_decides():
    torch.manual_seed(1)
    model = LanguageModel(ModelConfig("rnn", 1, 12, vocabulary_size=9))
    state = model.initial_state(1)
    texts = [continued(model, TOKENIZER, state, 1, 50, SamplingOptions(temperature=1, seed=s)) for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0].replace("\n\n", " ")) == 50
