"""The dropout of a base while it is retrained."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from epigone.described import added
from epigone.errors import check_options
from epigone.models.config import DROPOUTS, scaled_dropouts
from epigone.models.language_model import LanguageModel
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class DropoutOptions:
    """The dropout while a base is retrained, if other than the base's."""

    dropout: float | None = None
    """Share of units dropped between layers."""
    output_dropout: float | None = None
    """Share of the top layer's outputs dropped before the head."""
    embedding_dropout: float | None = added(None)
    """Share of tokens whose embedding is zero for the whole batch."""
    input_dropout: float | None = added(None)
    """Share of the embedding's outputs dropped before the lowest layer."""
    weight_dropout: float | None = added(None)
    """Share of the weights between a layer's state and its gates dropped for a whole sequence: DropConnect."""
    dropout_kind: Literal["ordinary", "variational"] | None = added(None)
    """Draw the dropout of inputs, layers and outputs anew at each step (ordinary), or once for the whole sequence
    (variational)."""
    dropout_scale: float = added(1.0)
    """Factor of all dropouts, those of the base and those given here; more for a short text, less for a long one."""

    def __post_init__(self) -> None:
        check_options(self, "not be negative", lambda value: 0 <= value < math.inf, "dropout_scale")

    def apply(self, model: LanguageModel, notices: list[str]) -> None:
        """Change the dropout of a network; `notices` gets a sentence if a factor cannot do what it says.

        Raises:
            UserError: a share is out of range, or acts on something that the network does not have.
        """
        given = {name: getattr(self, name) for name in (*DROPOUTS, "dropout_kind")}
        changed = replace(model.config, **{name: value for name, value in given.items() if value is not None})
        model.config = scaled_dropouts(changed, self.dropout_scale, notices)
