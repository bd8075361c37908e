"""The public functions as Python calls them: keywords, sentences, help."""

import functools
import inspect
import pickle
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import epigone
from epigone.app import progress
from epigone.app.functions import parts, public, type_name
from epigone.app.notebook import NotebookMonitor
from epigone.app.progress import ConsoleMonitor, monitor_of_caller
from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.transfer.methods.l2_to_base import L2ToBase

NAMES = [name for name in epigone.PUBLIC if inspect.isfunction(getattr(epigone, name))]
NEEDED = {
    "pretrain": (["a.txt"], {"out": "new"}),
    "finetune": (["base", "a.txt"], {"out": "new"}),
    "compare": (["base"], {"corpus": "a.txt", "out": "new"}),
    "study": (["vanilla-rnn"], {"data": ["text=a.txt"], "out": "new"}),
    "evaluate": (["base", "a.txt"], {}),
    "generate": (["base"], {}),
    "look": (["base"], {}),
    "probe": (["base"], {"out": "new"}),
    "record": (["base", "a.txt"], {"out": "new"}),
    "selection": (["base"], {}),
    "delta": (["base"], {"out": "new"}),
    "plot": (["run"], {}),
    "quantize": (["base"], {"out": "new"}),
    "import_fastai": (["weights.pth"], {"words": "words.pkl", "out": "new"}),
    "train_classifier": (["a.csv"], {"out": "new"}),
    "classify": (["mine"], {}),
    "evaluate_classifier": (["mine", "a.csv"], {}),
    "load_checkpoint": (["base"], {}),
    "text_quality": ([["a text"]], {}),
    "select": ([LanguageModel(ModelConfig(hidden_size=2, vocabulary_size=3)), "all"], {}),
}
WRONG = {
    "bool": [1, "yes", None, [True], 0.0],
    "int": ["3", True, None, [3], 2.5, float("nan"), b"3"],
    "float": ["3", True, None, [3.0], float("nan"), 1j, {}],
    "str": [5, None, ["a"], b"a", True, float("nan")],
    "str | Path": [5, None, True, b"a", {}, ["a"], float("nan")],
}
"""Values that are wrong for a type; None is right for one that allows it."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@functools.cache
def called(name):
    """A public function that returns its arguments instead of doing anything."""
    function, _ = parts(getattr(epigone, name))
    return public(functools.wraps(function)(lambda *arguments, **keywords: (arguments, keywords)))


def call(name, *further, **keywords):
    needed, named = NEEDED.get(name, ([], {}))
    return called(name)(*needed, *further, **named | keywords)


def keywords_of(name):
    """The keywords of a function that can be given beside those that are needed, with their types."""
    positional = len(NEEDED.get(name, ([], {}))[0])
    parameters = list(inspect.signature(getattr(epigone, name)).parameters.values())
    return {
        p.name: type_name(p.annotation)
        for i, p in enumerate(parameters)
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and i >= positional
    }


EVERY = [(name, keyword, kind) for name in NAMES for keyword, kind in keywords_of(name).items()]


def test_a_keyword_is_an_option():
    _, keywords = call("finetune", epochs=3, encoding="cp1252", threads=2)
    assert keywords["training"] == epigone.FinetuneOptions(epochs=3.0)
    assert repr(keywords["training"].epochs) == "3.0"  # as the command line has it, so that runs are the same
    assert keywords["read"] == epigone.ReadOptions(encoding="cp1252")
    assert keywords["machine"] == epigone.MachineOptions(threads=2)
    assert "split" not in keywords


def test_dataclasses_are_accepted_by_name_and_by_position():
    options, sampling = epigone.GenerateOptions(length=5), epigone.SamplingOptions(seed=1)
    arguments, keywords = call("generate", options, sampling=sampling)
    assert inspect.signature(epigone.generate).bind(*arguments, **keywords).arguments == {
        "model": "base", "options": options, "sampling": sampling
    }  # fmt: skip


def test_options_of_a_more_general_class_keep_their_values():
    training = call("finetune", training=epigone.RetrainingOptions(lr=0.5))[1]["training"]
    assert training == epigone.FinetuneOptions(lr=0.5, epochs=20.0, schedule="cosine")


def test_a_method_is_chosen_by_name_or_by_object():
    assert call("finetune", method="l2-to-base", strength=1)[1]["method"] == L2ToBase(1.0)
    assert call("finetune", method=L2ToBase(2.0))[1]["method"] == L2ToBase(2.0)


def test_a_study_has_its_own_options():
    assert call("study", sigma=0.2, seeds=3)[1]["grid"] == epigone.VanillaRnnOptions(sigma=0.2)


@pytest.mark.parametrize(
    ("name", "keywords", "said"),
    [
        ("finetune", {"epoch": 3}, "finetune has no argument epoch; did you mean epochs?"),
        ("info", {"qqq": 3}, "info has no argument qqq; help(epigone.info) lists them."),
        ("finetune", {"strength": 1}, "strength is an option of method l2-to-base alone; leave it out."),
        ("study", {"weights": 1}, "weights is an option of name word-model alone; leave it out."),
        (
            "generate",
            {"length": 3, "options": epigone.GenerateOptions()},
            "length is an option of options, which is given too; put it there: options=GenerateOptions(length=3), or "
            "leave out options.",
        ),
        (
            "generate",
            {"options": epigone.SamplingOptions(seed=1)},
            "options must be of the class GenerateOptions; SamplingOptions(repetition_penalty=1.0, … was given.",
        ),
        ("generate", {"model": "b"}, "generate got two values for model; give one."),
        ("evaluate", {"split": "tset"}, "There is no split 'tset'; choose one of test, validation, train, all."),
        ("finetune", {"epochs": -1}, "epochs must be greater than 0; -1.0 was given."),
    ],
)
def test_mistakes_get_a_sentence(name, keywords, said):
    with pytest.raises(UserError) as error:
        call(name, **keywords)
    assert str(error.value) == said


def test_missing_and_surplus_arguments_get_a_sentence():
    with pytest.raises(UserError, match=r"^finetune needs out: the folder for the new model\.$"):
        epigone.finetune("base", "a.txt")
    with pytest.raises(UserError, match=r"^study needs name: the name of a study, such as `stacked-lstm`\.$"):
        epigone.study(data=[], out="new", sigma=1)
    with pytest.raises(UserError, match=r"info takes 3 arguments by position .*, and 4 were given"):
        epigone.info(1, 2, 3, 4)
    with pytest.raises(UserError, match=r"There is no study 'vanila-rnn'.* Did you mean 'vanilla-rnn'"):
        epigone.study("vanila-rnn", data=[], out="new")


def wrong_values():
    for name, keyword, kind in EVERY:
        for plain, values in WRONG.items():
            if kind in (plain, f"{plain} | None"):
                fitting = {repr(None)} if "None" in kind else set()
                yield from ((name, keyword, value) for value in values if repr(value) not in fitting)
        if kind.startswith("Literal"):
            yield from ((name, keyword, value) for value in (5, "no such", ["a"], True))
        if kind.endswith(("Options", "Monitor | None")):
            yield from ((name, keyword, value) for value in (5, "a", epigone.UserError()))


def test_a_wrong_value_of_any_argument_gets_a_sentence_that_names_it():
    values = list(wrong_values())
    assert {name for name, _, _ in values} >= set(NEEDED) - {"text_quality", "select"}
    assert len(values) > 1000
    for name, keyword, value in values:
        with pytest.raises(UserError) as error:
            call(name, **{keyword: value})
        assert keyword in str(error.value), (name, keyword, value)
        assert str(error.value).endswith("."), (name, keyword, value)


@pytest.mark.parametrize("value", [5, None, True, b"a", ["a"], {}])
@pytest.mark.parametrize("name", [name for name in NEEDED if name not in ("text_quality", "select")])
def test_a_wrong_positional_argument_gets_a_sentence(name, value):
    parameter = next(iter(inspect.signature(getattr(epigone, name)).parameters))
    with pytest.raises(UserError, match=f"^{parameter} must be ") as error:
        called(name)(value, **NEEDED[name][1])
    assert "was given." in str(error.value)


@given(st.sampled_from(EVERY), ANYTHING)
def test_any_value_is_accepted_or_refused_in_a_sentence(argument, value):
    name, keyword, _ = argument
    said = ""
    try:
        call(name, **{keyword: value})
    except UserError as error:
        said = str(error)
    assert not said or (keyword in said.replace("-", "_") and said.endswith((".", "?")))


@pytest.mark.parametrize("name", NAMES)
def test_help_names_every_keyword_with_its_default(name):
    call = getattr(epigone, name)
    text = inspect.getdoc(call)
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD and "Args:" in text:
            assert f"    {parameter.name}: " in text or f"    {parameter.name} (" in text, parameter.name
    if name == "finetune":
        assert "    epochs (float | None, default None): Passes over the training text, at most;\n" in text
        assert text.index("epochs (") < text.index("Returns:")
        assert "--" not in text


def test_a_public_function_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(epigone.finetune)) is epigone.finetune


def test_progress_is_shown_by_default_and_can_be_switched_off(monkeypatch):
    monkeypatch.setattr(progress, "monitor_of_caller", lambda: progress.Monitor())
    assert isinstance(call("pretrain")[1]["monitor"], progress.Monitor)
    assert "monitor" not in call("pretrain", progress=False)[1]
    own = progress.Monitor()
    assert call("pretrain", monitor=own)[1]["monitor"] is own
    with pytest.raises(UserError, match="progress must be True or False"):
        call("pretrain", progress="no")


def test_progress_is_for_terminals_and_notebooks(monkeypatch):
    assert monitor_of_caller() is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(monitor_of_caller(), ConsoleMonitor)
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(monitor_of_caller(), NotebookMonitor)
    monkeypatch.setenv("RANK", "1")
    assert monitor_of_caller() is None
