"""epigone: transfer learning in recurrent text models.

An epigone is a lesser imitator of a great writer, which is what this makes. Here are the public functions, one for each
command, with their options and results. Each is imported when it is first used, so `import epigone` stays quick.
`__init__.pyi`, made by `tools/reference.py`, tells editors and type checkers their arguments.
"""

import importlib
import inspect
from typing import Any

__version__ = "0.2.0"

PUBLIC = {
    "pretrain": "training.pretrain",
    "finetune": "transfer.finetune",
    "TrainingResult": "training.run.folder",
    "ModelOptions": "models.config",
    "TrainingOptions": "training.options",
    "FinetuneOptions": "training.options",
    "DropoutOptions": "transfer.dropout",
    "RehearsalOptions": "transfer.rehearsal",
    "RetrainingOptions": "training.options",
    "RetrainedVocabulary": "transfer.vocabulary",
    "MachineOptions": "training.options",
    "DisplayOptions": "training.options",
    "select": "transfer.selections.selection",
    "Method": "transfer.methods.base",
    "Retrain": "transfer.methods.retrain",
    "L2ToBase": "transfer.methods.l2_to_base",
    "LoRA": "transfer.methods.lora",
    "Lhuc": "transfer.methods.lhuc",
    "InitialState": "transfer.methods.initial_state",
    "Priming": "transfer.methods.priming",
    "compare": "studies.compare.compare",
    "Comparison": "studies.compare.compare",
    "CompareOptions": "studies.compare.grid",
    "SearchOptions": "studies.engine.search",
    "ExecutorOptions": "studies.engine.cluster",
    "study": "studies.registry",
    "StudyResult": "studies.experiment",
    "StudyOptions": "studies.experiment",
    "StackedLstmOptions": "studies.stacked_lstm.grid",
    "WhichWeightsOptions": "studies.which_weights.grid",
    "VanillaRnnOptions": "studies.vanilla_rnn.grid",
    "WordModelOptions": "studies.word_model.grid",
    "evaluate": "evaluation.evaluate",
    "Evaluation": "evaluation.evaluate",
    "DynamicOptions": "evaluation.dynamic",
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
    "selection": "app.selection",
    "Selected": "app.selection",
    "record": "probing.recording.record",
    "Recording": "probing.recording.record",
    "probe": "probing.probe",
    "Probing": "probing.result",
    "ProbeOptions": "probing.options",
    "look": "app.look",
    "Look": "app.look",
    "plot": "app.plot",
    "Curves": "app.plot",
    "train_classifier": "classification.train",
    "ClassifierTraining": "classification.result",
    "ClassifierOptions": "classification.options",
    "classify": "classification.predict",
    "Classification": "classification.predict",
    "evaluate_classifier": "classification.evaluate",
    "ClassifierEvaluation": "classification.evaluate",
    "import_fastai": "export.import_fastai",
    "Imported": "export.import_fastai",
    "get_corpus": "corpora.get",
    "CorpusFiles": "corpora.get",
    "FetchOptions": "corpora.downloads.fetcher",
    "corpus_stats": "corpora.stats",
    "CorpusStats": "corpora.stats",
    "StatsOptions": "corpora.stats",
    "delta": "export.delta",
    "Delta": "export.delta",
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
    found = getattr(importlib.import_module(f"epigone.{PUBLIC[name]}"), name)
    if inspect.isfunction(found):
        found = importlib.import_module("epigone.app.functions").public(found)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
