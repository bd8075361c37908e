"""The public functions as Python calls them.

The options of a function are keywords too: `finetune(..., epochs=3)` is `finetune(..., training=
FinetuneOptions(epochs=3))`. Arguments of a wrong type are refused in a sentence, and progress is shown.
"""

import builtins
import difflib
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pkgutil import resolve_name
from typing import Any, TypeVar

from epigone.app.keywords import GRIDS, KINDS, Options, choices_of, chosen, default_of, options_of, told, types_of
from epigone.errors import UserError
from epigone.typed import converted

F = TypeVar("F", bound=Callable[..., Any])
WIDTH = 88  # characters of a line in help
HOOKS = {
    "monitor": "epigone.app.progress:monitor_of_caller",
    "progress": "epigone.app.progress:counting_of_caller",
    "meter": "epigone.app.progress:meter_of_caller",
}
"""Arguments that follow the progress of a call, and what they are by default."""


def public(function: F) -> F:
    """Make the function that users call from one that takes dataclasses of options."""
    every = list(options_of(function))

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        given = _positional(function, arguments)
        for name in given.keys() & keywords.keys():
            raise UserError(f"{function.__name__} got two values for {name}; give one.")
        if lacking := _required(function) - given.keys() - keywords.keys():
            name = min(lacking, key=list(inspect.signature(function).parameters).index)
            raise UserError(f"{function.__name__} needs {name}{_explained(function, name)}.")
        progress = converted("progress", bool, keywords.pop("progress", True)) if _hook(function) else False
        keywords = _gathered(function, every, given, keywords)
        bound = _bound(function, arguments, keywords)
        if progress and bound.arguments.get(hook := _hook(function)) is None:
            bound.arguments[hook] = resolve_name(HOOKS[hook])()
        return function(*bound.args, **bound.kwargs)

    call.__module__ = "epigone"  # so that it is pickled by its public name
    call.__signature__ = _signature(function, every)  # type: ignore[attr-defined]
    call.__doc__ = _documented(function, every)
    return call  # type: ignore[return-value]


def parts(call: Callable[..., Any]) -> tuple[Callable[..., Any], list[Options]]:
    """The function behind a public one, and the options that are its keywords."""
    function: Callable[..., Any] = inspect.unwrap(call)
    return function, list(options_of(function))


def _hook(function: Callable[..., Any]) -> str:
    """The argument of a function that follows its progress; empty if it has none."""
    return next((name for name in HOOKS if name in inspect.signature(function).parameters), "")


