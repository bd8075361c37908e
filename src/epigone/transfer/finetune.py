"""`finetune`: retrain a selection of a base's weights on a text."""

import copy
import logging
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from epigone.described import described
from epigone.errors import UserError
from epigone.evaluation.fingerprint_file import FILE as FINGERPRINT
from epigone.evaluation.fingerprint_file import load_fingerprints, save_fingerprints
from epigone.evaluation.losses import Losses, document_losses
from epigone.evaluation.memorisation import fingerprint_of
from epigone.evaluation.seen import seen
from epigone.models.files.checkpoint import load_checkpoint, save_description
from epigone.models.files.description import read_config, weights_hash
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import Direction, in_direction
from epigone.training.batches import Batches, Beginnings, Steps, make_batches, validated
from epigone.training.command import Work, run_in_folder
from epigone.training.language_task import LanguageTask
from epigone.training.listeners.monitor import Monitor
from epigone.training.listeners.samples import samples
from epigone.training.options import (
    DisplayOptions,
    FinetuneOptions,
    MachineOptions,
    RetrainingOptions,
    TrainingOptions,
)
from epigone.training.run.folder import KEPT_BASE, TrainingResult, learning_text
from epigone.training.system.processes import launched, on_first
from epigone.training.task import Trained
from epigone.transfer import trials
from epigone.transfer.depth import by_depth
from epigone.transfer.dropout import DropoutOptions
from epigone.transfer.frozen_prefix import Known, cached_layers
from epigone.transfer.methods.base import Adaptation, Method
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.rehearsal import RehearsalOptions, rehearsed
from epigone.transfer.selections.scores import scorers
from epigone.transfer.selections.selection import Selection, select, with_head
from epigone.transfer.selections.weights import Context
from epigone.transfer.vocabulary import RetrainedVocabulary, fit_tokenizer, on_coverage, requested, settled

log = logging.getLogger("epigone")


