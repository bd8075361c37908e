"""What all tests share: a small text written for them, and one thread."""

import logging
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

import pytest
import torch
from hypothesis import settings

from epigone import extensions
from epigone.app.cli import run
from epigone.kernels import BUILDS, VARIABLE, available, engine
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import save_description, save_weights
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.characters import AsciiTokenizer

WORDS = (  # noqa: SIM905
    "river stone morning lantern ferry oar the a over under slowly brings takes keeps my her their gull kettle rain "
    "winter market bread and but when while"
).split()

# The same examples each time where a change is judged, new ones where people work.
settings.register_profile("no time is asserted", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("no time is asserted")

if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, by the programs of the tests too

REGISTRIES = (
    "models.cells.base:CELLS",
    "models.config:HEADS",
    "text.tokenizers.registry:TOKENIZERS",
    "text.readers.registry:READERS",
    "generation.rules.registry:RULES",
    "transfer.methods.registry:METHODS",
    "classification.approaches.registry:APPROACHES",
    "probing.properties.registry:PROPERTIES",
    "studies.registry:STUDIES",
)
SHARED = Path(__file__).parents[2] / "shared" / "corpora"


torch.set_num_threads(1)  # for the fixtures of modules, which come before those of tests
# A shell starts what it runs in the background with Ctrl-C ignored; tests that press it, and their children, need it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[pytest.TestReport]:
    """Write what a test logged so that every process can send it: names of files need not be UTF-8."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def _one_thread():
    """Results are bit-identical at the same number of threads only."""
    torch.set_num_threads(1)


def make_song(generator: random.Random, lines: int) -> str:
    """A few lines of words in no particular order."""
    return "\n".join(" ".join(generator.choices(WORDS, k=generator.randint(3, 6))).capitalize() for _ in range(lines))


@pytest.fixture(scope="session")
def song_file(tmp_path_factory) -> Path:
    """Twenty-four small songs in one file, separated by ===: about 6,000 characters."""
    generator = random.Random(0)
    songs = [make_song(generator, generator.randint(5, 12)) for _ in range(24)]
    path = tmp_path_factory.mktemp("songs") / "songs.txt"
    path.write_text("\n\n===\n\n".join(songs) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def make_base(tmp_path):
    """Saves a small untrained model in a folder of that name, which it returns."""

    def make(name: str = "base", tokenizer: Tokenizer | None = None, seed: int = 0, **shape) -> Path:
        tokenizer = tokenizer or AsciiTokenizer()
        torch.manual_seed(seed)
        sizes = {"num_layers": 2, "hidden_size": 8, "vocabulary_size": len(tokenizer.vocabulary)}
        model = LanguageModel(ModelConfig(**sizes | shape))
        save_description(tmp_path / name, model.config, tokenizer)
        save_weights(tmp_path / name, model)
        return tmp_path / name

    return make


@pytest.fixture(params=BUILDS)
def build(request, monkeypatch) -> Iterator[str]:
    """The name of a build of the native engine, which is the one in use; each in turn."""
    if request.param not in available():
        pytest.skip(f"this machine cannot run the build {request.param}, or it was not compiled")
    monkeypatch.setenv(VARIABLE, request.param)
    engine.cache_clear()
    yield request.param
    engine.cache_clear()


@pytest.fixture
def no_engine(monkeypatch) -> Iterator[None]:
    """As where there was no compiler."""
    monkeypatch.setenv(VARIABLE, "none")
    engine.cache_clear()
    yield
    engine.cache_clear()


@pytest.fixture
def registries(tmp_path, monkeypatch) -> Iterator[None]:
    """Take out after the test what it registered, and the extensions in its folder."""
    found = [resolve_name(f"epigone.{name}") for name in REGISTRIES]
    before = [dict(registry) for registry in found]
    monkeypatch.setattr(extensions, "loaded", [])
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]
    for registry, records in zip(found, before, strict=True):
        registry.clear()
        registry.update(records)


class Outcome(NamedTuple):
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str


@pytest.fixture
def cli(capsys, monkeypatch) -> Iterator[Callable[..., Outcome]]:
    """Runs a command in this process; what it prints is as wide as in a file."""
    monkeypatch.delenv("COLUMNS", raising=False)
    logger = logging.getLogger("epigone")
    handlers, level = logger.handlers, logger.level

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    yield call
    logger.handlers = handlers
    logger.setLevel(level)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the text corpora are not beside the checkout")
    return SHARED
