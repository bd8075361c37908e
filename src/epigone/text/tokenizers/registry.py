"""Which tokenizers are there?"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from epigone.errors import UserError
from epigone.text.tokenizers.base import Tokenizer, VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.subwords import SubwordTokenizer
from epigone.text.tokenizers.words import WordTokenizer

TOKENIZERS: dict[str, type[Tokenizer]] = {
    kind.name: kind for kind in (AsciiTokenizer, ByteTokenizer, CharTokenizer, WordTokenizer, SubwordTokenizer)
}
"""The tokenizers by name. Another kind needs a class with the methods of `Tokenizer` and a line here."""


def train_tokenizer(
    name: str,
    texts: Iterable[str],
    vocabulary: VocabularyOptions = VocabularyOptions(),
    held_out: Iterable[str] = (),
) -> Tokenizer:
    """Make the tokenizer `name` for these texts.

    Args:
        name: a key of `TOKENIZERS`.
        texts: the texts to learn a vocabulary from; read once, and only by tokenizers that learn one.
        vocabulary: how large it gets.
        held_out: texts of which only the characters are learned, so that they can be read.

    Raises:
        UserError: there is no tokenizer of this name, it has no use for an option, or there is not enough to learn.
    """
    kind = _kind(name)
    for field in fields(vocabulary):
        value = getattr(vocabulary, field.name)
        if value != field.default and field.name not in kind.options:
            others = " or ".join(other for other, found in TOKENIZERS.items() if field.name in found.options)
            raise UserError(
                f"The tokenizer {name} has no use for {field.name}={value}; leave it out, or choose the tokenizer "
                f"{others}."
            )
    return kind.train(texts, vocabulary, held_out)


def tokenizer_from_dict(data: dict[str, Any]) -> Tokenizer:
    """Build the tokenizer that `to_dict` described.

    Raises:
        UserError: the description names no known tokenizer or its vocabulary is damaged.
    """
    return _kind(data.get("name")).from_dict(data)


def _kind(name: Any) -> type[Tokenizer]:
    if not isinstance(name, str) or name not in TOKENIZERS:
        raise UserError(f"There is no tokenizer {name!r}; choose one of {', '.join(sorted(TOKENIZERS))}.")
    return TOKENIZERS[name]
