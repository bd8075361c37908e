"""What a study keeps: its folder, the best model, samples, the machine it ran on."""

import json
import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from understudy import __version__
from understudy.errors import UserError
from understudy.evaluation.memorisation import FILE as FINGERPRINT
from understudy.evaluation.memorisation import fingerprint_of, load_fingerprints, save_fingerprints
from understudy.evaluation.quality import text_quality
from understudy.generation.generate import GenerateOptions, generate
from understudy.generation.sampling import SamplingOptions
from understudy.models.checkpoint import load_checkpoint
from understudy.models.finding import resolve
from understudy.storage import read_json, write_json
from understudy.studies.runs import Finished, Text, open_text


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


def open_study(out: Path, request: dict[str, Any], resume: bool) -> None:
    """Make ready the folder of a study.

    Raises:
        UserError: it is not empty and `resume` was not asked for, or it holds another study.
    """
    described = json.loads(json.dumps(request))
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give a folder with --out.")
    if out.exists() and any(out.iterdir()):
        if not resume:
            raise UserError(f"{out} is not empty. Choose another folder with --out, or add --resume to go on in it.")
        path = out / "study.json"
        if not path.exists() or read_json(path).get("command") != described["command"]:
            raise UserError(f"{out} does not hold a {described['command']} that could go on; choose another --out.")
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "study.json", described)


def keep_model(folder: Path, runs: Sequence[Finished], text: Text) -> Path:
    """Copy the run with the lowest validation loss, complete with the fingerprint of what it was trained on."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(best_run(runs).folder / "model", folder)
    prints = {"training": fingerprint_of(open_text(text), load_checkpoint(folder).tokenizer)}
    base = read_json(folder / "config.json")["request"].get("base")
    if base is not None and (inherited := resolve(base["name"]) / FINGERPRINT).exists():
        prints |= {f"base {name}": f for name, f in load_fingerprints(inherited).items()}
    save_fingerprints(folder / FINGERPRINT, prints)
    return folder


def sample_text(row: str, family: str, model: Path, text: Text, length: int, temperature: float) -> SampleText:
    """What a model writes with seed 0, and how much of it is copied from the training split, or English."""
    checkpoint = load_checkpoint(model)
    written = generate(checkpoint, GenerateOptions(length=length), SamplingOptions(temperature=temperature, seed=0))
    copying = fingerprint_of(open_text(text), checkpoint.tokenizer).copied(written.texts)
    quality = text_quality(written.texts)
    return SampleText(
        row=row,
        family=family,
        text=written.texts[0],
        longest_copied=copying.longest_run,
        copied_share=copying.share or 0.0,
        english_share=quality.english_words,
        distinct_words=quality.distinct_2,
    )


def best_run(runs: Sequence[Finished]) -> Finished:
    """The run with the lowest validation loss."""
    return min(runs, key=lambda run: run.validation_loss)


def machine() -> dict[str, str | int]:
    """What the study ran on, as far as it matters to repeat it."""
    return {
        "understudy": __version__,
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
    }