def _positional(function: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    """The positional arguments by name."""
    try:
        return inspect.signature(function).bind_partial(*arguments).arguments
    except TypeError as error:
        places = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        raise UserError(
            f"{function.__name__} takes {len(places)} arguments by position ({', '.join(places)}), and "
            f"{len(arguments)} were given; give the others by name."
        ) from error


def _gathered(
    function: Callable[..., Any], every: list[Options], given: dict[str, Any], keywords: dict[str, Any]
) -> dict[str, Any]:
    """Put keywords that are options into their dataclasses.

    Raises:
        UserError: a keyword is unknown, given twice, or of a wrong type or value.
    """
    keywords = dict(keywords)
    known = dict.fromkeys(inspect.signature(function).parameters)
    options = [each for each in every if chosen(each, given | keywords, function)]
    for each in options:
        fields = each.keywords()
        known |= dict.fromkeys(fields)
        own = {name: keywords.pop(name) for name in fields.keys() & keywords.keys()}
        whole = (given | keywords).get(each.parameter)
        if type(whole) in each.kind.__mro__[1:-1]:  # options of a more general kind, with all values of its own
            keywords[each.parameter] = each.kind(**vars(whole))
        by_name = isinstance(whole, str) and each.parameter in KINDS
        if own and whole is not None and not by_name:
            name = min(own)
            raise UserError(
                f"{name} is an option of {each.parameter}, which is given too; put it there: {each.parameter}="
                f"{each.kind.__name__}({name}={own[name]!r}), or leave out {each.parameter}."
            )
        if own or by_name:
            hints = types_of(each.kind)
            values = {name: converted(name, hints[name], value, widen=True) for name, value in own.items()}
            keywords[each.parameter] = each.kind(**values)
    for name in keywords:
        if name not in known:
            for each in every:
                if name in each.keywords():
                    by = GRIDS.get(each.parameter, [each.parameter])[0]
                    raise UserError(f"{name} is an option of {by} {each.choice} alone; leave it out.")
            close = difflib.get_close_matches(name, [*known, *["progress"] * bool(_hook(function))], n=1)
            hint = f"did you mean {close[0]}?" if close else f"help(epigone.{function.__name__}) lists them."
            raise UserError(f"{function.__name__} has no argument {name}; {hint}")
    return keywords


def _bound(
    function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> inspect.BoundArguments:
    """Bind arguments and check them against the annotations.

    Raises:
        UserError: one is of a wrong type.
    """
    signature = inspect.signature(function)
    bound = signature.bind_partial(*arguments, **keywords)
    hints = _hints(function)
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        found = [converted(name, hints[name], each, widen=True) for each in (value if kind == _SEVERAL else [value])]
        bound.arguments[name] = tuple(found) if kind == _SEVERAL else found[0]
    return bound


def _required(function: Callable[..., Any]) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.default is p.empty and p.kind != _SEVERAL}


_SEVERAL = inspect.Parameter.VAR_POSITIONAL


def _explained(function: Callable[..., Any], name: str) -> str:
    """The description of an argument in a docstring, to follow its name."""
    _, _, rest = inspect.getdoc(function).partition(f"    {name}: ")  # type: ignore[union-attr]
    sentence = " ".join(rest.partition("\n    ")[0].split()).rstrip(".")
    return f": {sentence}" if sentence else ""


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of the arguments; those in quotation marks name classes that may not be loaded."""
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind = parameter.annotation
        names = _Names(vars(builtins) | inspect.unwrap(function).__globals__)
        found[name] = eval(kind, {}, names) if isinstance(kind, str) else kind
    return found


class _Names(dict[str, Any]):
    """Names of a module; one that it imports for type checkers only is a class that is known by its name."""

    def __missing__(self, name: str) -> type:
        return _Named(name, (), {})


class _Named(type):
    def __instancecheck__(cls, value: object) -> bool:
        return cls.__name__ in (base.__name__ for base in type(value).__mro__)


def _signature(function: Callable[..., Any], every: list[Options]) -> inspect.Signature:
    """The signature with every option as a keyword."""
    signature = inspect.signature(function)
    parameters = dict(signature.parameters)
    keyword = inspect.Parameter.KEYWORD_ONLY
    if _hook(function):
        parameters["progress"] = inspect.Parameter("progress", keyword, default=True, annotation=bool)
    for options in every:
        hints = types_of(options.kind)
        if options.parameter in GRIDS:  # the studies have options of one name with different defaults
            parameters["own"] = inspect.Parameter("own", inspect.Parameter.VAR_KEYWORD, annotation=Any)
            continue
        whole = signature.parameters[options.parameter]
        parameters[whole.name] = whole.replace(default=_Default(whole.default))
        if options.parameter in KINDS:
            parameters[whole.name] = whole.replace(annotation=whole.annotation | str, default=whole.default.name)
        for name, field in options.keywords().items():
            made = inspect.Parameter(name, keyword, default=default_of(field), annotation=hints[name])
            parameters.setdefault(name, made)
    parameters |= {"own": parameters.pop("own")} if "own" in parameters else {}
    return signature.replace(parameters=list(parameters.values()))


class _Default:
    """A dataclass of options as the default of an argument, short in print."""

    def __init__(self, options: Any) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"{type(self.options).__name__}()"


def _documented(function: Callable[..., Any], every: list[Options]) -> str:
    """The docstring with a line on every keyword, before what is returned and raised."""
    text = re.sub(r"\n    progress: .*(\n {8}.*)*", "", inspect.getdoc(function) or "")  # public is a switch
    end = min((place for word in ("Returns", "Raises") if (place := text.find(f"\n\n{word}:")) >= 0), default=len(text))
    return "\n".join([text[:end], *_lines(function, every)]) + text[end:]


def _lines(function: Callable[..., Any], every: list[Options]) -> Iterator[str]:
    if _hook(function):
        yield "    progress: show bars in a terminal or a notebook; elsewhere nothing is shown."
    for options in every:
        fields = options.keywords()
        if not fields:
            continue
        title = (inspect.getdoc(options.kind) or "").partition(".")[0]
        by = GRIDS.get(options.parameter, [options.parameter])[0]
        only = f", if {by} is {options.choice}" * bool(options.choice)
        head = (
            f"Keywords in place of {options.parameter}, {options.kind.__name__}{only}: {title[0].lower()}{title[1:]}."
        )
        yield "\n" + textwrap.fill(head, WIDTH)
        meanings, hints, choices = told(options.kind), types_of(options.kind), choices_of(options.kind)
        for name, field in fields.items():
            meaning = _FLAG.sub(lambda flag: flag[1].replace("-", "_"), meanings.get(name, ""))
            meaning += f" One of {choices[name]}." if name in choices else ""
            line = f"{name} ({type_name(hints[name])}, default {default_of(field)!r}): {meaning}"
            yield textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="        ")


_FLAG = re.compile(r"--([a-z]+(?:-[a-z]+)*)")  # options are explained by the names of their flags


def type_name(kind: Any) -> str:
    """Write a type without the modules of its names."""
    text = kind if isinstance(kind, str) else inspect.formatannotation(kind)
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(\w+)", r"\1", text)
    return re.sub(r"^Optional\[(.*)\]$", r"\1 | None", text)
