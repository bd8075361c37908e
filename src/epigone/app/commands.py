"""The commands, and the parser that each public function becomes.

A command's module is imported only when the command is asked for, so that the light ones start quickly.
"""

import functools
import importlib
import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pkgutil import resolve_name
from typing import Annotated, Any, Literal, NamedTuple, get_origin, get_type_hints

from cyclopts import App, Group, Parameter
from cyclopts.config import Dict

from epigone import __version__
from epigone.app.keywords import GRIDS, KINDS, is_options
from epigone.app.recipes import Recipe
from epigone.app.terminal import SteadyConsole
from epigone.registry import Registry


class Command(NamedTuple):
    """The module of a command's function, its usage line and its summary.

    The processes of torchrun may share a command that is `shared`.
    """

    module: str
    usage: str
    summary: str
    shared: bool = False


COMMANDS = {
    "pretrain": Command(
        "epigone.training.pretrain",
        "TEXT... --out FOLDER",
        "Train a language model from scratch on text.",
        shared=True,
    ),
    "finetune": Command(
        "epigone.transfer.finetune",
        "BASE TEXT... [--train SELECTION] [--method NAME] --out FOLDER",
        "Retrain a selection of a base's weights on text.",
        shared=True,
    ),
    "compare": Command(
        "epigone.studies.compare.compare",
        "BASE... --corpus TEXT [--train SELECTION]... [--method NAME] --out FOLDER [--resume]",
        "Compare training from scratch with transfer from a base, in one table.",
    ),
    "evaluate": Command(
        "epigone.evaluation.evaluate",
        "MODEL TEXT... [--split test|validation|train|all]",
        "Measure how well a model predicts a text.",
    ),
    "generate": Command(
        "epigone.app.chat",
        "MODEL [--prompt TEXT] [--length N | --tokens N | --documents N | --next N] [--samples N] [-i]",
        "Write text with a model.",
    ),
    "classify": Command(
        "epigone.app.classify",
        "train | predict | evaluate ...",
        "Train a classifier on labelled texts, use it, and measure it.",
    ),
    "corpus": Command(
        "epigone.app.corpus",
        "get | stats ...",
        "Get public texts from their homes, and describe texts.",
    ),
    "quantize": Command(
        "epigone.export.quantize",
        "MODEL [TEXT...] --out FOLDER",
        "Store a model in 8-bit weights, and measure what that changes.",
    ),
    "delta": Command(
        "epigone.export.delta",
        "MODEL --out FOLDER [--base MODEL]",
        "Store a retrained model as what differs from its base.",
    ),
    "study": Command(
        "epigone.studies.registry",
        "NAME --data ROLE=PATH... [--quick] --out FOLDER [--resume]",
        "Run a whole experiment and write its report.",
    ),
    "record": Command(
        "epigone.probing.recording.record",
        "MODEL TEXT... --out FOLDER [--names STATE]... [--format npy|lstmvis] [--gradients]",
        "Write the states and gates of a model at every character of a text to files.",
    ),
    "probe": Command(
        "epigone.probing.probe",
        "MODEL [--property NAME]... [--text TEXT]... [--labelled NAME=PATH]... --out FOLDER",
        "Find the units that carry properties of text, and rank all by them.",
    ),
    "look": Command(
        "epigone.app.look",
        "MODEL [TEXT...] [--text WORDS] [--unit 'layers.LAYER[UNIT]']... [--out FILE.png|.svg|.html]",
        "Show the state of single units over a text, as the text in colours.",
    ),
    "selection": Command(
        "epigone.app.selection",
        "MODEL EXPRESSION [--data TEXT...] [--out FILE.png|.svg]",
        "Show which weights of a model a selection lets learn.",
    ),
    "plot": Command(
        "epigone.app.plot",
        "RUN... [--against steps|epochs|seconds] [--out FILE.png|.svg]",
        "Draw the losses of several runs in one figure.",
    ),
    "import-fastai": Command(
        "epigone.export.import_fastai",
        "WEIGHTS WORDS --out FOLDER [--direction forward|backward]",
        "Turn a published ULMFiT language model into a model folder.",
    ),
    "gradcheck": Command(
        "epigone.models.gradcheck",
        "[--cell NAME] [--hidden-size N] [--sequence-length N]",
        "Check the gradients of every backend against numerical ones.",
    ),
    "info": Command(
        "epigone.app.info",
        "[PATH] [--names]",
        "Describe a model, a text or a run folder; without a path, list the bundled models.",
    ),
}
WELCOME = """\
An epigone is a lesser imitator of a great writer, which is what this makes. Train a small recurrent network once on \
plenty of English; then retrain some of its weights on the few pages that your writer left.

Start with `epigone info`, which lists the bundled models. Let one of them write: `epigone generate MODEL`. Teach it \
your writer: `epigone finetune MODEL TEXT --out FOLDER`. See if it helped: `epigone compare MODEL --corpus TEXT --out \
FOLDER`. TEXT is a file or a folder of texts; MODEL is a folder or a bundled name."""
EVERYWHERE = """\
Every command also takes --recipe FILE.toml (read options from its table [options]; flags win), --extension \
MODULE (import a Python file, or an installed module, that registers cells, tokenizers and the like of your own), \
--json (print the result as JSON), --quiet (print no progress and no notices) and --debug (show where an error comes \
from)."""
METAVARS = {
    "out": "FOLDER", "plot.out": "FILE", "classify.out": "FILE",
    "property": "NAME", "labelled": "NAME=PATH", "text": "TEXT", "look.text": "WORDS", "names": "STATE",
    "pairs": "FILE",
    "look.out": "FILE", "selection.out": "FILE", "selection.data": "TEXT", "unit": "NAME", "clamp": "CLAMP",
    "corpus": "TEXT", "source": "TEXT", "rehearse": "TEXT",
    "train": "SELECTION", "data": "ROLE=PATH", "unlabelled": "TEXT",
}  # fmt: skip
"""Names of the values of options in the help; that of one command's option is under `COMMAND.OPTION`."""
CHOICES = {"tokenizer": "epigone.text.tokenizers.registry:TOKENIZERS"}
"""Options whose help lists the choices of a registry."""
Hooks = dict[str, Callable[[], Any]]  # arguments of public functions that are not for the command line


