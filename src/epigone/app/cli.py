"""The command line: parse, call one public function, print. No logic lives here.

Standard output carries text or JSON only; everything else goes to standard error.
"""

import logging
import os
import sys
import traceback
from typing import Any

from cyclopts import CycloptsError
from cyclopts.exceptions import MissingArgumentError, UnusedCliTokensError
from rich.text import Text

from epigone.app.arguments import join_free_text, put_dashes_last, read_escapes, spread_lists, take_flags, take_values
from epigone.app.commands import COMMANDS, make_app, usage_of
from epigone.app.display import as_json, show
from epigone.app.recipes import read_recipe, take_recipe
from epigone.app.terminal import SteadyConsole, open_streams, say, writing
from epigone.errors import UserError, missing_package
from epigone.extensions import load
from epigone.machine import follow_launcher, is_helper, torchrun_processes
from epigone.markup import one_line
from epigone.training.system.interruption import exit_status, first_reports, heed_terminations

console = SteadyConsole(stderr=True)


def main() -> None:
    """The entry point of the `epigone` command."""
    # PyTorch reads it when it loads: on shared cores, threads that spin while they wait slow the working ones down.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    open_streams()
    heed_terminations()
    if is_helper():
        follow_launcher()
        _drop_output()
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # it was reported; without this Python would fail again at exit
        _drop_output()
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 2 for a mistake of the user, 128 and the number of a signal that stopped it (130 after
        Ctrl-C), 1 for a defect of ours.
    """
    arguments = spread_lists(read_escapes(join_free_text(arguments)))
    arguments, flags = take_flags(arguments, "--debug", "--json", "--quiet")
    arguments = put_dashes_last(arguments)
    quiet = flags["--quiet"] or is_helper()
    _log_notices(logging.WARNING if quiet else logging.INFO)
    command, recipe, goes_on = "", None, False
    try:
        arguments, extensions = take_values(arguments, "--extension")
        for extension in extensions:
            load(extension)
        arguments, path = take_recipe(arguments)
        command = arguments[0] if arguments else ""
        if (started := torchrun_processes()) > 1 and command in COMMANDS and not COMMANDS[command].shared:
            raise UserError(
                f"torchrun started {started} processes, but {command} uses only one; run it without torchrun."
            )
        nobody = quiet or not console.is_terminal
        hooks = {
            "json": lambda: flags["--json"],
            "monitor": _nobody if quiet else _monitor,
            "progress": _nobody if nobody else _progress,
            "meter": _nobody if nobody else _meter,
        }
        recipe = read_recipe(path) if path else None
        app = make_app(arguments, hooks, recipe)
        goes_on = "--resume" in usage_of(arguments)
        result = app(arguments, exit_on_error=False, print_error=False)
        interrupted = getattr(result, "outcome", None) == "interrupted"
        try:
            with writing():
                if result is not None:
                    say(as_json(result)) if flags["--json"] else show(result)
                sys.stdout.flush()  # so that a reader that has gone is noticed here
        except (BrokenPipeError, UserError) as error:
            if not interrupted and isinstance(error, UserError):
                raise
            _drop_output()
        if interrupted:
            return exit_status()
        return int(not getattr(result, "passed", True))  # of a check
    except SystemExit as end:  # of a helper process
        return int(end.code or 0)
    except BrokenPipeError:  # the reader has gone, as `| head` does
        _drop_output()
        return 0
    except KeyboardInterrupt:
        if not is_helper():
            console.print("Stopped; the same command with --resume goes on." if goes_on else "Stopped.")
        return exit_status()
    except Exception as error:
        if is_helper() and isinstance(error, UserError | CycloptsError) and first_reports():
            return 0
        if flags["--debug"]:
            say(traceback.format_exc(), file=sys.stderr)
        sentence, status = _explained(error, command)
        if recipe is not None and isinstance(error, UserError) and str(recipe.path) not in sentence:
            sentence += one_line(recipe.named_in(sentence, arguments))
        _tell(Text.assemble(("Error: ", "red"), sentence))
        return status


def _explained(error: Exception, command: str) -> tuple[str, int]:
    """Turn an error into a sentence and an exit status."""
    match error:
        case UserError():
            return "\n".join(map(one_line, error.args)), 2
        case MissingArgumentError(argument=argument, keyword=None) if argument is not None:
            return f"{command} needs {argument.name}. Usage: epigone {command} {COMMANDS[command].usage}", 2
        case UnusedCliTokensError(unused_tokens=[*tokens]):
            rest = " ".join(map(str, tokens))
            return f"{command} does not take '{one_line(rest)}'. Usage: epigone {command} {COMMANDS[command].usage}", 2
        case CycloptsError():
            helped = any(hint in str(error) for hint in ("Did you mean", "Choose from", "Available commands"))
            see = f" See epigone {command} --help." if command in COMMANDS and not helped else ""
            return one_line(str(error).strip()) + see, 2
        case ModuleNotFoundError(name=str(package)) if not package.startswith("epigone"):
            return missing_package(command, package), 2
        case OSError(strerror=str(reason), filename=name):
            return f"{one_line(str(name))}: {reason}." if name else f"The system reports: {reason}.", 2
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "allocate memory" in str(error):
        return "There is not enough memory. Try a smaller --batch-size, --sequence-length or --hidden-size.", 2
    return (
        f"Something failed that should not have: {type(error).__name__}: {one_line(str(error).strip())}\n"
        "Please report it, with what the same command prints with --debug."
    ), 1


def _tell(text: Text | str) -> None:
    """Print on standard error, with lines broken only on a terminal."""
    console.print(text, markup=False, highlight=False, soft_wrap=not console.is_terminal)


class _Notices(logging.Handler):
    """Show log messages, above the progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        _tell(one_line(record.getMessage()))


def _log_notices(level: int) -> None:
    logger = logging.getLogger("epigone")
    logger.handlers = [_Notices()]
    logger.setLevel(level)


def _monitor() -> Any:
    from epigone.app.progress import ConsoleMonitor

    return ConsoleMonitor(console)


def _progress() -> Any:
    from epigone.app.progress import counting

    return counting(console)


def _meter() -> Any:
    from epigone.app.progress import metered

    return metered(console)


def _nobody() -> None: ...


def _drop_output() -> None:
    """Let what is still printed vanish."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
