"""Rates and unfreezing by depth: the head learns fastest and first, each group below it slower and later.

Howard and Ruder (2018), sections 3.2 (discriminative fine-tuning) and 3.3 (gradual unfreezing).
"""

from collections.abc import Sequence

from epigone.errors import UserError
from epigone.models.language_model import LanguageModel
from epigone.training.options import RetrainingOptions
from epigone.training.task import ParameterGroup


def by_depth(
    model: LanguageModel, groups: Sequence[ParameterGroup], training: RetrainingOptions, steps_per_epoch: int
) -> tuple[ParameterGroup, ...]:
    """Divide groups of parameters by depth, with the rates and first steps that a recipe gives to each depth.

    The depths are the head, the layers from the top, and the embeddings; those where nothing learns do not count, so
    the uppermost that learns has the whole rate and learns from the first step. A tied embedding is in the head, and so
    are weights that a method adds outside the layers.

    Args:
        model: the model.
        groups: what learns of it.
        training: the recipe.
        steps_per_epoch: steps of an epoch.

    Raises:
        UserError: the run is over before the lowest group would learn.
    """
    if training.rate_decay == 1 and not training.unfreeze_every:
        return tuple(groups)
    depths = _depths(model)
    learning = sorted({depths[id(parameter)] for group in groups for parameter in group.parameters})
    every = round(training.unfreeze_every * steps_per_epoch)
    last = every * (len(learning) - 1)
    if training.minutes is None and last and last >= (total := training.most_steps(steps_per_epoch)):
        raise UserError(
            f"With --unfreeze-every {training.unfreeze_every:g}, the lowest of {len(learning)} groups would learn from "
            f"step {last:,} on, and the run has {total:,} steps; train for longer, or unfreeze more often."
        )
    divided = []
    for rank, depth in enumerate(learning):
        for group in groups:
            here = tuple(parameter for parameter in group.parameters if depths[id(parameter)] == depth)
            if here:
                rate = group.rate * training.rate_decay**-rank
                divided.append(ParameterGroup(here, rate, max(group.first_step, every * rank)))
    return tuple(divided)


def _depths(model: LanguageModel) -> dict[int, int]:
    """The depth of each parameter by its identity: 0 for the head, 1 for the top layer, and so on."""
    depths: dict[int, int] = {}
    for name, parameter in model.named_parameters():
        room, _, rest = name.partition(".")
        if room == "layers":
            depths[id(parameter)] = len(model.layers) - int(rest.partition(".")[0])
        elif room == "ngrams" or (room == "embedding" and not model.config.tied):
            depths[id(parameter)] = len(model.layers) + 1
        else:
            depths[id(parameter)] = 0
    return depths
