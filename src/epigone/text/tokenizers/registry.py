"""Registry of tokenizers."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from epigone.errors import UserError
from epigone.registry import Registry
from epigone.text.tokenizers.base import Tokenizer, VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.fastai import FastaiTokenizer
from epigone.text.tokenizers.subwords import SubwordTokenizer
from epigone.text.tokenizers.words import WordTokenizer

TOKENIZERS: Registry[type[Tokenizer]] = Registry(
    "tokenizer",
    (CharTokenizer, AsciiTokenizer, ByteTokenizer, WordTokenizer, SubwordTokenizer, FastaiTokenizer),
    described=lambda kind: kind.tokens,
)


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
        vocabulary: options of the vocabulary.
        held_out: texts that give only their characters, so that they can be read.

    Raises:
        UserError: there is no tokenizer of this name, it ignores an option that is set, or there is too little to
            learn from.
    """
    kind = TOKENIZERS[name]  # raises if there is none
    check_vocabulary(name, vocabulary)
    return kind.train(texts, vocabulary, held_out)


def check_vocabulary(name: str, vocabulary: VocabularyOptions) -> None:
    """Refuse options that a tokenizer ignores.

    Raises:
        UserError: there is no tokenizer of this name, or it ignores an option that is set.
    """
    for field in fields(vocabulary):
        value = getattr(vocabulary, field.name)
        if value != field.default and field.name not in TOKENIZERS[name].options:
            others = " or ".join(other for other, found in TOKENIZERS.items() if field.name in found.options)
            raise UserError(
                f"The tokenizer {name} has no use for {field.name}={value}; leave it out, or choose the tokenizer "
                f"{others}."
            )


def tokenizer_from_dict(data: dict[str, Any]) -> Tokenizer:
    """Build the tokenizer that `to_dict` described.

    Raises:
        UserError: the tokenizer is not registered, or its vocabulary is damaged.
    """
    return TOKENIZERS[str(data.get("name"))].from_dict(data)
