"""Fixtures for the study of sizes: small tables of labelled texts, two untrained bases, and one quick run."""

import csv
from pathlib import Path

import pytest
import torch
from labelled import make_labelled

from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import save_description, save_weights
from epigone.models.language_model import LanguageModel
from epigone.studies.experiment import StudyOptions
from epigone.studies.registry import study
from epigone.studies.sentiment_sizes.data import Division, Subset, sources
from epigone.studies.sentiment_sizes.grid import SentimentSizesOptions
from epigone.studies.sentiment_sizes.measured import MeasuredSets
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.characters import AsciiTokenizer

ROWS = ("majority", "nb-svm", "scratch", "own", "forward", "backward", "both", "blend")


def write_table(path: Path, number: int, seed: int, labelled: bool = True, further: tuple[str, ...] = ()) -> Path:
    """Write made-up texts, with their labels or without, and further texts without."""
    texts = make_labelled(number, seed=seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"] if labelled else ["text"])
        for text, code in zip(texts.texts, texts.codes, strict=True):
            writer.writerow([text, texts.classes[code]] if labelled else [text])
        writer.writerows([text] for text in further)
    return path


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> dict[str, Path]:
    """Tables by role; all labelled texts are among the unlabelled ones too."""
    folder = tmp_path_factory.mktemp("labelled")
    every = tuple(make_labelled(240, seed=0).texts)
    return {
        "labelled": write_table(folder / "remarks.csv", 240, 0),
        "unlabelled": write_table(folder / "more.csv", 60, 1, labelled=False, further=every),
        "other": write_table(folder / "other.csv", 60, 2),
    }


@pytest.fixture(scope="session")
def bases(tmp_path_factory) -> dict[str, str]:
    """Untrained language models of characters, forward and backward."""
    folder, tokenizer, found = tmp_path_factory.mktemp("bases"), AsciiTokenizer(), {}
    for direction in ("forward", "backward"):
        torch.manual_seed(len(found))
        shape = {"num_layers": 2, "hidden_size": 8, "vocabulary_size": len(tokenizer.vocabulary)}
        model = LanguageModel(ModelConfig(**shape, direction=direction))
        save_description(folder / direction, model.config, tokenizer)
        save_weights(folder / direction, model)
        found[direction] = str(folder / direction)
    return found


@pytest.fixture(scope="session")
def options(bases) -> SentimentSizesOptions:
    """A small grid."""
    return SentimentSizesOptions(
        sizes=(8, 24, 9999), rows=ROWS, base=bases["forward"], backward=bases["backward"], states=bases["forward"],
        longer_epochs=1, most_tokens=24, own_epochs=0.5, epochs=0.5,
    )  # fmt: skip


@pytest.fixture(scope="session")
def subset(data) -> Subset:
    """Twelve labelled texts, while 40 are held out for each part."""
    found, _ = sources({"labelled": data["labelled"]}, ReadOptions(), False)
    return Subset(Division(found["labelled"], 40, 40), 12, 0)


@pytest.fixture(scope="session")
def sets(subset) -> MeasuredSets:
    """The texts to measure on."""
    return MeasuredSets(subset.division)


@pytest.fixture(scope="session")
def quick_run(data, options, tmp_path_factory):
    """The folder and the result of a quick run of the study."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("study") / "out"
    size = StudyOptions(quick=True, workers=1)
    return out, study("sentiment-sizes", data=data, out=out, options=size, grid=options)
