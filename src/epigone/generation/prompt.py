"""The prompt and the stop strings, as the model's tokenizer reads them."""

import logging
from pathlib import Path

from epigone.errors import UserError
from epigone.text.document import some
from epigone.text.tokenizers.base import Tokenizer

log = logging.getLogger("epigone")


def read_prompt(text: str, tokenizer: Tokenizer, model: Path) -> str:
    """Normalise a prompt.

    Raises:
        UserError: it has characters or words that the model in the folder `model` does not know.
    """
    unknown = tokenizer.unknown(text)
    if unknown and tokenizer.unit == "word":
        raise UserError(
            f"The prompt {text[:40]!r} has words that the model {model} does not know: "
            f"{some(list(map(repr, unknown)), 5)}. Write it in other words, or use a model whose training text had "
            "them."
        )
    _check_characters(text, "prompt", tokenizer, model)
    return _told(text, normalised_prompt(text, tokenizer), "prompt")


def read_stop(text: str, tokenizer: Tokenizer, model: Path) -> str:
    """Normalise a stop string. It may be part of a word, so it need not be a word that the model knows.

    Raises:
        UserError: it has characters that the model in the folder `model` does not know.
    """
    _check_characters(text, "stop string", tokenizer, model)
    return _told(text, tokenizer.normalise(text), "stop string")


def normalised_prompt(text: str, tokenizer: Tokenizer) -> str:
    """Normalise a prompt; drop the spaces at its end if words bring their own."""
    text = tokenizer.normalise(text)
    return text.rstrip(" ") if tokenizer.spaces.any() else text


def _check_characters(text: str, role: str, tokenizer: Tokenizer, model: Path) -> None:
    if tokenizer.unit == "word":
        return
    unknown = list(tokenizer.unknown(text))
    if unknown:
        named = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise UserError(
            f"The {role} {text[:40]!r} has characters that the model {model} does not know: "
            f"{named}{more}. Leave them out, or use a model whose training text had them."
        )


def _told(text: str, normalised: str, role: str) -> str:
    if normalised != text:
        log.info(f"The {role} is read as {normalised!r}, because the model's tokenizer normalises it.")
    return normalised
