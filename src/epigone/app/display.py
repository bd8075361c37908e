"""The results of the public functions as blocks for people, or as JSON.

The function for a result is chosen by the name of its class, because importing the classes would load PyTorch.
"""

import io
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from epigone.app.blocks import Block
from epigone.app.shown import (
    classifiers,
    corpora,
    descriptions,
    experiments,
    generations,
    language_models,
    pictures,
    probes,
)
from epigone.app.terminal import print_blocks

_CONTROLS = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # as `clean` knows them


def show(result: Any) -> None:
    """Print a result on standard output."""
    print_blocks(blocks(result))
    if type(result).__name__ == "Generation" and not result.next:
        generations.log_generation(result)


def as_text(result: Any) -> str:
    """Write a result as the command prints it, without a last newline."""
    file = io.StringIO()
    print_blocks(blocks(result), file)
    return file.getvalue().rstrip("\n")


def blocks(result: Any) -> Iterator[Block]:
    """The parts of a result in their order."""
    return SHOWN[type(result).__name__](result)


def as_json(result: Any) -> str:
    """Write a result as one line of JSON; numbers that are not finite become null."""
    figures = result.figures() if callable(getattr(result, "figures", None)) else asdict(result)
    text = json.dumps(_plain(figures), ensure_ascii=False, allow_nan=False)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # JSON escapes those below U+0020 itself


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case _:  # NumPy's numbers and arrays, paths
            return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)


SHOWN: dict[str, Callable[[Any], Iterator[Block]]] = {
    "TrainingResult": language_models.training,
    "Evaluation": language_models.evaluation,
    "Generation": generations.generation,
    "Quantisation": language_models.quantisation,
    "Delta": language_models.delta,
    "Imported": language_models.imported,
    "Gradcheck": pictures.gradcheck,
    "Curves": pictures.curves,
    "Look": pictures.look,
    "Recording": probes.recording,
    "Probing": probes.probing,
    "Selected": pictures.selection,
    "Comparison": experiments.comparison,
    "StudyResult": experiments.study,
    "ClassifierTraining": classifiers.training,
    "Classification": classifiers.classification,
    "ClassifierEvaluation": classifiers.evaluation,
    "CorpusFiles": corpora.files,
    "CorpusStats": corpora.stats,
    "Info": descriptions.info,
}
