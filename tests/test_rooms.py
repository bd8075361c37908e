"""Every import runs downwards: a room knows those below it and none above."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import epigone

HOUSE = Path(epigone.__file__).parent
ROOMS = (
    "errors", "arguments", "registry", "extensions", "schema", "described", "typed", "results", "storage",
    "folder_lock", "markup", "machine", "kernels", "text", "models", "evaluation", "generation", "training", "transfer",
    "export", "report", "classification", "probing", "corpora", "studies", "app", "__main__",
)  # fmt: skip


SHELVES = {
    "text": (
        "document", "readers", "tokenizers", "buffer", "store", "splitting", "letters", "shingles", "overlap",
        "streams", "sentences", "corpus",
    ),
    "text/readers": (
        "encodings", "checks", "decoding", "cleaning", "site_lines", "separators", "gutenberg", "division", "optional",
        "labels", "base", "formats", "registry", "paths",
    ),
    "text/readers/checks": ("kinds", "markup", "layout"),
    "text/readers/encodings": ("western", "unicode", "languages", "guess"),
    "text/readers/formats": ("plain", "imdb", "tables", "movie_lines", "markup", "pdf"),
    "text/readers/formats/markup": (
        "tags", "blocks", "contents", "page", "sections", "archive", "html", "markdown", "docx", "epub",
    ),
    "text/readers/formats/pdf": (
        "columns", "hyphenation", "line_breaks", "running_heads", "surroundings", "paragraphs", "unpacked", "reader",
    ),
    "text/readers/formats/tables": ("rows", "json_rows", "wide_rows", "csv_rows", "table", "columns", "reader"),
    "text/tokenizers": (
        "base", "direction", "pieces", "spelling", "word_units", "characters", "words", "fastai", "subwords",
        "registry",
    ),
    "models": (
        "cells", "config", "unit_names", "clamps", "backends", "dropout", "ngrams", "encoder", "heads",
        "initialisation", "language_model", "classifier", "files", "gradcheck",
    ),
    "models/cells": ("base", "rnn", "lstm", "gru"),
    "models/backends": ("choice", "reference", "aten", "native", "stack", "walker", "numpy_reference"),
    "models/heads": ("base", "full", "adaptive", "adapted", "classifier"),
    "models/files": (
        "bundled", "tensors", "description", "delta", "model_folder", "checkpoint", "card", "ranking", "clamp_names",
    ),
    "training": (
        "options", "batches", "task", "language_task", "classification_task", "optimisation", "system", "run",
        "listeners", "loop", "refit", "command", "pretrain",
    ),
    "training/listeners": ("base", "clock", "journal", "monitor", "samples", "tensorboard"),
    "training/run": ("trace", "state", "folder"),
    "transfer": (
        "selections", "vocabulary", "dropout", "rehearsal", "frozen_prefix", "depth", "methods", "trials", "finetune",
    ),
    "transfer/selections": (
        "weights", "names", "units", "change", "scored", "grammar", "scores", "selection",
    ),
    "transfer/methods": (
        "base", "reparametrised", "retrain", "l2_to_base", "lora", "lhuc", "initial_state", "priming", "registry",
    ),
    "classification": (
        "reading", "texts", "folds", "predictions", "network", "network_files", "approaches", "options", "table",
        "stages", "files", "result", "card", "predict", "evaluate", "train",
    ),
    "classification/reading": ("labels", "examples", "columns", "sources", "inputs"),
    "classification/approaches": (
        "base", "majority", "features", "linear", "gram_model", "tfidf", "nb_svm", "states", "ulmfit",
        "registry", "blend",
    ),
    "probing": (
        "properties", "read_text", "recording", "observations", "measures", "labelled", "ablation", "judge", "causal",
        "files", "result", "request", "page", "options", "probe",
    ),
    "probing/properties": (
        "base", "edits", "quotes", "brackets", "end_of_line", "word_boundary", "position_in_word", "position_in_line",
        "vowel", "upper_case", "spelling", "swapped", "case", "punctuation", "wording", "verb_number", "opinion",
        "registry",
    ),
    "probing/recording": ("gradients", "lstmvis", "record"),
    "probing/measures": ("targets", "statistics", "linear", "measure", "perturbation", "ranking"),
    "probing/page": ("portrait", "page", "build"),
    "corpora": ("downloads", "sources", "measures", "get", "stats"),
    "corpora/downloads": ("web", "cache", "download", "fetcher"),
    "corpora/sources": ("base", "gutenberg", "cornell", "wikitext", "lyrics", "registry"),
    "corpora/measures": ("figures", "sample", "language", "nearness", "duration", "enough"),
    "studies": (
        "engine", "experiment", "skeleton", "compare", "sentiment_sizes", "stacked_lstm", "vanilla_rnn",
        "which_weights", "word_model", "registry",
    ),
    "studies/engine": (
        "lease", "store", "stages", "jobs", "thirds", "executor", "cluster", "plan", "rows", "losses_file",
        "command_line", "search", "samples", "workspace", "claims", "tables",
    ),
    "studies/compare": ("bases", "grid", "analysis", "report", "compare"),
    "studies/sentiment_sizes": (
        "misspelling", "published", "bootstrap", "speed", "data", "measured", "grid", "jobs", "setup",
        "results", "tables", "analysis", "report", "study",
    ),
    "studies/stacked_lstm": ("texts", "grid", "claims", "tables", "analysis", "report", "study"),
    "studies/vanilla_rnn": ("grid", "tables", "analysis", "report", "study"),
    "studies/which_weights": (
        "texts", "grid", "choice", "jobs", "measured", "questions", "tables", "analysis", "report", "study",
    ),
    "studies/word_model": ("grid", "tables", "analysis", "report", "study"),
}  # fmt: skip
"""The files and folders of a folder in the order of their imports: each knows those before it only."""


def modules(source: str) -> Iterator[list[str]]:
    """The modules of the package that are imported anywhere, in functions too, each as a path of names."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1:] for name in names if name.startswith("epigone."))


