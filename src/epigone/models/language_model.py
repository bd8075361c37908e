"""The language model: an encoder with a head that predicts the next token."""

from pkgutil import resolve_name
from typing import Any

from torch import Tensor

from epigone.models.cells.base import State
from epigone.models.config import ModelConfig
from epigone.models.dropout import feature_mask
from epigone.models.encoder import Encoder
from epigone.models.heads.base import Scored
from epigone.models.initialisation import initialise


class LanguageModel(Encoder):
    """Embedding or one-hot lookup, a stack of recurrent layers, a linear head.

    The head's parameters are named `head.weight`, `head.bias` and `head.clusters.weight|bias`; a tied head has no
    weight of its own, a full softmax no clusters.
    """

    def __init__(self, config: ModelConfig, backend: str = "auto", drawn: bool = True) -> None:
        """Build a model; unless its weights are `drawn`, their values are undefined."""
        super().__init__(config, backend)
        self.head = _make_head(config, backend)
        if self.embedding is not None and config.tied:
            self.head.weight = self.embedding.weight
        if drawn:
            initialise(self, self.head)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Predict what follows each token.

        Args:
            tokens: ids (B, T).
            state: the state that an earlier call returned; None is the one that documents begin in.

        Returns:
            Logits (B, T, V) and the state.
        """
        outputs, state = self.encode(tokens, state)
        return self.logits(outputs), state

    def logits(self, outputs: Tensor) -> Tensor:
        """Compute the logits (B, T, V) of outputs (B, T, H) of the top layer."""
        return self.head.logits(self.dropped(outputs)).transpose(0, 1)

    def loss(self, inputs: Tensor, targets: Tensor, state: State | None = None, start: int = 0) -> tuple[Scored, State]:
        """Score the predictions of the targets.

        Args:
            inputs: token ids (B, T); if `start` > 0, the outputs (B, T, H) of the layer below.
            targets: ids (B, T) of what follows each input; `IGNORED` if it does not count.
            state: the state that an earlier call returned; None is the one that documents begin in.
            start: the lowest layer to run.

        Returns:
            The loss and accuracy, and the state.
        """
        outputs, state = self.encode(inputs, state, start)
        return self.head.loss(self.dropped(outputs), targets.T), state

    def dropped(self, outputs: Tensor) -> Tensor:
        """Apply the dropout before the head to outputs (B, T, H) of the top layer.

        Returns:
            Tensor (T, B, H), the memory order of the stack, which costs no copy.
        """
        x = outputs.transpose(0, 1)
        if not self.training or self.config.output_dropout == 0:
            return x
        return x * feature_mask(self.config, self.weight, x.shape, self.config.output_dropout)


def _make_head(config: ModelConfig, backend: str) -> Any:
    """Make the module of a head.

    Raises:
        ValueError: it has other weights than its record says.
    """
    record = config.head
    make = resolve_name(record.module) if isinstance(record.module, str) else record.module
    head = make(config, backend)
    found = {name: tuple(weight.shape) for name, weight in head.named_parameters()}
    if found != record.shapes(config):
        raise ValueError(f"The softmax {record.name} declares the weights {record.shapes(config)}, but has {found}.")
    return head
