"""The command line: parse, call one public function, print. No logic lives here.

Standard output carries text or JSON only; everything else goes to standard error. A command's module is imported only
when the command is asked for, so that the light ones stay quick.
"""

import functools
import importlib
import inspect
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, NamedTuple

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.config import Dict
from cyclopts.exceptions import MissingArgumentError, UnusedCliTokensError
from rich.text import Text

from epigone import __version__
from epigone.app.display import SteadyConsole, as_json, show
from epigone.app.recipes import Recipe, read_recipe, take_recipe
from epigone.errors import UserError


class Command(NamedTuple):
    """Where a command's function is, how it is called, and what it is for."""

    module: str
    usage: str
    summary: str


COMMANDS = {
    "pretrain": Command(
        "epigone.training.pretrain",
        "TEXT... --out FOLDER",
        "Train a language model from scratch on text.",
    ),
    "finetune": Command(
        "epigone.transfer.finetune",
        "BASE TEXT... [--train SELECTION] --out FOLDER",
        "Retrain a selection of a base's weights on text.",
    ),
    "compare": Command(
        "epigone.studies.compare.compare",
        "BASE... --corpus TEXT [--train SELECTION]... --out FOLDER",
        "Scratch against transfer on one corpus, in one table.",
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
    "quantize": Command(
        "epigone.export.quantize",
        "MODEL [TEXT...] --out FOLDER",
        "Write a model with weights of 8 bits, and measure what that changes.",
    ),
    "study": Command(
        "epigone.studies.registry",
        "NAME --data ROLE=PATH... [--quick] --out FOLDER",
        "Run a named experiment.",
    ),
    "gradcheck": Command(
        "epigone.models.gradcheck",
        "[--cell rnn|rnn_relu|lstm|gru] [--hidden-size N] [--sequence-length N]",
        "Check the gradients of every backend against numerical ones.",
    ),
    "info": Command(
        "epigone.app.info",
        "[PATH]",
        "What a model, corpus or run folder is; without a path, the bundled models.",
    ),
}
WELCOME = """\
Teach a small recurrent network one writer's part: train once on plenty of English, then retrain a chosen part of its \
weights on the few pages that matter.

Begin with `epigone info`, which lists the models that come along, then ask whether they help with your text: \
`epigone compare MODEL --corpus TEXT --out FOLDER`. TEXT is a file or a folder of texts."""
EVERYWHERE = """\
Every command also takes --recipe FILE.toml (options from its table [options]; what is given as a flag wins), --json \
(print the result as JSON), --quiet (no progress and no notices) and --debug (show where an error comes from)."""
METAVARS = {"out": "FOLDER", "corpus": "TEXT", "source": "TEXT", "train": "SELECTION", "data": "ROLE=PATH"}
CHOICES = {"tokenizer": "epigone.text.tokenizers.registry"}  # options whose values a registry lists by `choices()`
FREE_TEXT = ("--prompt", "--stop", "--separator")  # their values may begin with a dash
INTERRUPTED = 130  # what shells report for Ctrl-C
Hooks = dict[str, Callable[[], Any]]  # arguments of public functions that are not for the command line

console = SteadyConsole(stderr=True)


def main() -> None:
    """The entry point of the `epigone` command."""
    # Read when PyTorch loads: a thread that waits spinning holds up the one that works when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a character shows another, and goes on
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 2 for a mistake of the user's, 130 after Ctrl-C, 1 for one of ours.
    """
    arguments, flags = _take_flags(_join_free_text(arguments), "--debug", "--json", "--quiet")
    quiet = flags["--quiet"] or _is_helper()
    _log_notices(logging.WARNING if quiet else logging.INFO)
    command = ""
    try:
        arguments, recipe = take_recipe(arguments)
        command = arguments[0] if arguments else ""
        hooks = {"json": lambda: flags["--json"], "monitor": _nobody if quiet else _monitor}
        app = _app(command, hooks, read_recipe(recipe) if recipe else None)
        result = app(arguments, exit_on_error=False, print_error=False)
        if result is not None:
            print(as_json(result)) if flags["--json"] else show(result)
        sys.stdout.flush()  # here, where it is noticed that the reader has gone
        if getattr(result, "outcome", None) == "interrupted":
            return INTERRUPTED
        return int(not getattr(result, "passed", True))  # of a check
    except SystemExit as end:  # of a helper process
        return int(end.code or 0)
    except BrokenPipeError:  # the reader has gone, as `| head` goes; Python would stumble over that again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        console.print("Stopped.")
        return INTERRUPTED
    except Exception as error:
        if flags["--debug"]:
            traceback.print_exc()
        sentence, status = _explained(error, command)
        _tell(Text.assemble(("Error: ", "red"), sentence))
        return status


def _explained(error: Exception, command: str) -> tuple[str, int]:
    """What went wrong, in a sentence, and the exit status."""
    match error:
        case UserError():
            return str(error), 2
        case MissingArgumentError(argument=argument, keyword=None) if argument is not None:
            return f"{command} needs {argument.name}. Usage: epigone {command} {COMMANDS[command].usage}", 2
        case UnusedCliTokensError(unused_tokens=[*tokens]):
            rest = " ".join(map(str, tokens))
            return f"{command} has no use for '{rest}'. Usage: epigone {command} {COMMANDS[command].usage}", 2
        case CycloptsError():
            helped = any(hint in str(error) for hint in ("Did you mean", "Choose from", "Available commands"))
            see = f" epigone {command} --help shows what it takes." if command in COMMANDS and not helped else ""
            return str(error) + see, 2
        case ModuleNotFoundError(name=str(package)) if not package.startswith("epigone"):
            return f"{command} needs the package {package}: pip install 'epigone[study]'.", 2
        case OSError(strerror=str(reason), filename=name):
            return f"{name}: {reason}." if name else f"The system says: {reason}.", 2
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "allocate memory" in str(error):
        return "There is not enough memory. Try a smaller --batch-size, --sequence-length or --hidden-size.", 2
    return (
        f"something failed that should not have: {type(error).__name__}: {error}\n"
        "Please report it; the same command with --debug shows where."
    ), 1


def _tell(text: Text | str) -> None:
    """Print on standard error; lines are broken on a terminal only."""
    console.print(text, markup=False, highlight=False, soft_wrap=not console.is_terminal)


class _Notices(logging.Handler):
    """Shows what the library says, above the progress bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        _tell(record.getMessage())


def _log_notices(level: int) -> None:
    logger = logging.getLogger("epigone")
    logger.handlers = [_Notices()]
    logger.setLevel(level)


def _monitor() -> Any:
    from epigone.training.listeners.monitor import ConsoleMonitor

    return ConsoleMonitor(console)


def _nobody() -> None: ...


def _is_helper() -> bool:
    """Whether another process talks to the user: with --devices or torchrun there are several."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) != "0"


def _join_free_text(arguments: list[str]) -> list[str]:
    """Write `--prompt TEXT` as `--prompt=TEXT`, so that a text is taken as it is, whatever it begins with."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in FREE_TEXT:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _take_flags(arguments: list[str], *names: str) -> tuple[list[str], dict[str, bool]]:
    """Split off the flags that every command has; nothing after `--` is one."""
    stop = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for i, a in enumerate(arguments) if i >= stop or a not in names]
    return kept, {name: name in arguments[:stop] for name in names}


