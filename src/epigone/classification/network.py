"""The third stage of ULMFiT: a classifier on top of a language model (Howard and Ruder 2018, §3.3).

First the head alone learns, on features of the frozen encoder that are computed once. Then the layers learn too, from
the top down, one more after each epoch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from epigone.models.classifier import TextClassifier
from epigone.models.files.checkpoint import Checkpoint
from epigone.storage import write_json
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import is_backward
from epigone.training.classification_task import ClassificationTask, TextBatches, padded
from epigone.training.listeners.base import Listener
from epigone.training.listeners.clock import Clock
from epigone.training.listeners.journal import Journal
from epigone.training.loop import train
from epigone.training.options import MachineOptions, TrainingOptions
from epigone.training.run.state import FILE as STATE
from epigone.training.task import ParameterGroup
from epigone.typed import typed

BATCH = 64  # texts read side by side without gradients
READ = 64 * 1024  # most tokens of such a batch, padding included
FEW = 500  # learned texts whose loss is measured before and after
DROPOUTS = {
    "embedding_dropout": 0.05, "input_dropout": 0.4, "weight_dropout": 0.5, "dropout": 0.3,
}  # fmt: skip
"""Shares of an encoder that are dropped while it learns classes (Merity et al. 2018); the same at all steps."""
FINISHED, WEIGHTS = "finished.json", "model.safetensors"


@dataclass(frozen=True)
@typed
class NetworkOptions:
    """Training of a classifier on top of a language model."""

    most_tokens: int = 400
    """Tokens that are read of a text; of a longer one the first quarter of them and the last three."""
    piece: int = 400
    """Tokens between truncations of the gradient."""
    hidden_size: int = 50
    """Units of the head's hidden layer."""
    head_dropout: float = 0.5
    """Share of the pooled features that is dropped."""
    head_steps: int = 300
    """Steps of the head alone on features of the frozen encoder, at least; it makes whole passes."""
    head_lr: float = 1e-3
    """Its learning rate."""
    epochs: tuple[int, ...] = (1, 1, 1, 3)
    """Passes over the texts after each unfreezing: with the top layer, with one more, ..., with everything."""
    layer_steps: int = 150
    """Steps while layers learn: all `epochs` are multiplied as far as that allows, so few texts are read more often."""
    lr: float = 5e-3
    """Learning rate of the head while layers learn."""
    rate_decay: float = 1.3
    """Each layer's rate is that of the layer above it, divided by this."""
    weight_decay: float = 0.01
    """Decoupled decay of the weights."""
    batch_size: int = 32
    """Texts of a step."""
    dropout_scale: float = 0.0
    """Factor of `DROPOUTS`; 0 drops nothing of the encoder."""
    label_smoothing: float = 0.1
    """Share of each target that is spread over all classes."""

    def texts_of_step(self, texts: int) -> int:
        """Texts of a step, if there are so many texts in all: of few, an eighth."""
        return max(2, min(self.batch_size, texts // 8))

    def passes(self, texts: int) -> list[int]:
        """Passes over so many texts after each unfreezing: `epochs`, or with few texts a multiple."""
        steps = math.ceil(texts / self.texts_of_step(texts)) * sum(self.epochs)
        times = max(1, self.layer_steps // max(1, steps))
        return [times * epochs for epochs in self.epochs]


@dataclass(frozen=True, eq=False)
class Place:
    """The folder that keeps a training while it goes on, and the device that trains."""

    folder: Path
    machine: MachineOptions
    fabric: Fabric
    listeners: Sequence[Listener] = ()

    def inside(self, name: str) -> "Place":
        """A folder in this one."""
        return replace(self, folder=self.folder / name)

    def run(self, task: ClassificationTask, recipe: TrainingOptions) -> None:
        """Train in the folder, or take the weights of the training that finished there.

        Raises:
            KeyboardInterrupt: the user stopped the training, which is saved.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = self.folder / FINISHED
        if mark.exists():
            weights = load_file(self.folder / WEIGHTS)
            with torch.no_grad():
                for name, parameter in task.module.named_parameters():
                    parameter.copy_(weights[name])
            return
        torch.manual_seed(recipe.seed)
        steps = task.batches.steps_per_epoch
        trained = train(
            task, self.folder, replace(recipe, validate_every=steps), self.machine, self.fabric,
            [Clock(), *self.listeners, Journal()], keep_last=True,  # it is measured on texts that it learns
        )  # fmt: skip
        if trained.outcome == "interrupted":
            raise KeyboardInterrupt
        write_json(mark, {"steps": trained.steps, "seconds": trained.seconds})
        (self.folder / STATE).unlink(missing_ok=True)


@dataclass(frozen=True)
class Loss:
    """The mean loss on the texts that are learned, in nats per text; nothing else is looked at."""

    loss: float

    def figures(self) -> Mapping[str, float]:
        return {}


def encoded(tokenizer: Tokenizer, text: str, most: int) -> np.ndarray:
    """Encode a text as a classifier reads it, closed by the end symbol, so that no text is empty.

    Of a text of more than `most` tokens, the first quarter and the last three are kept, because what it ends with says
    most (Sun et al. 2019, How to Fine-Tune BERT for Text Classification?).
    """
    ids, kept = tokenizer.encode(text).astype(np.int64), most - 1
    if len(ids) > kept:
        begin = kept - kept // 4 if is_backward(tokenizer) else kept // 4
        ids = np.concatenate([ids[:begin], ids[len(ids) - (kept - begin) :]])
    return np.append(ids, tokenizer.end)


@torch.no_grad()
def pooled_features(model: TextClassifier, texts: Sequence[np.ndarray], bf16: bool = False) -> Tensor:
    """Read texts with a frozen encoder: features (N, 3H) in the order of the texts.

    Args:
        model: the classifier.
        texts: ids.
        bf16: multiply in bfloat16, which is faster where the processor can; a text's features then do not depend on
            its batch in the native engine alone.
    """
    training = model.training
    model.eval()
    lengths = np.array([len(text) for text in texts])
    order = np.argsort(lengths, kind="stable")
    features = model.weight.new_zeros(len(texts), 3 * model.config.output_size)
    begin = 0
    while begin < len(order):
        size = max(1, min(BATCH, READ // int(lengths[order[min(begin + BATCH, len(order)) - 1]])))
        places = order[begin : begin + size]
        tokens, counts = padded([texts[place] for place in places])
        device = model.weight.device
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            found = model.features(tokens.to(device), counts.to(device))
        features[torch.from_numpy(places).to(device)] = found.to(features.dtype)
        begin += size
    model.train(training)
    return features


class HeadOnFeatures(nn.Module):
    """The head of a classifier as a module of its own, fed with features that are known already."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        return self.head(features)


@dataclass(frozen=True, eq=False)
class FeatureBatches(TextBatches):
    """Batches of features (F,) of texts in place of their tokens."""

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        places = self.places[index][rank::world_size]
        features = torch.from_numpy(np.stack([self.texts[place] for place in places]))
        return features, torch.ones(len(places)), torch.from_numpy(self.targets[places]).float()


def parameter_groups(model: TextClassifier, options: NetworkOptions, steps: Sequence[int]) -> list[ParameterGroup]:
    """Put head, layers and embedding into groups with discriminative rates, unfrozen one after another.

    Args:
        model: the classifier.
        options: the rates.
        steps: the first step of each phase; the top layer learns from the first on, the layer below it from the second,
            and in the last phase everything.
    """
    layers = [[p for p in layer.parameters() if p.requires_grad] for layer in reversed(model.layers)]
    if model.embedding is not None:
        below = [model.embedding, *([] if model.ngrams is None else [model.ngrams])]
        layers.append([parameter for module in below for parameter in module.parameters()])
    groups = [ParameterGroup(tuple(model.head.parameters()))]
    for depth, parameters in enumerate(layers):
        phase = min(depth, len(steps) - 1)
        groups.append(ParameterGroup(tuple(parameters), options.rate_decay ** -(depth + 1), steps[phase]))
    return groups


def fit_network(
    base: Checkpoint,
    texts: Sequence[str],
    targets: NDArray[np.float64],
    options: NetworkOptions,
    place: Place,
    seed: int = 0,
) -> TextClassifier:
    """Train a classifier on top of a language model; a run that was killed goes on where it stopped.

    Args:
        base: the language model.
        texts: the N texts to learn.
        targets: the probabilities of their classes (N, C), times the weight of each text.
        options: the recipe.
        place: the folder and the device of the training.
        seed: of the head's weights, of dropout and of the order of the texts.

    Raises:
        Diverged: the loss became infinite or NaN.
        KeyboardInterrupt: the user stopped the training, which is saved.
    """
    ids = [encoded(base.tokenizer, text, options.most_tokens) for text in texts]
    torch.manual_seed(seed)
    dropped: dict[str, Any] = {name: min(0.95, share * options.dropout_scale) for name, share in DROPOUTS.items()}
    shape = replace(base.shape, dropout_kind="variational", **dropped)
    model = TextClassifier(
        shape, targets.shape[1], options.hidden_size, options.head_dropout, options.piece, place.machine.backend
    )
    with torch.no_grad():
        of_base = dict(base.model.named_parameters())
        for name, parameter in model.named_parameters():
            if not name.startswith("head."):
                parameter.copy_(of_base[name])
    smooth = options.label_smoothing
    targets = targets * (1 - smooth) + targets.mean(1, keepdims=True) * smooth
    size = options.texts_of_step(len(ids))
    recipe = TrainingOptions(
        optimizer="adamw", schedule="slanted", weight_decay=options.weight_decay, epochs=1, patience=0, seed=seed
    )
    _fit_head(model, ids, targets, options, size, recipe, place.inside("head"))
    if options.epochs:
        _fit_layers(model, ids, targets, options, size, recipe, place.inside("layers"))
    return model.eval()


def _fit_head(
    model: TextClassifier,
    ids: list[np.ndarray],
    targets: NDArray[np.float64],
    options: NetworkOptions,
    size: int,
    recipe: TrainingOptions,
    place: Place,
) -> None:
    """Train the head alone on features of the frozen encoder."""
    features = pooled_features(model, ids, bf16=True)
    model.head.standardise(features)
    whole = torch.ones(len(features))
    module = HeadOnFeatures(model.head)
    passes = math.ceil(options.head_steps * size / len(features))
    batches = FeatureBatches.of(list(features.cpu().numpy()), targets, size, passes, recipe.seed)
    goal = torch.from_numpy(targets).float()

    def measure() -> Loss:
        module.eval()
        with torch.no_grad():
            logits = module(features.to(model.head.gain.device), whole)
            return Loss(F.cross_entropy(logits.cpu(), goal).item())

    groups = [ParameterGroup(tuple(module.parameters()))]
    task = ClassificationTask(module, batches, measure, groups)
    place.run(task, replace(recipe, lr=options.head_lr))


def _fit_layers(
    model: TextClassifier,
    ids: list[np.ndarray],
    targets: NDArray[np.float64],
    options: NetworkOptions,
    size: int,
    recipe: TrainingOptions,
    place: Place,
) -> None:
    """Train head and layers, from the top down."""
    passes = options.passes(len(ids))
    batches = TextBatches.of(ids, targets, size, sum(passes), recipe.seed)
    each = len(batches.places) // sum(passes)
    phases = [each * sum(passes[:phase]) for phase in range(len(passes))]
    few = [np.asarray(ids[place]) for place in range(min(FEW, len(ids)))]
    goal = torch.from_numpy(targets[: len(few)]).float()

    def measure() -> Loss:
        with torch.no_grad():
            logits = model.eval().head(pooled_features(model, few, bf16=True))
        return Loss(F.cross_entropy(logits.cpu(), goal).item())

    task = ClassificationTask(model, batches, measure, parameter_groups(model, options, phases))
    place.run(task, replace(recipe, lr=options.lr))
