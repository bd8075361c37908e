"""The public names with their types. Made by tools/reference.py (make reference); change functions and options."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from epigone.app.info import Info as Info
from epigone.app.look import Look as Look
from epigone.app.plot import Against
from epigone.app.plot import Curves as Curves
from epigone.app.selection import Selected as Selected
from epigone.classification.evaluate import ClassifierEvaluation as ClassifierEvaluation
from epigone.classification.options import ClassifierOptions as ClassifierOptions
from epigone.classification.predict import Classification as Classification
from epigone.classification.result import ClassifierTraining as ClassifierTraining
from epigone.corpora.downloads.download import Meter
from epigone.corpora.downloads.fetcher import FetchOptions as FetchOptions
from epigone.corpora.get import CorpusFiles as CorpusFiles
from epigone.corpora.stats import CorpusStats as CorpusStats
from epigone.corpora.stats import StatsOptions as StatsOptions
from epigone.errors import UserError as UserError
from epigone.evaluation.dynamic import DynamicOptions as DynamicOptions
from epigone.evaluation.evaluate import Evaluation as Evaluation
from epigone.evaluation.quality import TextQuality
from epigone.export.delta import Delta as Delta
from epigone.export.import_fastai import Imported as Imported
from epigone.export.quantize import Quantisation as Quantisation
from epigone.generation.generate import GenerateOptions as GenerateOptions
from epigone.generation.generate import Generation as Generation
from epigone.generation.next_token import NextToken as NextToken
from epigone.generation.sampling import SamplingOptions as SamplingOptions
from epigone.generation.writer import Listener
from epigone.models.backends.walker import EngineOptions as EngineOptions
from epigone.models.cells.base import CellName
from epigone.models.config import HeadName
from epigone.models.config import ModelOptions as ModelOptions
from epigone.models.files.checkpoint import Checkpoint as Checkpoint
from epigone.models.files.model_folder import ModelFolder
from epigone.models.gradcheck import Gradcheck as Gradcheck
from epigone.models.gradcheck import GradcheckOptions as GradcheckOptions
from epigone.models.language_model import LanguageModel
from epigone.probing.options import ProbeOptions as ProbeOptions
from epigone.probing.recording.record import Recording as Recording
from epigone.probing.result import Probing as Probing
from epigone.studies.compare.compare import Comparison as Comparison
from epigone.studies.compare.grid import CompareOptions as CompareOptions
from epigone.studies.engine.cluster import ExecutorOptions as ExecutorOptions
from epigone.studies.engine.search import SearchOptions as SearchOptions
from epigone.studies.experiment import StudyOptions as StudyOptions
from epigone.studies.experiment import StudyResult as StudyResult
from epigone.studies.stacked_lstm.grid import StackedLstmOptions as StackedLstmOptions
from epigone.studies.vanilla_rnn.grid import VanillaRnnOptions as VanillaRnnOptions
from epigone.studies.which_weights.grid import WhichWeightsOptions as WhichWeightsOptions
from epigone.studies.word_model.grid import WordModelOptions as WordModelOptions
from epigone.text.corpus import Corpus as Corpus
from epigone.text.readers.registry import ReadOptions as ReadOptions
from epigone.text.splitting import SplitOptions as SplitOptions
from epigone.text.tokenizers.base import VocabularyOptions as VocabularyOptions
from epigone.text.tokenizers.direction import Direction
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import DisplayOptions as DisplayOptions
from epigone.training.options import FinetuneOptions as FinetuneOptions
from epigone.training.options import MachineOptions as MachineOptions
from epigone.training.options import OptimizerName
from epigone.training.options import RetrainingOptions as RetrainingOptions
from epigone.training.options import ScheduleName
from epigone.training.options import TrainingOptions as TrainingOptions
from epigone.training.run.folder import TrainingResult as TrainingResult
from epigone.transfer.dropout import DropoutOptions as DropoutOptions
from epigone.transfer.methods.base import Method as Method
from epigone.transfer.methods.initial_state import InitialState as InitialState
from epigone.transfer.methods.l2_to_base import L2ToBase as L2ToBase
from epigone.transfer.methods.lhuc import Lhuc as Lhuc
from epigone.transfer.methods.lora import LoRA as LoRA
from epigone.transfer.methods.priming import Priming as Priming
from epigone.transfer.methods.retrain import Retrain as Retrain
from epigone.transfer.rehearsal import RehearsalOptions as RehearsalOptions
from epigone.transfer.selections.selection import Selection
from epigone.transfer.selections.weights import Context
from epigone.transfer.selections.weights import Scores
from epigone.transfer.vocabulary import RetrainedVocabulary as RetrainedVocabulary
from pathlib import Path
from typing import Any
from typing import Literal
from typing import overload

__version__: str
PUBLIC: dict[str, str]

def pretrain(
    *texts: str | Path,
    out: str | Path,
    tokenizer: str = 'char',
    vocabulary: VocabularyOptions = ...,
    model: ModelOptions = ...,
    training: TrainingOptions = ...,
    machine: MachineOptions = ...,
    display: DisplayOptions = ...,
    read: ReadOptions = ...,
    split: SplitOptions = ...,
    dropout_scale: float = 1.0,
    final: bool = False,
    fingerprint: bool = True,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    vocabulary_size: int = 0,
    min_count: int = 2,
    lower_case: bool = False,
    cell: CellName = 'lstm',
    num_layers: int = 3,
    hidden_size: int = 64,
    embedding_size: int = 0,
    tied: bool = False,
    dropout: float = 0.0,
    dropout_kind: Literal['ordinary', 'variational'] = 'ordinary',
    output_dropout: float = 0.0,
    init: Literal['orthogonal', 'uniform', 'normal'] = 'orthogonal',
    init_std: float = 0.1,
    softmax: HeadName = 'auto',
    one_bias: bool = False,
    ngrams: int = 0,
    ngram_buckets: int = 16384,
    direction: Direction = 'forward',
    top_size: int = 0,
    embedding_dropout: float = 0.0,
    input_dropout: float = 0.0,
    weight_dropout: float = 0.0,
    optimizer: OptimizerName = 'rmsprop',
    lr: float = 0.003,
    schedule: ScheduleName = 'cosine',
    weight_decay: float = 0.0,
    clip: float = 1.0,
    clip_value: float = 0.0,
    summed: bool = False,
    alpha: float = 0.99,
    momentum: float = 0.0,
    epochs: float | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    patience: int | None = None,
    validate_every: int = 0,
    trace_every: int = 0,
    sample_every: int = 0,
    sample_length: int = 200,
    batch_size: int = 64,
    sequence_length: int = 128,
    seed: int = 0,
    windows: Literal['stream', 'prefix'] = 'stream',
    shuffle: bool = True,
    precision: Literal['fp32', 'bf16'] = 'fp32',
    averaged: float = 0.0,
    activation_penalty: float = 0.0,
    slowness_penalty: float = 0.0,
    backend: Literal['auto', 'native', 'torch'] = 'auto',
    device: Literal['auto', 'cpu', 'cuda', 'mps'] = 'auto',
    devices: int | None = None,
    threads: int = 0,
    save_every: float = 60.0,
    live: bool = False,
    tensorboard: bool = False,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    fractions: tuple[float, float, float] | None = None,
    split_seed: int = 0,
) -> TrainingResult:
    """Train a language model from scratch on text.

    Args:
        texts: files or folders of text.
        out: the folder for the model.
        tokenizer: name of a registered tokenizer, such as `char` or `word`.
        vocabulary: size and choice of words or subwords.
        model: shape of the network.
        training: the recipe.
        machine: device, processes and threads.
        display: curves and TensorBoard.
        read: options for reading the text.
        split: options for splitting the documents.
        dropout_scale: factor of all dropouts of the model; more for a short text, less for a long one.
        final: at the end, train anew on all of the text, as long as the best weights had taken; nothing measures these
            weights.
        fingerprint: keep hashes of the training text, never the text, so that generation can report copying.
        resume: go on with the interrupted run in `out`.
        monitor: follows the progress.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of vocabulary, VocabularyOptions: vocabulary of a tokenizer that
    learns words or subwords.
        vocabulary_size (int, default 0): Most tokens, special ones included. 0 takes all
            words that are frequent enough; of subwords (bpe) it takes the characters and
            four times the square root of the text's length in characters, 32,000 at most.
        min_count (int, default 2): Fewest occurrences of a word in the training text; rarer
            words are unknown.
        lower_case (bool, default False): Write words in lower case.

    Keywords in place of model, ModelOptions: the shape of a language model that a user can
    choose.
        cell (str, default 'lstm'): Recurrent cell. One of gru, lstm, rnn, rnn_relu.
        num_layers (int, default 3): Recurrent layers, one above the other.
        hidden_size (int, default 64): Units in each layer, unless the top one has its own
            size.
        embedding_size (int, default 0): Width of a learned embedding; 0 means one-hot
            input, a lookup in layer 0.
        tied (bool, default False): Use the embedding as the head's weight too; needs an
            embedding as wide as the top layer.
        dropout (float, default 0.0): Share of units dropped between layers.
        dropout_kind (Literal['ordinary', 'variational'], default 'ordinary'): Draw the
            dropout of inputs, layers and outputs anew at each step (ordinary), or once for
            the whole sequence (variational).
        output_dropout (float, default 0.0): Share of the top layer's outputs dropped before
            the head.
        init (Literal['orthogonal', 'uniform', 'normal'], default 'orthogonal'): Initial
            weights: orthogonal recurrent matrices below inputs of unit size; uniform within
            1 / sqrt(hidden size) as in PyTorch, from which a stack of layers takes
            thousands of steps to start; or normal, biases too.
        init_std (float, default 0.1): Standard deviation of normal initial weights.
        softmax (str, default 'auto'): Full; adaptive: rare tokens are grouped in clusters,
            which is faster with many tokens; or adapted: with a layer below, which finetune
            can retrain alone (train "head.adaptation.*"). With the latter two, evaluation
            and generation run on PyTorch. auto is adaptive from 20,000 tokens on, and else
            full. One of auto, full, adaptive, adapted.
        one_bias (bool, default False): Let each layer learn one bias; the other stays at
            zero.
        ngrams (int, default 0): Longest n-gram of tokens whose hashed embedding is added to
            that of its last token, such as 5; 0 for none. They cost no multiplication;
            evaluation and generation then run on PyTorch.
        ngram_buckets (int, default 16384): Hashed embeddings of the n-grams of each length.
        direction (Literal['forward', 'backward'], default 'forward'): Direction of reading:
            forward, or backward from the last token of a document to its first. A backward
            model is for classifiers that read in both directions; it does not write.
        top_size (int, default 0): Units in the top layer; 0 means as many as in the others.
            So a tied head needs no embedding as wide as these.
        embedding_dropout (float, default 0.0): Share of tokens whose embedding is zero for
            the whole batch (Gal and Ghahramani 2016).
        input_dropout (float, default 0.0): Share of the embedding's outputs dropped before
            the lowest layer.
        weight_dropout (float, default 0.0): Share of the weights between a layer's state
            and its gates dropped for a whole sequence: DropConnect (Merity et al. 2018).

    Keywords in place of training, TrainingOptions: the recipe of training: optimizer,
    schedule, length, batches and seed.
        optimizer (Literal['rmsprop', 'adagrad', 'adam', 'adamw', 'sgd', 'muon', 'soap',
            'ademamix', 'lion', 'schedule-free'], default 'rmsprop'): Optimizer. muon moves
            the matrices between layers and states, and adamw the rest; soap, ademamix, lion
            and schedule-free need the package pytorch-optimizer.
        lr (float, default 0.003): Learning rate at its highest.
        schedule (Literal['constant', 'cosine', 'linear', 'one-cycle', 'slanted',
            'plateau'], default 'cosine'): Course of the learning rate: constant, cosine to
            a hundredth or linear to zero after a short warm-up, one-cycle, slanted
            triangular, or halved whenever validation has not improved twice in a row.
        weight_decay (float, default 0.0): L2 penalty on the weights; with adamw the
            decoupled kind.
        clip (float, default 1.0): Largest norm of the gradient; 0 does not clip.
        clip_value (float, default 0.0): Largest absolute value of each number of the
            gradient, cut before the norm is taken; 0 does not cut.
        summed (bool, default False): Minimise the loss summed over the tokens of a sequence
            instead of their mean; the mean is still reported.
        alpha (float, default 0.99): Smoothing constant of rmsprop.
        momentum (float, default 0.0): Momentum of sgd and rmsprop.
        epochs (float | None, default None): Passes over the training text, at most;
            fractions are allowed. By default 20, but at least 2,000 steps.
        minutes (float | None, default None): Minutes to train instead; the measured speed
            turns them into a number of steps.
        steps (int | None, default None): Steps to train instead.
        patience (int | None, default None): Stop after this many validations in a row
            without improvement; 0 never stops early. By default 5, but not within 500 steps
            of the best.
        validate_every (int, default 0): Steps between validations; 0 validates after each
            epoch.
        trace_every (int, default 0): Steps between lines of trace.jsonl: loss, smoothed
            loss and norm of the gradient; 0 writes none.
        sample_every (int, default 0): Steps between samples of text, shown and kept in
            samples.jsonl; 0 draws none. A sample continues what the first stream has read;
            with prefix windows or frozen lower layers it begins a document.
        sample_length (int, default 200): Tokens of a sample.
        batch_size (int, default 64): Streams of text read side by side, at most; fewer if
            the text is short.
        sequence_length (int, default 128): Tokens between truncations of the gradient, at
            most; fewer if the text is short.
        seed (int, default 0): Seed of the initial weights, of dropout and of the order of
            the documents.
        windows (Literal['stream', 'prefix'], default 'stream'): Input of a step: the text
            as a stream, with the state carried from step to step; or, as in tutorials, the
            beginnings of sentences, each of which predicts its next token. With prefix,
            validation reads held-out sentences one by one.
        shuffle (bool, default True): Draw the order of the documents, and the place where
            reading begins, from the seed; otherwise read the documents of the split in
            their order, from the first.
        precision (Literal['fp32', 'bf16'], default 'fp32'): Arithmetic of the products,
            those of muon too: fp32, or bf16 by autocast.
        averaged (float, default 0.0): Share of the run over which weights are averaged:
            validations, and the weights that are kept, are those of an exponential mean
            that remembers about so much of the steps before; 0 averages nothing.
        activation_penalty (float, default 0.0): Weight of the mean square of the top
            layer's outputs after dropout, in nats: AR (Merity et al. 2018, section 4.5,
            alpha). It is added to what is minimised, never to a loss that is reported.
        slowness_penalty (float, default 0.0): Weight of the mean square of the change of
            the top layer's outputs from step to step, in nats: TAR (beta).

    Keywords in place of machine, MachineOptions: the machine that trains.
        backend (Literal['auto', 'native', 'torch'], default 'auto'): The engine of this
            package (native) or PyTorch (torch); auto is native on a CPU for which it was
            compiled.
        device (Literal['auto', 'cpu', 'cuda', 'mps'], default 'auto'): Device; auto takes a
            CUDA device if there is one.
        devices (int | None, default None): Processes or GPUs that share each batch. By
            default 1, or as many as torchrun started.
        threads (int, default 0): CPU threads of each process, no more than there are cores;
            0 leaves the choice to PyTorch.
        save_every (float, default 60.0): Seconds between saves of the state that resume
            needs.

    Keywords in place of display, DisplayOptions: the display of a run while it goes on.
        live (bool, default False): Draw loss and accuracy in the terminal, epoch by epoch.
        tensorboard (bool, default False): Write the losses for TensorBoard too, into the
            folder `tensorboard` of the run.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of split, SplitOptions: division of a corpus into train, validation
    and test.
        fractions (tuple[float, float, float] | None, default None): Shares of the text for
            train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1,
            everything else takes thirds, and both take 0.9 0.05 0.05 from 2 million
            characters.
        split_seed (int, default 0): Seed of the random order in which documents go to the
            splits.

    Returns:
        The loss on the validation split and the facts of the run.

    Raises:
        UserError: bad input; the message says what to do.
    """

def finetune(
    base: str | Path,
    *texts: str | Path,
    out: str | Path,
    train: str | None = None,
    head: bool = True,
    method: Method | str = ...,
    tokenizer: str | None = None,
    tokens: RetrainedVocabulary = ...,
    direction: Direction | None = None,
    training: FinetuneOptions = ...,
    machine: MachineOptions = ...,
    display: DisplayOptions = ...,
    dropouts: DropoutOptions = ...,
    rehearsal: RehearsalOptions = ...,
    read: ReadOptions = ...,
    split: SplitOptions = ...,
    final: bool = False,
    search: bool = False,
    fingerprint: bool = True,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    strength: float = 0.01,
    rank: int = 8,
    alpha: float = 0.99,
    context: int = 1000,
    vocabulary_size: int = 0,
    min_count: int = 2,
    lower_case: bool = False,
    vocabulary: Literal['auto', 'base', 'both', 'text'] = 'auto',
    softmax: HeadName = 'auto',
    optimizer: OptimizerName = 'adamw',
    lr: float = 0.0,
    schedule: ScheduleName | None = None,
    weight_decay: float = 0.0,
    clip: float = 1.0,
    clip_value: float = 0.0,
    summed: bool = False,
    momentum: float = 0.0,
    epochs: float | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    patience: int | None = 5,
    validate_every: int = 0,
    trace_every: int = 0,
    sample_every: int = 0,
    sample_length: int = 200,
    batch_size: int = 16,
    sequence_length: int = 128,
    seed: int = 0,
    windows: Literal['stream', 'prefix'] = 'stream',
    shuffle: bool = True,
    precision: Literal['fp32', 'bf16'] = 'fp32',
    averaged: float = 0.0,
    activation_penalty: float = 0.0,
    slowness_penalty: float = 0.0,
    rate_decay: float = 1.0,
    unfreeze_every: float = 0.0,
    backend: Literal['auto', 'native', 'torch'] = 'auto',
    device: Literal['auto', 'cpu', 'cuda', 'mps'] = 'auto',
    devices: int | None = None,
    threads: int = 0,
    save_every: float = 60.0,
    live: bool = False,
    tensorboard: bool = False,
    dropout: float | None = None,
    output_dropout: float | None = None,
    embedding_dropout: float | None = None,
    input_dropout: float | None = None,
    weight_dropout: float | None = None,
    dropout_kind: Literal['ordinary', 'variational'] | None = None,
    dropout_scale: float = 1.0,
    rehearse: tuple[str, ...] = (),
    rehearse_share: float = 0.5,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    fractions: tuple[float, float, float] | None = None,
    split_seed: int = 0,
) -> TrainingResult:
    """Retrain a selection of a base model's weights on text; all others stay as they are, bit for bit.

    Args:
        base: the folder of a model, or the name of a bundled one.
        texts: files or folders of text.
        out: the folder for the new model.
        train: the selection of weights that learn, such as `all`, `layers.2` or `layers.*.weight_hh - layers.0`. By
            default the one that was measured for the base; if there is none, short trials choose it together with the
            rate, or the rate alone if it is given. With a rate alone, all weights learn.
        head: let the head learn too, even if the selection leaves it out.
        method: the way in which the selected weights learn.
        tokenizer: another tokenizer than the base's; rows are carried over by token.
        tokens: the tokens of the new model: those of the base, of the text, or both.
        direction: the direction of reading, if other than the base's: a forward base is a cheap start for a backward
            model, with its embedding and its head.
        training: the recipe.
        machine: device, processes and threads.
        display: curves and TensorBoard.
        dropouts: dropout, if other than the base's.
        rehearsal: text like the base's own that is learned beside the new one.
        read: options for reading the text.
        split: options for splitting the documents.
        final: at the end, retrain the base anew on all of the text, as long as the best weights had taken; nothing
            measures these weights.
        search: let short trials choose rate and selection, even if the base says what was measured for it.
        fingerprint: keep hashes of the training text, never the text, so that generation can report copying.
        resume: go on with the interrupted run in `out`.
        monitor: follows the progress.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of method, L2ToBase, if method is l2-to-base: retraining with an L2
    penalty towards the base.
        strength (float, default 0.01): Weight of the squared distance from the base's
            weights, in nats.

    Keywords in place of method, LoRA, if method is lora: low-rank adaptation of the
    selected matrices; vectors stay as they are.
        rank (int, default 8): Columns of the left matrix and rows of the right one.
        alpha (float, default 16.0): Weight of the product; it is divided by the rank.

    Keywords in place of method, Priming, if method is priming: reading of the text in place
    of learning: documents begin in the state that its end leaves.
        context (int, default 1000): Tokens at the end of the training text that are read; 0
            reads all of it. A network remembers some hundreds.

    Keywords in place of tokens, RetrainedVocabulary: vocabulary of a base on another text.
        vocabulary_size (int, default 0): Most tokens, special ones included. 0 takes all
            words that are frequent enough; of subwords (bpe) it takes the characters and
            four times the square root of the text's length in characters, 32,000 at most.
        min_count (int, default 2): Fewest occurrences of a word in the training text; rarer
            words are unknown.
        lower_case (bool, default False): Write words in lower case.
        vocabulary (Literal['auto', 'base', 'both', 'text'], default 'auto'): Tokens of the
            new model: those of the base, those of the text, or both. Rows are carried over
            by token; new tokens start from the mean row. auto is both, unless the base has
            the same tokens for every text. Without a vocabulary_size, both adds no more
            words or subwords than the base has; with one, frequent words of the text come
            before rare ones of the base.
        softmax (str, default 'auto'): Full, or adaptive, which learns many tokens in half
            the time, but evaluation and generation then run on PyTorch; auto keeps that of
            the base. One of auto, full, adaptive, adapted.

    Keywords in place of training, FinetuneOptions: the recipe of retraining, with a rate
    that short trials may choose.
        optimizer (Literal['rmsprop', 'adagrad', 'adam', 'adamw', 'sgd', 'muon', 'soap',
            'ademamix', 'lion', 'schedule-free'], default 'adamw'): Optimizer.
        lr (float, default 0.0): Learning rate at its highest; 0 tries those that were
            measured for the base, or lets short trials choose it, together with the
            selection unless train gives one.
        schedule (Literal['constant', 'cosine', 'linear', 'one-cycle', 'slanted', 'plateau']
            | None, default None): Course of the learning rate, as from scratch. By default
            the one that was measured for the base if its rates are tried, else cosine.
        weight_decay (float, default 0.0): L2 penalty on the weights; with adamw the
            decoupled kind.
        clip (float, default 1.0): Largest norm of the gradient; 0 does not clip.
        clip_value (float, default 0.0): Largest absolute value of each number of the
            gradient, cut before the norm is taken; 0 does not cut.
        summed (bool, default False): Minimise the loss summed over the tokens of a sequence
            instead of their mean; the mean is still reported.
        alpha (float, default 0.99): Smoothing constant of rmsprop.
        momentum (float, default 0.0): Momentum of sgd and rmsprop.
        epochs (float | None, default None): Passes over the training text, at most;
            fractions are allowed. By default as many as were measured for the base if its
            rates are tried, else 20.
        minutes (float | None, default None): Minutes to train instead; the measured speed
            turns them into a number of steps.
        steps (int | None, default None): Steps to train instead.
        patience (int | None, default 5): Stop after this many validations in a row without
            improvement; 0 never stops early.
        validate_every (int, default 0): Steps between validations; 0 validates after each
            epoch.
        trace_every (int, default 0): Steps between lines of trace.jsonl: loss, smoothed
            loss and norm of the gradient; 0 writes none.
        sample_every (int, default 0): Steps between samples of text, shown and kept in
            samples.jsonl; 0 draws none. A sample continues what the first stream has read;
            with prefix windows or frozen lower layers it begins a document.
        sample_length (int, default 200): Tokens of a sample.
        batch_size (int, default 16): Streams of text read side by side, at most; fewer if
            the text is short.
        sequence_length (int, default 128): Tokens between truncations of the gradient, at
            most; fewer if the text is short.
        seed (int, default 0): Seed of the initial weights, of dropout and of the order of
            the documents.
        windows (Literal['stream', 'prefix'], default 'stream'): Input of a step: the text
            as a stream, with the state carried from step to step; or, as in tutorials, the
            beginnings of sentences, each of which predicts its next token. With prefix,
            validation reads held-out sentences one by one.
        shuffle (bool, default True): Draw the order of the documents, and the place where
            reading begins, from the seed; otherwise read the documents of the split in
            their order, from the first.
        precision (Literal['fp32', 'bf16'], default 'fp32'): Arithmetic of the products,
            those of muon too: fp32, or bf16 by autocast.
        averaged (float, default 0.0): Share of the run over which weights are averaged:
            validations, and the weights that are kept, are those of an exponential mean
            that remembers about so much of the steps before; 0 averages nothing.
        activation_penalty (float, default 0.0): Weight of the mean square of the top
            layer's outputs after dropout, in nats: AR (Merity et al. 2018, section 4.5,
            alpha). It is added to what is minimised, never to a loss that is reported.
        slowness_penalty (float, default 0.0): Weight of the mean square of the change of
            the top layer's outputs from step to step, in nats: TAR (beta).
        rate_decay (float, default 1.0): Divide the learning rate by this from each group of
            weights to the one below: the head, the layers from the top, the embedding. The
            uppermost group that learns has the whole rate; a tied embedding is in the head.
            2.6 in Howard and Ruder (2018).
        unfreeze_every (float, default 0.0): Epochs after which the next group of weights
            learns too, from the head down; 0 lets all learn from the first step.

    Keywords in place of machine, MachineOptions: the machine that trains.
        backend (Literal['auto', 'native', 'torch'], default 'auto'): The engine of this
            package (native) or PyTorch (torch); auto is native on a CPU for which it was
            compiled.
        device (Literal['auto', 'cpu', 'cuda', 'mps'], default 'auto'): Device; auto takes a
            CUDA device if there is one.
        devices (int | None, default None): Processes or GPUs that share each batch. By
            default 1, or as many as torchrun started.
        threads (int, default 0): CPU threads of each process, no more than there are cores;
            0 leaves the choice to PyTorch.
        save_every (float, default 60.0): Seconds between saves of the state that resume
            needs.

    Keywords in place of display, DisplayOptions: the display of a run while it goes on.
        live (bool, default False): Draw loss and accuracy in the terminal, epoch by epoch.
        tensorboard (bool, default False): Write the losses for TensorBoard too, into the
            folder `tensorboard` of the run.

    Keywords in place of dropouts, DropoutOptions: the dropout while a base is retrained, if
    other than the base's.
        dropout (float | None, default None): Share of units dropped between layers.
        output_dropout (float | None, default None): Share of the top layer's outputs
            dropped before the head.
        embedding_dropout (float | None, default None): Share of tokens whose embedding is
            zero for the whole batch.
        input_dropout (float | None, default None): Share of the embedding's outputs dropped
            before the lowest layer.
        weight_dropout (float | None, default None): Share of the weights between a layer's
            state and its gates dropped for a whole sequence: DropConnect.
        dropout_kind (Literal['ordinary', 'variational'] | None, default None): Draw the
            dropout of inputs, layers and outputs anew at each step (ordinary), or once for
            the whole sequence (variational).
        dropout_scale (float, default 1.0): Factor of all dropouts, those of the base and
            those given here; more for a short text, less for a long one.

    Keywords in place of rehearsal, RehearsalOptions: text like the base's own that is
    learned beside the new text.
        rehearse (tuple[str, ...], default ()): Files or folders of text like the base's
            own, of which some is learned beside the new text; validation reads the new text
            alone.
        rehearse_share (float, default 0.5): Share of what is learned in an epoch that is
            such text.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of split, SplitOptions: division of a corpus into train, validation
    and test.
        fractions (tuple[float, float, float] | None, default None): Shares of the text for
            train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1,
            everything else takes thirds, and both take 0.9 0.05 0.05 from 2 million
            characters.
        split_seed (int, default 0): Seed of the random order in which documents go to the
            splits.

    Returns:
        The loss on the validation split and the facts of the run.

    Raises:
        UserError: bad input; the message says what to do.
    """

def select(
    model: LanguageModel,
    expression: str,
    context: Context = ...,
    *,
    vocabulary: Sequence[str] = (),
    new: Collection[int] = (),
    scorers: Mapping[str, Callable[[], Scores]] = {},
) -> Selection:
    """Evaluate a selection expression on a model.

    Args:
        model: the model.
        expression: the selection.
        context: what it may refer to besides the model: tokens, and scores on a text.

    Keywords in place of context, Context: what an expression may refer to besides the
    model.
        vocabulary (Sequence[str], default ()): The V tokens by id.
        new (Collection[int], default ()): Ids of the tokens that the base did not have.
        scorers (Mapping[str, Callable[[], Mapping[str, Tensor]]], default {}): Computes a
            score of each weight on the text that is learned, by the name of the score.

    Raises:
        UserError: the expression does not parse (the message points at the place), or a part or the whole matches
            nothing.
    """

def compare(
    *bases: str | Path,
    corpus: Sequence[str | Path],
    out: str | Path,
    train: Sequence[str] = (),
    method: Method | str = ...,
    source: Sequence[str | Path] = (),
    options: CompareOptions = ...,
    searching: SearchOptions = ...,
    training: RetrainingOptions = ...,
    machine: MachineOptions = ...,
    display: DisplayOptions = ...,
    read: ReadOptions = ...,
    split: SplitOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    strength: float = 0.01,
    rank: int = 8,
    alpha: float = 0.99,
    context: int = 1000,
    seeds: int = 5,
    workers: int = 0,
    max_order: int = 8,
    sample_length: int = 200,
    temperature: float = 0.8,
    trials: int = 40,
    finalists: int = 3,
    max_hidden: int = 256,
    search_epochs: float = 100.0,
    search_seed: int = 0,
    optimizer: OptimizerName = 'adamw',
    lr: float = 0.001,
    schedule: ScheduleName = 'cosine',
    weight_decay: float = 0.0,
    clip: float = 1.0,
    clip_value: float = 0.0,
    summed: bool = False,
    momentum: float = 0.0,
    epochs: float | None = 20.0,
    minutes: float | None = None,
    steps: int | None = None,
    patience: int | None = 5,
    validate_every: int = 0,
    trace_every: int = 0,
    sample_every: int = 0,
    batch_size: int = 16,
    sequence_length: int = 128,
    seed: int = 0,
    windows: Literal['stream', 'prefix'] = 'stream',
    shuffle: bool = True,
    precision: Literal['fp32', 'bf16'] = 'fp32',
    averaged: float = 0.0,
    activation_penalty: float = 0.0,
    slowness_penalty: float = 0.0,
    rate_decay: float = 1.0,
    unfreeze_every: float = 0.0,
    backend: Literal['auto', 'native', 'torch'] = 'auto',
    device: Literal['auto', 'cpu', 'cuda', 'mps'] = 'auto',
    devices: int | None = None,
    threads: int = 0,
    save_every: float = 60.0,
    live: bool = False,
    tensorboard: bool = False,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    fractions: tuple[float, float, float] | None = None,
    split_seed: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
) -> Comparison:
    """Compare retraining part of a pretrained network with the best network trained on the text alone.

    The rows: each base untouched; the best network of a search from scratch; an n-gram model of the text, and one mixed
    with the source; each selection of the bases' weights retrained. The winner is chosen on validation.

    Args:
        bases: folders of models, or names of bundled ones.
        corpus: files or folders of the text.
        out: the folder for runs, report and the best model.
        train: the selections to retrain, each together with the head; by default every subset of the layers.
        method: the way in which the selected weights learn.
        source: text like that of the bases, for the mixed n-gram row.
        options: size of the comparison.
        searching: budget of the search from scratch.
        training: recipe for retraining the selections.
        machine: the machine's part in training.
        display: output of each run.
        read: options for reading the text.
        split: options for splitting the documents.
        executing: where the runs are done.
        resume: go on with the comparison in `out`; finished rows stay and runs are not repeated.
        monitor: hears of the progress.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of method, L2ToBase, if method is l2-to-base: retraining with an L2
    penalty towards the base.
        strength (float, default 0.01): Weight of the squared distance from the base's
            weights, in nats.

    Keywords in place of method, LoRA, if method is lora: low-rank adaptation of the
    selected matrices; vectors stay as they are.
        rank (int, default 8): Columns of the left matrix and rows of the right one.
        alpha (float, default 16.0): Weight of the product; it is divided by the rank.

    Keywords in place of method, Priming, if method is priming: reading of the text in place
    of learning: documents begin in the state that its end leaves.
        context (int, default 1000): Tokens at the end of the training text that are read; 0
            reads all of it. A network remembers some hundreds.

    Keywords in place of options, CompareOptions: the size of a comparison.
        seeds (int, default 5): Runs of each row, with consecutive seeds from seed on.
        workers (int, default 0): Runs at the same time, one thread each; 0 is one for each
            core.
        max_order (int, default 8): Longest n-grams of the n-gram rows.
        sample_length (int, default 1000): Characters of each sample text.
        temperature (float, default 0.8): Temperature of the sample texts.

    Keywords in place of searching, SearchOptions: the budget of the search for the best
    network from scratch.
        trials (int, default 40): Networks trained from scratch to find the best.
        finalists (int, default 3): Best trials that are trained with every seed before one
            is chosen.
        max_hidden (int, default 256): Largest number of units in a layer.
        search_epochs (float, default 100.0): Largest number of passes over the text in a
            trial; early stopping may end it sooner.
        search_seed (int, default 0): Seed of the search.

    Keywords in place of training, RetrainingOptions: the recipe of retraining: as from
    scratch, but gentler, since the text is short.
        optimizer (Literal['rmsprop', 'adagrad', 'adam', 'adamw', 'sgd', 'muon', 'soap',
            'ademamix', 'lion', 'schedule-free'], default 'adamw'): Optimizer.
        lr (float, default 0.001): Learning rate at its highest.
        schedule (Literal['constant', 'cosine', 'linear', 'one-cycle', 'slanted',
            'plateau'], default 'cosine'): Course of the learning rate: constant, cosine to
            a hundredth or linear to zero after a short warm-up, one-cycle, slanted
            triangular, or halved whenever validation has not improved twice in a row.
        weight_decay (float, default 0.0): L2 penalty on the weights; with adamw the
            decoupled kind.
        clip (float, default 1.0): Largest norm of the gradient; 0 does not clip.
        clip_value (float, default 0.0): Largest absolute value of each number of the
            gradient, cut before the norm is taken; 0 does not cut.
        summed (bool, default False): Minimise the loss summed over the tokens of a sequence
            instead of their mean; the mean is still reported.
        alpha (float, default 0.99): Smoothing constant of rmsprop.
        momentum (float, default 0.0): Momentum of sgd and rmsprop.
        epochs (float | None, default 20.0): Passes over the training text, at most;
            fractions are allowed.
        minutes (float | None, default None): Minutes to train instead; the measured speed
            turns them into a number of steps.
        steps (int | None, default None): Steps to train instead.
        patience (int | None, default 5): Stop after this many validations in a row without
            improvement; 0 never stops early.
        validate_every (int, default 0): Steps between validations; 0 validates after each
            epoch.
        trace_every (int, default 0): Steps between lines of trace.jsonl: loss, smoothed
            loss and norm of the gradient; 0 writes none.
        sample_every (int, default 0): Steps between samples of text, shown and kept in
            samples.jsonl; 0 draws none. A sample continues what the first stream has read;
            with prefix windows or frozen lower layers it begins a document.
        sample_length (int, default 200): Tokens of a sample.
        batch_size (int, default 16): Streams of text read side by side, at most; fewer if
            the text is short.
        sequence_length (int, default 128): Tokens between truncations of the gradient, at
            most; fewer if the text is short.
        seed (int, default 0): Seed of the initial weights, of dropout and of the order of
            the documents.
        windows (Literal['stream', 'prefix'], default 'stream'): Input of a step: the text
            as a stream, with the state carried from step to step; or, as in tutorials, the
            beginnings of sentences, each of which predicts its next token. With prefix,
            validation reads held-out sentences one by one.
        shuffle (bool, default True): Draw the order of the documents, and the place where
            reading begins, from the seed; otherwise read the documents of the split in
            their order, from the first.
        precision (Literal['fp32', 'bf16'], default 'fp32'): Arithmetic of the products,
            those of muon too: fp32, or bf16 by autocast.
        averaged (float, default 0.0): Share of the run over which weights are averaged:
            validations, and the weights that are kept, are those of an exponential mean
            that remembers about so much of the steps before; 0 averages nothing.
        activation_penalty (float, default 0.0): Weight of the mean square of the top
            layer's outputs after dropout, in nats: AR (Merity et al. 2018, section 4.5,
            alpha). It is added to what is minimised, never to a loss that is reported.
        slowness_penalty (float, default 0.0): Weight of the mean square of the change of
            the top layer's outputs from step to step, in nats: TAR (beta).
        rate_decay (float, default 1.0): Divide the learning rate by this from each group of
            weights to the one below: the head, the layers from the top, the embedding. The
            uppermost group that learns has the whole rate; a tied embedding is in the head.
            2.6 in Howard and Ruder (2018).
        unfreeze_every (float, default 0.0): Epochs after which the next group of weights
            learns too, from the head down; 0 lets all learn from the first step.

    Keywords in place of machine, MachineOptions: the machine that trains.
        backend (Literal['auto', 'native', 'torch'], default 'auto'): The engine of this
            package (native) or PyTorch (torch); auto is native on a CPU for which it was
            compiled.
        device (Literal['auto', 'cpu', 'cuda', 'mps'], default 'auto'): Device; auto takes a
            CUDA device if there is one.
        devices (int | None, default None): Processes or GPUs that share each batch. By
            default 1, or as many as torchrun started.
        threads (int, default 0): CPU threads of each process, no more than there are cores;
            0 leaves the choice to PyTorch.
        save_every (float, default 60.0): Seconds between saves of the state that resume
            needs.

    Keywords in place of display, DisplayOptions: the display of a run while it goes on.
        live (bool, default False): Draw loss and accuracy in the terminal, epoch by epoch.
        tensorboard (bool, default False): Write the losses for TensorBoard too, into the
            folder `tensorboard` of the run.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of split, SplitOptions: division of a corpus into train, validation
    and test.
        fractions (tuple[float, float, float] | None, default None): Shares of the text for
            train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1,
            everything else takes thirds, and both take 0.9 0.05 0.05 from 2 million
            characters.
        split_seed (int, default 0): Seed of the random order in which documents go to the
            splits.

    Keywords in place of executing, ExecutorOptions: where the runs of a comparison or a
    study are done; their results are the same everywhere.
        executor (Literal['local', 'dask', 'submitit'], default 'local'): Processes of this
            machine; the workers of a Dask cluster; or jobs of Slurm through submitit, which
            are processes of this machine where there is no Slurm.
        scheduler (str, default ''): Address of Dask's scheduler, such as tcp://node1:8786;
            without one, workers processes here are the cluster.
        slurm (tuple[str, ...], default ()): A parameter of each Slurm job as submitit names
            it, such as partition=short or timeout_min=240; may be repeated.

    Raises:
        UserError: bad input; the message says what to do.
    """

@overload
def study(
    name: Literal['sentiment-sizes'],
    *, data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = ...,
    grid: Any = None,
    read: ReadOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    quick: bool = False,
    seeds: int = 5,
    workers: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
    sizes: tuple[int, ...] = (10, 50, 100, 500, 1000, 2500, 5000, 10000, 20000),
    rows: tuple[str, ...] = ('majority', 'tfidf', 'nb-svm', 'states', 'scratch', 'scratch-longer', 'own', 'forward', 'backward', 'both', 'blend'),
    validation: int = 2400,
    test: int = 2400,
    repeated: int = 2500,
    scratch_up_to: int = 10000,
    base: str = 'english-words',
    backward: str = 'english-backward',
    states: str = 'english-tiny',
    epochs: float = 1.0,
    own_epochs: float = 0.0,
    language_model_lr: float = 0.002,
    longer_epochs: int = 8,
    most_tokens: int = 400,
    stage_minutes: float = 40.0,
    published: Literal['none', 'imdb'] = 'none',
) -> StudyResult: ...

@overload
def study(
    name: Literal['stacked-lstm'],
    *, data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = ...,
    grid: Any = None,
    read: ReadOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    quick: bool = False,
    seeds: int = 5,
    workers: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
    num_layers: int = 3,
    hidden_size: int = 64,
    sources: tuple[str, ...] = ('far', 'near'),
    recipes: tuple[str, ...] = ('paper', 'better'),
    larger_far: str = '',
    larger_near: str = '',
    selections: tuple[str, ...] = (),
    pretraining_epochs: int = 60,
    falling_epochs: int = 6,
    paper_rates: tuple[float, ...] = (0.01, 0.001),
    paper_epochs: int = 40,
    better_rates: tuple[float, ...] = (0.003, 0.001),
    better_epochs: int = 10,
    larger_rates: tuple[float, ...] = (0.001,),
    larger_epochs: int = 2,
    scratch_epochs: int = 120,
    trials: int = 40,
    finalists: int = 3,
) -> StudyResult: ...

@overload
def study(
    name: Literal['vanilla-rnn'],
    *, data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = ...,
    grid: Any = None,
    read: ReadOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    quick: bool = False,
    seeds: int = 5,
    workers: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
    hidden_size: int = 100,
    sigma: float = 0.1,
    lr: float = 0.1,
    penalty: float = 0.0,
    nonlinearity: Literal['tanh', 'relu'] = 'tanh',
    epochs: int = 6,
    sequence_length: int = 25,
    cells: tuple[str, ...] = ('lstm', 'gru'),
    optimizers: tuple[str, ...] = ('adam',),
    rates: tuple[float, ...] = (0.0003, 0.001, 0.003),
) -> StudyResult: ...

@overload
def study(
    name: Literal['which-weights'],
    *, data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = ...,
    grid: Any = None,
    read: ReadOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    quick: bool = False,
    seeds: int = 5,
    workers: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
    base: str = 'english-small',
    probe: str = '',
    shares: tuple[float, ...] = (1, 5, 10, 25),
    draws: int = 5,
    rates: tuple[float, ...] = (0.0005, 0.002, 0.008),
    dynamic_rates: tuple[float, ...] = (2e-05, 6e-05, 0.0002),
    epochs: float = 2.0,
    batch_size: int = 16,
    precision: Literal['fp32', 'bf16'] = 'bf16',
    judged: int = 0,
    best: int = 10,
    best_seeds: int = 5,
    only: tuple[str, ...] = (),
) -> StudyResult: ...

@overload
def study(
    name: Literal['word-model'],
    *, data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = ...,
    grid: Any = None,
    read: ReadOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    quick: bool = False,
    seeds: int = 5,
    workers: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
    weights: int = 400000,
    num_layers: int = 1,
    min_count: int = 2,
    tokenizers: tuple[str, ...] = ('char', 'word', 'bpe'),
) -> StudyResult: ...

@overload
def study(
    name: str,
    *, data: Mapping[str, str | Path] | Sequence[str],
    out: str | Path,
    options: StudyOptions = ...,
    grid: Any = None,
    read: ReadOptions = ...,
    executing: ExecutorOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    quick: bool = False,
    seeds: int = 5,
    workers: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    executor: Literal['local', 'dask', 'submitit'] = 'local',
    scheduler: str = '',
    slurm: tuple[str, ...] = (),
    **own: Any,
) -> StudyResult:
    """Run a named experiment on text that you bring.

    Args:
        name: the name of a study, such as `stacked-lstm`.
        data: the texts by role, such as `{"target": PATH, "near": PATH, "far": PATH}`, or a list of `role=PATH`.
        out: the folder for runs and results.
        options: the size of the experiment.
        grid: the study's own options, such as `VanillaRnnOptions(sigma=0.2)`; its default grid if None.
        read: options for reading all texts.
        executing: where the runs are done.
        resume: go on with the experiment in `out`; finished runs are not repeated.
        monitor: hears of the progress.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of options, StudyOptions: the size of an experiment.
        quick (bool, default False): A trial of a few minutes: every part runs for a few
            steps with two seeds. Its figures mean nothing.
        seeds (int, default 5): Runs of each row, with different seeds.
        workers (int, default 0): Runs at the same time, one thread each; 0 is one for each
            core.

    Keywords in place of grid, SentimentSizesOptions, if name is sentiment-sizes: the sizes
    and rows of the study sentiment-sizes, and how its networks learn.
        sizes (tuple[int, ...], default (10, 50, 100, 500, 1000, 2500, 5000, 10000, 20000)):
            Numbers of labelled texts to learn from, as far as there are so many.
        rows (tuple[str, ...], default ('majority', 'tfidf', 'nb-svm', 'states', 'scratch',
            'scratch-longer', 'own', 'forward', 'backward', 'both', 'blend')): Rows of the
            table.
        validation (int, default 2400): Texts held out for validation; a fifth of all at
            most.
        test (int, default 2400): Texts held out for the test; a fifth of all at most.
        repeated (int, default 2500): Largest size at which each row has all seeds; above
            it, where seeds differ little, one is run.
        scratch_up_to (int, default 10000): Largest size for networks from scratch, and for
            those whose language model learns the labelled texts alone.
        base (str, default 'english-words'): Language model to start from: a folder or the
            name of a bundled model. Networks from scratch have its shape and its tokenizer.
        backward (str, default 'english-backward'): Language model that reads backward, for
            the rows `backward` and `both`.
        states (str, default 'english-tiny'): Language model whose frozen states are read.
        epochs (float, default 1.0): Passes of the language model over all texts without
            their labels.
        own_epochs (float, default 0.0): Passes of the language model over the labelled
            texts alone; 0 is as `classify train` does, from ten passes over a few texts to
            one over many.
        language_model_lr (float, default 0.002): Highest learning rate of the language
            models.
        longer_epochs (int, default 8): Passes of the row `scratch-longer`, in which all
            layers learn from the beginning.
        most_tokens (int, default 400): Tokens that a network reads of a text; of a longer
            one the first quarter of them and the last three.
        stage_minutes (float, default 40.0): Minutes after which a training is saved and its
            cost noted, before it goes on.
        published (Literal['none', 'imdb'], default 'none'): Figures of other works to show
            beside these: `imdb` if the texts are its reviews.

    Keywords in place of grid, StackedLstmOptions, if name is stacked-lstm: the grid of the
    study stacked-lstm.
        num_layers (int, default 3): LSTM layers of the bases.
        hidden_size (int, default 64): Units of a layer.
        sources (tuple[str, ...], default ('far', 'near')): Sources whose bases are
            retrained: far, near, or both.
        recipes (tuple[str, ...], default ('paper', 'better')): Recipes, each a pair of
            tables: paper, better, or larger, which retrains bases that were made elsewhere.
        larger_far (str, default ''): Base of recipe "larger" that has read far text: the
            folder of a model of as many layers.
        larger_near (str, default ''): The same, of near text.
        selections (tuple[str, ...], default ()): Selections of weights to retrain, each
            together with the head; by default every subset of the layers.
        pretraining_epochs (int, default 60): Largest number of epochs of the bases of
            recipe "paper".
        falling_epochs (int, default 6): Epochs in which the rate of the bases falls, in
            recipe "better".
        paper_rates (tuple[float, ...], default (0.01, 0.001)): Learning rates of retraining
            in recipe "paper" (RMSprop).
        paper_epochs (int, default 40): Largest number of epochs of retraining in recipe
            "paper".
        better_rates (tuple[float, ...], default (0.003, 0.001)): Learning rates of
            retraining in recipe "better" (AdamW).
        better_epochs (int, default 10): Epochs of retraining in recipe "better".
        larger_rates (tuple[float, ...], default (0.001,)): Learning rates of retraining in
            recipe "larger" (AdamW).
        larger_epochs (int, default 2): Epochs of retraining in recipe "larger".
        scratch_epochs (int, default 120): Largest number of epochs of the networks from
            scratch in recipe "paper".
        trials (int, default 40): Networks of each search for the best from scratch.
        finalists (int, default 3): Best trials of a search that are trained with every
            seed.

    Keywords in place of grid, VanillaRnnOptions, if name is vanilla-rnn: the network and
    the grid of the study vanilla-rnn.
        hidden_size (int, default 100): Hidden units m.
        sigma (float, default 0.1): Standard deviation of the initial weights and biases.
        lr (float, default 0.1): Learning rate of AdaGrad.
        penalty (float, default 0.0): Lambda of a penalty lambda W^2 on weights and biases,
            added to the loss of every sequence: S sequences then lead to the most probable
            weights (MAP) under a Gaussian prior of variance 1 / (2 lambda S).
        nonlinearity (Literal['tanh', 'relu'], default 'tanh'): Nonlinearity of the hidden
            units in the studied network; the other one is compared with it.
        epochs (int, default 6): Epochs over the book.
        sequence_length (int, default 25): Characters of a sequence, over which gradients go
            back.
        cells (tuple[str, ...], default ('lstm', 'gru')): Other cells to compare with.
        optimizers (tuple[str, ...], default ('adam',)): Other optimizers to compare with,
            for the studied network and the other cells.
        rates (tuple[float, ...], default (0.0003, 0.001, 0.003)): Learning rates of the
            other optimizers; validation chooses among them after an epoch.

    Keywords in place of grid, WhichWeightsOptions, if name is which-weights: the grid of
    the study which-weights.
        base (str, default 'english-small'): The base: a folder, or the name of a bundled
            model.
        probe (str, default ''): A probe.json of the base, whose first and last units are
            retrained too.
        shares (tuple[float, ...], default (1, 5, 10, 25)): Shares of the units and of the
            weights that are chosen by a ranking, a score or by chance (per cent).
        draws (int, default 5): Draws of each choice by chance.
        rates (tuple[float, ...], default (0.0005, 0.002, 0.008)): Learning rates; each row
            has the one that is best on the validation split of the targets.
        dynamic_rates (tuple[float, ...], default (2e-05, 6e-05, 0.0002)): Learning rates of
            dynamic evaluation.
        epochs (float, default 2.0): Passes over the training split; the best on validation
            counts.
        batch_size (int, default 16): Streams of text read side by side, at most.
        precision (Literal['fp32', 'bf16'], default 'bf16'): Arithmetic of the products
            while the weights learn.
        judged (int, default 0): Rows that learn the writers of the verdict too: so many
            that validated best on the targets, with their controls by chance, and all
            weights. 0 takes all rows.
        best (int, default 10): Rows that are trained with more seeds in the end, together
            with their controls.
        best_seeds (int, default 5): Seeds of these.
        only (tuple[str, ...], default ()): Groups of rows, such as layer, gate, units or
            method; by default all.

    Keywords in place of grid, WordModelOptions, if name is word-model: the networks and the
    grid of the study word-model.
        weights (int, default 400000): Approximate number of weights of each network; a
            larger vocabulary leaves fewer to the layers.
        num_layers (int, default 1): LSTM layers.
        min_count (int, default 2): Words that occur less often in the text are unknown.
        tokenizers (tuple[str, ...], default ('char', 'word', 'bpe')): Tokenizers to
            compare; the beginnings of sentences and the next words need `word`.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of executing, ExecutorOptions: where the runs of a comparison or a
    study are done; their results are the same everywhere.
        executor (Literal['local', 'dask', 'submitit'], default 'local'): Processes of this
            machine; the workers of a Dask cluster; or jobs of Slurm through submitit, which
            are processes of this machine where there is no Slurm.
        scheduler (str, default ''): Address of Dask's scheduler, such as tcp://node1:8786;
            without one, workers processes here are the cluster.
        slurm (tuple[str, ...], default ()): A parameter of each Slurm job as submitit names
            it, such as partition=short or timeout_min=240; may be repeated.

    Raises:
        UserError: there is no such study, a role is missing or unknown, or a text is unsuitable.
    """

def evaluate(
    model: str | Path,
    *texts: str | Path,
    split: Literal['test', 'validation', 'train', 'all'] | None = None,
    read: ReadOptions = ...,
    splitting: SplitOptions = ...,
    running: EngineOptions = ...,
    learning: DynamicOptions = ...,
    clamp: Sequence[str] = (),
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    fractions: tuple[float, float, float] | None = None,
    split_seed: int = 0,
    backend: Literal['auto', 'native', 'torch'] = 'auto',
    precision: Literal['auto', 'fp32', 'bf16', 'int8'] = 'auto',
    threads: int = 0,
    dynamic: float = 0.0,
    dynamic_decay: float = 0.0,
    dynamic_tokens: int = 64,
) -> Evaluation:
    """Measure a model on the documents of a text, over the whole split, with the state reset at each document.

    Args:
        model: the folder of a model, or the name of a bundled one.
        texts: files or folders of text.
        split: the part to measure; by default `test` for the text that the model was trained on, else `all`. The
            training text is split as for the training, unless --fractions or a --split-seed other than 0 is given.
        read: how the text is read.
        splitting: how the documents are split; for the training text, defaults mean the values of the training.
        running: the engine and its precision.
        learning: dynamic evaluation.
        clamp: units of a state to hold at a value, written as for `generate`: `layers.1.cell[17]=0`,
            `units(from=probe.json, top=10)=0`. The rise of the loss is what the model owes to them.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of splitting, SplitOptions: division of a corpus into train,
    validation and test.
        fractions (tuple[float, float, float] | None, default None): Shares of the text for
            train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1,
            everything else takes thirds, and both take 0.9 0.05 0.05 from 2 million
            characters.
        split_seed (int, default 0): Seed of the random order in which documents go to the
            splits.

    Keywords in place of running, EngineOptions: the engine that runs a model.
        backend (Literal['auto', 'native', 'torch'], default 'auto'): The engine of this
            package or PyTorch; auto is native if it can run the model.
        precision (Literal['auto', 'fp32', 'bf16', 'int8'], default 'auto'): Of the weights
            while they are multiplied; auto is fp32, and int8 for a quantised model.
        threads (int, default 0): CPU threads, no more than there are cores; 0 for one with
            a single text and all cores with several.

    Keywords in place of learning, DynamicOptions: dynamic evaluation, strictly score-first:
    no token is measured by weights that have learned from it.
        dynamic (float, default 0.0): Rate at which all weights learn from each piece of the
            text after it was measured; 0 learns nothing.
        dynamic_decay (float, default 0.0): Share by which the weights go back to what they
            were, in each step.
        dynamic_tokens (int, default 64): Tokens of a piece.

    Raises:
        UserError: the input is bad, or the model knows none of its characters; the message says what to do.
    """

def text_quality(
    texts: Iterable[str],
) -> TextQuality:
    """Measure generated texts; n-grams do not reach from one text into the next.
    """

def generate(
    model: str | Path | ModelFolder | Checkpoint,
    options: GenerateOptions = ...,
    sampling: SamplingOptions = ...,
    running: EngineOptions = ...,
    corpus: Sequence[str | Path] = (),
    *, clamp: Sequence[str] = (),
    stream: Listener | None = None,
    stepper: Any = None,
    prompt: str = '',
    length: int | None = None,
    tokens: int = 0,
    documents: int = 0,
    max_length: int = 10000,
    samples: int = 1,
    stop: tuple[str, ...] = (),
    next: int = 0,
    repetition_penalty: float = 1.0,
    repetition_window: int = 64,
    temperature: float | tuple[float, ...] = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    rule: tuple[str, ...] = (),
    seed: int | None = None,
    backend: Literal['auto', 'native', 'torch'] = 'auto',
    precision: Literal['auto', 'fp32', 'bf16', 'int8'] = 'auto',
    threads: int = 0,
) -> Generation:
    """Write texts with a trained model.

    Sample i depends on the seed and on i, not on the number of samples. The backend torch may differ from that once in
    some 100,000 characters, because the last bit of a sum can depend on the width of a product and tip a draw.

    Args:
        model: a model, its folder, or the name of a bundled one.
        options: prompt and extent.
        sampling: how each token is drawn.
        running: the engine and its precision.
        corpus: the text that the model learned, in files or folders, to name the documents that runs were copied from.
        clamp: units of a state to hold at a value, such as `layers.1.cell[17]=1`, `layers.0[3-7]=0`, or from the
            ranking of a probe `units(from=probe.json, top=10)=0`. After each step they are set to it, before anything
            reads them: the layer above, the head, the next step. With a clamped cell state the hidden state follows
            by the output gate.
        stream: called with a sample's index and its next piece of text as soon as that is certain, so never with part
            of a stop string or of a character. The pieces of a sample add up to its text, prompt first.
        stepper: runs the model instead of an engine.

    Keywords in place of options, GenerateOptions: prompt and extent of the text.
        prompt (str, default ''): The text to continue. On the command line `\\n` in it is a
            line break, `\\t` a tab and `\\\\` a backslash.
        length (int | None, default None): Characters to write after the prompt, by default
            1000. A document that ends before is followed by a blank line and the next
            document.
        tokens (int, default 0): Write this many tokens (words and punctuation marks of a
            word model) instead of a number of characters.
        documents (int, default 0): Write this many whole documents, each up to the model's
            end symbol, instead of a fixed length.
        max_length (int, default 10000): With documents: cut a document that has not ended
            after this many characters.
        samples (int, default 1): Write this many texts of that length.
        stop (tuple[str, ...], default ()): End the text before the first of these strings.
            On the command line `\\n` in it is a line break, `\\t` a tab and `\\\\` a backslash.
        next (int, default 0): Instead of writing, list this many of the likeliest next
            tokens with the model's own probabilities, before temperature and filters.

    Keywords in place of sampling, SamplingOptions: the draw of the next token (a character
    or a word).
        repetition_penalty (float, default 1.0): Above 1, recent tokens become less likely;
            1 switches it off.
        repetition_window (int, default 64): Count this many of the last tokens as recent.
        temperature (float | tuple[float, ...], default 0.8): Below 1 the likely becomes
            likelier, above 1 the unlikely; 0 always takes the likeliest token. Several,
            such as 0.5 0.8 1.1, write the same number of texts each, from the same seed.
        top_k (int, default 0): Draw from the K likeliest tokens only; 0 for all.
        top_p (float, default 1.0): Draw from the fewest tokens whose probabilities add up
            to this much; 1 for all.
        min_p (float, default 0.0): Drop tokens less likely than this share of the likeliest
            one; 0 for none.
        rule (tuple[str, ...], default ()): A further rule as NAME=VALUE, such as
            typical=0.9: draw from the tokens whose surprise is nearest to the expected one.
            Repeat it for several rules.
        seed (int | None, default None): The same seed gives the same text; by default a
            seed is drawn and reported.

    Keywords in place of running, EngineOptions: the engine that runs a model.
        backend (Literal['auto', 'native', 'torch'], default 'auto'): The engine of this
            package or PyTorch; auto is native if it can run the model.
        precision (Literal['auto', 'fp32', 'bf16', 'int8'], default 'auto'): Of the weights
            while they are multiplied; auto is fp32, and int8 for a quantised model.
        threads (int, default 0): CPU threads, no more than there are cores; 0 for one with
            a single text and all cores with several.

    Raises:
        UserError: there is no such model, it does not know characters or words of the prompt, or an option is out of
            range.
    """

def gradcheck(
    options: GradcheckOptions = ...,
    *, progress: bool = True,
    cell: CellName = 'rnn',
    num_layers: int = 1,
    hidden_size: int = 100,
    top_size: int = 0,
    embedding_size: int = 0,
    vocabulary_size: int = 80,
    sequence_length: int = 25,
    sigma: float = 0.1,
    seed: int = 0,
    entries: int = 0,
    details: bool = False,
) -> Gradcheck:
    """Check the gradients of a network in every backend and precision.

    The loss is the cross-entropy summed over a sequence of random ids. The yardstick is the gradient written by hand in
    NumPy, checked against complex differences of its loss (Squire and Trapp 1998). For a cell that has none, it is the
    gradient of the cell's equation, checked against central differences. Both are in float64.

    Args:
        options: the network.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of options, GradcheckOptions: the network whose gradients are checked,
    and the text: random ids.
        cell (str, default 'rnn'): Recurrent cell. One of gru, lstm, rnn, rnn_relu.
        num_layers (int, default 1): Recurrent layers, one above the other.
        hidden_size (int, default 100): Units in each layer, unless the top one has its own
            size.
        top_size (int, default 0): Units in the top layer; 0 means as many as in the others.
        embedding_size (int, default 0): Width of a learned embedding; 0 means one-hot
            input.
        vocabulary_size (int, default 80): Different ids.
        sequence_length (int, default 25): Ids that are read and predicted.
        sigma (float, default 0.1): Standard deviation of weights and biases.
        seed (int, default 0): Seed of weights and ids.
        entries (int, default 0): Number of entries of each weight to check, drawn at
            random; 0 for all, which takes minutes for a large network of a cell without a
            gradient written by hand.
        details (bool, default False): Show the figures of every weight in every backend
            too.

    Raises:
        UserError: options out of range.
    """

def info(
    path: str | Path | None = None,
    read: ReadOptions = ...,
    split: SplitOptions = ...,
    *, names: bool = False,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    fractions: tuple[float, float, float] | None = None,
    split_seed: int = 0,
) -> Info:
    """Describe a model, a classifier, a study, a run or a text; without a path, list the bundled models and the engine.

    Args:
        path: a folder or file, or the name of a bundled model.
        read: the way a text is read.
        split: the way its documents are split.
        names: list the names of a model's weights and states, with their shapes: the names that train, read and clamp.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of split, SplitOptions: division of a corpus into train, validation
    and test.
        fractions (tuple[float, float, float] | None, default None): Shares of the text for
            train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1,
            everything else takes thirds, and both take 0.9 0.05 0.05 from 2 million
            characters.
        split_seed (int, default 0): Seed of the random order in which documents go to the
            splits.

    Raises:
        UserError: there is nothing at the path, or it cannot be read.
    """

def selection(
    model: str | Path,
    expression: str = 'all',
    *, data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    read: ReadOptions = ...,
    split: SplitOptions = ...,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    fractions: tuple[float, float, float] | None = None,
    split_seed: int = 0,
) -> Selected:
    """Show what a selection means for a model: how many weights of which parameters it lets learn.

    Args:
        model: a model folder, or the name of a bundled model.
        expression: the selection, such as `layers.1[forget]` or `weights(random=1%, seed=3)`.
        data: text for the scores `fisher` and `gradient`, which are taken on its training split.
        out: a file for a picture of the network with the selected weights coloured: `.png` or `.svg`.
        read: options for reading the text.
        split: options for splitting its documents.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of split, SplitOptions: division of a corpus into train, validation
    and test.
        fractions (tuple[float, float, float] | None, default None): Shares of the text for
            train, validation and test. By default pretrain and finetune take 0.8 0.1 0.1,
            everything else takes thirds, and both take 0.9 0.05 0.05 from 2 million
            characters.
        split_seed (int, default 0): Seed of the random order in which documents go to the
            splits.

    Raises:
        UserError: there is no such model or text, the expression means nothing, or the file has another ending.
    """

def record(
    model: str | Path,
    *texts: str | Path,
    out: str | Path,
    names: Sequence[str] = ('layers.*.*',),
    dtype: Literal['float16', 'float32'] = 'float16',
    format: Literal['npy', 'lstmvis'] = 'npy',
    gradients: bool = False,
    backend: str = 'auto',
    read: ReadOptions = ...,
    progress: bool = True,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> Recording:
    """Write the states and gates of a network at every token of a text to files, time first.

    Every document is read from the zero state, as `evaluate` reads it. Row t of an array is the state after token t has
    been read, the documents one after the other. `index.json` has the model's hash, the documents with their first
    rows, and the files; `tokens.npy` the ids, and `tokenizer.json` what they mean. Nothing is held in memory, however
    long the text.

    Args:
        model: a model folder, or the name of a bundled model.
        texts: files or folders of text.
        out: the folder for the arrays.
        names: the vectors to record, where `*` is any layer or any kind: `layers.*.cell`, `layers.0.forget`,
            `layers.1` for a hidden state; by default every state and gate.
        dtype: the numbers in the files.
        format: the layout: `npy` for files that NumPy maps into memory, or `lstmvis` for what LSTMVis reads (Strobelt
            et al. 2018).
        gradients: write the gradient times input, too: how much each token read changes the log-probability of each
            later one. For short texts.
        backend: what runs the model: `auto`, `native`, `torch` or `reference`.
        read: options for reading the text.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: there is no such model, text or state, the output folder is not empty, the disk is too small, the
            text is too long for gradients, or h5py is not installed.
    """

def probe(
    model: str | Path,
    *, property: Sequence[str] = (),
    text: Sequence[str | Path] = (),
    labelled: Sequence[str] = (),
    pairs: str | Path | None = None,
    names: Sequence[str] = (),
    out: str | Path,
    options: ProbeOptions = ...,
    read: ReadOptions = ...,
    progress: bool = True,
    characters: int = 100000,
    positions: int = 10000,
    passages: int = 200,
    causal: int = 0,
    seed: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> Probing:
    """Find the units of a model that carry properties of text, and rank all units by them.

    Every unit is measured alone: correlation, mutual information, and a logistic probe on held-out documents, which has
    to beat a control task with random labels. Changes of the text, such as spelling errors, show how far and how long
    the states of a unit move. A sparse probe reads each property from all units of a layer at once. With `causal` the
    best units are also held at their mean while the model reads, and high and low while it writes: a unit is said to
    carry a property only if all of this agrees.

    The folder gets `index.html`, a page to look around in, and `probe.json`, whose ranking selections take:
    `units(from=FOLDER/probe.json, top=10%)`. Its score is high for units that carry high-level properties rather than
    low-level ones; if all properties are of one level, for those that carry these.

    Args:
        model: a model folder, or the name of a bundled model.
        property: properties that every text has, such as `quotes`; without any, all of them for which there is what
            they need.
        text: files or folders of text in which these are measured.
        labelled: texts with labels, a property of a high level: `sentiment=PATH`, where PATH is a table, or a folder
            with a folder for each label; of plain texts, one for each label, under the same name.
        pairs: a list of `wrong->right` on each line, for spelling errors.
        names: the states to probe, such as `layers.1.cell` or `layers.*.forget`; by default all but the gates.
        out: the folder for the ranking and the page.
        options: sizes of what is read and measured.
        read: options for reading the texts.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of options, ProbeOptions: sizes of what is read and measured.
        characters (int, default 100000): Characters to read at most, of the text and of
            each labelled property.
        positions (int, default 10000): Characters of the text at which states are measured,
            drawn from all of it.
        passages (int, default 200): Passages in which a change is made, for properties such
            as spelling.
        causal (int, default 0): Units of each property to test by ablating and by clamping
            them too, the best ones first; changes are not tested. It takes some minutes.
        seed (int, default 0): Seed of all draws.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: there is no such model, text or property, the text has too little of a property, the output folder
            is not empty, or scikit-learn is not installed.
    """

def look(
    model: str | Path,
    *texts: str | Path,
    text: str = '',
    unit: Sequence[str] = (),
    characters: int = 2000,
    out: str | Path | None = None,
    read: ReadOptions = ...,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> Look:
    """Show the state of units of a network over a text, as the text in colours.

    The network reads by the equations of its cells in fp32, a quantised one with the weights that it has in int8. A
    value is the state after the token was read.

    Args:
        model: a model folder, or the name of a bundled model.
        texts: files or folders of text.
        text: the text itself, instead of files.
        unit: the units, such as `layers.1[37]` for unit 37 of layer 1, both counted from 0, or `layers.1.cell[37]` for
            its cell state in an LSTM, and `layers.1.forget[37]` for a gate. By default the five whose hidden state has
            the largest standard deviation over the text.
        characters: how much of the text is read at most, from its beginning.
        out: a file for the picture: `.png`, `.svg` or `.html`.
        read: options for reading the text.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: there is no such model, text or unit, or the file has another ending.
    """

def plot(
    *runs: str | Path,
    against: Against = 'steps',
    out: str | Path | None = None,
) -> Curves:
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

def train_classifier(
    *texts: str | Path,
    out: str | Path,
    unlabelled: Sequence[str | Path] = (),
    options: ClassifierOptions = ...,
    read: ReadOptions = ...,
    machine: MachineOptions = ...,
    resume: bool = False,
    monitor: Monitor | None = None,
    progress: bool = True,
    rows: tuple[str, ...] = (),
    minutes: float | None = None,
    base: str = '',
    backward: str = '',
    balance: bool = True,
    seed: int = 0,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
    backend: Literal['auto', 'native', 'torch'] = 'auto',
    device: Literal['auto', 'cpu', 'cuda', 'mps'] = 'auto',
    devices: int | None = None,
    threads: int = 0,
    save_every: float = 60.0,
) -> ClassifierTraining:
    """Train a classifier on labelled texts: every approach is measured, and the best one is kept.

    With fewer than 500 texts the rows are measured by cross-validation in five folds, else on a fifth of the texts.
    The winner has the highest accuracy there, or the highest balanced accuracy if classes of unequal size are to count
    alike; of equals, the cheapest wins. Then it learns all labelled texts, unless it is a network that was measured on
    a fifth.

    Args:
        texts: tables with a column of texts and one of labels, or folders with a folder for each class.
        out: the folder for the classifier.
        unlabelled: further texts without labels, for rows that learn from such texts.
        options: the rows, and how they are trained.
        read: options for reading the texts.
        machine: device and threads.
        resume: go on with the interrupted training in `out`.
        monitor: follows the progress.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of options, ClassifierOptions: the rows of the table, and how they are
    trained.
        rows (tuple[str, ...], default ()): Rows of the table, by name, or several names
            joined by commas; by default all.
        minutes (float | None, default None): Minutes that the training may take, about;
            rows that do not fit are left out and named.
        base (str, default ''): Language model to start from: a folder or the name of a
            bundled model. By default a bundled one, which each row chooses.
        backward (str, default ''): Language model that reads backward, for rows that read
            in both directions.
        balance (bool, default True): Count each class alike, whatever its number of texts;
            otherwise each text counts alike.
        seed (int, default 0): Seed of the folds and of everything that is drawn.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Keywords in place of machine, MachineOptions: the machine that trains.
        backend (Literal['auto', 'native', 'torch'], default 'auto'): The engine of this
            package (native) or PyTorch (torch); auto is native on a CPU for which it was
            compiled.
        device (Literal['auto', 'cpu', 'cuda', 'mps'], default 'auto'): Device; auto takes a
            CUDA device if there is one.
        devices (int | None, default None): Processes or GPUs that share each batch. By
            default 1, or as many as torchrun started.
        threads (int, default 0): CPU threads of each process, no more than there are cores;
            0 leaves the choice to PyTorch.
        save_every (float, default 60.0): Seconds between saves of the state that resume
            needs.

    Returns:
        The table and the winner.

    Raises:
        UserError: bad input; the message says what to do.
    """

def classify(
    model: str | Path,
    *texts: str | Path,
    out: str | Path | None = None,
    read: ReadOptions = ...,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> Classification:
    """Give texts the label that a classifier thinks most probable, and the probability of every class.

    Args:
        model: the folder of a classifier.
        texts: texts, or files: a table with a column of texts, whose other columns are kept, a file with one text, or a
            folder of these; `-` is the standard input.
        out: a file for all rows, CSV or JSON Lines by its suffix.
        read: options for reading the texts; the column is by default that of the training.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: bad input; the message says what to do.
    """

def evaluate_classifier(
    model: str | Path,
    *texts: str | Path,
    read: ReadOptions = ...,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> ClassifierEvaluation:
    """Measure a classifier on labelled texts that it did not learn from.

    Args:
        model: the folder of a classifier.
        texts: tables with a column of texts and one of labels, or folders with a folder for each class.
        read: options for reading the texts; column and label are by default those of the training.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: bad input; the message says what to do.
    """

def import_fastai(
    weights: str | Path,
    words: str | Path,
    *, out: str | Path,
    direction: Literal['forward', 'backward'] = 'forward',
) -> Imported:
    """Turn the weights of a ULMFiT language model of fastai into a model folder.

    The files are those of fastai 1 (`lstm_wt103.pth`, `itos_wt103.pkl`) or of fastai 0.7 (`fwd_wt103.h5`). Neither is
    unpickled: of the weights only tensors are read, and of the words only a list of strings.

    Args:
        weights: the weights of an AWD-LSTM with its decoder.
        words: the list of its words, pickled or as JSON.
        out: the folder for the model.
        direction: the direction in which the model reads.

    Raises:
        UserError: a file is missing, damaged, holds anything else, or does not fit the other one.
    """

def get_corpus(
    *names: str,
    out: str | Path | None = None,
    fetching: FetchOptions = ...,
    meter: Meter | None = None,
    progress: bool = True,
    mirror: str | None = None,
    cache: Path | None = None,
    from_file: Path | None = None,
) -> CorpusFiles:
    """Get public texts from their own homes, ready for every command that takes text.

    Downloads go on where they broke off, are checked and kept in a cache. Between two requests to one host are two
    seconds.

    Args:
        names: `gutenberg:NUMBER` for a book of Project Gutenberg, `cornell-dialogues`, `wikitext-2`, `wikitext-103`,
            these two with `-raw` behind, or `kaggle-lyrics` with --from-file.
        out: the folder for the texts; by default one with the name of the corpus.
        fetching: mirror, cache and copies of one's own.
        meter: follows the progress.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of fetching, FetchOptions: fetching of texts.
        mirror (str | None, default None): Address of a mirror in place of the usual homes,
            such as https://aleph.pglaf.org for Project Gutenberg, or a mirror of the
            Hugging Face hub for WikiText.
        cache (Path | None, default None): Folder in which downloads are kept. By default
            the environment variable EPIGONE_CACHE names it, or it is in the system's folder
            for caches.
        from_file (Path | None, default None): Copy of the file on this machine, in place of
            a download.

    Raises:
        UserError: there is no such corpus, it cannot be fetched, or the folder holds another text under its name.
    """

def corpus_stats(
    *texts: str | Path,
    stats: StatsOptions = ...,
    read: ReadOptions = ...,
    progress: bool = True,
    base: tuple[str, ...] = (),
    sample: int = 20000,
    timing: bool = True,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> CorpusStats:
    """Describe a corpus: its documents, its letters, its copies, its language, and what the bases make of it.

    Args:
        texts: files or folders of text.
        stats: what is measured.
        read: how the text is read.
        progress: show bars in a terminal or a notebook; elsewhere nothing is shown.

    Keywords in place of stats, StatsOptions: measures of a corpus.
        base (tuple[str, ...], default ()): Model to measure the text with, a folder or a
            bundled name; may be repeated. By default all bundled ones that read forward.
        sample (int, default 20000): Characters of the sample that the bases read.
        timing (bool, default True): Find out how long finetune takes on this machine, by
            some steps of it.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: the input is bad; the message says what to do.
    """

def delta(
    model: str | Path,
    *, out: str | Path,
    base: str | Path | None = None,
) -> Delta:
    """Write a copy of a retrained model that holds only what differs from its base.

    The copy is a model folder like any other: each command takes it, and reads the rest from the base, whose hash is
    checked. It gives the weights of the model bit for bit; of methods that learn products or factors, to 1e-6.

    Args:
        model: the folder of a model that `finetune` wrote.
        out: the folder for the copy.
        base: the folder or the bundled name of the base; by default the one that the model says it was made of.

    Raises:
        UserError: there is no such model or base, the base is another than the one that was retrained, or the output
            folder is not empty.
    """

def quantize(
    model: str | Path,
    *texts: str | Path,
    out: str | Path,
    read: ReadOptions = ...,
    encoding: str | None = None,
    separator: str | None = None,
    blank_lines: int | None = None,
    documents: Literal['lines', 'files', 'headings', 'pages'] | None = None,
    titles: bool | None = None,
    notes: bool = False,
    site_lines: bool = True,
    column: str | None = None,
    label: str | None = None,
    gutenberg: bool = True,
    limit: int = 0,
) -> Quantisation:
    """Write a copy of a model with weights of 8 bits, and measure the difference.

    Args:
        model: the folder of a model, or the name of a bundled one.
        texts: files or folders of text to measure on; by default the model writes one itself.
        out: the folder for the quantised model.
        read: how the text is read.

    Keywords in place of read, ReadOptions: reading of files as documents.
        encoding (str | None, default None): Encoding of the files, for example cp1252. By
            default UTF-8, or a guess if that fails.
        separator (str | None, default None): Regular expression; a line that it matches as
            a whole separates documents. By default a line `===` does.
        blank_lines (int | None, default None): Least number of blank lines that separates
            documents.
        documents (Literal['lines', 'files', 'headings', 'pages'] | None, default None):
            Unit of documents: with `lines` every line is a document, as in a list of names;
            with `files` every file; with `headings` and `pages` every section and page of a
            marked-up text. By default a separator decides, or the headings or page breaks
            of a marked-up text that seems to be a collection.
        titles (bool | None, default None): Keep the headings that documents begin with, or
            leave them out. By default they are left out of a file with three documents or
            more, and kept in others.
        notes (bool, default False): Keep the notes of a text and their numbers, page
            numbers and tables of contents.
        site_lines (bool, default True): Keep the words that lyrics sites put among those of
            songs, such as `You might also like` and `12Embed`.
        column (str | None, default None): Column of CSV, TSV or JSON Lines that holds the
            text. By default `text`, or the only column of texts.
        label (str | None, default None): Source of the documents' labels: a column of CSV,
            TSV or JSON Lines; `folder` for the name of the folder that a file is in; `file`
            for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for
            the number in the file names of aclImdb. By default only aclImdb is labelled, by
            folder.
        gutenberg (bool, default True): Remove the header and the footer that Project
            Gutenberg adds to its books.
        limit (int, default 0): Read no more than this many characters, in the order of the
            files; 0 reads all.

    Raises:
        UserError: the input is bad, the output folder is not empty, or there is no native engine to run int8.
    """

def load_checkpoint(
    name_or_folder: str | Path,
    backend: str = 'auto',
) -> Checkpoint:
    """Read a model folder or a bundled model; weights become float32.

    Raises:
        UserError: the folder is missing, a file is damaged, the weights do not fit the configuration, or there is no
            such backend.
    """