def _app(chosen: str, hooks: Hooks, recipe: Recipe | None) -> App:
    """The commands, of which only the chosen one is imported."""
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
        if name != chosen:
            app.command(_placeholder(command.summary), name=name, usage=usage, sort_key=place)
            continue
        function = _adapt(getattr(importlib.import_module(command.module), name), hooks)
        app.command(function, name=name, usage=usage)
        if recipe is not None:
            recipe.check(name, _options(function))
            app.config = (Dict({name: recipe.options}, source=str(recipe.path)),)
    return app


def _placeholder(summary: str) -> Callable[[], None]:
    def command() -> None: ...

    command.__doc__ = summary
    return command


def _adapt(function: Callable[..., Any], hooks: Hooks) -> Callable[..., Any]:
    """A public function as a command.

    The fields of its dataclass options become flags in a group of their own; from there on everything is given by
    name. Arguments that are hooks are filled in here.
    """
    parameters: list[inspect.Parameter] = []
    by_name = False
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        kind = parameter.annotation
        if parameter.name in hooks:
            continue
        if isinstance(kind, type) and is_dataclass(kind):
            by_name = True
            flat = Parameter(name="*", group=Group.create_ordered(_title(kind)))
            parameter = parameter.replace(annotation=Annotated[kind, flat])
        elif parameter.name in METAVARS:
            several = "=" in METAVARS[parameter.name]  # pairs cannot be taken for anything else
            named = Parameter(metavar=METAVARS[parameter.name], consume_multiple=several)
            parameter = parameter.replace(annotation=Annotated[kind, named])
        elif parameter.name in CHOICES:
            choices = importlib.import_module(CHOICES[parameter.name]).choices()
            parameter = parameter.replace(annotation=Annotated[kind, Parameter(help=f"One of {choices}.")])
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            parameter = parameter.replace(kind=parameter.KEYWORD_ONLY if by_name else parameter.POSITIONAL_ONLY)
        parameters.append(parameter)
    filled = {name: value() for name, value in hooks.items() if name in signature.parameters}

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options, **filled)

    # In a docstring an argument's description begins in lower case, in a help text like those of the options.
    command.__doc__ = re.sub(r"(?m)^( +\w+: )(\w)", lambda m: m[1] + m[2].upper(), function.__doc__ or "")
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _title(options: type) -> str:
    """The heading of a group of options: what their class says first of itself."""
    return re.split(r"[.:]\s", options.__doc__ or "", maxsplit=1)[0].rstrip(".")


def _default(value: Any) -> str | None:
    """How a default is shown; not at all where there is nothing to see."""
    if isinstance(value, bool):
        return "yes" if value else None
    return None if value in (None, "", ()) else str(value)


def _options(command: Callable[..., Any]) -> list[str]:
    """The names of all options of a command."""
    names: list[str] = []
    for parameter in inspect.signature(command).parameters.values():
        kind = getattr(parameter.annotation, "__origin__", parameter.annotation)
        if is_dataclass(kind):
            names += [field.name for field in fields(kind)]
        elif parameter.kind is parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    return names
