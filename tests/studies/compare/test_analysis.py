"""A comparison in words: validation chooses the winner, and the verdict claims no more than the interval."""

from dataclasses import replace

import pytest

from epigone.report.renderers.markdown import to_markdown
from epigone.studies.compare.analysis import kept, p_value, verdict
from epigone.studies.engine.rows import Labels, Row, summarise
from epigone.studies.engine.tables import best_scratch, results_table, winning

FAMILIES = {"base, untouched": "base", "alone": "scratch", "counted": "n-gram", "retrained": "transfer"}


@pytest.fixture
def results(make_finished):
    """Rows with these losses on validation and test; documents differ a little."""

    def make(documents=12, **losses):
        names = {name: key for key, name in zip(("base", "scratch", "ngram", "transfer"), FAMILIES, strict=True)}
        rows = [Row(Labels(family=family, row=name), ()) for name, family in FAMILIES.items() if names[name] in losses]
        runs = {}
        for number, row in enumerate(rows, 1):
            validation, test = losses[names[row.name]]
            spread = [test + (i % 3 - 1) * 0.05 * number for i in range(documents)]
            runs[row.name] = [
                make_finished(validation, spread, documents=documents, known=row.family != "n-gram", name=row.name)
            ]
        return summarise(rows, runs)

    return make


def test_the_winner_is_chosen_on_validation_where_test_disagrees(results):
    rows = results(base=(2.0, 1.0), scratch=(1.9, 1.1), ngram=(1.8, 1.2), transfer=(1.7, 2.5))
    assert winning(rows).name == "retrained"
    assert best_scratch(rows).name == "alone"
    said = verdict(rows)
    assert said.startswith("“retrained” has the lowest validation loss; its test loss is 2.500 nats")
    assert "that of the best network from scratch 1.100. The difference is +1.400 [+" in said
    table = results_table(rows, "Losses")
    assert (table.winner, table.baseline) == ("retrained", "alone")


def test_a_certain_gain_is_said_with_its_interval(results):
    said = verdict(results(scratch=(2.0, 2.0), transfer=(1.7, 1.7)))
    assert "The difference is −0.300 [−0.3" in said
    assert said.endswith("(95 % interval over documents, p < 0.0005 after Holm's correction).")


def test_an_uncertain_gain_is_called_one(results):
    said = verdict(results(scratch=(2.0, 2.0), transfer=(1.99, 2.0)))
    assert said.endswith(" after Holm's correction): with so little text that may be chance.")


def test_scratch_may_win(results):
    said = verdict(results(base=(2.2, 2.2), scratch=(1.5, 1.6), transfer=(1.7, 1.7)))
    assert said == (
        "“alone” has the lowest validation loss; its test loss is 1.600 nats per character. "
        "No retrained selection does better than training from scratch (“retrained”: 1.700)."
    )


def test_counting_may_win(results):
    rows = results(scratch=(2.0, 2.0), ngram=(1.5, 1.5), transfer=(1.7, 1.7))
    said = verdict(rows)
    assert said.endswith(
        "An n-gram model beats every network here. It cannot be saved as a model, so the best network is kept: "
        "“retrained” (1.700)."
    )
    assert kept(rows).name == "retrained"


def test_a_base_as_it_is_may_win(results):
    rows = results(base=(1.4, 1.4), scratch=(2.0, 2.0), ngram=(1.5, 1.5), transfer=(1.7, 1.7))
    assert verdict(rows).endswith("No retrained selection does better than this base, which is kept as it is.")
    assert kept(rows).name == "base, untouched"


def test_little_text_has_no_interval(results):
    said = verdict(results(documents=3, scratch=(2.0, 2.0), transfer=(1.7, 1.7)))
    assert said.endswith("that of the best network from scratch 2.000; there is too little test text for an "
                         "interval.")  # fmt: skip


def test_few_documents_are_said_to_be_blocks(results):
    assert "95 % interval over blocks of the text" in verdict(results(documents=7, scratch=(2, 2), transfer=(1, 1)))


def test_nothing_is_said_of_a_network_from_scratch_that_is_not_there(results):
    said = verdict(results(base=(2.0, 2.0), transfer=(1.7, 1.7)))
    assert said == "“retrained” has the lowest validation loss; its test loss is 1.700 nats per character."


def test_the_table_has_a_line_for_every_row(results):
    rows = results(base=(2.0, 2.0), scratch=(1.9, 1.9), ngram=(1.8, 1.8), transfer=(1.7, 1.7))
    lines = to_markdown(results_table(rows, "Losses")).splitlines()
    (counted,) = (line for line in lines if "counted" in line)
    assert counted.split("|")[5].strip() == "–"  # an n-gram model's accuracy is not known
    assert sum(name in line for line in lines for name in FAMILIES) == 4


def test_the_table_says_what_was_chosen_and_what_diverged(results):
    rows = [replace(row, note="order 6") for row in results(scratch=(2.0, 2.0), ngram=(1.5, 1.5))[1:]]
    table = results_table(rows, "Losses", "Means.", [Row(Labels(family="transfer", row="wild"), ())])
    assert table.note == "Means. “counted”: order 6."
    (line,) = (line for line in to_markdown(table).splitlines() if "wild" in line)
    assert line.split("|")[2].strip() == "diverged"
    assert line.split("|")[3].strip() == "–"


@pytest.mark.parametrize(("p", "said"), [(0.00005, "p < 0.0005"), (0.0123, "p = 0.012"), (1.0, "p = 1")])
def test_p_value(p, said):
    assert p_value(p) == said
