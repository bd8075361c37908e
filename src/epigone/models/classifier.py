"""The classifier: an encoder whose outputs over a text are pooled and sorted into classes."""

from torch import Tensor

from epigone.models.config import ModelConfig
from epigone.models.encoder import Encoder
from epigone.models.heads.classifier import Pooled, PooledClassifier


class TextClassifier(Encoder):
    """Embedding and recurrent layers of a language model, and a head that pools over time (Howard and Ruder 2018).

    The encoder's parameters are named as in a `LanguageModel`; those of the head are `head.gain`, `head.shift`,
    `head.hidden.weight|bias` and `head.out.weight|bias`.

    Args:
        config: the shape of the language model.
        classes: number of classes C.
        hidden_size: units of the head's hidden layer.
        head_dropout: share of the pooled features that is dropped.
        piece: tokens that are read at a time. Gradients reach back to the beginning of each piece, and into every
            piece through the pooling (BPT3C).
        backend: as for `Encoder`.
    """

    def __init__(
        self,
        config: ModelConfig,
        classes: int,
        hidden_size: int = 50,
        head_dropout: float = 0.2,
        piece: int = 512,
        backend: str = "auto",
    ) -> None:
        super().__init__(config, backend)
        self.head = PooledClassifier(3 * config.output_size, hidden_size, classes, head_dropout)
        self.piece = piece

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Compute the logits (B, C) of texts; see `features`."""
        return self.head(self.features(tokens, lengths))

    def features(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Read texts and pool the outputs of the top layer over time: last, largest and mean.

        Args:
            tokens: ids (B, T), the texts padded on the right with any id.
            lengths: tokens of each text (B,), 1 to T.

        Returns:
            Features (B, 3H); the padding changes nothing.
        """
        pooled, state = None, None
        for begin in range(0, tokens.shape[1], self.piece):
            outputs, state = self.encode(tokens[:, begin : begin + self.piece], state)
            state = tuple(each.detach() for each in state)
            pooled = Pooled.of(outputs, (lengths - begin).clamp(0, outputs.shape[1]), pooled)
        assert pooled is not None
        return pooled.features(lengths)