def imported(source: str) -> Iterator[str]:
    """The rooms of the imported modules; the version is no room."""
    yield from (name for name, *_ in modules(source) if name != "__version__")


def sources(path: Path) -> list[Path]:
    """The Python files of a file, or of a folder; both are named without a suffix."""
    return [*path.rglob("*.py"), *path.parent.glob(f"{path.name}.py")]


def test_imports_are_found_wherever_they_stand():
    source = "import os\nfrom epigone import storage, __version__\ndef f():\n    import epigone.text.corpus as c\n"
    assert list(imported(source)) == ["storage", "text"]
    assert list(imported("from epigone.text.corpus import Corpus")) == ["text"]


def test_every_room_has_its_place():
    found = {path.stem for path in HOUSE.iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    assert found - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_below(room):
    used = {
        (path.name, other) for path in sources(HOUSE / room) for other in imported(path.read_text(encoding="utf-8"))
    }
    below = ROOMS[: ROOMS.index(room) + 1]
    assert [(path, other) for path, other in sorted(used) if other not in below] == []


@pytest.mark.parametrize("folder", SHELVES)
def test_every_shelf_has_its_place(folder):
    found = {path.stem for path in (HOUSE / folder).iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    assert found - {"__init__"} == set(SHELVES[folder])


@pytest.mark.parametrize(("folder", "shelf"), [(folder, shelf) for folder in SHELVES for shelf in SHELVES[folder]])
def test_a_shelf_imports_only_from_those_before_it(folder, shelf):
    room = folder.split("/")
    used = {
        (path.name, name[len(room)])
        for path in sources(HOUSE / folder / shelf)
        for name in modules(path.read_text(encoding="utf-8"))
        if name[: len(room)] == room and len(name) > len(room)
    }
    known = SHELVES[folder][: SHELVES[folder].index(shelf) + 1]
    assert [(path, other) for path, other in sorted(used) if other not in known] == []


@pytest.mark.parametrize(
    "study", ["compare", "sentiment_sizes", "stacked_lstm", "vanilla_rnn", "which_weights", "word_model"]
)
def test_no_study_imports_another(study):
    used = {
        name[1]
        for path in sources(HOUSE / "studies" / study)
        for name in modules(path.read_text(encoding="utf-8"))
        if name[0] == "studies"
    }
    assert used <= {"engine", "experiment", "skeleton", study}