def make_app(arguments: Sequence[str], hooks: Hooks, recipe: Recipe | None) -> App:
    """Build the command line, importing only the command that the arguments begin with.

    A module with `subcommands()` gives several functions and their usage, by name.
    """
    app = App(
        name="epigone",
        version=__version__,
        usage="Usage: epigone COMMAND ...",
        console=SteadyConsole(),
        help=WELCOME,
        help_epilogue=EVERYWHERE,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative_iterable=(), show_default=_default),
    )
    for place, (name, command) in enumerate(COMMANDS.items()):
        usage = f"Usage: epigone {name} {command.usage}"
        if name != (arguments or [""])[0]:
            app.command(_placeholder(command.summary), name=name, usage=usage, sort_key=place)
            continue
        module = importlib.import_module(command.module)
        if not hasattr(module, "subcommands"):
            _add(app, getattr(module, name.replace("-", "_")), [name], usage, hooks, recipe, arguments)
            continue
        app.command(group := App(name=name, usage=usage, help=command.summary, sort_key=place))
        for each, (function, form) in module.subcommands().items():
            path = [name, each]
            chosen = recipe if arguments[:2] == path else None
            _add(group, function, path, f"Usage: epigone {name} {each} {form}", hooks, chosen, arguments)
            app.config = app.config or group.config
    return app


def _add(
    app: App,
    function: Callable[..., Any],
    path: list[str],
    usage: str,
    hooks: Hooks,
    recipe: Recipe | None,
    arguments: Sequence[str],
) -> None:
    """Add a public function as the command at a path of names, with the options of its recipe."""
    kinds = _kinds(function, arguments, recipe)
    command = _adapt(function, hooks, kinds)
    app.command(command, name=path[-1], usage=usage)
    if recipe is not None:
        recipe.check(" ".join(path), _options(command))
        options = functools.reduce(lambda inner, key: {key: inner}, reversed(path), recipe.options)
        app.config = (Dict(options, source=str(recipe.path)),)


def usage_of(arguments: Sequence[str]) -> str:
    """The usage of the command that the arguments begin with, after its name; empty if there is none."""
    if not arguments or arguments[0] not in COMMANDS:
        return ""
    command = COMMANDS[arguments[0]]
    module = importlib.import_module(command.module)
    forms = module.subcommands() if hasattr(module, "subcommands") else {}
    return f"{arguments[1]} {forms[arguments[1]][1]}" if arguments[1:] and arguments[1] in forms else command.usage


def _placeholder(summary: str) -> Callable[[], None]:
    def command() -> None: ...

    command.__doc__ = summary
    return command


def _kinds(function: Callable[..., Any], arguments: Sequence[str], recipe: Recipe | None) -> dict[str, type]:
    """Find the class that each option in `KINDS` names: on the command line, in the recipe, or by default.

    Raises:
        UserError: there is no class of that name.
    """
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in KINDS:
            continue
        chosen = parameter.default.name
        if recipe is not None and isinstance(named := recipe.options.get(name), str | int):  # else it will be refused
            chosen = str(named)
        for flag, value in itertools.pairwise([part for each in arguments for part in each.split("=", 1)] + [""]):
            chosen = value if flag == f"--{name}" else chosen
        found[name] = resolve_name(KINDS[name])[chosen]
    return found


