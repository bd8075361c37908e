"""The methods of adapting by name."""

from epigone.transfer.methods.base import Method
from epigone.transfer.methods.l2_to_base import L2ToBase
from epigone.transfer.methods.retrain import Retrain

METHODS: dict[str, type[Method]] = {method.name: method for method in (Retrain, L2ToBase)}
