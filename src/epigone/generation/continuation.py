"""A text that continues from a given state, for example in the middle of training."""

import numpy as np

from epigone.generation.sampling import Sampler, SamplingOptions
from epigone.generation.stepper import TorchStepper, split_state
from epigone.models.cells.base import State
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import Tokenizer


def continued(
    model: LanguageModel, tokenizer: Tokenizer, state: State, token: int, length: int, sampling: SamplingOptions
) -> str:
    """Write a text after a token.

    Args:
        model: its weights are copied.
        tokenizer: the model's.
        state: before the token, (L, 1, H) for each state vector.
        token: read first; it is not part of the text.
        length: tokens to write. After the end of a document the next one begins.
        sampling: how each token is drawn; needs a seed.
    """
    stepper, sampler = TorchStepper(model), Sampler(tokenizer, sampling, [0])
    stepper.state = split_state(model, state)
    tokens, written = np.array([token]), []
    for _ in range(length):
        sampler.read(tokens)
        tokens = sampler.draw(stepper.step(tokens))
        written.append(int(tokens[0]))
    documents = np.split(np.array(written), np.flatnonzero(np.array(written) == tokenizer.end))
    return "\n\n".join(tokenizer.decode(document) for document in documents)
