"""`pretrain`: a model from scratch."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from epigone.described import described
from epigone.evaluation.fingerprint_file import FILE as FINGERPRINT
from epigone.evaluation.fingerprint_file import save_fingerprints
from epigone.evaluation.losses import Losses, document_losses
from epigone.evaluation.memorisation import fingerprint_of
from epigone.models.config import ModelOptions, scaled_dropouts, sized
from epigone.models.files.checkpoint import save_description
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.direction import in_direction
from epigone.training.batches import make_batches, validated
from epigone.training.command import Work, run_in_folder
from epigone.training.language_task import LanguageTask, learning_parameters
from epigone.training.listeners.monitor import Monitor
from epigone.training.listeners.samples import samples
from epigone.training.options import DisplayOptions, MachineOptions, TrainingOptions
from epigone.training.run.folder import TrainingResult, learning_text
from epigone.training.system.processes import launched
from epigone.training.task import Trained

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
    dropout_scale: float = 1.0,
    final: bool = False,
    fingerprint: bool = True,
    resume: bool = False,
    monitor: Monitor | None = None,
) -> TrainingResult:
    """Train a language model from scratch on text.

    Args:
        texts: files or folders of text.
        out: the folder for the model.
        tokenizer: name of a registered tokenizer, such as `char` or `word`.
        vocabulary: size and choice of words or subwords.
        model: shape of the network.
        training: the recipe.
        machine: device, processes and threads.
        display: curves and TensorBoard.
        read: options for reading the text.
        split: options for splitting the documents.
        dropout_scale: factor of all dropouts of the model; more for a short text, less for a long one.
        final: at the end, train anew on all of the text, as long as the best weights had taken; nothing measures these
            weights.
        fingerprint: keep hashes of the training text, never the text, so that generation can report copying.
        resume: go on with the interrupted run in `out`.
        monitor: follows the progress.

    Returns:
        The loss on the validation split and the facts of the run.

    Raises:
        UserError: bad input; the message says what to do.
    """
    with launched(machine, training.precision) as fabric:
        out, machine = Path(out), replace(machine, devices=fabric.world_size)
        corpus = learning_text(texts, read, split, out, resume)
        codec = in_direction(corpus.tokenizer(tokenizer, vocabulary), model.direction)
        notices = list(corpus.notices)
        model = scaled_dropouts(model, dropout_scale, notices)
        options: dict[str, Any] = {"tokenizer": tokenizer, "model": described(model), "training": described(training)}
        if codec.options:
            options["vocabulary"] = described(vocabulary)
        if final:  # so that requests without it stay as version 0.1.0 wrote them
            options["final"] = True
        request = {"command": "pretrain", "options": options, "corpus": corpus.summary()}

        def begin() -> Work[TrainingResult]:
            config = sized(model, len(codec.vocabulary), codec.end)
            stream, validation = corpus.stream("train", codec, training.order), corpus.stream("validation", codec)
            notices.extend(stream.notices + validation.notices)
            if corpus.learning:
                log.info(corpus.learning)
            held_out = validated(validation, codec, training)

            def task_of(text: TokenStream, recipe: TrainingOptions) -> LanguageTask[Losses]:
                network = LanguageModel(config, machine.backend)
                return LanguageTask(
                    network,
                    make_batches(text, codec, recipe, fabric.world_size),
                    lambda: document_losses(network, held_out),
                    codec,
                    learning_parameters(network),
                    summed=training.summed,
                    activation_penalty=training.activation_penalty,
                    slowness_penalty=training.slowness_penalty,
                )

            task = task_of(stream, training)

            def describe() -> None:
                save_description(out, config, codec, {"request": request, "machine": described(machine)})
                if fingerprint:
                    learned = fingerprint_of(corpus, codec, "all" if final else "train")
                    save_fingerprints(out / FINGERPRINT, {"training": learned})

            def result(trained: Trained) -> TrainingResult:
                losses, weights = document_losses(task.module, validation), task.module.num_parameters()
                return TrainingResult.of(out, trained, losses, task.module, weights, corpus, notices)

            def everything(trained: Trained, recipe: TrainingOptions) -> tuple[LanguageTask[Losses], int]:
                return task_of(corpus.stream("all", codec, training.order), recipe), trained.total

            return Work(
                task, describe, result, samples(task, training, monitor), everything=everything if final else None
            )

        return run_in_folder(
            out,
            request,
            TrainingResult,
            begin,
            training=training,
            machine=machine,
            display=display,
            fabric=fabric,
            notices=notices,
            resume=resume,
            monitor=monitor,
        )
