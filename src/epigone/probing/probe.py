"""`probe`: which units of a network carry which properties of text."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.folder_lock import output_folder
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.files.description import weights_hash
from epigone.models.unit_names import UnitName, VectorName, matching_vectors, state_names
from epigone.probing.causal import CausalRow, CausalTests, Scene, check_documents
from epigone.probing.files import probe_json
from epigone.probing.labelled import read_passages
from epigone.probing.measures.measure import measure, too_few
from epigone.probing.measures.perturbation import perturbed
from epigone.probing.measures.ranking import Probed, rank_units
from epigone.probing.measures.targets import Target
from epigone.probing.observations import Observations, at_tokens, over_passages
from epigone.probing.options import ProbeOptions
from epigone.probing.page.build import portray
from epigone.probing.properties.base import Pairs, Property
from epigone.probing.read_text import read_texts
from epigone.probing.request import beginnings_of, chosen_properties, read_pairs, sources_of
from epigone.probing.result import Probing, best_row
from epigone.storage import atomic_write
from epigone.text.corpus import Corpus
from epigone.text.document import ReadOptions, announced, counted
from epigone.text.tokenizers.direction import is_backward

SHOWN = 5  # units at either end of the ranking


def probe(
    model: str | Path,
    *,
    property: Sequence[str] = (),
    text: Sequence[str | Path] = (),
    labelled: Sequence[str] = (),
    pairs: str | Path | None = None,
    names: Sequence[str] = (),
    out: str | Path,
    options: ProbeOptions = ProbeOptions(),
    read: ReadOptions = ReadOptions(),
    progress: Callable[[int, int], None] | None = None,
) -> Probing:
    """Find the units of a model that carry properties of text, and rank all units by them.

    Every unit is measured alone: correlation, mutual information, and a logistic probe on held-out documents, which has
    to beat a control task with random labels. Changes of the text, such as spelling errors, show how far and how long
    the states of a unit move. A sparse probe reads each property from all units of a layer at once. With `causal` the
    best units are also held at their mean while the model reads, and high and low while it writes: a unit is said to
    carry a property only if all of this agrees.

    The folder gets `index.html`, a page to look around in, and `probe.json`, whose ranking selections take:
    `units(from=FOLDER/probe.json, top=10%)`. Its score is high for units that carry high-level properties rather than
    low-level ones; if all properties are of one level, for those that carry these.

    Args:
        model: a model folder, or the name of a bundled model.
        property: properties that every text has, such as `quotes`; without any, all of them for which there is what
            they need.
        text: files or folders of text in which these are measured.
        labelled: texts with labels, a property of a high level: `sentiment=PATH`, where PATH is a table, or a folder
            with a folder for each label; of plain texts, one for each label, under the same name.
        pairs: a list of `wrong->right` on each line, for spelling errors.
        names: the states to probe, such as `layers.1.cell` or `layers.*.forget`; by default all but the gates.
        out: the folder for the ranking and the page.
        options: sizes of what is read and measured.
        read: options for reading the texts.
        progress: is told how many steps are done, and of how many.

    Raises:
        UserError: there is no such model, text or property, the text has too little of a property, the output folder
            is not empty, or scikit-learn is not installed.
    """
    started = time.perf_counter()
    source = load_checkpoint(model)
    shape = source.shape
    vectors = matching_vectors(names or [f"layers.*.{state}" for state in state_names(shape)], shape)
    sources = sources_of(labelled, property)
    chosen = chosen_properties(property, sources, bool(text), pairs is not None)
    if not text and (in_text := [each.name for each in chosen if not each.sentences]):
        raise UserError(f"The property {in_text[0]} is measured in a text; give one with --text.")
    if is_backward(source.tokenizer) and any(each.edit for each in chosen):
        raise UserError("This model reads backward, and changes of a text are followed forward; leave them out.")
    if is_backward(source.tokenizer) and options.causal:
        raise UserError("This model reads backward, so it writes nothing with a unit clamped; leave out --causal.")
    wrong = read_pairs(Path(pairs)) if pairs is not None else {}
    with output_folder(Path(out), remedy="Choose another folder with --out."):
        corpus = Corpus.open(text, read, None) if text else None
        notices = list(corpus.notices) if corpus else []
        beginnings, documents = beginnings_of(corpus, options.characters) if corpus else ([], np.zeros(0, np.int64))
        passages = {
            name: read_passages(name, paths, options.characters, options.seed, read) for name, paths in sources.items()
        }
        notices += [notice for each in passages.values() for notice in announced(each.notices)]
        places = _measured_in(chosen, beginnings, documents, options.seed)
        if options.causal:  # before anything is measured
            for owners in (*(own for _, own, _ in places), *(each.documents for each in passages.values())):
                check_documents(owners)
        targets = sum(len(each.targets) for each in passages.values())
        tests = options.causal * (targets + sum(each.values is not None for each in chosen))
        steps = _Steps(progress, len(vectors) * (len(chosen) + targets) + tests)
        probed: list[Probed] = []
        changes = [each for each in chosen if each.edit]
        lacking: list[str] = []
        probed += _of_changes(source, changes, beginnings, vectors, wrong, options, steps, lacking)
        for place in places:
            probed += _of_characters(source, place, vectors, options, steps, lacking)
        if lacking and (property or not probed):
            raise UserError(lacking[0])
        notices += announced(f"{sentence} It is left out." for sentence in lacking)
        for each in passages.values():
            text_of = read_texts(each.texts, source.tokenizer)
            seen = over_passages(source.model, text_of, vectors, each.documents)
            probed += _measured(seen, each.targets, options.seed, steps, lacking)
            if lacking:
                raise UserError(lacking[0])
        causal: list[CausalRow] = []
        if options.causal:
            scenes = [Scene.of_passages(each, source.tokenizer) for each in passages.values()]
            scenes = [Scene.of_characters(*place, source.tokenizer) for place in places] + scenes
            holding = CausalTests(source, options.seed)
            causal = [row for scene in scenes for row in holding.rows(scene, probed, options.causal, steps.one)]
        ranks = rank_units(probed, shape)
        head = {
            "model": str(model),
            "weights": weights_hash(source.folder),
            "tokenizer": source.tokenizer.name,
            "text": corpus.summary() if corpus else None,
            "read": sum(map(len, beginnings)),
            "labelled": {name: list(map(str, paths)) for name, paths in sources.items()},
            "options": asdict(options),
            "causal": [asdict(row) for row in causal],
        }
        ranking = Path(out) / "probe.json"
        atomic_write(ranking, probe_json(head, probed, ranks, shape))
        rows = [best_row(each, shape) for each in probed]
        shown = beginnings or [part for each in passages.values() for part in each.texts]
        shown = shown or [part for texts, *_ in places for part in texts]
        told = _facts(head, probed)
        html = portray(Path(model).name, told, source, probed, ranks, vectors, shown, causal)
        atomic_write(Path(out) / "index.html", html)
    order = np.argsort(-ranks.score, kind="stable")
    units = [UnitName(layer, 0, unit) for layer, size in enumerate(shape.layer_sizes) for unit in range(size)]
    return Probing(
        model=str(model),
        rows=rows,
        first=[units[place].written(shape) for place in order[:SHOWN].tolist()],
        last=[units[place].written(shape) for place in order[-SHOWN:].tolist()],
        units=len(units),
        seconds=time.perf_counter() - started,
        ranking=str(ranking),
        page=str(Path(out) / "index.html"),
        causal=causal,
        notices=notices,
    )


def _facts(head: Mapping[str, Any], probed: Sequence[Probed]) -> list[tuple[str, str]]:
    """Say for the page how the figures came about."""
    text = head["text"]
    labelled = {name: max(each.observations for each in probed if each.property == name) for name in head["labelled"]}
    options = head["options"]
    return [
        ("model", f"{head['model']}, weights {head['weights'][:16]}"),
        ("text", f"{head['read']:,} of {text['characters']:,} characters, hash {text['hash'][:16]}")
        if text
        else ("text", "the labelled texts" if labelled else "sentences of its own"),
        *[("labelled", f"{name}, {counted(number, 'passage')}") for name, number in labelled.items()],
        ("measured at", f"{options['positions']:,} characters, {options['passages']:,} passages"),
        ("seed", str(options["seed"])),
    ]


class _Steps:
    """Tells how much is done."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def one(self, number: int = 1) -> None:
        """Tell that one more of them is done, or several."""
        self._done += number
        if self._progress:
            self._progress(min(self._done, self._total), self._total)


