"""The interface of a method of adapting: the way in which the selected weights learn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from epigone.described import described
from epigone.errors import UserError
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream
from epigone.training.task import ParameterGroup
from epigone.transfer.selections.selection import Selection


@dataclass(frozen=True)
class Adaptation:
    """What a method makes of a model and a selection.

    Args:
        groups: the learning parameters, each group with its rate and its first step.
        masks: masks of the parameters that learn in part, by name.
        penalty: computes a term that is added to the loss of each step.
    """

    groups: tuple[ParameterGroup, ...]
    masks: Mapping[str, Tensor] = field(default_factory=dict)
    penalty: Callable[[], Tensor] | None = None

    def count(self) -> int:
        """Count the weights that learn."""
        whole = sum(parameter.numel() for group in self.groups for parameter in group.parameters)
        return whole - sum(int((~mask).sum()) for mask in self.masks.values())


@dataclass(frozen=True)
class Method:
    """A method of adapting. A subclass is a frozen dataclass; its fields are the method's options."""

    name: ClassVar[str]
    """The name on the command line and in files."""
    selects: ClassVar[str] = ""
    """The selection that the method always has; empty if it takes any."""
    beginnings: ClassVar[bool] = False
    """True if it learns from the beginnings of documents, each read from the state that documents begin in."""
    learns: ClassVar[bool] = True
    """False if there is nothing to learn once the text was read."""

    def selection(self, asked: str | None) -> str | None:
        """The selection to learn if one, or none, was asked for.

        Raises:
            UserError: the method always has another.
        """
        if self.selects and asked not in (None, "all", self.selects):
            raise UserError(
                f"The method {self.name} learns the selection '{self.selects}' and no weight of the base; leave out "
                f"--train '{asked}'."
            )
        return self.selects or asked

    def extend(self, model: LanguageModel) -> None:
        """Add to a base what the method needs beside its weights, before anything is selected."""

    def read(self, model: LanguageModel, stream: TokenStream) -> None:
        """Take what can be taken from the text that is learned, before the model is prepared."""

    def prepare(self, model: LanguageModel, selection: Selection) -> Adaptation:
        """Make a model, which has the base's weights, ready to learn.

        Parameters outside the groups of the result must not require gradients.
        """
        raise NotImplementedError

    def merge(self, model: LanguageModel) -> LanguageModel:
        """Turn a prepared model into the plain one that is saved."""
        return model

    def adapter(self, model: LanguageModel) -> dict[str, Tensor]:
        """What a prepared model has learned, if that is smaller than its merged weights; empty otherwise.

        The names are those of `models/files/delta.py`: for a weight NAME of the base NAME.left (R, K) and NAME.right
        (K, C), whose product is added, or NAME.columns (C,), which multiply its columns.
        """
        return {}

    def described(self) -> dict[str, Any]:
        """The name and the options, as files hold them."""
        return {"name": self.name, **described(self)}
