"""The record of a recurrent cell, and the registry that everything which lists cells reads.

Nothing here imports PyTorch: an equation is written with the methods of tensors (`x.sigmoid()`, `x.chunk(4, -1)`), so
that options, help and the native engine know the cells without loading it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from numpy.typing import NDArray

from epigone.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[Any]
State = tuple["Tensor", ...]
Step = Callable[["Tensor", State, Mapping[str, "Tensor"]], State]
Shapes = Callable[[int, int], dict[str, tuple[int, ...]]]


class NumpyForm(NamedTuple):
    """A step and its derivative written by hand in NumPy, for cells of two matrices and two biases.

    `forward(by_input, by_state, before)` takes what input and state contribute to the gates, each (P, G*H), and the
    state, (P, H) each; it returns the next state and the values that the derivative needs. `backward(kept, before,
    after, dh, dc)` is for one text: from the derivatives by the next state to those by `by_input`, `by_state` and the
    state before, without the part of the latter through `by_state`; `dc` is passed on by cells with one state vector.
    """

    forward: Callable[[Array, Array, list[Array]], tuple[list[Array], list[Array]]]
    backward: Callable[[list[Array], list[Array], list[Array], Array, Array], tuple[Array, Array, Array, Array]]


class GateForm(NamedTuple):
    """The gates of a cell, and its states after the first, from outputs that are known, for T steps at once.

    `values(by_input, by_state)` takes what input and state contribute to the gates, (T, B, G*H) each, and returns the
    gates (T, B, H) as they multiply, under `names`. `further(gates, state)` returns the other state vectors
    (T, B, H) after each step, from the gates and the state (B, H) before the first.
    """

    names: tuple[str, ...]
    values: Callable[["Tensor", "Tensor"], tuple["Tensor", ...]]
    further: Callable[[Sequence["Tensor"], State], State] = lambda gates, state: ()


@dataclass(frozen=True)
class Cell:
    """A recurrent cell.

    Its equation takes x (B, R), which is `weight_ih` @ input + `bias_ih`; the state, tensors (B, H); and the weights of
    the layer by name. It returns the next state, whose first tensor is the output. R rows are G blocks of H, one for
    each gate, stacked in PyTorch's order if it has the cell, so that weights can be exchanged.
    """

    name: str
    description: str
    """One line, with the source."""
    gates: tuple[str, ...]
    """Names of the blocks, in stacking order."""
    step: Step
    """The equation: slow and obviously right. Every faster form is tested against it, values and gradients."""
    shapes: Shapes
    """From the input size I and the hidden size H to the shapes of a layer's weights by name. `weight_ih` (R, I) and
    `bias_ih` (R,) are among them; the others are free."""
    bounded: bool
    """True if outputs are within -1 and 1."""
    num_states: int = 1
    """Number of state vectors."""
    forget_gate: str | None = None
    """The gate that keeps the state if it is 1; its bias starts at 1, so that it is open."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """Weights that start at a constant, whatever the initialisation: 1 for a gain."""
    aten: str | None = None
    """The function of `torch` that runs a layer; the weights are then two matrices and two biases."""
    native: str | None = None
    """The name by which `kernels/` know the cell; the weights are then two matrices and two biases."""
    numpy: NumpyForm | None = None
    """The yardstick of `gradcheck`; without one, the equation is checked against differences of itself."""
    inference: Step | None = None
    """The equation arranged for speed without gradients; `weight_hh` is transposed (H, R), and x holds both biases if
    they are summed."""
    gate_form: GateForm | None = None
    """The way to record the gates beside a fast backend, for cells of two matrices and two biases; without one they are
    not recorded, and further states step by step. A recorded gate has no name of a state."""
    summed_biases: bool = True
    """True if `bias_ih` and `bias_hh` only occur as their sum."""
    output: Callable[["Tensor", State, State, Mapping[str, "Tensor"]], "Tensor"] | None = None
    """The output (B, H) of a step whose other states are set to given values, for clamps: from x, the state before the
    step, the state after it with those values, and the weights. Only for cells with several state vectors."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the state vectors: `hidden`, which is the output, `cell` of an LSTM, then `state2`."""
        names = ("hidden", "cell", *(f"state{index}" for index in range(2, self.num_states)))
        return names[: self.num_states]


def stacked(gates: int) -> Shapes:
    """Shapes of two matrices and two biases with so many gates."""

    def shapes(input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        rows = gates * hidden_size
        return {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }

    return shapes


CELLS: Registry[Cell] = Registry("cell")
CellName = Annotated[str, CELLS]
"""The type of an option that names a cell; the command line reads its choices from the registry."""
