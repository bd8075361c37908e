"""`info`: the facts about a model, a text, a study or a run."""

import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from epigone.errors import UserError
from epigone.kernels import in_use
from epigone.models.cells.base import CELLS
from epigone.models.config import START, weight_shapes
from epigone.models.files.bundled import bundled_models, is_classifier, resolve
from epigone.models.files.description import read_config
from epigone.models.files.model_folder import read_folder
from epigone.models.unit_names import state_names
from epigone.results import Shown
from epigone.schema import by_name, each, mapping, number, optional, record, text, whole
from epigone.storage import read_json, read_object
from epigone.text.corpus import Corpus
from epigone.text.readers.registry import ReadOptions
from epigone.text.splitting import MINIMUM, SplitOptions
from epigone.text.tokenizers.registry import TOKENIZERS

STUDY = record({"command": text}, "command")
COMPARISON = record(
    {
        "winner": text, "verdict": text, "model": text, "report": text, "corpus": text, "split_seed": optional(whole()),
        "seconds": number(),
        "rows": each(record({"name": text, "validation_loss": number(), "loss": number()})),
    },
    "rows",
)  # fmt: skip
LOSSES = record({"nats": each(number()), "tokens": each(whole())}, "nats", "tokens")
RUN = record({"splits": by_name(LOSSES), "seconds": number()}, "splits")
CLASSIFICATION = record({"approach": text, "classes": each(text), "result": mapping}, "approach", "classes")
UNFINISHED = "unfinished; run the same command with --resume to continue"
LABELS = 20
"""Most labels whose documents are counted; the rarer ones are given as one number."""


@dataclass(frozen=True)
class Info(Shown):
    """The facts about a path."""

    kind: Literal["bundled models", "model", "classifier", "study", "run", "corpus"]
    path: str
    facts: dict[str, Any]
    rows: list[dict[str, Any]]
    """One for each bundled model, row of a study or of the table of a classifier, or split of a run or a corpus."""


def info(
    path: str | Path | None = None,
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
    *,
    names: bool = False,
) -> Info:
    """Describe a model, a classifier, a study, a run or a text; without a path, list the bundled models and the engine.

    Args:
        path: a folder or file, or the name of a bundled model.
        read: the way a text is read.
        split: the way its documents are split.
        names: list the names of a model's weights and states, with their shapes: the names that train, read and clamp.

    Raises:
        UserError: there is nothing at the path, or it cannot be read.
    """
    if path is None:
        rows = [{"name": name} | _model(folder) for name, folder in bundled_models().items()]
        return Info("bundled models", "", {"models": len(rows), "engine": in_use()}, rows)
    folder = Path(path)
    try:
        if (folder / "study.json").is_file():
            return Info("study", str(path), *_study(folder))
        if (folder / "job.json").is_file():
            return Info("run", str(path), *_run(folder))
        if is_classifier(folder):
            return Info("classifier", str(path), *_classifier(folder))
        if (folder / "config.json").is_file() or str(path) in bundled_models():
            model = resolve(path)
            return Info("model", str(path), _model(model), list(_names(model)) if names else [])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged, or another version of epigone wrote it; restore it from a copy."
        ) from error
    if not folder.exists():
        raise _nothing_at(folder)
    return Info("corpus", str(path), *_corpus(folder, read, split))


def _nothing_at(path: Path) -> UserError:
    bundled = list(bundled_models())
    known = bundled + [str(file) for file in sorted(path.parent.glob("*"))]
    close = difflib.get_close_matches(str(path), known, n=1)
    return UserError(
        f"There is no file or folder {path}, and no bundled model of that name (bundled are: "
        f"{', '.join(bundled) or 'none'})" + (f"; did you mean {close[0]}?" if close else ".")
    )


def _model(folder: Path) -> dict[str, Any]:
    if read_object(folder / "tokenizer.json").get("name") in TOKENIZERS:  # one of an extension may be missing
        read_folder(folder).weights()  # says what is damaged
    config = read_config(folder)
    model, request, result = config["model"], config.get("request", {}), config.get("result", {})
    corpus, base = request.get("corpus", {}), request.get("base", {})
    stages = config.get("stages", [])  # of a bundled model: its earlier trainings
    return {
        "cell": model["cell"],
        "layers": model["num_layers"],
        "units": model["hidden_size"],
        "top_units": model.get("top_size"),
        "reads": model.get("direction"),
        "parameters": result.get("parameters"),
        "tokenizer": read_object(folder / "tokenizer.json")["name"],
        "tokens": model["vocabulary_size"],
        "vocabulary": _vocabulary(folder),
        "made_by": request.get("command"),
        "base": base.get("name"),
        "selection": request.get("selection"),
        "method": request.get("method", {}).get("name", "retrain") if base else None,
        "documents": corpus.get("documents"),
        # A base that was trained in stages has read the texts of all; later stages read a part of the first.
        "characters": max((s["corpus"]["characters"] for s in [request, *stages] if "corpus" in s), default=None),
        "text": corpus.get("hash", "")[:16],
        "split_seed": corpus.get("split_seed"),
        "state": UNFINISHED if not result and (folder / "trainer.safetensors").exists() else result.get("outcome"),
        "steps": result.get("steps"),
        "seconds": result.get("seconds"),
        "validation_loss": result.get("loss"),
        "megabytes": round((folder / "model.safetensors").stat().st_size / 1e6, 2),
    }


