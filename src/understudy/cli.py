"""The command line: parse, call one public function, print. No logic lives here.

Standard output carries text or JSON only; everything else goes to standard error. A command's module is imported only
when the command is asked for, so that the light ones stay quick.
"""

import functools
import importlib
import inspect
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Dict
from rich.console import Console
from rich.logging import RichHandler

from understudy import __version__
from understudy.errors import UserError

COMMANDS = {
    "pretrain": ("understudy.training.pretrain", "Train a language model from scratch on text."),
    "finetune": ("understudy.transfer.finetune", "Retrain a selection of a base's weights on text."),
    "compare": ("understudy.studies.compare", "Scratch against transfer on one corpus, in one table."),
    "evaluate": ("understudy.evaluation.evaluate", "Measure how well a model predicts a text."),
    "generate": ("understudy.generation.console", "Write text with a model."),
    "study": ("understudy.studies.study", "Run a named experiment."),
    "info": ("understudy.about", "What a model, corpus or run folder is."),
}
HOOKS = ("monitor",)  # arguments of public functions that are not for the command line
INTERRUPTED = 130  # what shells report for Ctrl-C

console = Console(stderr=True)


def main() -> None:
    """The entry point of the `understudy` command."""
    # Read when PyTorch loads: a thread that waits spinning holds up the one that works when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 2 for a mistake of the user's, 130 after Ctrl-C.
    """
    arguments, flags = _take_flags(arguments, "--debug", "--json", "--quiet")
    logging.basicConfig(
        level=logging.WARNING if flags["--quiet"] else logging.INFO,
        format="%(message)s",
        handlers=[RichHandler(console=console, show_time=False, show_level=False, show_path=False, markup=False)],
        force=True,
    )
    for noisy in ("lightning_fabric", "lightning", "matplotlib", "optuna", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        arguments, recipe = _take_recipe(arguments)
        app = _app(arguments[0] if arguments else "", flags["--quiet"], recipe)
        result = app(arguments, exit_on_error=False, print_error=False)
    except (UserError, CycloptsError) as error:
        if flags["--debug"]:
            traceback.print_exc()
        console.print(f"[red]Error:[/red] {_escape(str(error))}", highlight=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        return 0
    except Exception as error:
        if flags["--debug"]:
            raise
        console.print(
            f"[red]Error:[/red] something failed that should not have: {_escape(f'{type(error).__name__}: {error}')}\n"
            "Please report it; the same command with --debug shows where.",
            highlight=False,
            soft_wrap=True,
        )
        return 1
    if result is None:
        return 0
    if flags["--json"]:
        print(json.dumps(asdict(result), ensure_ascii=False, default=str))
    else:
        from understudy.showing import show

        show(result)
    return INTERRUPTED if getattr(result, "outcome", None) == "interrupted" else 0


def _take_flags(arguments: list[str], *names: str) -> tuple[list[str], dict[str, bool]]:
    """Split off the flags that every command has; nothing after `--` is one."""
    stop = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for i, a in enumerate(arguments) if i >= stop or a not in names]
    return kept, {name: name in arguments[:stop] for name in names}


def _take_recipe(arguments: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Split off `--recipe FILE.toml`, whose values stand below the flags that are given."""
    if "--recipe" not in arguments:
        return arguments, {}
    from understudy.recipes import read_recipe

    place = arguments.index("--recipe")
    if place + 1 >= len(arguments):
        raise UserError("--recipe needs the path of a TOML file.")
    return arguments[:place] + arguments[place + 2 :], read_recipe(arguments[place + 1])


def _app(chosen: str, quiet: bool, recipe: dict[str, Any]) -> App:
    app = App(
        name="understudy",
        version=__version__,
        help="Teach a small recurrent network one writer's part: train once on plenty of English, then retrain a "
        "chosen part of its weights on the few pages that matter.\n\n"
        "Every command also takes --json (print what the function returns), --quiet and --debug.",
        result_action="return_value",
        config=[Dict({chosen: recipe})] if recipe else [],
        default_parameter=Parameter(negative_iterable=()),
    )
    for name, (module, summary) in COMMANDS.items():
        if name == chosen:
            function = getattr(importlib.import_module(module), name)
            app.command(_adapt(function, quiet), name=name)
        else:
            app.command(_placeholder(summary), name=name)
    return app


def _placeholder(summary: str) -> Callable[[], None]:
    def command() -> None: ...

    command.__doc__ = summary
    return command


def _adapt(function: Callable[..., Any], quiet: bool) -> Callable[..., Any]:
    """A public function as a command: the fields of its dataclass options become flags, a monitor is handed to it."""
    signature = inspect.signature(function)
    hooks: dict[str, Any] = {}
    if "monitor" in signature.parameters and not quiet:
        from understudy.training.monitor import ConsoleMonitor

        hooks["monitor"] = ConsoleMonitor(console)
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.name in HOOKS:
            continue
        if is_dataclass(kind := parameter.annotation):
            flat = Parameter(name="*", group=parameter.name.capitalize())
            parameter = parameter.replace(annotation=Annotated[kind, flat])
        parameters.append(parameter)

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options, **hooks)

    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
