"""Sentences of a token stream: their beginnings, and the stream with each as a document."""

from dataclasses import replace

import numpy as np

from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer

ENDS, CLOSING = (".", "!", "?", "…", "。", "！", "？"), "”’»)]}"
QUOTES = "\"' "  # inside a token they may close a sentence; alone they may as well open the next


def sentence_starts(stream: TokenStream, tokenizer: Tokenizer) -> np.ndarray:
    """Find the first target of each target's sentence, as its place in the stream: (N,).

    A sentence ends with a point, a question mark and the like, or with a line. Closing quotation marks and brackets
    and the white space after it belong to it.
    """
    ends = np.array(["\n" in token or token.rstrip(CLOSING + QUOTES).endswith(ENDS) for token in tokenizer.vocabulary])
    belongs = np.array([not token.strip().strip(CLOSING) for token in tokenizer.vocabulary])
    belongs[tokenizer.end] = True
    inputs, place = np.asarray(stream.inputs), np.arange(len(stream))
    said = ends | ~belongs  # after other tokens, the one before them decides
    last = np.maximum.accumulate(np.where(said[inputs], place, 0))
    begins = (ends[inputs[last]] & ~belongs[stream.targets]) | (inputs == tokenizer.end)
    return np.maximum.accumulate(np.where(begins, place, 0))


def sentences_apart(stream: TokenStream, tokenizer: Tokenizer) -> TokenStream:
    """Return the same text with each sentence as a document, so that it is read without those before it.

    The characters and the spelling of all sentences are counted in the first.
    """
    starts = np.unique(sentence_starts(stream, tokenizer))
    targets = np.asarray(stream.targets)
    closed = starts[1:][targets[starts[1:] - 1] != stream.end]  # an end symbol is missing there
    rest = len(starts) - 1
    return replace(
        stream,
        tokens=np.concatenate([stream.tokens[:1], np.insert(targets, closed, stream.end)]),
        offsets=np.append(starts + np.searchsorted(closed, starts, side="right"), len(targets) + len(closed)),
        characters=np.pad(stream.characters.sum(keepdims=True), (0, rest)),
        spelling=np.pad(stream.spelling.sum(keepdims=True), (0, rest)),
    )
