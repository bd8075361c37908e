"""The distance of a text from a base: the bits per character that the base needs for it before it learns anything."""

import math
from collections.abc import Sequence

from epigone.corpora.measures.figures import Nearness
from epigone.evaluation.evaluate import losses_of
from epigone.evaluation.seen import seen
from epigone.models.backends.walker import EngineOptions
from epigone.models.files.model_folder import read_folder
from epigone.text.streams import token_stream


def nearness(base: str, sample: Sequence[str]) -> Nearness:
    """Measure a base on passages.

    Args:
        base: the folder of a model, or the name of a bundled one.
        sample: the passages; each is read from a zero state.

    Raises:
        UserError: there is no such model.
    """
    source = read_folder(base)
    stream = token_stream(([passage] for passage in sample), source.tokenizer)
    known = seen(source.folder, source.tokenizer, sample)
    bits = losses_of(source, stream, EngineOptions()).bits_per_char if stream.characters.any() else None
    own = source.config.get("result", {}).get("bits_per_char")
    return Nearness(
        base=base,
        tokenizer=source.tokenizer.name,
        bits_per_char=bits if bits is None or math.isfinite(bits) else None,
        own_bits_per_char=own,
        dropped=stream.dropped_share,
        seen=known.share if known else None,
    )
