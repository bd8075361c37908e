r"""Tables as LaTeX. They are compiled if pdflatex is installed; their braces, dollars and cells are counted anyway."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import COLUMNS, TABLES

from epigone.markup import clean
from epigone.report.numbers import Interval, Spread
from epigone.report.page import Report
from epigone.report.renderers.latex import latex, to_latex
from epigone.report.tables import Column, Table

ESCAPED = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)
NAMES = [
    r"\input{/etc/passwd}", "50 % of $x_1^2$ & {y} #~|`\"<>", "[x] * y", "* star", "two\nlines\r\n\x85three\u2028four",
    "Straße, Ærø, café, Łódź, naïve", "손실 함수", "Война и мир", "λόγος", "🙂 ʻokina", "\x00\x1b[31m\ud800",
    "a--b---c", "", "^^M",
]  # fmt: skip
HOSTILE = Table(
    "100 % of\n{the} names",
    [
        Column("name", "row & name", "nats_per_char", align="left"),
        Column("loss", "loss", best="min"),
        Column("note", "n", align="left"),
    ],
    [
        {"name": name, "loss": [Interval(1.5, 1.25, 1.75), Spread(2, 0.5), "diverged"][index % 3], "note": 3 * name}
        for index, name in enumerate(NAMES)
    ],
    note="A\nnote % with # signs",
    winner=NAMES[1],
    baseline=NAMES[2],
)


def body(source: str) -> list[str]:
    """The lines without comments."""
    return [line for line in source.splitlines() if not line.startswith("%")]


def check(source: str) -> None:
    """Braces and dollars are balanced, every row has the same cells, and nothing else is active."""
    lines = body(source)
    columns = set()
    for line in lines:
        bare = ESCAPED.sub("", line)
        depth = 0
        for character in bare:
            depth += (character == "{") - (character == "}")
            assert depth >= 0, line
        assert depth == 0, line
        assert bare.count("$") % 2 == 0, line
        if line.endswith(r"\\"):
            wide = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d)\}", line))
            columns.add(bare.count("&") + wide)
            assert not re.search(r"[%#_^~\"]", re.sub(r"\$\\\w+\$", "", bare).replace("~", "")), line
    assert len(columns) == 1
    assert clean(source) == source


@given(TABLES)
def test_every_table_is_balanced(table: Table) -> None:
    check(to_latex(table))


@given(st.text(max_size=40))
def test_every_text_is_one_line(text: str) -> None:
    assert len(latex(text).splitlines()) <= 1


def test_hostile_names_are_balanced() -> None:
    check(to_latex(HOSTILE))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("50 % & $1_a", r"50 \% \& \$1\_a"),
        ("café", r"caf\'{e}"),
        ("Łódź", r"\L{}\'{o}d\'{z}"),
        ("−0.2 ± 0.1", r"$-$0.2 $\pm$ 0.1"),
        ("損 a", r"\unicodeor{損}{Sun} a"),
        ("--", "-{}-"),
        ("🙂", r"\unicodeor{🙂}{:slight\_smile:}"),
    ],
)
def test_text(text: str, said: str) -> None:
    assert latex(text) == said


def test_the_head_the_marks_and_the_rules(example: Report) -> None:
    source = to_latex(example.tables[0])
    assert source.count(r"\midrule") == 4  # below the head, and where the family changes
    assert r"{}\textbf{retrain layers 0+2 + head} $\star$" in source
    assert r"{}scratch, best of 40 searched $\circ$" in source
    assert r"\multicolumn{2}{c}{validation}" in source
    assert r"\multicolumn{2}{c}{nats/char}" in source


def test_long_texts_break_their_lines() -> None:
    columns = [Column("name", "row", align="left"), Column("said", "said", align="left")]
    source = to_latex(Table("t", columns, [{"name": "a", "said": "word " * 30}]))
    assert r"\begin{tabular}{lp{0.80\linewidth}}" in source


@pytest.mark.parametrize("engine", ["pdflatex", pytest.param("lualatex", marks=pytest.mark.slow)])
def test_tables_compile(engine: str, example: Report, tmp_path: Path) -> None:
    if not shutil.which(engine):
        pytest.skip(f"{engine} is not installed")
    empty = Table("Nothing", COLUMNS, [])
    for number, table in enumerate([example.tables[0], HOSTILE, empty]):
        (tmp_path / f"table{number}.tex").write_text(to_latex(table), encoding="utf-8", errors="replace")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
        + "".join(f"\\begin{{table}}\\input{{table{number}}}\\end{{table}}\n" for number in range(3))
        + "\\end{document}\n",
        encoding="utf-8",
    )
    command = [engine, "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert b"Missing character" not in done.stdout or engine != "pdflatex"  # LuaTeX's own font has no Korean
