"""The study `word-model`: word-level prediction learned from a document, after a short Korean tutorial.

The tutorial takes the text of one paper out of its PDF, turns each sentence into all its beginnings, and trains a small
LSTM to predict the word that follows each. Here the same document, and any other text, is learned

    by characters, words and subwords (BPE), with networks of equal size, compared as bits per character of the text;
    by words from the beginnings of sentences, and by truncated backpropagation over the stream, for the same time.
"""

from collections.abc import Iterator
from dataclasses import replace

from epigone.studies.engine.jobs import Training, open_text
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Row, labelled
from epigone.studies.engine.search import with_seeds
from epigone.studies.experiment import Context, Experiment
from epigone.studies.word_model.analysis import WordFindings, analyse
from epigone.studies.word_model.grid import WordLabels, WordModelOptions, network
from epigone.studies.word_model.report import report
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.training.options import TrainingOptions


def rows(context: Context[WordModelOptions]) -> list[Row]:
    """Train a network for each text and tokenizer, then word models on beginnings of sentences for the same time."""
    streams = [row for role in context.texts for row in tokenizer_rows(context, role)]
    context.run(streams)
    context.run(
        [prefix for row in labelled(streams, tokenizer="word") for prefix in prefix_rows(context, row)], "prefixes"
    )
    return streams


def plan(context: Context[WordModelOptions]) -> list[Stage]:
    """The networks of all texts and tokenizers; prefixes take the time of the stream."""
    streams = [row for role in context.texts for row in tokenizer_rows(context, role)]
    examples = [(row, row.jobs[0]) for row in streams if isinstance(row.jobs[0], Training)]
    words = tuple(job for row, job in examples if row.labels["tokenizer"] == "word")
    return [
        Stage("rows", sum(len(row.jobs) for row in streams), tuple(job for _, job in examples)),
        *([Stage("prefixes", len(words), words)] if words else []),
    ]


def tokenizer_rows(context: Context[WordModelOptions], role: str) -> Iterator[Row]:
    """A network of the same size for each tokenizer."""
    text, options = context.texts[role], context.options
    training = TrainingOptions(lr=3e-3, schedule="plateau", batch_size=32, sequence_length=64, patience=8)
    if context.quick:
        training = replace(training, steps=20, validate_every=10)
    for name in dict.fromkeys(options.tokenizers):
        vocabulary = VocabularyOptions(min_count=options.min_count) if name == "word" else VocabularyOptions()
        size = len(open_text(text).tokenizer(name, vocabulary).vocabulary)
        job = Training(text, training, tokenizer=name, vocabulary=vocabulary, model=network(options, size))
        yield Row(WordLabels(family=name, text=role, tokenizer=name), with_seeds(job, context.seeds))


def prefix_rows(context: Context[WordModelOptions], stream: Row) -> Iterator[Row]:
    """The word model on beginnings of sentences, for the time that the stream took; none if the stream diverged."""
    first, job = context.runs[stream.name][0], stream.jobs[0]
    assert isinstance(job, Training)
    if first.losses:
        training = replace(job.training, windows="prefix", patience=0)
        if not context.quick:
            training = replace(training, minutes=round(first.seconds / 60, 3), validate_every=100)
        yield Row(
            WordLabels(stream.labels | {"family": "prefix", "windows": "prefix"}), (replace(job, training=training),)
        )


STUDY: Experiment[WordModelOptions, WordFindings] = Experiment(
    name="word-model",
    summary="Characters, words and subwords of a document, compared as bits per character.",
    roles={"paper": "a document to learn, such as a PDF"},
    further="texts to learn as well, each by itself",
    options=WordModelOptions,
    rows=rows,
    plan=plan,
    analyse=analyse,
    report=report,
)