def _names(folder: Path) -> Iterator[dict[str, Any]]:
    """The names of the weights and states of a model, with their shapes and what these stand for."""
    config = read_folder(folder).shape
    cell = CELLS[config.cell]
    by_token = {"embedding.weight", *(f"head.{part}" for part in config.head.by_token)}
    for name, shape in weight_shapes(config).items():
        meaning = "a row for each token" if name in by_token else ""
        if name.startswith("layers."):
            blocks = shape[0] / config.layer_sizes[int(name.split(".")[1])]
            meaning = f"rows of {', '.join(cell.gates)}" if blocks == len(cell.gates) > 1 else "a row for each unit"
        if name == "ngrams.weight":
            lengths = f"from 2 to {config.ngrams}" if config.ngrams > 2 else "2"
            meaning = f"{config.ngram_buckets:,} rows for the n-grams of each length {lengths}, by a hash"
        if name.startswith(f"{START}."):
            meaning = "a row for each layer: the state that documents begin in"
        if name == "layers.0.weight_ih" and not config.embedding_size:
            meaning += "; a column for each token, also named embedding"
        yield {"name": name, "shape": " x ".join(map(str, shape)), "meaning": meaning}
    for layer, units in enumerate(config.layer_sizes):
        for state in state_names(config):
            name = f"layers.{layer}.{state}"
            yield {"name": name, "shape": str(units), "meaning": f"a state, with the units {name}[0] to [{units - 1}]"}
        shown = cell.gate_form.names if cell.gate_form else ()
        for gate, values in zip_longest(cell.gates, shown):
            recorded = f"; its values are layers.{layer}.{values}" if values else ""
            meaning = f"a gate, with its rows in each weight{recorded}"
            yield {"name": f"layers.{layer}[{gate}]", "shape": str(units), "meaning": meaning}


def _classifier(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    config = read_object(folder / "config.json", CLASSIFICATION)
    if "result" not in config:
        return {"classes": len(config["classes"]), "state": UNFINISHED}, []
    result = config["result"]
    facts = {
        "approach": config["approach"],
        "classes": config["classes"][:LABELS],
        "further_classes": max(0, len(config["classes"]) - LABELS) or None,
        "texts": sum(result["examples"]),
        "unlabelled": result["unlabelled"],
        "text": result["corpus"][:16],
        "measured": result["measured"],
        "winner_by": result["by"].replace("_", " "),
        "seconds": result["seconds"],
        "megabytes": round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 2),
    }
    rows = [
        {"row": row["name"]} | {key: row["figures"][key] for key in ("accuracy", "balanced_accuracy", "macro_f1")}
        for row in result["rows"]
    ]
    return facts, rows


def _vocabulary(folder: Path) -> str:
    """Describe a learned vocabulary; the empty string if its tokenizer is not registered."""
    described = read_object(folder / "tokenizer.json")
    kind = TOKENIZERS.get(described["name"])
    return kind.from_dict(described).contents if kind else ""


def _study(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    runs = list((folder / "runs").glob("*/job.json"))
    done = sum((run.parent / "result.json").exists() for run in runs)
    facts = {"command": read_json(folder / "study.json", STUDY)["command"], "runs": len(runs), "finished": done}
    result = next((folder / name for name in ("comparison.json", "result.json") if (folder / name).is_file()), None)
    if result is None:
        return facts | {"state": UNFINISHED}, []
    found = read_json(result, COMPARISON)
    told = ("winner", "verdict", "model", "report", "corpus", "split_seed", "seconds")
    facts |= {"state": "finished"} | {key: found[key] for key in told if key in found}
    # The folder may have moved, and its paths were relative to another working directory.
    facts |= {key: str(folder / Path(found[key]).name) for key in ("model", "report") if key in found}
    return facts, [
        {"row": row["name"], "validation_loss": row["validation_loss"], "test_loss": row["loss"]}
        for row in found["rows"]
        if "validation_loss" in row and "loss" in row  # a study may list other things, such as passages
    ]


def _run(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    facts = dict(_flat(read_json(folder / "job.json", mapping)))
    if not (folder / "result.json").is_file():
        return facts | {"state": "unfinished"}, []
    found = read_json(folder / "result.json", RUN, most=64 << 20)
    rows = [
        {"split": split, "loss": sum(losses["nats"]) / max(1, sum(losses["tokens"]))}
        for split, losses in found["splits"].items()
    ]
    return facts | {"state": "finished" if rows else "diverged", "seconds": found.get("seconds")}, rows


def _flat(settings: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten nested settings into pairs such as (`training.lr`, 0.003)."""
    for key, value in settings.items():
        name = f"{before}.{key}".lstrip(".")
        if isinstance(value, dict):
            yield from _flat(value, name)
        else:
            yield name, value


def _corpus(path: Path, read: ReadOptions, split: SplitOptions) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    corpus = Corpus.open([path], read, None)
    labels = _labels(corpus)
    if corpus.characters.sum() >= MINIMUM:  # a shorter text can be described, but not split
        corpus = corpus.resplit(split)
    summary = corpus.summary() | labels
    splits, options = summary.pop("splits"), summary.pop("read")
    if unit := options.pop("documents", None):  # the summary has their number by this name
        options["divided_by"] = unit
    return summary | options, [{"split": name} | facts for name, facts in splits.items()]


def _labels(corpus: Corpus) -> dict[str, Any]:
    """Count the documents of each label; a corpus without labels gives nothing."""
    counts = Counter(label for label in corpus.labels() if label is not None)
    if not counts:
        return {}
    rest = len(counts) - LABELS
    return {
        "labels": dict(sorted(counts.most_common(LABELS))),
        "further_labels": rest if rest > 0 else None,
        "unlabelled": len(corpus.names) - counts.total(),
    }
