"""The study `vanilla-rnn`: a character RNN trained with AdaGrad, after a course report of 2018, on a book you bring.

    a_t = W h_(t-1) + U x_t + b,   h_t = tanh(a_t),   o_t = V h_t + c,   p_t = softmax(o_t)

x_t is one-hot. The cross-entropy is summed over sequences of 25 characters. The state is carried through the book and
reset at its start. Gradients are cut to [-5, 5] number by number; weights and biases are drawn from N(0, sigma^2).

Then one thing at a time is changed, with the same number of weights: the nonlinearity, the cell, the optimizer.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from epigone.studies.engine.jobs import Training
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Row
from epigone.studies.engine.search import with_seeds
from epigone.studies.experiment import Context, Experiment
from epigone.studies.vanilla_rnn.analysis import VanillaFindings, analyse, book_of
from epigone.studies.vanilla_rnn.grid import CELL_OF, NETWORKS, NetworkLabels, VanillaRnnOptions, network, recipe
from epigone.studies.vanilla_rnn.report import report


def rows(context: Context[VanillaRnnOptions]) -> list[Row]:
    """Choose the rates of the other optimizers after an epoch, then train the report's network and each change."""
    options, book = context.options, book_of(context)
    training = recipe(options, book.steps_per_epoch, context.quick)
    mine = CELL_OF[options.nonlinearity]
    cells = dict.fromkeys([mine, *CELL_OF.values(), *options.cells])  # the report's first
    networks = {cell: network(cell, options, book.vocabulary) for cell in cells}

    def job(cell: str, **changes: Any) -> Training:
        return Training(context.texts["book"], replace(training, **changes), tokenizer="char", model=networks[cell])

    def trials() -> Iterator[Row]:
        for optimizer in options.optimizers:
            for cell in (mine, *options.cells):
                for rate in options.rates:
                    short = job(cell, optimizer=optimizer, lr=rate, epochs=1.0, trace_every=0, sample_every=0)
                    labels = NetworkLabels(family="trial", cell=cell, optimizer=optimizer, rate=rate)
                    yield Row(labels, (short,))

    tried = list(trials())
    runs = context.run(tried, "learning rates")
    chosen: dict[tuple[str, str], tuple[float, float]] = {}  # loss and rate
    for row in tried:
        key, (run,) = (row.labels["optimizer"], row.labels["cell"]), runs[row.name]
        found = (run.validation_loss, row.labels["rate"])
        chosen[key] = min(chosen.get(key, found), found)

    def grid() -> Iterator[Row]:
        for cell in cells:
            family = "scratch" if cell == mine else "nonlinearity" if cell in NETWORKS else "cell"
            yield Row(
                NetworkLabels(family=family, cell=cell, optimizer="adagrad"), with_seeds(job(cell), context.seeds)
            )
        for (optimizer, cell), (_, rate) in chosen.items():
            labels = NetworkLabels(family="optimizer", cell=cell, optimizer=optimizer, rate=rate)
            yield Row(labels, with_seeds(job(cell, optimizer=optimizer, lr=rate, sample_every=0), context.seeds))

    shown = list(grid())
    context.run(shown)
    return shown


def plan(context: Context[VanillaRnnOptions]) -> list[Stage]:
    """The short runs that choose the rates, and the table; all networks take about the time of the report's."""
    options, book = context.options, book_of(context)
    training = recipe(options, book.steps_per_epoch, context.quick)
    mine = CELL_OF[options.nonlinearity]
    job = Training(context.texts["book"], training, tokenizer="char", model=network(mine, options, book.vocabulary))
    short = replace(job, training=replace(training, epochs=1.0))
    others = len(options.optimizers) * (1 + len(options.cells))
    cells = len({*CELL_OF.values(), *options.cells})
    return [
        Stage("learning rates", others * len(options.rates), (short,)),
        Stage("rows", (cells + others) * len(context.seeds), (job,)),
    ]


STUDY: Experiment[VanillaRnnOptions, VanillaFindings] = Experiment(
    name="vanilla-rnn",
    summary="A character RNN trained with AdaGrad on a book, and the effect of other cells and optimizers.",
    roles={"book": "the text to learn from, part of which is held out"},
    options=VanillaRnnOptions,
    rows=rows,
    plan=plan,
    analyse=analyse,
    report=report,
)
