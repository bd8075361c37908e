"""Results as HTML, for the output of a notebook's cell."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from epigone.app.blocks import Block, Columns, Facts, in_words
from epigone.app.display import blocks
from epigone.errors import UserError
from epigone.markup import clean
from epigone.report.page import Sample
from epigone.report.plots.palette import SLOTS, Palette
from epigone.report.renderers.html import to_html
from epigone.report.shaded_text import ShadedText
from epigone.report.shaded_text import to_html as shaded_to_html
from epigone.report.tables import Table, table_of
from epigone.storage import read_json_lines

MOST_ROWS = 12  # of a history that is listed because it cannot be drawn
STYLE = (
    "<style>.epigone{--ink:currentColor;--muted:#808080;--rule:#80808060;--paper:transparent;--winner:#00805d20;"
    + "".join(f"--c{index}:{slot.light};" for index, slot in enumerate(SLOTS))
    + """max-width:60em;line-height:1.45}
.epigone>*{margin:0 0 .9em}
.epigone table{border-collapse:collapse;margin:0;font-variant-numeric:tabular-nums}
.epigone th,.epigone td{padding:.15em .8em .15em 0;vertical-align:top;text-align:left!important;border:0}
.epigone thead th{border-bottom:1px solid var(--muted);font-weight:600}
.epigone tbody th{font-weight:400}
.epigone .facts th{color:var(--muted);white-space:nowrap}
.epigone .right{text-align:right!important}
.epigone .qualifier,.epigone .note,.epigone .unit,.epigone small{color:var(--muted)}
.epigone .unit{display:block;font-weight:400}
.epigone .winner>*{background:var(--winner)}
.epigone .swatch{display:inline-block;width:.6em;height:.6em;border-radius:50%}
.epigone .swatch{background:var(--family);margin-right:.5em}
.epigone .scroll{overflow-x:auto}
.epigone figure td{white-space:nowrap}
.epigone .tag{border:1px solid;border-radius:.8em;padding:0 .5em;font-size:.8em;color:var(--muted)}
.epigone figure{margin-left:0}
.epigone pre{white-space:pre-wrap;border-left:3px solid var(--rule);padding:.1em 0 .1em .8em;margin:.3em 0}
.epigone .columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(15em,1fr));gap:0 1.5em}
.epigone svg{max-width:100%;height:auto;font-family:sans-serif}</style>"""
)


def as_html(result: Any) -> str:
    """Write a result as HTML with a style of its own; all names and texts in it are escaped."""
    parts = [_block(block) for block in blocks(result)]
    if type(result).__name__ == "TrainingResult":
        parts += _curves(Path(result.folder))
    return f'{STYLE}<div class="epigone">{"".join(parts)}</div>'


def _block(block: Block) -> str:
    match block:
        case Facts():
            rows = (
                f"<tr><th>{_text(name)}</th><td>{_text(in_words(value))}</td></tr>" for name, value in block.pairs()
            )
            return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'
        case Table():
            return to_html(block, None, Palette())
        case Sample():
            name = f"<b>{_text(block.name)}</b>" * bool(block.name)
            measures = "".join(f"<div><small>{_text(measure)}</small></div>" for measure in block.measures)
            parts = (f"<u>{_text(part)}</u>" if copied else _text(part) for part, copied in block.parts())
            return f'<div>{name}<pre dir="auto">{"".join(parts)}</pre>{measures}</div>'
        case Columns():
            return f'<div class="columns">{"".join(map(_block, block.samples))}</div>'
        case ShadedText():
            return shaded_to_html(block)
        case str():
            return f"<p>{_text(block)}</p>"


def _curves(folder: Path) -> Iterator[str]:
    """The losses of a run against the epoch, drawn if matplotlib is installed, else listed; nothing without any."""
    try:
        history = read_json_lines(folder / "history.jsonl")
    except (OSError, UserError):  # the folder has moved, or is damaged
        return
    rows = [{name: _number(row.get(name)) for name in ("epoch", "train_loss", "validation_loss")} for row in history]
    rows = [row for row in rows if math.isfinite(row["epoch"]) and math.isfinite(row["validation_loss"])]
    if len(rows) < 2:
        return
    try:
        yield _drawn(rows, folder.name)
    except ImportError:
        step = math.ceil(len(rows) / MOST_ROWS)
        yield to_html(table_of(rows[::-step][::-1]), None, Palette())


def _drawn(rows: Sequence[Mapping[str, float]], name: str) -> str:
    from epigone.report.plots.drawing import render
    from epigone.report.plots.loss_curves import LossCurves

    plot = LossCurves({name: [rows]}, {name: "transfer"}, label="loss (nats per token)")
    pictures = render(plot, f"curves{abs(hash(name))}", "loss against epoch", Palette())
    return f"<div>{pictures.narrow}</div>" if pictures else ""


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _text(text: str) -> str:
    return escape(clean(text))
