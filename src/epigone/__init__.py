"""epigone: transfer learning in recurrent text models.

The public functions, one a command, and their options; each is imported when it is first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

PUBLIC = {
    "pretrain": "training.pretrain",
    "finetune": "transfer.finetune",
    "TrainingResult": "training.run.folder",
    "ModelOptions": "models.config",
    "TrainingOptions": "training.options",
    "RetrainingOptions": "training.options",
    "select": "transfer.selection",
    "compare": "studies.compare.compare",
    "Comparison": "studies.compare.compare",
    "CompareOptions": "studies.compare.compare",
    "SearchOptions": "studies.engine.search",
    "study": "studies.registry",
    "StudyResult": "studies.engine.results",
    "StudyOptions": "studies.engine.results",
    "VanillaRnnOptions": "studies.vanilla_rnn.study",
    "WordModelOptions": "studies.word_model.study",
    "evaluate": "evaluation.evaluate",
    "Evaluation": "evaluation.evaluate",
    "text_quality": "evaluation.quality",
    "generate": "generation.generate",
    "Generation": "generation.generate",
    "NextToken": "generation.next_token",
    "GenerateOptions": "generation.generate",
    "SamplingOptions": "generation.sampling",
    "gradcheck": "models.gradcheck",
    "Gradcheck": "models.gradcheck",
    "GradcheckOptions": "models.gradcheck",
    "info": "app.info",
    "Info": "app.info",
    "quantize": "export.quantize",
    "Quantisation": "export.quantize",
    "EngineOptions": "models.backends.walker",
    "load_checkpoint": "models.files.checkpoint",
    "Checkpoint": "models.files.checkpoint",
    "Corpus": "text.corpus",
    "ReadOptions": "text.readers.registry",
    "VocabularyOptions": "text.tokenizers.base",
    "SplitOptions": "text.splitting",
    "UserError": "errors",
}
__all__ = [*PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'epigone' has no attribute '{name}'")
    return getattr(importlib.import_module(f"epigone.{PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
