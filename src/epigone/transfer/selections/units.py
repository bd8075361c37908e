"""Units: `units(layers.2, 0-15)`, with `readers=yes` also the columns that read them; or shares of them.

`units(random=10%, seed=3)` draws from the units of all layers, `units(layers.1, random=8)` from those of one;
`units(from=probe.json, top=10%)` takes those that a probe ranks first, `bottom=` those that it ranks last.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor

from epigone.arguments import Arguments
from epigone.models.files.ranking import read_ranking
from epigone.models.unit_names import state_names
from epigone.transfer.selections.names import RANGE, units_of
from epigone.transfer.selections.weights import Evaluate, Masks, Weights

SHARES = ("top", "bottom", "random")


def by_unit(weights: Weights, given: Arguments, evaluate: Evaluate) -> Masks:
    """Select the rows of every gate of units, and with readers=yes the columns that read them."""
    given.only(*SHARES, "from", "seed", "readers")
    chosen = _in_scope(weights, given)
    if any(name in given.named for name in (*SHARES, "from")):
        chosen = _share(weights, given, chosen)
    elif "seed" in given.named:
        raise given.failure("has seed= without random=.")
    elif not given.scope:
        raise given.failure("names no unit; write for example units(layers.0, 0-15).")
    masks = weights.none()
    for layer, units in chosen.items():
        for name in weights.parameters:
            if name.startswith(f"layers.{layer}.") and (blocks := weights.rows(name)) is not None:
                rows = units.repeat(blocks[0])
                masks[name] |= rows.view(-1, *[1] * (masks[name].ndim - 1))
        if given.flag("readers"):
            for name in readers(weights, layer):
                masks[name] |= units
    return masks


def readers(weights: Weights, layer: int) -> list[str]:
    """The matrices with a column for each unit of a layer: its own recurrent ones, and those of what is above it."""
    size = weights.model.config.layer_sizes[layer]
    above = f"layers.{layer + 1}.weight_ih" if layer + 1 < len(weights.model.layers) else weights.named["head.weight"]
    own = [
        name
        for name in weights.parameters
        if name.startswith(f"layers.{layer}.") and not name.endswith("_ih") and weights.parameters[name].ndim == 2
    ]
    return [name for name in (*own, above) if weights.parameters[name].shape[1] == size]


def _in_scope(weights: Weights, given: Arguments) -> dict[int, Tensor]:
    """The units that the arguments without a name list, as masks (H,) by layer; all if there are none."""
    config = weights.model.config
    patterns = [item for item in given.scope if not re.fullmatch(RANGE, item)]
    ranges = [item for item in given.scope if re.fullmatch(RANGE, item)]
    states = "|".join(state_names(config))
    patterns = [re.sub(rf"^(layers\.[^.]+)\.(?:{states})$", r"\1", pattern) for pattern in patterns] or ["layers.*"]
    layers = [
        number for number in range(config.num_layers) if any(fnmatchcase(f"layers.{number}", p) for p in patterns)
    ]
    for pattern in patterns:
        if not any(fnmatchcase(f"layers.{number}", pattern) for number in range(config.num_layers)):
            raise given.failure(
                f"has '{pattern}', which is no layer; there are layers.0 to layers.{config.num_layers - 1}."
            )
    sizes = {layer: config.layer_sizes[layer] for layer in layers}
    if not ranges:
        return {layer: torch.ones(size, dtype=torch.bool) for layer, size in sizes.items()}
    return {layer: units_of(ranges, size, given.failure) for layer, size in sizes.items()}


def _share(weights: Weights, given: Arguments, scope: dict[int, Tensor]) -> dict[int, Tensor]:
    """Some of the units of a scope: by chance, or the first or last of a ranking."""
    kind = given.one_of(*SHARES)
    places = [(layer, int(unit)) for layer, units in scope.items() for unit in torch.nonzero(units).flatten()]
    number = given.share(kind, len(places))
    if kind == "random":
        if "from" in given.named:
            raise given.failure("draws by chance, so from= means nothing; leave it out.")
        taken = [places[int(i)] for i in given.random().choice(len(places), number, replace=False)]
    else:
        if "from" not in given.named or "seed" in given.named:
            raise given.failure(f"takes the {kind} of a ranking; write from= and the probe.json of `epigone probe`.")
        ranking = read_ranking(Path(given.path("from")), weights.model.config)
        allowed = set(places)
        order = [place for place in dict.fromkeys((unit.layer, unit.unit) for unit in ranking) if place in allowed]
        if len(order) < number:
            raise given.failure(f"asks for {number} units, but {given.named['from']} ranks {len(order)} of those.")
        taken = order[:number] if kind == "top" else order[-number:]
    masks = {layer: torch.zeros_like(units) for layer, units in scope.items()}
    for layer, unit in taken:
        masks[layer][unit] = True
    return {layer: units for layer, units in masks.items() if units.any()}
