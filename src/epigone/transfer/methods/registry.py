"""The methods of adapting by name."""

from epigone.registry import Registry
from epigone.transfer.methods.base import Method
from epigone.transfer.methods.initial_state import InitialState
from epigone.transfer.methods.l2_to_base import L2ToBase
from epigone.transfer.methods.lhuc import Lhuc
from epigone.transfer.methods.lora import LoRA
from epigone.transfer.methods.priming import Priming
from epigone.transfer.methods.retrain import Retrain

METHODS: Registry[type[Method]] = Registry("method", (Retrain, L2ToBase, LoRA, Lhuc, InitialState, Priming))
