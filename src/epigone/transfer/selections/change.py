"""The score `change`: how far each weight moved when a model was retrained."""

from pathlib import Path

from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.transfer.selections.weights import Scores


def change(model: LanguageModel, folder: str | Path) -> Scores:
    """Measure how far each weight of a model is from the same weight of another one.

    Args:
        model: the base.
        folder: the folder of a model that was retrained from it.

    Raises:
        UserError: the other is no model, or one of another shape.
    """
    other = dict(load_checkpoint(folder, "torch").model.named_parameters())
    ours = dict(model.named_parameters())
    if {name: weight.shape for name, weight in ours.items()} != {name: weight.shape for name, weight in other.items()}:
        raise UserError(
            f"{folder} is a model of another shape, so the change of single weights cannot be told. Give a model that "
            "was retrained from the same base, with the same tokens."
        )
    changes = {name: (other[name] - weight.cpu()).detach().abs() for name, weight in ours.items()}
    if not any(change.any() for change in changes.values()):
        raise UserError(f"{folder} did not change any weight of its base, so there is no change to rank by.")
    return changes
