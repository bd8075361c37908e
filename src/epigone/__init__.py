"""epigone: transfer learning in recurrent text models.

An epigone is a lesser imitator of a great writer, which is what this makes. Here are the public functions, one for each
command, with their options and results. Each is imported when it is first used, so `import epigone` stays quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:  # the same names as PUBLIC, for editors and type checkers
    from epigone.app.info import Info as Info
    from epigone.app.info import info as info
    from epigone.app.look import Look as Look
    from epigone.app.look import look as look
    from epigone.app.plot import Curves as Curves
    from epigone.app.plot import plot as plot
    from epigone.errors import UserError as UserError
    from epigone.evaluation.evaluate import Evaluation as Evaluation
    from epigone.evaluation.evaluate import evaluate as evaluate
    from epigone.evaluation.quality import text_quality as text_quality
    from epigone.export.quantize import Quantisation as Quantisation
    from epigone.export.quantize import quantize as quantize
    from epigone.generation.generate import GenerateOptions as GenerateOptions
    from epigone.generation.generate import Generation as Generation
    from epigone.generation.generate import generate as generate
    from epigone.generation.next_token import NextToken as NextToken
    from epigone.generation.sampling import SamplingOptions as SamplingOptions
    from epigone.models.backends.walker import EngineOptions as EngineOptions
    from epigone.models.config import ModelOptions as ModelOptions
    from epigone.models.files.checkpoint import Checkpoint as Checkpoint
    from epigone.models.files.checkpoint import load_checkpoint as load_checkpoint
    from epigone.models.gradcheck import Gradcheck as Gradcheck
    from epigone.models.gradcheck import GradcheckOptions as GradcheckOptions
    from epigone.models.gradcheck import gradcheck as gradcheck
    from epigone.studies.compare.compare import Comparison as Comparison
    from epigone.studies.compare.compare import compare as compare
    from epigone.studies.compare.grid import CompareOptions as CompareOptions
    from epigone.studies.engine.search import SearchOptions as SearchOptions
    from epigone.studies.experiment import StudyOptions as StudyOptions
    from epigone.studies.experiment import StudyResult as StudyResult
    from epigone.studies.registry import study as study
    from epigone.studies.stacked_lstm.grid import StackedLstmOptions as StackedLstmOptions
    from epigone.studies.vanilla_rnn.grid import VanillaRnnOptions as VanillaRnnOptions
    from epigone.studies.word_model.grid import WordModelOptions as WordModelOptions
    from epigone.text.corpus import Corpus as Corpus
    from epigone.text.readers.registry import ReadOptions as ReadOptions
    from epigone.text.splitting import SplitOptions as SplitOptions
    from epigone.text.tokenizers.base import VocabularyOptions as VocabularyOptions
    from epigone.training.options import DisplayOptions as DisplayOptions
    from epigone.training.options import FinetuneOptions as FinetuneOptions
    from epigone.training.options import MachineOptions as MachineOptions
    from epigone.training.options import RetrainingOptions as RetrainingOptions
    from epigone.training.options import TrainingOptions as TrainingOptions
    from epigone.training.pretrain import pretrain as pretrain
    from epigone.training.run.folder import TrainingResult as TrainingResult
    from epigone.transfer.finetune import finetune as finetune
    from epigone.transfer.methods.base import Method as Method
    from epigone.transfer.methods.l2_to_base import L2ToBase as L2ToBase
    from epigone.transfer.methods.retrain import Retrain as Retrain
    from epigone.transfer.selection import select as select

PUBLIC = {
    "pretrain": "training.pretrain",
    "finetune": "transfer.finetune",
    "TrainingResult": "training.run.folder",
    "ModelOptions": "models.config",
    "TrainingOptions": "training.options",
    "FinetuneOptions": "training.options",
    "RetrainingOptions": "training.options",
    "MachineOptions": "training.options",
    "DisplayOptions": "training.options",
    "select": "transfer.selection",
    "Method": "transfer.methods.base",
    "Retrain": "transfer.methods.retrain",
    "L2ToBase": "transfer.methods.l2_to_base",
    "compare": "studies.compare.compare",
    "Comparison": "studies.compare.compare",
    "CompareOptions": "studies.compare.grid",
    "SearchOptions": "studies.engine.search",
    "study": "studies.registry",
    "StudyResult": "studies.experiment",
    "StudyOptions": "studies.experiment",
    "StackedLstmOptions": "studies.stacked_lstm.grid",
    "VanillaRnnOptions": "studies.vanilla_rnn.grid",
    "WordModelOptions": "studies.word_model.grid",
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
    "look": "app.look",
    "Look": "app.look",
    "plot": "app.plot",
    "Curves": "app.plot",
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


if not TYPE_CHECKING:  # hidden from type checkers, so that they report misspelt names

    def __getattr__(name: str) -> Any:
        if name not in PUBLIC:
            raise AttributeError(f"module 'epigone' has no attribute '{name}'")
        return getattr(importlib.import_module(f"epigone.{PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
