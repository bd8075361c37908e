"""Results in Python: their text is that of the command, their HTML is escaped."""

import json
import sys
from html.parser import HTMLParser

import pytest

import epigone
from epigone.app import html
from epigone.app.blocks import Columns
from epigone.app.display import show
from epigone.report.page import Sample
from epigone.report.tables import Column, Table
from epigone.studies.engine.claims import Claim
from epigone.studies.experiment import StudyResult
from epigone.training.run.folder import TrainingResult

EVIL = "<script>a & b</script>\x1b[31m"
HISTORY = [
    {"epoch": epoch / 2, "train_loss": 3 - epoch / 10 if epoch else None, "validation_loss": 3.2 - epoch / 10}
    for epoch in range(30)
]
VOID = ("meta", "br")


class Balanced(HTMLParser):
    """Refuses pages whose tags do not match."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.texts = []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)


def texts_of(page):
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.texts


def trained(folder):
    return TrainingResult(
        str(folder), "finished", 1.5, 2.16, 0.5, 4.48, 100, 100, 3, 2.0, 60, 3.5, 60, 1000, 900, [], ["a.txt"], "0" * 64
    )


def study(text=EVIL):
    table = Table(text, [Column("name", text), Column("loss", "test", "nats")], [{"name": text, "loss": 1.5}])
    claims, samples = [Claim(text, "unclear", text)], [Sample(text, text, measures=[text])]
    return StudyResult("stacked-lstm", "out", f"{text}/report.html", [], claims, [text], [], 1.0, [table], samples)


def test_str_is_what_the_command_prints(capsys):
    for result in (study("near"), trained("mine"), epigone.info()):
        show(result)
        assert capsys.readouterr().out == f"{result}\n"
    assert "TrainingResult(" in repr(trained("mine"))


def test_everything_foreign_is_escaped():
    page = study()._repr_html_()
    assert "<script" not in page
    assert "\x1b" not in page
    assert sum("a & b" in text for text in texts_of(page)) == 10


def test_the_curves_of_a_run_are_drawn(tmp_path):
    assert "<svg" not in trained(tmp_path)._repr_html_()
    (tmp_path / "history.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in HISTORY))
    page = trained(tmp_path)._repr_html_()
    assert page.count("<svg") == 1
    assert "epoch" in texts_of(page)


def test_without_matplotlib_the_curves_are_a_table(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "epigone.report.plots.drawing", None)
    (tmp_path / "history.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in HISTORY))
    page = trained(tmp_path)._repr_html_()
    texts = texts_of(page)
    assert "<svg" not in page
    assert {"validation loss", "0.3"} <= set(texts)  # the last loss is always among those that are listed
    assert page.count("<tr") < 30


@pytest.mark.parametrize("damage", ["{", "[]", '{"epoch": "a"}\n{"epoch": "b"}\n'])
def test_a_damaged_history_hides_nothing_else(tmp_path, damage):
    (tmp_path / "history.jsonl").write_text(damage)
    assert "a.txt" in trained(tmp_path)._repr_html_()


def test_samples_stand_side_by_side_and_their_copied_runs_are_underlined():
    written = epigone.generate("english-tiny", length=30, temperature=[0.5, 1.0], seed=1)
    assert texts_of(written._repr_html_())[0] == "temperature 0.5"
    assert written._repr_html_().count("<pre") == 2
    page = html._block(Columns([Sample("a", "one <two> three", copied=[(4, 9)])]))
    assert "one <u>&lt;two&gt;</u> three" in page
