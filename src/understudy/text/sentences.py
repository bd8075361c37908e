"""Where do the sentences of a stream begin, and what is each as a text of its own?"""

from dataclasses import replace

import numpy as np

from understudy.text.streams import TokenStream
from understudy.text.tokenizer import Tokenizer

ENDS, CLOSING = (".", "!", "?", "…", "。", "！", "？"), "\"'”’»)]} "


def sentence_starts(stream: TokenStream, tokenizer: Tokenizer) -> np.ndarray:
    """The place in the stream (N,) where the sentence of each target begins, which is that of its first target."""
    ending = np.array(["\n" in token or token.rstrip(CLOSING).endswith(ENDS) for token in tokenizer.vocabulary])
    ending[tokenizer.end] = True
    return np.maximum.accumulate(np.where(ending[stream.inputs], np.arange(len(stream)), 0))


def sentences_apart(stream: TokenStream, tokenizer: Tokenizer) -> TokenStream:
    """The same text with each sentence as a document, so that it is read without what stands before it.

    Characters and spelling are those of all sentences, told of the first.
    """
    starts = np.unique(sentence_starts(stream, tokenizer))
    end = np.array([stream.end], stream.tokens.dtype)
    sentences = [np.append(part[part != stream.end], end) for part in np.split(stream.targets, starts[1:])]
    rest = len(sentences) - 1
    return replace(
        stream,
        tokens=np.concatenate([end, *sentences]),
        offsets=np.cumsum([0, *map(len, sentences)]),
        characters=np.pad(stream.characters.sum(keepdims=True), (0, rest)),
        spelling=np.pad(stream.spelling.sum(keepdims=True), (0, rest)),
    )
