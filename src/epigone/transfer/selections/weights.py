"""What an expression chooses from: the parameters of a model by name, and what their rows and columns stand for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from epigone.errors import UserError
from epigone.models.config import START
from epigone.models.language_model import LanguageModel
from epigone.models.unit_names import state_names

Masks = dict[str, Tensor]
"""True where a weight is selected, by the name of the parameter and in its shape."""
Scores = Mapping[str, Tensor]
"""A number for each weight, by the name of the parameter and in its shape."""
Evaluate = Callable[[str], Masks]
"""Turns a part of an expression into masks."""


@dataclass(frozen=True)
class Context:
    """What an expression may refer to besides the model."""

    vocabulary: Sequence[str] = ()
    """The V tokens by id."""
    new: Collection[int] = ()
    """Ids of the tokens that the base did not have."""
    scorers: Mapping[str, Callable[[], Scores]] = field(default_factory=dict)
    """Computes a score of each weight on the text that is learned, by the name of the score."""


class Weights:
    """The weights that the forms of an expression choose from."""

    def __init__(self, model: LanguageModel, expression: str, context: Context) -> None:
        self.model, self.expression, self.context = model, expression, context
        self.names_head = False
        """True once a term has named the head or a part of it."""
        self.parameters = dict(model.named_parameters())
        aliases = {"embedding.weight": "layers.0.weight_ih"} if model.embedding is None else {}
        if model.config.tied:
            aliases["head.weight"] = "embedding.weight"
        self.named = {name: name for name in self.parameters} | aliases
        """The parameter behind each name; one that is both embedding and something else has two names."""

    def none(self) -> Masks:
        """Select nothing."""
        return {name: torch.zeros(weight.shape, dtype=torch.bool) for name, weight in self.parameters.items()}

    def matching(self, pattern: str) -> list[str]:
        """The names, aliases too, that `all` or a pattern with `*` and `?` matches.

        The state that documents begin in is matched by its own name alone.
        A pattern also matches the groups that a parameter belongs to: `layers.2`, or `layers.2.cell`, the same layer by
        the name of its state.
        """
        parts = pattern.split(".")
        if len(parts) == 3 and parts[0] == "layers" and parts[2] in state_names(self.model.config):
            pattern = ".".join(parts[:2])
        names = [
            name
            for name in self.named
            if (pattern == "all" or _matches(name, pattern)) and is_start(name) == is_start(pattern)
        ]
        if not names:
            remedy = "The method initial-state gives it one." if is_start(pattern) else self.choices()
            raise UserError(f"'{pattern}' in the selection '{self.expression}' matches no weight. {remedy}")
        self.names_head |= pattern.split(".")[0] == "head"
        return names

    def whole(self, name: str) -> Tensor:
        """Select all of a parameter; of the state that documents begin in, the units that each layer has."""
        mask = torch.ones(self.parameters[self.named[name]].shape, dtype=torch.bool)
        if is_start(name):
            mask &= torch.arange(mask.shape[1]) < torch.tensor(self.model.config.layer_sizes)[:, None]
        return mask

    def rows(self, name: str) -> tuple[int, int] | None:
        """The gates G and units H of a parameter of a layer whose rows are G blocks of H, one for each gate.

        None for a parameter without such rows; G is 1 if it has a row for each unit.
        """
        parts = name.split(".")
        if parts[0] != "layers":
            return None
        units = self.model.config.layer_sizes[int(parts[1])]
        gates, rest = divmod(len(self.parameters[name]), units)
        return None if rest or gates not in (1, len(self.model.cell.gates)) else (gates, units)

    def token_axis(self, name: str) -> int | None:
        """The axis of a parameter, named as embedding or head, along which each token has a row; None if there is none.

        The embedding of a one-hot model is a column of layer 0 for each token.
        """
        by_token = {"embedding.weight", *(f"head.{part}" for part in self.model.config.head.by_token)}
        if name not in by_token:
            return None
        return 1 if self.named[name].startswith("layers.") else 0

    def failure(self, part: str, reason: str) -> UserError:
        """An error about a part of the expression."""
        return UserError(f"'{part}' in the selection '{self.expression}' {reason}")

    def choices(self) -> str:
        """List what an expression may name."""
        names = dict.fromkeys(name for layer in self.model.layers for name, _ in layer.named_parameters())
        layers = ", ".join(f"layers.{i}" for i in range(len(self.model.layers)))
        gates = ", ".join(self.model.cell.gates)
        start = f"{START}, " * self.model.config.start_state + "ngrams, " * bool(self.model.config.ngrams)
        return (
            f"There are: all, embedding, head, {start}{layers}; in each layer {', '.join(names)}; and of each of these "
            f"the gates [{gates}] and the units [0-{self.model.config.hidden_size - 1}]."
        )


def is_start(name: str) -> bool:
    """Tell if a name or a pattern is that of the state that documents begin in, or of a part of it."""
    return name.split(".")[0] == START


def _matches(name: str, pattern: str) -> bool:
    """Match a parameter or a group that it belongs to, as `layers.2` does `layers.2.weight_hh`."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[:size]), pattern) for size in range(1, len(parts) + 1))
