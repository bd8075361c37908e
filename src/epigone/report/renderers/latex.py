r"""Tables as LaTeX: a `tabular` for \input, with the rules of the package booktabs.

It compiles with pdfLaTeX, XeLaTeX and LuaLaTeX. Letters that pdfLaTeX's fonts lack are spelled in ASCII there.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby

from anyascii import anyascii

from epigone.markup import clean
from epigone.report.tables import Column, Layout, Mark, RowText, Table, layout

UNICODE = r"\providecommand{\unicodeor}[2]{\ifdefined\Umathchar #1\else #2\fi}"
"""Shows its first argument where the engine knows Unicode, else the second."""
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\`{}", '"': "''", "–": r"\textendash{}", "—": r"\textemdash{}", "−": "$-$",
    "±": r"$\pm$", "×": r"$\times$", "∞": r"$\infty$", "★": r"$\star$", "○": r"$\circ$", "·": r"$\cdot$",
    "…": r"\dots{}",
    "“": "``", "”": "''", "‘": "`", "’": "'", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "\N{NO-BREAK SPACE}": "~",
    "\N{REPLACEMENT CHARACTER}": "?",  # LuaTeX takes it for a fault of the file
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
MARKS: dict[Mark, str] = {"winner": r" $\star$", "baseline": r" $\circ$"}
LONG = 36  # characters of a cell whose column breaks lines


def to_latex(table: Table) -> str:
    r"""Write a `tabular`; title and note stand above it as comments, ready for a \caption of one's own."""
    laid = layout(table)
    split = [any(row.cells[index].qualifier for row in laid.rows) for index in range(len(laid.columns))]
    lines = [
        r"% Needs \usepackage{booktabs} in the preamble; use it as \input{this file}.",
        f"% Caption: {latex(laid.title)}",
        *([f"% Note: {latex(laid.legend)}"] if laid.legend else []),
        UNICODE + "%",
        rf"\begin{{tabular}}{{{_columns(laid, split)}}}",
        r"\toprule",
        *_head(laid.columns, split),
        r"\midrule",
    ]
    for row in laid.rows:
        lines += [r"\midrule"] * row.new_family + [_row(row, split)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _columns(laid: Layout, split: Sequence[bool]) -> str:
    """The alignment of the columns; those with long texts share the width of the line, and break their lines."""
    longest = [max((len(row.cells[i].text) for row in laid.rows), default=0) for i in range(len(laid.columns))]
    long = [length if column.align == "left" and length > LONG else 0 for column, length in
            zip(laid.columns, longest, strict=True)]  # fmt: skip
    whole = max(1, sum(min(length, 160) for length in long))
    kinds = []
    for column, length, two in zip(laid.columns, long, split, strict=True):
        width = 0.8 * min(length, 160) / whole
        kind = f"p{{{width:.2f}\\linewidth}}" if length else column.align[0]
        kinds.append(f"{kind}@{{\\,}}l" if two else kind)
    return "".join(kinds)


def _head(columns: Sequence[Column], split: Sequence[bool]) -> list[str]:
    """The labels, and below them the units if there are any."""
    both = [[latex(column.label) for column in columns], [latex(column.unit) for column in columns]]
    return [
        " & ".join(
            rf"\multicolumn{{2}}{{c}}{{{text}}}" if two else text for text, two in zip(texts, split, strict=True)
        )
        + r" \\"
        for texts in both
        if any(texts)
    ]


def _row(row: RowText, split: Sequence[bool]) -> str:
    cells = []
    for index, (cell, two) in enumerate(zip(row.cells, split, strict=True)):
        value = rf"\textbf{{{latex(cell.value)}}}" if cell.bold else latex(cell.value)
        if index == 0:
            value = f"{{}}{value}{MARKS.get(row.mark, '')}"  # a bracket or a star would belong to the line break above
        cells += [value, rf"{{\footnotesize {latex(cell.qualifier)}}}" if cell.qualifier else ""] if two else [value]
    return " & ".join(cells) + r" \\"


def latex(text: str) -> str:
    """Escape text for LaTeX, on one line."""
    line = unicodedata.normalize("NFC", " ".join(clean(text).split()))
    parts = []
    for known, characters in groupby(line, lambda character: bool(_escaped(character))):
        part = "".join(characters)
        parts.append("".join(map(_escaped, part)) if known else _foreign(part))
    return "".join(parts).replace("---", "-{}-{}-").replace("--", "-{}-")


def _escaped(character: str) -> str:
    """A character as every engine knows it; empty if some do not."""
    if character.isascii():
        return SIGNS.get(character, character)
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in ACCENTS and letter.isascii() and letter.isalpha():
        return f"\\{ACCENTS[marks[0]]}{{{letter}}}"
    return SIGNS.get(character, "")


def _foreign(text: str) -> str:
    """Characters that not every engine knows, beside their spelling in ASCII."""
    spelled = "".join(map(_escaped, " ".join(anyascii(text).split())))
    return rf"\unicodeor{{{text}}}{{{spelled or '?'}}}"
