"""Where do the sentences of a stream begin, and what is each as a text of its own?"""

from dataclasses import replace

import numpy as np

from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer

ENDS, CLOSING = (".", "!", "?", "…", "。", "！", "？"), "”’»)]}"
QUOTES = "\"' "  # which may close a sentence inside a token, but by themselves may as well open the next


def sentence_starts(stream: TokenStream, tokenizer: Tokenizer) -> np.ndarray:
    """The place in the stream (N,) where the sentence of each target begins, which is that of its first target.

    A sentence ends with a point and the like or a line, and has what closes it and the white space behind it.
    """
    ends = np.array(["\n" in token or token.rstrip(CLOSING + QUOTES).endswith(ENDS) for token in tokenizer.vocabulary])
    belongs = np.array([not token.strip().strip(CLOSING) for token in tokenizer.vocabulary])
    belongs[tokenizer.end] = True
    inputs, place = np.asarray(stream.inputs), np.arange(len(stream))
    said = ends | ~belongs  # the other tokens leave it open whether a sentence has ended
    last = np.maximum.accumulate(np.where(said[inputs], place, 0))
    begins = (ends[inputs[last]] & ~belongs[stream.targets]) | (inputs == tokenizer.end)
    return np.maximum.accumulate(np.where(begins, place, 0))


def sentences_apart(stream: TokenStream, tokenizer: Tokenizer) -> TokenStream:
    """The same text with each sentence as a document, so that it is read without what stands before it.

    Characters and spelling are those of all sentences, told of the first.
    """
    starts = np.unique(sentence_starts(stream, tokenizer))
    targets = np.asarray(stream.targets)
    closed = starts[1:][targets[starts[1:] - 1] != stream.end]  # by an end symbol that is not there yet
    rest = len(starts) - 1
    return replace(
        stream,
        tokens=np.concatenate([stream.tokens[:1], np.insert(targets, closed, stream.end)]),
        offsets=np.append(starts + np.searchsorted(closed, starts, side="right"), len(targets) + len(closed)),
        characters=np.pad(stream.characters.sum(keepdims=True), (0, rest)),
        spelling=np.pad(stream.spelling.sum(keepdims=True), (0, rest)),
    )
