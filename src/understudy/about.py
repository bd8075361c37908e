"""`info`: what a model, corpus or run folder is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from understudy.models.checkpoint import bundled_models, resolve
from understudy.storage import read_json
from understudy.text.corpus import Corpus
from understudy.text.documents import ReadOptions
from understudy.text.splitting import MINIMUM, SplitOptions


@dataclass(frozen=True)
class Info:
    """What lies at a path."""

    kind: Literal["bundled models", "model", "study", "run", "corpus"]
    path: str
    facts: dict[str, Any]
    rows: list[dict[str, Any]]
    """One for each bundled model, row of a study, or split of a corpus."""


def info(
    path: str | Path | None = None,
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
) -> Info:
    """Say what a model, a study's folder, a run or a text is; without a path, list the bundled models.

    Args:
        path: a folder or file, or the name of a bundled model.
        read: how a text is read.
        split: how its documents are split.

    Raises:
        UserError: there is nothing at the path, or it cannot be read.
    """
    if path is None:
        rows = [_model(folder) | {"name": name} for name, folder in bundled_models().items()]
        return Info("bundled models", "", {"models": len(rows)}, rows)
    folder = Path(path)
    if (folder / "comparison.json").exists():
        found = read_json(folder / "comparison.json")
        facts = {key: found[key] for key in ("verdict", "winner", "model", "report", "corpus", "split_seed", "seconds")}
        return Info("study", str(folder), facts, [_row(row) for row in found["rows"]])
    if (folder / "study.json").exists():
        done = len(list((folder / "runs").glob("*/result.json")))
        return Info("study", str(folder), {"command": read_json(folder / "study.json")["command"], "runs": done}, [])
    if (folder / "job.json").exists():
        return Info("run", str(folder), read_json(folder / "job.json"), [])
    if (folder / "config.json").exists() or str(path) in bundled_models():
        return Info("model", str(path), _model(resolve(path)), [])
    corpus = Corpus.open([folder], read, None)
    if corpus.characters.sum() >= MINIMUM:
        corpus = corpus.resplit(split)
    summary = corpus.summary()
    splits = summary.pop("splits")
    return Info("corpus", str(path), summary, [{"split": name} | facts for name, facts in splits.items()])


def _model(folder: Path) -> dict[str, Any]:
    config = read_json(folder / "config.json")
    model, request, result = config["model"], config.get("request", {}), config.get("result", {})
    return {
        "cell": model["cell"],
        "layers": model["num_layers"],
        "units": model["hidden_size"],
        "weights": result.get("parameters"),
        "tokenizer": read_json(folder / "tokenizer.json")["name"],
        "made by": request.get("command"),
        "base": request.get("base", {}).get("name"),
        "selection": request.get("selection"),
        "documents": request.get("corpus", {}).get("documents"),
        "characters": request.get("corpus", {}).get("characters"),
        "validation loss": result.get("loss"),
        "megabytes": round((folder / "model.safetensors").stat().st_size / 1e6, 2),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "family": row["family"],
        "validation loss": row["validation_loss"]["mean"],
        "test loss": row["loss"]["mean"],
    }