def finetune(
    base: str | Path,
    *texts: str | Path,
    out: str | Path,
    train: str | None = None,
    head: bool = True,
    method: Method = Retrain(),
    tokenizer: str | None = None,
    tokens: RetrainedVocabulary = RetrainedVocabulary(),
    direction: Direction | None = None,
    training: FinetuneOptions = FinetuneOptions(),
    machine: MachineOptions = MachineOptions(),
    display: DisplayOptions = DisplayOptions(),
    dropouts: DropoutOptions = DropoutOptions(),
    rehearsal: RehearsalOptions = RehearsalOptions(),
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
    final: bool = False,
    search: bool = False,
    fingerprint: bool = True,
    resume: bool = False,
    monitor: Monitor | None = None,
) -> TrainingResult:
    """Retrain a selection of a base model's weights on text; all others stay as they are, bit for bit.

    Args:
        base: the folder of a model, or the name of a bundled one.
        texts: files or folders of text.
        out: the folder for the new model.
        train: the selection of weights that learn, such as `all`, `layers.2` or `layers.*.weight_hh - layers.0`. By
            default the one that was measured for the base; if there is none, short trials choose it together with the
            rate, or the rate alone if it is given. With a rate alone, all weights learn.
        head: let the head learn too, even if the selection leaves it out.
        method: the way in which the selected weights learn.
        tokenizer: another tokenizer than the base's; rows are carried over by token.
        tokens: the tokens of the new model: those of the base, of the text, or both.
        direction: the direction of reading, if other than the base's: a forward base is a cheap start for a backward
            model, with its embedding and its head.
        training: the recipe.
        machine: device, processes and threads.
        display: curves and TensorBoard.
        dropouts: dropout, if other than the base's.
        rehearsal: text like the base's own that is learned beside the new one.
        read: options for reading the text.
        split: options for splitting the documents.
        final: at the end, retrain the base anew on all of the text, as long as the best weights had taken; nothing
            measures these weights.
        search: let short trials choose rate and selection, even if the base says what was measured for it.
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
        source = load_checkpoint(base, machine.backend)
        corpus = learning_text(texts, read, split, out, resume)
        other = rehearsal.corpus()
        notices = list(corpus.notices)
        if read_before := seen(source.folder, source.tokenizer, corpus.texts()):
            notices.append(read_before.sentence("the text", str(base)))
            log.warning(notices[-1])
        before = read_config(out) if resume and (out / "config.json").exists() else {}
        plain = in_direction(source.tokenizer, "forward")
        tokens = settled(plain, tokenizer, tokens, before.get("request", {}))
        model, codec = fit_tokenizer(source, corpus, tokenizer, notices, tokens)
        moved = model is not source.model
        turned = direction not in (None, source.shape.direction)
        if turned:
            notices.append(
                f"{base} reads {source.shape.direction}, and the new model reads {direction}: its layers learn anew "
                "what the other direction needs, so let all of them learn, and for longer."
            )
            log.info(notices[-1])
        direction = direction or source.shape.direction
        model.config, codec = replace(model.config, direction=direction), in_direction(codec, direction)
        dropouts.apply(model, notices)
        method.extend(model)
        train, head = method.selection(train), head and not method.selects
        model.to(fabric.device)  # where scores and the outputs of frozen layers are computed too
        # What was measured for a base holds as long as it keeps its tokens and its direction.
        advice = {} if moved or turned or search or method != Retrain() else source.config.get("advice", {})
        learned = corpus.summary()["splits"]["train"]["characters"]
        planned = trials.advised(advice, train, learned) if advice and not training.lr else []
        measured = advice if planned else {}
        training = replace(
            training,
            lr=planned[0].lr if len(planned) == 1 else training.lr,
            epochs=training.epochs or measured.get("epochs", RetrainingOptions.epochs),
            schedule=training.schedule or measured.get("schedule", RetrainingOptions.schedule),
        )
        if len(planned) == 1:
            train = planned[0].selection
        # A folder from before there were trials goes on without.
        automatic = method.learns and not training.lr and "trials" in (before or {"trials": []})
        tried = trials.read_trials(before.get("trials", [])) if automatic else []
        best = trials.taken(tried) if tried else trials.Trial(training.lr, "")
        if not automatic:
            best = trials.Trial(training.lr or RetrainingOptions.lr, "all" if train is None else train)
        if planned:
            rates = ("rate " if len(planned) == 1 else "rates ") + " and ".join(f"{trial.lr:g}" for trial in planned)
            passes = f"{training.epochs:g} pass{'es' * (training.epochs != 1)}"
            length = f" for {passes}" if (training.steps or training.minutes) is None else ""
            notices.append(
                f"Learning {planned[0].selection}{length} at the {rates}, as was measured for {base}; --search tries "
                "others."
            )
            log.info(notices[-1])

        known = set(source.tokenizer.vocabulary)
        added = [index for index, token in enumerate(codec.vocabulary) if token not in known]
        context = Context(
            codec.vocabulary,
            added,
            scorers(model, lambda: Batches.of(corpus.stream("train", codec, training.order), training)),
        )

        @cache  # before the model learns, because scores are those of the base
        def chosen(expression: str) -> Selection:
            found = with_head(model, expression, context) if head else select(model, expression, context)
            if found.selects_start and not method.selects:
                raise UserError(
                    f"The selection '{expression}' has the state that documents begin in, which learns from beginnings "
                    "alone, by --method initial-state."
                )
            return found

        if method.beginnings and training.windows == "prefix":
            raise UserError(
                f"The method {method.name} learns from the beginnings of documents, not of sentences; leave out "
                "--windows."
            )
        if final and not method.learns:
            raise UserError(f"The method {method.name} takes no steps, so nothing is learned anew; leave out --final.")
        if train is not None:
            chosen(train)  # a selection that means nothing is refused before anything is written

        def asked(trial: trials.Trial) -> dict[str, Any]:
            """The part of the request that trials settle; rate 0 and no selection before they did."""
            settings: dict[str, Any] = {"head": head, **described(dropouts)}
            if other is not None:
                settings["rehearsal"] = rehearsal.described(other)
            if final:  # so that requests without it stay as version 0.1.0 wrote them
                settings["final"] = True
            settings |= requested(plain, tokenizer, tokens) | ({"direction": direction} if turned else {})
            recipe = described(training) | {"lr": trial.lr}
            if automatic and not trial.selection:
                return {"options": settings | {"training": recipe}, "selection": ""}
            selection = chosen(trial.selection)
            facts = {"options": settings | {"training": recipe}, "selection": selection.expression}
            # Scores and rankings may come out otherwise another time; a run does not go on with other weights.
            return facts | ({"selected": selection.digest()} if selection.partial() else {})

        request: dict[str, Any] = {
            "command": "finetune",
            **asked(best),
            "base": {"name": str(base), "sha256": weights_hash(source.folder)},
            "tokenizer": codec.name,
            "corpus": corpus.summary(),
        }
        if method != Retrain():  # so that requests of plain retraining stay as version 0.1.0 wrote them
            request["method"] = method.described()

        def learned_from(part: str) -> TokenStream:
            """A split of the text, with what is rehearsed."""
            stream = corpus.stream(part, codec, training.order)
            if other is None:
                return stream
            return rehearsed(stream, other, codec, rehearsal.rehearse_share, training.order)

        def begin() -> Work[TrainingResult]:
            stream, validation = learned_from("train"), corpus.stream("validation", codec)
            notices.extend(stream.notices + validation.notices)
            if moved:
                notices.append(on_coverage(stream, codec, plain))
                log.info(notices[-1])
            if corpus.learning:
                log.info(corpus.learning)

            computed = Known()

            def task_of(
                network: LanguageModel, selection: Selection, recipe: RetrainingOptions, text: TokenStream = stream
            ) -> tuple[LanguageTask[Losses], Adaptation]:
                lowest = selection.lowest_layer(network)  # by the names that the base has
                method.read(network, text)
                adaptation = method.prepare(network, selection)
                task = adaptation_task(
                    network, adaptation, lowest, text, validation, codec, recipe, fabric.world_size,
                    computed if text is stream else None, method,
                )  # fmt: skip
                return task, adaptation

            def describe() -> None:
                facts = {"request": request, "machine": described(machine), "new_tokens": len(added)}
                if automatic:
                    facts["trials"] = trials.recorded(tried)
                save_description(out, model.config, codec, facts)
                if fingerprint:
                    write_fingerprints(out, corpus, codec, source.folder, "all" if final else "train")

            if automatic and not tried:
                on_first(fabric, describe)  # so that a run that is killed during the trials can go on
                tried.extend(
                    trials.choose(
                        model,
                        trials.selections_to_try(model, head) if train is None else [train],
                        lambda network, name, recipe: task_of(network, chosen(name), recipe)[0],
                        out,
                        training,
                        machine,
                        fabric,
                        monitor or Monitor(),
                        planned,
                    )
                )
            lr, selection = best.lr, best.selection
            if automatic:
                short, weights = trials.best_trial(tried, out)
                lr, selection = short.lr, short.selection
                request.update(asked(short))
                notices.append(trials.sentence(tried))
                log.info(notices[-1])
                torch.manual_seed(training.seed)
            recipe = FinetuneOptions(**asdict(training) | {"lr": lr})
            untouched = copy.deepcopy(model) if final else model
            task, adaptation = task_of(model, chosen(selection), recipe)

            kept_whole = automatic and trials.fits(model, weights)  # not so if the method merges its weights
            watched = training.trace_every or training.sample_every  # trials write neither, so a whole run does
            settled = kept_whole and short.settled and not watched
            stop = 0 if settled or not method.learns else None

            def trial_wins(trained: Trained) -> bool:
                return settled or (kept_whole and short.loss < trained.best_loss)

            def result(trained: Trained) -> TrainingResult:
                if trial_wins(trained):
                    trained = trials.take(short, trained, model, weights, out, task.batches.steps_per_epoch)
                    task.save(out)
                # Of the whole text, whatever validation reads; outputs of a frozen prefix need not be computed again.
                losses = (
                    document_losses(method.merge(model), validation) if training.windows == "prefix" else task.measure()
                )
                merged = method.merge(model)
                made = TrainingResult.of(
                    out,
                    trained,
                    losses,
                    merged,
                    adaptation.count(),
                    corpus,
                    notices,
                    KEPT_BASE if method.learns else "",
                )
                return replace(made, trials=trials.recorded(tried))

            def everything(trained: Trained, recipe: TrainingOptions) -> tuple[LanguageTask[Losses], int]:
                text = learned_from("all")
                share = short.share if trial_wins(trained) else 1.0
                whole = FinetuneOptions(**asdict(recipe))
                return task_of(untouched, chosen(selection), whole, text)[0], max(1, round(share * trained.total))

            return Work(
                task,
                describe,
                result,
                samples(task, recipe, monitor),
                training=recipe,
                stop=stop,
                everything=everything if final else None,
            )

        finished = run_in_folder(
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
        if automatic and finished.outcome != "interrupted":
            on_first(fabric, lambda: trials.remove(out))
        return finished


def adaptation_task(
    model: LanguageModel,
    adaptation: Adaptation,
    lowest: int,
    stream: TokenStream,
    validation: TokenStream,
    tokenizer: Tokenizer,
    training: RetrainingOptions,
    world_size: int = 1,
    known: Known | None = None,
    method: Method = Retrain(),
) -> LanguageTask[Losses]:
    """Make the task of adapting a model, without computing anything twice.

    Gradients are computed only down to the lowest learning layer. The outputs of the layers below it are computed once,
    for training and for validation, as far up as nothing random acts on them.

    Args:
        model: the prepared model.
        adaptation: what learns of it.
        lowest: the lowest layer that learns; the number of layers if only the head does.
        stream: the text to learn.
        validation: the held-out text.
        tokenizer: of both.
        training: the recipe.
        world_size: processes that share each batch.
        known: what earlier tasks have computed on the same base, texts and shape of batches.
        method: the method that prepared the model.
    """
    known = known or Known()
    if method.beginnings:
        batches: Steps = Beginnings.of(stream, training, world_size)
    else:
        batches = make_batches(stream, tokenizer, training, world_size)
    held_out = validated(validation, tokenizer, training)
    start, features = 0, None
    layers = cached_layers(model, lowest, len(stream) + len(validation))
    if layers and isinstance(batches, Batches):
        start = layers
        batches, features = known.prefix(model, batches, validation, layers)
    return LanguageTask(
        model,
        batches,
        lambda: known.measured(model, start, lambda: document_losses(method.merge(model), held_out, features, start)),
        tokenizer,
        by_depth(model, adaptation.groups, training, batches.steps_per_epoch),
        adaptation.masks,
        start,
        training.summed,
        adaptation.penalty,
        method.merge,
        method.adapter,
        activation_penalty=training.activation_penalty,
        slowness_penalty=training.slowness_penalty,
    )


def write_fingerprints(
    folder: Path, corpus: Corpus, tokenizer: Tokenizer, base: Path | None, split: str = "train"
) -> None:
    """Write the fingerprints of the split that a model learned and of the texts of its base, if it has one."""
    prints = {"training": fingerprint_of(corpus, tokenizer, split)}
    if base is not None and (base / FINGERPRINT).exists():
        prints |= {f"base {name}": inherited for name, inherited in load_fingerprints(base / FINGERPRINT).items()}
    save_fingerprints(folder / FINGERPRINT, prints)
