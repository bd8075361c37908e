"""Priming: the text is read before anything is written or measured, and no weight changes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from epigone.errors import check_options
from epigone.models.config import START
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream
from epigone.transfer.methods.retrain import Retrain
from epigone.typed import typed

PIECE = 1_000  # tokens that are read at a time


@dataclass(frozen=True)
@typed
class Priming(Retrain):
    """Reading of the text in place of learning: documents begin in the state that its end leaves.

    Nothing learns, so there are no steps, and no rate to choose.
    """

    name: ClassVar[str] = "priming"
    selects: ClassVar[str] = START
    learns: ClassVar[bool] = False

    context: int = 1_000
    """Tokens at the end of the training text that are read; 0 reads all of it. A network remembers some hundreds."""

    def __post_init__(self) -> None:
        check_options(self, "not be negative", lambda value: value >= 0, "context")

    def extend(self, model: LanguageModel) -> None:
        model.add_start_state()

    @torch.no_grad()
    def read(self, model: LanguageModel, stream: TokenStream) -> None:
        first = max(0, len(stream) - self.context) if self.context else 0
        state = model.initial_state(1)
        for begin in range(first, len(stream), PIECE):  # up to the last character: the end symbol begins a document
            piece = np.asarray(stream.inputs[begin : begin + PIECE]).astype(np.int64)
            _, state = model.encode(torch.as_tensor(piece, device=model.weight.device)[None], state)
        for vector, found in zip(model.start.values(), state[: model.cell.num_states], strict=True):
            vector.copy_(found[:, 0])