def _adapt(function: Callable[..., Any], hooks: Hooks, kinds: Mapping[str, type]) -> Callable[..., Any]:
    """Turn a public function into a command.

    The fields of each options dataclass become flags under a heading of their own; arguments after the first such
    dataclass are flags too. Hooks are filled in here, and options that name a kind become an object of it.
    """
    parameters: list[inspect.Parameter] = []
    extra: list[inspect.Parameter] = []
    by_name = False
    signature = inspect.signature(function)
    several = any(name in GRIDS for name in signature.parameters)  # options of a study take values as --sizes 100 1000
    for parameter in signature.parameters.values():
        kind = parameter.annotation
        if parameter.name in hooks:
            continue
        if parameter.name in kinds:
            extra += _options_of_kind(parameter.name, kinds[parameter.name])
            names = " or ".join(resolve_name(KINDS[parameter.name]))
            described = Parameter(help=f"{_described(function, parameter.name)}: {names}.")
            parameter = parameter.replace(annotation=Annotated[str, described], default=parameter.default.name)
        elif is_options(kind):
            by_name = True
            _show_choices(kind)
            flat = Parameter(name="*", group=Group.create_ordered(_title(kind)), consume_multiple=several)
            parameter = parameter.replace(annotation=Annotated[kind, flat])
        elif parameter.name in METAVARS:
            metavar = METAVARS.get(f"{function.__name__}.{parameter.name}", METAVARS[parameter.name])
            pairs = "=" in metavar  # which cannot be mistaken for other arguments
            named = Parameter(metavar=metavar, consume_multiple=pairs)
            parameter = parameter.replace(annotation=Annotated[kind, named])
        elif parameter.name in CHOICES:
            choices = resolve_name(CHOICES[parameter.name]).choices()
            parameter = parameter.replace(annotation=Annotated[kind, Parameter(help=f"One of {choices}.")])
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            parameter = parameter.replace(kind=parameter.KEYWORD_ONLY if by_name else parameter.POSITIONAL_ONLY)
        parameters.append(parameter)
    filled = {name: value() for name, value in hooks.items() if name in signature.parameters}

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        for name, chosen in kinds.items():
            options[name] = options.pop(f"{name}_options", None) or chosen()
        return function(*arguments, **options, **filled)

    # Descriptions of arguments begin in lower case in docstrings, but in upper case in help, like those of options.
    command.__doc__ = re.sub(r"(?m)^( +\w+: )(\w)", lambda m: m[1] + m[2].upper(), function.__doc__ or "")
    command.__signature__ = signature.replace(parameters=parameters + extra)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters + extra}
    return command


def _show_choices(options: type) -> None:
    """Let options of a type such as `CellName` show the choices of their registry, and take no other value.

    Such a type is a string annotated with further choices, if any, and the registry.
    """
    for name, hint in get_type_hints(options, include_extras=True).items():
        if get_origin(hint) is Annotated and isinstance(registry := hint.__metadata__[-1], Registry):
            owner = next(kind for kind in options.__mro__ if name in inspect.get_annotations(kind))
            owner.__annotations__[name] = Annotated[Literal[*hint.__metadata__[:-1], *registry], *hint.__metadata__]


def _options_of_kind(name: str, kind: Any) -> list[inspect.Parameter]:
    """Make the fields of a kind flags, if it has any."""
    flat = Annotated[kind, Parameter(name="*", group=Group.create_ordered(_title(kind)))]
    made = inspect.Parameter(f"{name}_options", inspect.Parameter.KEYWORD_ONLY, default=kind(), annotation=flat)
    return [made] if fields(kind) else []


def _described(function: Callable[..., Any], name: str) -> str:
    """The description of an argument in a docstring, as the beginning of a sentence."""
    found = re.search(rf"(?m)^ +{name}: (.+?)\.?$", function.__doc__ or "")
    return found[1][0].upper() + found[1][1:] if found else name


def _title(options: type) -> str:
    """Take the heading of a group of options from the first sentence of its class."""
    return re.split(r"[.:]\s", options.__doc__ or "", maxsplit=1)[0].rstrip(".")


def _default(value: Any) -> str | None:
    """Write a default for the help; None hides it."""
    if isinstance(value, bool):
        return "yes" if value else None
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or None
    return None if value in (None, "", ()) else str(value)


def _options(command: Callable[..., Any]) -> dict[str, Any]:
    """The types of all options of a command, by name."""
    kinds: dict[str, Any] = {}
    for parameter in inspect.signature(command).parameters.values():
        kind = getattr(parameter.annotation, "__origin__", parameter.annotation)
        if is_dataclass(kind):
            hints = get_type_hints(kind)
            kinds |= {field.name: hints[field.name] for field in fields(kind)}
        elif parameter.kind is parameter.KEYWORD_ONLY:
            kinds[parameter.name] = parameter.annotation
    return kinds
