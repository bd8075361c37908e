"""`pretrain`: a model from scratch."""

import logging
from dataclasses import asdict
from pathlib import Path

import torch

from epigone.evaluation.losses import document_losses
from epigone.evaluation.memorisation import FILE as FINGERPRINT
from epigone.evaluation.memorisation import fingerprint_of, save_fingerprints
from epigone.models.config import ModelOptions, sized
from epigone.models.files.checkpoint import save_description
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.training.batches import make_batches, validated
from epigone.training.listeners.monitor import Monitor
from epigone.training.loop import train
from epigone.training.options import DisplayOptions, MachineOptions, TrainingOptions
from epigone.training.run.folder import TrainingResult, finish, open_folder
from epigone.training.system.processes import launched, on_first
from epigone.training.task import Task

log = logging.getLogger("epigone")


def pretrain(
    *texts: str | Path,
    out: str | Path,
    tokenizer: str = "char",
    vocabulary: VocabularyOptions = VocabularyOptions(),
    model: ModelOptions = ModelOptions(),
    training: TrainingOptions = TrainingOptions(),
    machine: MachineOptions = MachineOptions(),
    display: DisplayOptions = DisplayOptions(),
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
    fingerprint: bool = True,
    resume: bool = False,
    monitor: Monitor | None = None,
) -> TrainingResult:
    """Train a language model from scratch on text.

    Args:
        texts: files or folders of text.
        out: the folder that the model is written to.
        tokenizer: name of a registered tokenizer, such as `char` or `word`.
        vocabulary: how many words or subwords are learned, and which.
        model: shape of the network.
        training: how it is trained.
        machine: what it is trained on.
        display: what is shown of it meanwhile.
        read: how the text is read.
        split: how the documents are split.
        fingerprint: keep hashes of the training text, so that copying can be reported; never the text.
        resume: go on with the interrupted run in `out`.
        monitor: is told of the progress.

    Returns:
        The loss on the validation split and the facts of the run.

    Raises:
        UserError: bad input; the message says what to do.
    """
    with launched(machine, training.precision) as fabric:
        out = Path(out)
        corpus = Corpus.open(texts, read, split)
        codec = corpus.tokenizer(tokenizer, vocabulary)
        options = {"tokenizer": tokenizer, "model": asdict(model), "training": asdict(training)}
        if codec.options:
            options["vocabulary"] = asdict(vocabulary)
        request = {
            "command": "pretrain",
            "options": options,
            "corpus": corpus.summary(),
        }
        notices = list(corpus.notices)
        done = on_first(fabric, lambda: open_folder(out, request, machine, resume, notices))
        if done is not None:
            log.info(f"The run in {out} is finished; there is nothing to resume.")
            return done
        config = sized(model, len(codec.vocabulary))
        torch.manual_seed(training.seed)
        network = LanguageModel(config, machine.backend)
        stream, validation = corpus.stream("train", codec, training.order), corpus.stream("validation", codec)
        notices += stream.notices + validation.notices

        def describe() -> None:
            save_description(out, config, codec, {"request": request, "machine": asdict(machine)})
            if fingerprint:
                save_fingerprints(out / FINGERPRINT, {"training": fingerprint_of(corpus, codec)})

        on_first(fabric, describe)
        held_out = validated(validation, codec, training)
        task = Task(
            model=network,
            batches=make_batches(stream, codec, training, fabric.world_size),
            validate=lambda: document_losses(network, held_out),
            tokenizer=codec,
        )
        trained = train(task, out, training, monitor or Monitor(), fabric, machine, display)
        losses = document_losses(network, validation)
        return finish(out, network, trained, losses, network.num_parameters(), corpus, notices)
