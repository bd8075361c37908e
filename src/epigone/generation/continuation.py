"""A text that goes on from where a model stands, in the middle of its training say."""

import numpy as np

from epigone.generation.next_token import Rules
from epigone.generation.sampling import RandomStreams, SamplingOptions, draw, probabilities
from epigone.generation.stepper import TorchStepper
from epigone.models.cells import State
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import Tokenizer


def continued(
    model: LanguageModel, tokenizer: Tokenizer, state: State, token: int, length: int, sampling: SamplingOptions
) -> str:
    """What a model writes after a token.

    Args:
        model: its weights are copied.
        tokenizer: of its ids.
        state: before the token, (L, 1, H) for each state vector.
        token: what is read first; it is not part of the text.
        length: tokens to write. Where a document ends, the next begins.
        sampling: how each is drawn; needs a seed.
    """
    assert sampling.seed is not None
    stepper, numbers = TorchStepper(model), RandomStreams(sampling.seed, [0])
    stepper.state = [tuple(s[layer].detach().float().cpu() for s in state) for layer in range(len(model.layers))]
    rules = Rules(tokenizer)
    recent = np.full((1, sampling.repetition_window), -1)
    written: list[int] = []
    for _ in range(length):
        logits = stepper.step(np.array([token]))
        forbidden = rules.forbidden(np.array([token]))
        (token,) = draw(probabilities(logits, sampling, forbidden, recent), numbers.next()).tolist()
        recent = np.column_stack([recent[:, 1:], [token]])
        written.append(token)
    documents = np.split(np.array(written), np.flatnonzero(np.array(written) == tokenizer.end))
    return "\n\n".join(tokenizer.decode(document) for document in documents)
