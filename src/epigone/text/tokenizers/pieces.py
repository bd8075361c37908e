"""The text of each token of a document, such that all in a row are the document."""

import codecs
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE, Tokenizer

UNKNOWN = "<unknown>"


def pieces(ids: NDArray[np.integer], codec: Tokenizer) -> Iterator[str]:
    """Yield the text of each token of a document; that of several bytes is with the last of them.

    Args:
        ids: tokens (T,) in the order of the text.
        codec: their tokenizer, which reads forward.
    """
    if codec.of_bytes:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        yield from (decoder.decode(bytes([token])) for token in ids.tolist())
        return
    last = codec.end
    for token in ids.tolist():
        spaced = codec.spaces[last] & SPACE_AFTER and codec.spaces[token] & SPACE_BEFORE
        yield " " * bool(spaced) + (codec.vocabulary[token] if codec.printable[token] else UNKNOWN)
        last = token
