"""The task of a language model: to predict each next token of a text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from torch import Tensor

from epigone.models.cells.base import State
from epigone.models.files.checkpoint import save_tensors, save_weights
from epigone.models.files.model_folder import ADAPTER
from epigone.models.heads.base import IGNORED
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import Tokenizer
from epigone.training.batches import Steps
from epigone.training.task import Measurement, ParameterGroup, StepLoss

M = TypeVar("M", bound=Measurement)


def learning_parameters(model: LanguageModel) -> tuple[ParameterGroup, ...]:
    """Put all parameters that require gradients in one group."""
    return (ParameterGroup(tuple(p for p in model.parameters() if p.requires_grad)),)


@dataclass(frozen=True)
class LanguageTask(Generic[M]):
    """A language model and the text that it learns; implements `Task`.

    Args:
        module: the model.
        batches: inputs and targets.
        measure: measures the model on the validation split.
        tokenizer: the model's, for samples while it learns.
        groups: the learning parameters.
        masks: masks of the parameters that learn in part.
        start: the lowest layer that runs; above 0 the batches hold the outputs (B, T, H) of the layer below.
        summed: minimise the loss summed over the tokens of a sequence instead of their mean.
        penalise: computes a term of the weights that is added to the objective.
        merge: turns the module into the plain language model that is saved.
        adapter: what is saved beside it, in adapter.safetensors.
        activation_penalty, slowness_penalty: weights of AR and TAR, as in the recipe.
    """

    module: LanguageModel
    batches: Steps
    measure: Callable[[], M]
    tokenizer: Tokenizer
    groups: Sequence[ParameterGroup]
    masks: Mapping[str, Tensor] = field(default_factory=dict)
    start: int = 0
    summed: bool = False
    penalise: Callable[[], Tensor] | None = None
    merge: Callable[[LanguageModel], LanguageModel] = lambda model: model
    adapter: Callable[[LanguageModel], Mapping[str, Tensor]] = lambda model: {}
    activation_penalty: float = 0.0
    slowness_penalty: float = 0.0

    def initial_state(self, rows: int) -> State:
        return self.module.initial_state(rows, self.start)

    def loss(self, batch: tuple[Tensor, Tensor], state: State) -> tuple[StepLoss, State]:
        inputs, targets = batch
        outputs, state = self.module.encode(inputs, state, self.start)
        dropped = self.module.dropped(outputs)
        loss, accuracy = self.module.head.loss(dropped, targets.T)
        objective = loss + self._smoothness(outputs, dropped)
        if self.summed:
            objective = objective * ((targets != IGNORED).sum() / len(targets))
        return StepLoss(objective, loss, accuracy), state

    def _smoothness(self, outputs: Tensor, dropped: Tensor) -> Tensor | float:
        """Compute AR and TAR of the outputs (B, T, H) of the top layer, and of these after dropout (T, B, H)."""
        total: Tensor | float = 0.0
        if self.activation_penalty:
            total = total + self.activation_penalty * dropped.square().mean()
        if self.slowness_penalty and outputs.shape[1] > 1:
            total = total + self.slowness_penalty * outputs.diff(dim=1).square().mean()
        return total

    def penalty(self) -> Tensor | None:
        return self.penalise() if self.penalise else None

    def validate(self) -> M:
        return self.measure()

    def save(self, folder: Path) -> None:
        save_weights(folder, self.plain())
        if adapter := self.adapter(self.module):
            save_tensors(folder / ADAPTER, adapter)

    def plain(self) -> LanguageModel:
        """The plain language model that the module is at the moment."""
        return self.merge(self.module)
