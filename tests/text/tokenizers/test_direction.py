"""Ids in the order of a model that reads backward."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest

from epigone.generation.allowed import AllowedTokens
from epigone.text.streams import token_stream
from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE
from epigone.text.tokenizers.direction import in_direction, is_backward
from epigone.text.tokenizers.registry import TOKENIZERS

TEXTS = ['He said, "No (never)!" — and went.\n\nThen, in 1,234.5 days,', " she came back. É"]


@pytest.fixture(params=["char", "byte", "ascii", "word", "bpe"])
def plain(request):
    return TOKENIZERS[request.param].train(TEXTS * 3)


def test_the_same_tokens_come_from_the_last_to_the_first(plain):
    backward = in_direction(plain, "backward")
    for text in TEXTS:
        assert backward.encode(text).tolist() == plain.encode(text).tolist()[::-1]
        assert backward.decode(backward.encode(text)) == plain.decode(plain.encode(text))
        reading, other = backward.read(text), plain.read(text)
        assert reading.ids.tolist() == backward.encode(text).tolist()
        assert reading[1:] == other[1:]
    assert backward.to_dict() == plain.to_dict()
    assert (is_backward(backward), is_backward(plain)) == (True, False)
    assert in_direction(backward, "backward").plain is plain
    assert in_direction(backward, "forward") is plain


def test_a_document_in_pieces_is_turned_as_a_whole(plain):
    documents = [TEXTS, ["One more."]]
    forward = token_stream(documents, plain)
    backward = token_stream(documents, in_direction(plain, "backward"))
    assert backward.tokens[0] == plain.end
    for begin, end in zip(forward.offsets[:-1], forward.offsets[1:], strict=True):
        assert backward.targets[begin : end - 1].tolist() == forward.targets[begin : end - 1].tolist()[::-1]
        assert backward.targets[end - 1] == plain.end
    for name in ("offsets", "characters", "spelling"):
        assert np.array_equal(getattr(backward, name), getattr(forward, name))
    assert (backward.dropped, backward.replaced, backward.units) == (forward.dropped, forward.replaced, forward.units)


def test_what_may_follow_is_what_may_come_before():
    plain = TOKENIZERS["word"].train(TEXTS * 3)
    backward = in_direction(plain, "backward")
    ids = backward.encode(TEXTS[0])
    written = [
        " " * bool(backward.spaces[a] & SPACE_AFTER and backward.spaces[b] & SPACE_BEFORE) for a, b in pairwise(ids)
    ]
    pieces = [piece for pair in zip((plain.vocabulary[i] for i in ids), [*written, ""], strict=True) for piece in pair]
    assert "".join(reversed(pieces)) == TEXTS[0]
    assert AllowedTokens(backward).spaces.tolist() != AllowedTokens(plain).spaces.tolist()


def test_it_can_be_copied_and_sent_to_other_processes(plain):
    backward = in_direction(plain, "backward")
    for other in (copy.deepcopy(backward), pickle.loads(pickle.dumps(backward))):
        assert other.encode(TEXTS[0]).tolist() == backward.encode(TEXTS[0]).tolist()
    assert not hasattr(backward, "nothing")
