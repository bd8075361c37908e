"""The grid of the study `word-model`: its options, its networks, and the labels of its rows."""

from dataclasses import dataclass

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions, nearest_size, num_weights, sized
from epigone.studies.engine.rows import Labels
from epigone.text.tokenizers.registry import TOKENIZERS
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class WordModelOptions:
    """The networks and the grid of the study word-model."""

    weights: int = 400_000
    """Approximate number of weights of each network; a larger vocabulary leaves fewer to the layers."""
    num_layers: int = 1
    """LSTM layers."""
    min_count: int = 2
    """Words that occur less often in the text are unknown."""
    tokenizers: tuple[str, ...] = ("char", "word", "bpe")
    """Tokenizers to compare; the beginnings of sentences and the next words need `word`."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "num_layers", "min_count")
        check_options(self, "be 10,000 or more", lambda value: value >= 10_000, "weights")
        if not self.tokenizers or set(self.tokenizers) - set(TOKENIZERS):
            raise UserError(
                f"tokenizers must hold some of {', '.join(TOKENIZERS)}, but is {', '.join(self.tokenizers) or 'empty'}."
            )


def network(options: WordModelOptions, vocabulary: int) -> ModelOptions:
    """An LSTM whose embedding is tied to its head, with about as many weights as asked for."""

    def of(units: int) -> ModelOptions:
        return ModelOptions(
            num_layers=options.num_layers,
            hidden_size=units,
            embedding_size=units,
            tied=True,
            dropout=0.2 if options.num_layers > 1 else 0.0,
            output_dropout=0.3,
        )

    found = nearest_size(map(of, range(4, int(options.weights**0.5) + 1)), vocabulary, options.weights)
    if abs(num_weights(sized(found, vocabulary)) - options.weights) > 0.05 * options.weights:
        smallest = num_weights(sized(of(4), vocabulary))
        raise UserError(
            f"No network of {options.weights:,} weights holds a vocabulary of {vocabulary:,} tokens; give --weights "
            f"{max(smallest, 20 * vocabulary):,} or more, or a greater --min-count."
        )
    return found


class WordLabels(Labels):
    """Labels of this study: text (its role), tokenizer, windows if a step reads beginnings of sentences."""

    @property
    def name(self) -> str:
        return f"{self['text']}: {self['tokenizer']}" + (", prefixes" if self.get("windows") == "prefix" else "")
