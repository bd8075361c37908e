"""Samples of a study: texts by its models, measured for English words and for copying."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from epigone.evaluation.copied import ADVICE, CopiedRun, copied_runs, located, passages
from epigone.evaluation.fingerprint_file import FILE as FINGERPRINT
from epigone.evaluation.fingerprint_file import load_fingerprints
from epigone.evaluation.memorisation import Copying, Fingerprint, fingerprint_of
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
    from_corpus: Copying
    """Copying from the training text."""
    english_share: float
    """Share of the words that are English."""
    distinct_words: float
    """Share of the pairs of adjacent words that are distinct."""
    from_base: Copying | None = None
    """Copying from the training text of the row's base; None without a base or if its text is unknown."""
    copied: tuple[CopiedRun, ...] = ()
    """The copied runs of the text."""

    @property
    def measures(self) -> list[str]:
        """The measures in words."""
        said = [
            *([f"{self.english_share:.1%} of the words English"] if LATIN.search(self.text) else []),
            f"{self.distinct_words:.1%} of the pairs of words distinct",
            f"copied from the corpus: {self.from_corpus.in_words()}",
        ]
        if self.from_base:
            said.append(f"copied from the base's text: {self.from_base.in_words()}")
        return said + ([*passages(self.text, self.copied), ADVICE] if self.copied else [])


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
    corpus, [sample] = open_text(text), written.texts
    fingerprint = fingerprint_of(corpus, checkpoint.tokenizer)
    of_all = {"corpus": fingerprint} | {f"base's training ({i})": print_ for i, print_ in enumerate(of_base, 1)}
    runs = copied_runs(sample, of_all)
    from_base = [print_.copied(written.texts) for print_ in of_base]
    quality = text_quality(written.texts)
    return SampleText(
        row=row,
        family=family,
        text=sample,
        from_corpus=fingerprint.copied(written.texts),
        english_share=quality.english_words,
        distinct_words=quality.distinct_2,
        from_base=max(from_base, key=lambda found: found.longest_run, default=None),
        copied=tuple(located(runs, sample, corpus, checkpoint.tokenizer, "train")),
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
            copied=[(run.start, run.end) for run in sample.copied],
        )
        for sample in samples
    ]
