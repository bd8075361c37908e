"""`plot`: the losses of several runs in one figure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from epigone.errors import UserError
from epigone.markup import one_line
from epigone.models.files.description import read_config
from epigone.results import Shown
from epigone.schema import number, record, text, whole
from epigone.storage import atomic_write, read_json_lines, read_object
from epigone.studies.engine.store import HISTORY
from epigone.text.document import some
from epigone.text.tokenizers.registry import TOKENIZERS

Against = Literal["steps", "epochs", "seconds"]
COLUMNS: dict[Against, str] = {"steps": "step", "epochs": "epoch", "seconds": "seconds"}
MOST = 8  # colours that can be told apart
DOTS = 60  # most points of a line that are marked
JOB = record(
    {
        "model": record(
            {"cell": text, "num_layers": whole(), "hidden_size": whole()}, "cell", "num_layers", "hidden_size"
        ),
        "training": record({"optimizer": text, "lr": number(), "seed": whole()}, "optimizer", "lr", "seed"),
        "selection": text,
    },
    "training",
)
Lines = dict[str, tuple[list[float], list[float]]]


@dataclass(frozen=True)
class RunCurve:
    """The losses of a run, a number for each validation."""

    name: str
    folder: str
    unit: str
    """`nats per character`, or `word` or `subword`."""
    x: list[float]
    """Steps, epochs or seconds."""
    train: list[float | None]
    """Mean loss of the training steps since the validation before; None at the first."""
    validation: list[float]


@dataclass(frozen=True)
class Curves(Shown):
    """The losses of runs against steps, epochs or seconds."""

    against: Against
    runs: list[RunCurve]
    notices: list[str] = field(default_factory=list)
    """Sentences on what cannot be compared."""
    out: str = ""
    """The file of the figure, if one was written."""

    def _repr_html_(self) -> str:
        svg = _picture(self, "svg").decode()
        return svg[svg.index("<svg") :]

    def panels(self) -> dict[str, Lines]:
        """The lines by run, of each panel by its title; losses in different units have panels of their own."""
        found: dict[str, Lines] = {}
        for kind in ("training", "validation"):
            for run in self.runs:
                losses = run.validation if kind == "validation" else run.train
                points = [(x, y) for x, y in zip(run.x, losses, strict=True) if y is not None]
                if points:
                    panel = found.setdefault(f"{kind} loss, {run.unit}", {})
                    panel[run.name] = ([x for x, _ in points], [y for _, y in points])
        return found


def plot(*runs: str | Path, against: Against = "steps", out: str | Path | None = None) -> Curves:
    """Draw the training and validation losses of runs in one figure.

    Args:
        runs: folders of `pretrain` or `finetune`, or of single runs of a study (those in its `runs`); eight at most.
        against: the horizontal axis: `steps`, `epochs` or `seconds`.
        out: the file for the figure, `.png` or `.svg`; without it the command draws in the terminal.

    Returns:
        The losses. Losses per word and per character are in panels of their own, because they cannot be compared.

    Raises:
        UserError: a folder is no run, there are too many, or the file has another ending.
    """
    if against not in COLUMNS:
        raise UserError(f"There is no axis '{against}'; choose one of {', '.join(get_args(Against))}.")
    if not 1 <= len(runs) <= MOST:
        raise UserError(f"plot draws one to {MOST} runs, and {len(runs)} were given; give their folders.")
    if out is not None and Path(out).suffix.lower() not in (".png", ".svg"):
        raise UserError(f"A figure is a .png or .svg file, and --out is {out}; give it one of these endings.")
    folders = [_folder(Path(run)) for run in runs]
    names = _names([Path(run) for run in runs])
    curves = [_curve(name, folder, against) for name, folder in zip(names, folders, strict=True)]
    found = Curves(against, curves, list(_notices(curves, folders)), str(out or ""))
    if out is not None:
        _write(found, Path(out))
    return found


def _folder(path: Path) -> Path:
    """Find the folder with the history of a run."""
    for folder in (path, path / "model"):
        if (folder / "history.jsonl").is_file() and (folder / "config.json").is_file():
            return folder
    inside = sorted(each for each in (path / "runs").glob("*") if (each / "model" / "history.jsonl").is_file())
    if inside:
        raise UserError(
            f"{path} holds {len(inside)} runs; name those to draw, such as {some(list(map(str, inside)), 2)}."
        )
    if not path.exists():
        raise UserError(f"There is no folder {path}; give folders of pretrain or finetune.")
    raise UserError(f"{path} holds no run: it has no history.jsonl. Give folders of pretrain or finetune.")


def _names(paths: list[Path]) -> list[str]:
    """Name runs by their folders, or by as much of the paths as tells them apart.

    The runs of a study are in folders named by hashes, so they are named by their settings, if these differ.
    """
    settings = [_settings(path) for path in paths]
    if all(settings) and len(set(settings)) == len(settings):
        return settings
    parts = [path.resolve().parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return [one_line(name) for name in names]
    raise UserError(f"A run is named twice: {some([str(path) for path in paths], MOST)}. Name each once.")


def _settings(path: Path) -> str:
    """Name the run of a study by its settings; the empty string for another run."""
    if not (path / "job.json").is_file():
        return ""
    job = read_object(path / "job.json", JOB)
    model, training = job.get("model"), job["training"]
    network = f"{model['cell']} {model['num_layers']}x{model['hidden_size']}" if model else job.get("selection", "")
    return one_line(f"{network}, {training['optimizer']} {training['lr']:g}, seed {training['seed']}")


def _curve(name: str, folder: Path, against: Against) -> RunCurve:
    rows = read_json_lines(folder / "history.jsonl", HISTORY)
    if not rows:
        raise UserError(f"{folder / 'history.jsonl'} is empty: the run has not come to a validation yet.")
    column = COLUMNS[against]
    if any(column not in row for row in rows):
        raise UserError(f"{folder / 'history.jsonl'} has no {column}; choose another --against.")
    return RunCurve(
        name=name,
        folder=str(folder),
        unit=f"nats per {_level(folder)}",
        x=[row[column] for row in rows],
        train=[row.get("train_loss") for row in rows],
        validation=[row["validation_loss"] for row in rows],
    )


def _level(folder: Path) -> str:
    name: Any = read_object(folder / "tokenizer.json").get("name")
    return TOKENIZERS[name].level if name in TOKENIZERS else "token"


def _notices(curves: list[RunCurve], folders: list[Path]) -> list[str]:
    units = list(dict.fromkeys(curve.unit for curve in curves))
    found = []
    if len(units) > 1:
        found.append(
            f"The losses are in {' and in '.join(units)}, which cannot be compared, so they have panels of their own; "
            "compare such models by the bits per character of epigone evaluate."
        )
    corpora = [read_config(folder).get("request", {}).get("corpus", {}) for folder in folders]
    if len({(each.get("hash"), str(each.get("fractions")), each.get("split_seed")) for each in corpora}) > 1:
        found.append("The runs are validated on different texts or splits, so their losses cannot be compared exactly.")
    return found


def _write(curves: Curves, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, _picture(curves, out.suffix.lower().removeprefix(".")))


def _picture(curves: Curves, kind: str) -> bytes:
    from epigone.report.plots.drawing import picture
    from epigone.report.plots.line_panels import Line, LinePanels

    panels = {
        title: [Line(x, y, name, dots=len(x) <= DOTS) for name, (x, y) in lines.items()]
        for title, lines in curves.panels().items()
    }
    return picture(LinePanels(panels, curves.against, "loss"), kind)