def _of_changes(
    source: Checkpoint,
    changes: Sequence[Property],
    texts: Sequence[str],
    vectors: Sequence[VectorName],
    pairs: Pairs,
    options: ProbeOptions,
    steps: _Steps,
    lacking: list[str],
) -> Iterator[Probed]:
    """Measure changes of the text; a sentence for each for which there is too little text goes to `lacking`."""
    for change in changes:
        try:
            found = perturbed(
                source.model, source.tokenizer, texts, change, vectors, pairs, options.passages, options.seed
            )
        except UserError as error:
            lacking.append(str(error))
            continue
        passages = next(iter(found.values())).passages
        yield Probed(change.name, change.level, passages, passages, np.nan, False, found)
        steps.one(len(vectors))


Place = tuple[Sequence[str], NDArray[np.int64], Sequence[Property]]
"""Texts, the document of each (D,), and the properties of characters that are measured in them."""


def _measured_in(
    chosen: Sequence[Property], texts: Sequence[str], documents: NDArray[np.int64], seed: int
) -> list[Place]:
    """The user's text for most properties of characters, and sentences of their own for the others."""
    found: list[Place] = []
    if shared := [each for each in chosen if each.values and not each.sentences]:
        found.append((texts, documents, shared))
    for each in chosen:
        if each.sentences:
            own = each.sentences(np.random.default_rng(seed))
            found.append((own, np.arange(len(own)), [each]))
    return found


def _of_characters(
    source: Checkpoint,
    place: Place,
    vectors: Sequence[VectorName],
    options: ProbeOptions,
    steps: _Steps,
    lacking: list[str],
) -> Iterator[Probed]:
    """Measure properties of characters."""
    texts, documents, properties = place
    text = read_texts(texts, source.tokenizer)
    seen, drawn = at_tokens(source.model, text, documents, vectors, options.positions, options.seed)
    targets = []
    for each in properties:
        assert each.values is not None
        targets.append(Target(each.name, each.level, text.at_tokens(each.values)[drawn].astype(np.float32)))
    yield from _measured(seen, targets, options.seed, steps, lacking)


def _measured(
    seen: Observations, targets: Sequence[Target], seed: int, steps: _Steps, lacking: list[str]
) -> Iterator[Probed]:
    """Measure targets on all vectors; a sentence for each for which there is too little goes to `lacking`."""
    for target in targets:
        if shortage := too_few(seen, target, seed):
            lacking.append(shortage)
            continue
        found = {}
        for vector in seen.states:
            found[vector] = measure(seen, target, vector, seed)
            steps.one()
        said = target.said
        yield Probed(
            target.name,
            target.level,
            int(said.sum()),
            len(np.unique(seen.documents[said])),
            float(target.classes[said].mean()),
            target.graded,
            found,
        )
