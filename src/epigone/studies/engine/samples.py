"""Samples of a study: texts by its models, measured for English words and for copying."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from epigone.evaluation.memorisation import FILE as FINGERPRINT
from epigone.evaluation.memorisation import Copying, Fingerprint, fingerprint_of, load_fingerprints
from epigone.evaluation.quality import text_quality
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.report.page import Sample
from epigone.studies.engine.jobs import Text, open_text

LATIN = re.compile("[A-Za-z]")  # a text without such a letter has no English words


@dataclass(frozen=True)
class SampleText:
    """A text that a row's best model wrote, with its measures."""

    row: str
    family: str
    text: str
    longest_copied: int
    """Characters of the longest run that is copied from the training text; 0 means fewer than 30."""
    copied_share: float
    """Share of the text in copied runs of 30 or more characters."""
    english_share: float
    """Share of the words that are English."""
    distinct_words: float
    """Share of the pairs of adjacent words that are distinct."""
    from_base: Copying | None = None
    """Copying from the training text of the row's base; None without a base or if its text is unknown."""

    @property
    def measures(self) -> list[str]:
        """The measures in words."""
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


def fingerprints(model: Path | None) -> list[Fingerprint]:
    """The fingerprints of a checkpoint's training texts; empty without a checkpoint or if it has none."""
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
    """Let a model write with seed 0, and measure the text.

    Args:
        row, family: name and family of the model's row.
        model: the folder of the model.
        text: the corpus whose training split may be copied.
        length: characters to write.
        temperature: temperature of sampling.
        of_base: fingerprints of the base's training texts.
    """
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
    """The share of English words in each sample of 1,000 characters, at temperature 0.8 with seed 1."""
    options, sampling = GenerateOptions(samples=samples), SamplingOptions(temperature=0.8, seed=1)
    return [text_quality([text]).english_words for text in generate(str(model), options, sampling).texts]


def samples_of(samples: Sequence[SampleText], settings: str) -> list[Sample]:
    """Sample texts for the page."""
    return [
        Sample(
            name=sample.row,
            text=sample.text,
            family=sample.family,
            settings=settings,
            measures=[measure[0].upper() + measure[1:] for measure in sample.measures],
        )
        for sample in samples
    ]
