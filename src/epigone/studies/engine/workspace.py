"""What a study keeps: its folder, the best model, samples, the machine it ran on."""

import json
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from epigone import __version__
from epigone.errors import UserError
from epigone.evaluation.memorisation import FILE as FINGERPRINT
from epigone.evaluation.memorisation import Copying, Fingerprint, fingerprint_of, load_fingerprints
from epigone.evaluation.quality import text_quality
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.kernels import in_use
from epigone.machine import cores
from epigone.models.files.bundled import resolve
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.storage import read_json, write_json
from epigone.studies.engine.store import Finished, Text, open_text
from epigone.training.run.folder import NOT_COMPARED, differences
from epigone.training.run.state import FILE as STATE
from epigone.transfer.finetune import write_fingerprints

# What a study that goes on may have more of, or other than before: rows, runs and samples beside those that it has.
LATIN = re.compile("[A-Za-z]")  # without such a letter there is no English word to look for
MAY_CHANGE = (*NOT_COMPARED, "seconds", "seeds", "trials", "finalists", "train", "sample_length", "temperature")


@dataclass(frozen=True)
class SampleText:
    """A text that a row's best model wrote, with its measures."""

    row: str
    family: str
    text: str
    longest_copied: int
    """Characters of the longest run that stands in the training text; 0 is below 30."""
    copied_share: float
    """Share of the text in runs of 30 or more characters that stand in the training text."""
    english_share: float
    """Share of the words that are English."""
    distinct_words: float
    """Share of the words' pairs that are distinct."""
    from_base: Copying | None = None
    """How much stands in what the row's base was trained on; None without a base, or where that is not known."""

    @property
    def measures(self) -> list[str]:
        """What is English, what is new and what is copied, in words."""
        said = [
            *([f"{self.english_share:.1%} of the words English"] if LATIN.search(self.text) else []),
            f"{self.distinct_words:.1%} of the pairs of words distinct",
            f"longest run copied from the corpus: {_run(self.longest_copied, self.copied_share)}",
        ]
        match self.from_base:
            case Copying(lookups=0):
                said.append("from the base's text: too little was written to tell")
            case Copying(longest_run=longest, share=share, exact=exact):
                said.append(f"from the base's text: {_run(longest, share or 0.0, exact)}")
        return said


def _run(longest: int, share: float, exact: bool = True) -> str:
    if not longest:
        return "none of 30 characters" + " was found" * (not exact)
    about = "" if exact else "about "
    return f"{about}{longest:,} characters ({about}{share:.1%} of the text in such runs)"


def open_study(out: Path, request: dict[str, Any], resume: bool) -> None:
    """Make ready the folder of a study.

    Args:
        out: the folder; made when it is missing.
        request: everything that determines the study.
        resume: go on with the study that the folder holds, perhaps with more seeds, trials or selections.

    Raises:
        UserError: the folder is not empty and `resume` was not asked for, or it holds another study.
    """
    described = json.loads(json.dumps(request))
    before: dict[str, Any] = {}
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give a folder with --out.")
    if out.exists() and any(out.iterdir()):
        if not resume:
            raise UserError(f"{out} is not empty. Choose another folder with --out, or add --resume to go on in it.")
        path = out / "study.json"
        before = read_json(path) if path.exists() else {}
        if before.get("command") != described["command"]:
            raise UserError(f"{out} does not hold a {described['command']} that could go on; choose another --out.")
        if changes := differences(before, described, MAY_CHANGE):
            raise UserError(
                f"{out} holds a {described['command']} with other settings, so it cannot go on: "
                f"{'; '.join(changes[:4])}. Give the same settings or another --out; more seeds, trials and selections "
                "may be asked for."
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Could not make the folder {out}: {error.strerror}. Choose another --out.") from error
    write_json(out / "study.json", before | described)


@contextmanager
def seconds_of_all_calls(out: Path, begin: float) -> Iterator[Callable[[], float]]:
    """Add the seconds of this call to those in the study's study.json, even if it is interrupted; they tell the sum.

    A call that is killed adds nothing.

    Args:
        out: the folder of the study, made ready.
        begin: when the call began, by `time.perf_counter`.
    """
    path = out / "study.json"
    earlier = read_json(path).get("seconds", 0.0)

    def so_far() -> float:
        return round(earlier + time.perf_counter() - begin, 1)

    try:
        yield so_far
    finally:
        write_json(path, read_json(path) | {"seconds": so_far()})


def keep_model(folder: Path, runs: Sequence[Finished], text: Text) -> Path:
    """Copy the run with the lowest validation loss, complete with the fingerprint of what it was trained on."""
    kept = keep_copy(folder, best_run(runs).folder / "model")
    base = kept.config["request"].get("base")
    write_fingerprints(folder, open_text(text), kept.tokenizer, resolve(base["name"]) if base else None)
    return folder


def keep_copy(folder: Path, model: Path) -> Checkpoint:
    """Copy a checkpoint as it is, without what would only let its training go on."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for file in model.iterdir():
        if file.is_file() and file.name != STATE:
            shutil.copy2(file, folder)
    kept = load_checkpoint(folder)
    if "result" in kept.config:
        write_json(folder / "config.json", kept.config | {"result": kept.config["result"] | {"folder": str(folder)}})
    return kept


def fingerprints(model: Path | None) -> list[Fingerprint]:
    """Those of all that a checkpoint was trained on, as far as there is one and they are known."""
    if model is None or not (model / FINGERPRINT).exists():
        return []
    return list(load_fingerprints(model / FINGERPRINT).values())


def sample_text(
    row: str,
    family: str,
    model: Path,
    text: Text,
    length: int,
    temperature: float,
    of_base: Sequence[Fingerprint] = (),
) -> SampleText:
    """What a model writes with seed 0, how much of it is English, and copied from the training split or the base's."""
    checkpoint = load_checkpoint(model)
    written = generate(checkpoint, GenerateOptions(length=length), SamplingOptions(temperature=temperature, seed=0))
    copying = fingerprint_of(open_text(text), checkpoint.tokenizer).copied(written.texts)
    from_base = [print_.copied(written.texts) for print_ in of_base]
    quality = text_quality(written.texts)
    return SampleText(
        row=row,
        family=family,
        text=written.texts[0],
        longest_copied=copying.longest_run,
        copied_share=copying.share or 0.0,
        english_share=quality.english_words,
        distinct_words=quality.distinct_2,
        from_base=max(from_base, key=lambda found: found.longest_run, default=None),
    )


def english_shares(model: Path, samples: int = 20) -> list[float]:
    """The share of English words in each of some samples of 1,000 characters, at temperature 0.8 with seed 1."""
    options, sampling = GenerateOptions(samples=samples), SamplingOptions(temperature=0.8, seed=1)
    return [text_quality([text]).english_words for text in generate(str(model), options, sampling).texts]


def best_run(runs: Sequence[Finished]) -> Finished:
    """The run with the lowest validation loss."""
    return min(runs, key=lambda run: run.validation_loss)


def machine() -> dict[str, str | int]:
    """What the study ran on, as far as it matters to repeat it."""
    return {
        "epigone": __version__,
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "engine": in_use(),
    }
