"""`pretrain`: a model from scratch."""

import logging
from dataclasses import asdict
from pathlib import Path

from epigone.evaluation.losses import document_losses
from epigone.evaluation.memorisation import FILE as FINGERPRINT
from epigone.evaluation.memorisation import fingerprint_of, save_fingerprints
from epigone.models.config import ModelOptions, sized
from epigone.models.files.checkpoint import save_description
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import VocabularyOptions
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
        fingerprint: keep hashes of the training text, never the text, so that generation can report copying.
        resume: go on with the interrupted run in `out`.
        monitor: follows the progress.

    Returns:
        The loss on the validation split and the facts of the run.

    Raises:
        UserError: bad input; the message says what to do.
    """
    with launched(machine, training.precision) as fabric:
        out = Path(out)
        corpus = learning_text(texts, read, split, out, resume)
        codec = corpus.tokenizer(tokenizer, vocabulary)
        options = {"tokenizer": tokenizer, "model": asdict(model), "training": asdict(training)}
        if codec.options:
            options["vocabulary"] = asdict(vocabulary)
        request = {"command": "pretrain", "options": options, "corpus": corpus.summary()}
        notices = list(corpus.notices)

        def begin() -> Work[TrainingResult]:
            config = sized(model, len(codec.vocabulary))
            network = LanguageModel(config, machine.backend)
            stream, validation = corpus.stream("train", codec, training.order), corpus.stream("validation", codec)
            notices.extend(stream.notices + validation.notices)
            if corpus.learning:
                log.info(corpus.learning)
            held_out = validated(validation, codec, training)
            task = LanguageTask(
                network,
                make_batches(stream, codec, training, fabric.world_size),
                lambda: document_losses(network, held_out),
                codec,
                learning_parameters(network),
                summed=training.summed,
            )

            def describe() -> None:
                save_description(out, config, codec, {"request": request, "machine": asdict(machine)})
                if fingerprint:
                    save_fingerprints(out / FINGERPRINT, {"training": fingerprint_of(corpus, codec)})

            def result(trained: Trained) -> TrainingResult:
                losses = document_losses(network, validation)
                return TrainingResult.of(out, trained, losses, network, network.num_parameters(), corpus, notices)

            return Work(task, describe, result, samples(task, training))

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
