"""The shape of a language model: its options, its kind of head, the names and shapes of its weights.

Needs no PyTorch.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from epigone.described import ADDED, added
from epigone.errors import UserError, check_options
from epigone.models.cells.base import CELLS, CellName
from epigone.registry import Registry
from epigone.text.tokenizers.direction import Direction
from epigone.typed import typed

if TYPE_CHECKING:
    from torch import nn

BY_OPTIONS = (0,)  # cutoffs that follow from the options
MANY = 20_000  # tokens from which the softmax is adaptive
START = "start"
"""The name before those of the state that documents begin in: `start.hidden`, `start.cell`."""
RECURRENT = "weight_hh"
"""The matrix of a cell from its state to its gates."""
DROPOUTS = ("dropout", "output_dropout", "embedding_dropout", "input_dropout", "weight_dropout")
"""The options of a model that are shares to drop."""
MOST_BUCKETS = 1 << 24
MOST_DROPOUT = 0.95  # of what a factor makes of a share


@dataclass(frozen=True)
class LanguageHead:
    """A kind of head that predicts the next token."""

    name: str
    description: str
    """One line, with the source."""
    module: "str | Callable[[ModelConfig, str], nn.Module]"
    """Makes the module (`models/heads/base.py`) for a model's shape and backend. In the package it is the name of the
    class, `module:class`, because PyTorch takes seconds to load."""
    shapes: "Callable[[ModelConfig], dict[str, tuple[int, ...]]]"
    """The shapes of the weights by name, without the `head.` before it."""
    by_token: tuple[str, ...] = ("weight", "bias")
    """Names of the weights with a row for each token; the rows follow their token to another vocabulary."""
    initialise: "Callable[[Any], None] | None" = None
    """Draws the weights of the module anew; None keeps those that it was made with."""
    linear: bool = False
    """True if the logits are those of one linear layer, `weight` and `bias`, so that the native walker can run it."""


def _linear(config: "ModelConfig") -> dict[str, tuple[int, ...]]:
    return {"weight": (config.vocabulary_size, config.output_size), "bias": (config.vocabulary_size,)}


def _clustered(config: "ModelConfig") -> dict[str, tuple[int, ...]]:
    clusters = len(config.cutoffs)
    return _linear(config) | {"clusters.weight": (clusters, config.output_size), "clusters.bias": (clusters,)}


def _adapted(config: "ModelConfig") -> dict[str, tuple[int, ...]]:
    size = config.output_size
    return _linear(config) | {"adaptation.weight": (size, size), "adaptation.bias": (size,)}


def _reset(head: Any) -> None:
    for module in (head, *head.children()):
        module.reset_parameters()


HEADS: Registry[LanguageHead] = Registry(
    "softmax",
    (
        LanguageHead(
            name="full",
            description="One linear layer",
            module="epigone.models.heads.full:FullSoftmax",
            shapes=_linear,
            initialise=lambda head: head.reset_parameters(),
            linear=True,
        ),
        LanguageHead(
            name="adaptive",
            description="Rare tokens in clusters (Grave et al. 2017)",
            module="epigone.models.heads.adaptive:AdaptiveSoftmax",
            shapes=_clustered,
            initialise=lambda head: head.reset_parameters(),
        ),
        LanguageHead(
            name="adapted",
            description="A square layer below a linear one, to be retrained alone (Ma et al. 2017)",
            module="epigone.models.heads.adapted:AdaptedSoftmax",
            shapes=_adapted,
            initialise=_reset,
        ),
    ),
)
HeadName = Annotated[str, "auto", HEADS]
"""The type of an option that names a head."""


@dataclass(frozen=True)
@typed
class ModelOptions:
    """The shape of a language model that a user can choose."""

    cell: CellName = "lstm"
    """Recurrent cell."""
    num_layers: int = 3
    """Recurrent layers, one above the other."""
    hidden_size: int = 64
    """Units in each layer, unless the top one has its own size."""
    embedding_size: int = 0
    """Width of a learned embedding; 0 means one-hot input, a lookup in layer 0."""
    tied: bool = False
    """Use the embedding as the head's weight too; needs an embedding as wide as the top layer."""
    dropout: float = 0.0
    """Share of units dropped between layers."""
    dropout_kind: Literal["ordinary", "variational"] = "ordinary"
    """Draw the dropout of inputs, layers and outputs anew at each step (ordinary), or once for the whole sequence
    (variational)."""
    output_dropout: float = 0.0
    """Share of the top layer's outputs dropped before the head."""
    init: Literal["orthogonal", "uniform", "normal"] = "orthogonal"
    """Initial weights: orthogonal recurrent matrices below inputs of unit size; uniform within 1 / sqrt(hidden size)
    as in PyTorch, from which a stack of layers takes thousands of steps to start; or normal, biases too."""
    init_std: float = 0.1
    """Standard deviation of normal initial weights."""
    softmax: HeadName = "auto"
    """Full; adaptive: rare tokens are grouped in clusters, which is faster with many tokens; or adapted: with a layer
    below, which finetune can retrain alone (--train "head.adaptation.*"). With the latter two, evaluation and
    generation run on PyTorch. auto is adaptive from 20,000 tokens on, and else full."""
    one_bias: bool = False
    """Let each layer learn one bias; the other stays at zero."""
    ngrams: int = added(0)
    """Longest n-gram of tokens whose hashed embedding is added to that of its last token, such as 5; 0 for none. They
    cost no multiplication; evaluation and generation then run on PyTorch."""
    ngram_buckets: int = added(16_384)
    """Hashed embeddings of the n-grams of each length."""
    direction: Direction = added("forward")
    """Direction of reading: forward, or backward from the last token of a document to its first. A backward model is
    for classifiers that read in both directions; it does not write."""
    top_size: int = added(0)
    """Units in the top layer; 0 means as many as in the others. So a tied head needs no embedding as wide as these."""
    embedding_dropout: float = added(0.0)
    """Share of tokens whose embedding is zero for the whole batch (Gal and Ghahramani 2016)."""
    input_dropout: float = added(0.0)
    """Share of the embedding's outputs dropped before the lowest layer."""
    weight_dropout: float = added(0.0)
    """Share of the weights between a layer's state and its gates dropped for a whole sequence: DropConnect (Merity et
    al. 2018)."""

    def __post_init__(self) -> None:
        CELLS[self.cell]  # raises if there is none
        if self.softmax != "auto":
            HEADS[self.softmax]  # raises if there is none
        if self.num_layers < 1 or self.hidden_size < 1 or self.embedding_size < 0:
            raise UserError(
                f"A model needs at least one layer and one unit; num_layers={self.num_layers}, hidden_size="
                f"{self.hidden_size} and embedding_size={self.embedding_size} (0 for one-hot input) were given."
            )
        if self.tied and self.embedding_size != self.output_size:
            raise UserError(
                f"A tied head needs an embedding as wide as the top layer; set embedding_size to {self.output_size} "
                f"(it is {self.embedding_size}), or top_size to the width of the embedding."
            )
        check_options(self, "be 1 or more", lambda value: value >= 1, "hidden_size")
        check_options(self, "be 1 or more", lambda value: value >= 1, "num_layers", most=1000)
        check_options(self, "be 0 or more", lambda value: value >= 0, "embedding_size", "top_size")
        check_options(self, "be at least 0 and below 1", lambda value: 0 <= value < 1, *DROPOUTS)
        check_options(self, "be above 0", lambda value: 0 < value < math.inf, "init_std")
        check_options(self, "be 1 or more", lambda value: value >= 1, "ngram_buckets", most=MOST_BUCKETS)
        check_options(self, "be 0, or 2 or more", lambda value: value == 0 or value >= 2, "ngrams", most=8)
        if self.ngrams and not self.embedding_size:
            raise UserError("ngrams are added to an embedding; set embedding_size, or leave it out.")
        for name in ("embedding_dropout", "input_dropout"):
            if getattr(self, name) and not self.embedding_size:
                raise UserError(f"{name} acts on an embedding; set embedding_size, or leave it out.")
        if self.weight_dropout and RECURRENT not in CELLS[self.cell].shapes(1, 1):
            raise UserError(f"The cell {self.cell} has no {RECURRENT} for weight_dropout to act on; leave it out.")

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units of each layer, lowest first."""
        return (self.hidden_size,) * (self.num_layers - 1) + (self.output_size,)

    @property
    def output_size(self) -> int:
        """Units of the top layer."""
        return self.top_size or self.hidden_size


@dataclass(frozen=True)
class ModelConfig(ModelOptions):
    """The complete shape of a language model, enough to build it without its weights."""

    vocabulary_size: int = field(kw_only=True)
    """Number of tokens V."""
    cutoffs: tuple[int, ...] = field(kw_only=True, default=BY_OPTIONS)
    """The first token of each cluster of an adaptive softmax, none of a full one; follows from the options at first."""
    end: int = field(kw_only=True, default=0, metadata={ADDED: True})
    """The id of the end symbol, at which n-grams begin anew; 0 without n-grams."""
    start_state: bool = field(kw_only=True, default=False, metadata={ADDED: True})
    """Documents begin in a state that is stored with the weights; otherwise in the zero state."""

    def __post_init__(self) -> None:
        super().__post_init__()
        adaptive = self.softmax == "adaptive" or (self.softmax == "auto" and self.vocabulary_size >= MANY)
        cutoffs = tuple(self.cutoffs)  # JSON knows lists only
        if cutoffs == BY_OPTIONS:
            first, second = self.vocabulary_size // 10, self.vocabulary_size // 3
            cutoffs = (first, second) if adaptive and 0 < first < second else ()
        object.__setattr__(self, "cutoffs", cutoffs)
        if self.tied and self.head.shapes(self).get("weight") != (self.vocabulary_size, self.output_size):
            raise UserError(f"The softmax {self.head.name} has no weight that could be the embedding; leave out tied.")

    @property
    def head(self) -> LanguageHead:
        """The kind of head; an adaptive softmax without clusters, for too few tokens, is a full one."""
        if self.cutoffs:
            return HEADS["adaptive"]
        return HEADS["full" if self.softmax in ("auto", "adaptive") else self.softmax]


S = TypeVar("S", bound=ModelOptions)


def sized(options: ModelOptions, vocabulary_size: int, end: int = 0) -> ModelConfig:
    """Complete the options with the size of a vocabulary, and the id of its end symbol."""
    return ModelConfig(**asdict(options), vocabulary_size=vocabulary_size, end=end if options.ngrams else 0)


def scaled_dropouts(options: S, scale: float, notices: list[str]) -> S:
    """Multiply all dropouts of a model by a factor; none becomes more than 0.95.

    Args:
        options: the shape with its dropouts.
        scale: the factor.
        notices: gets a sentence if a dropout was cut, or if there is none to multiply.

    Raises:
        UserError: the factor is no number from 0.
    """
    if not 0 <= scale < math.inf:
        raise UserError(f"dropout_scale must be a number from 0; {scale} was given.")
    if scale == 1:
        return options
    scaled = {name: round(getattr(options, name) * scale, 6) for name in DROPOUTS if getattr(options, name)}
    if not scaled:
        notices.append(f"dropout_scale {scale:g} changes nothing, because no dropout is above 0.")
    for name, share in scaled.items():
        if share > MOST_DROPOUT:
            notices.append(
                f"{name} {getattr(options, name):g} times {scale:g} would be {share:g}; it is {MOST_DROPOUT}."
            )
            scaled[name] = MOST_DROPOUT
    return replace(options, **scaled)


def num_weights(config: ModelConfig) -> int:
    """Count the weights that learn; tied ones count once, and with `one_bias` the second bias does not count."""
    shapes = weight_shapes(config).items()
    return sum(prod(shape) for name, shape in shapes if not (config.one_bias and name.endswith("bias_hh")))


def nearest_size(candidates: Iterable[ModelOptions], vocabulary_size: int, weights: int) -> ModelOptions:
    """Find the candidate whose number of weights is nearest to `weights`, with a vocabulary of this size."""
    return min(candidates, key=lambda options: abs(num_weights(sized(options, vocabulary_size)) - weights))


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """List the shape of each weight by name; the weight of a tied head is that of the embedding."""
    width = config.embedding_size or config.vocabulary_size
    shapes: dict[str, tuple[int, ...]] = {}
    if config.embedding_size:
        shapes["embedding.weight"] = (config.vocabulary_size, width)
    if config.ngrams:
        shapes["ngrams.weight"] = ((config.ngrams - 1) * config.ngram_buckets, width)
    for layer, size in enumerate(config.layer_sizes):
        own = CELLS[config.cell].shapes(width, size)
        shapes |= {f"layers.{layer}.{name}": shape for name, shape in own.items()}
        width = size
    if config.start_state:
        shape = (config.num_layers, max(config.layer_sizes))
        shapes |= {f"{START}.{name}": shape for name in CELLS[config.cell].state_names}
    head = {f"head.{name}": shape for name, shape in config.head.shapes(config).items()}
    if config.tied:
        del head["head.weight"]
    return shapes | head
