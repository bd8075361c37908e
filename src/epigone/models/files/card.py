"""The model card: a checkpoint, its making and its results, as Markdown."""

import json
from typing import Any

from epigone.markup import code, fenced, markdown
from epigone.text.document import counted
from epigone.text.tokenizers.registry import TOKENIZERS


def model_card(name: str, config: dict[str, Any]) -> str:
    """Write the README.md of a checkpoint folder from its config.json alone."""
    model, request, result = config["model"], config.get("request", {}), config.get("result", {})
    corpus = request.get("corpus", {})
    lines = [
        f"# {markdown(name)}",
        "",
        f"A {_level(request)} {markdown(model['cell'].upper())} language model of "
        f"{counted(model['num_layers'], 'layer')} with {counted(model['hidden_size'], 'unit')}{_top(model)}"
        f"{_softmax(model)}{' that reads backward' if model.get('direction') == 'backward' else ''}"
        f"{' whose documents begin in a state of its own' if model.get('start_state') else ''}, "
        f"made with {_maker(config)} ({code(request.get('command', '?'))}).",
        "",
    ]
    if "base" in request and result and not result["trained_parameters"]:
        lines += [_unlearned(config), ""]
    elif "base" in request:
        lines += [f"Retrained from {code(request['base']['name'])}{_method(request)}; {_learned(config)}", ""]
    if {"documents", "characters"} <= corpus.keys():
        lines += [
            "## Text",
            "",
            f"{counted(corpus['documents'], 'document')}, {counted(corpus['characters'], 'character')}, sha256 "
            f"{code(corpus['hash'][:16])}{_division(corpus)}.",
            "",
            *[
                f"- read with {code(option)} {markdown(repr(value))}"
                for option, value in corpus.get("read", {}).items()
            ],
            *[f"- {markdown(notice)}" for notice in result.get("notices", corpus.get("notices", []))],
            "",
        ]
    if result:
        lines += [
            "## Result",
            "",
            f"On {'the validation split' if 'split_seed' in corpus else 'held-out text'}, with the best weights:",
            "",
            "| loss (nats per token) | bits per character | accuracy | perplexity |",
            "|---|---|---|---|",
            f"| {result['loss']:.4f} | {result['bits_per_char']:.4f} | {result['accuracy']:.2%} "
            f"| {result['perplexity']:.3f} |",
            "",
            f"{result['parameters']:,} weights, of which {_count_learned(result)} learned; "
            f"{counted(result['steps'], 'step')} ({result['epochs']:.2f} epochs, {markdown(result['outcome'])}), "
            f"{result['seconds']:,.0f} seconds; the kept weights are those of step {result['best_step']:,}.",
            "",
        ]
        if result.get("refit"):
            lines += [
                "Then all of the text was learned anew, validation and test included, for as many epochs as those "
                "weights had taken. The figures are those of the weights before; nothing measures those that are kept.",
                "",
            ]
    if "quantised" in config:
        lines += [*_quantised(config["quantised"]), ""]
    settings = request.get("options", {}) | {key: config[key] for key in ("machine",) if key in config}
    lines += ["## Settings", "", fenced(json.dumps(settings, indent=2), "json"), ""]
    call = f"generate({json.dumps(name)}, epigone.GenerateOptions(length=300)).texts[0]"
    if model.get("direction") == "backward":  # it does not write
        call = f"info({json.dumps(name)})"
    use = f"import epigone\n\nprint(epigone.{call})"
    lines += ["## Use", "", fenced(use, "python"), ""]
    return "\n".join(lines)


def _maker(config: dict[str, Any]) -> str:
    """Name the program and version that wrote a config.json; version 0.1.0 had another name."""
    name = "epigone" if "epigone" in config else "understudy"
    return markdown(f"{name} {config[name]}")


def _top(model: dict[str, Any]) -> str:
    """Name the units of a top layer of its own size."""
    return f" ({model['top_size']:,} in the top one)" if model.get("top_size") else ""


def _softmax(model: dict[str, Any]) -> str:
    """Name a head that was chosen."""
    name = model.get("softmax", "auto")
    return "" if name in ("auto", "full") else f" and the softmax {code(name)}"


def _level(request: dict[str, Any]) -> str:
    """Name the kind of the tokens."""
    kind = TOKENIZERS.get(request.get("options", {}).get("tokenizer") or request.get("tokenizer") or "char")
    return f"{kind.level}-level" if kind else "token-level"


def _quantised(facts: dict[str, Any]) -> list[str]:
    """Describe what the rounding of the weights to whole numbers cost."""
    low, high = facts["interval"]
    measured = f"{markdown(facts['text'])} ({counted(facts['tokens'], 'token')})"
    return [
        "## Quantised",
        "",
        f"The weights are those of {code(facts['base'])} as whole numbers of 8 bits, with a scale for each row. On "
        f"{measured} the loss is {facts['loss']:.4f} nats per token in int8 and {facts['base_loss']:.4f} in fp32: "
        f"{facts['difference']:+.5f} [{low:+.5f}, {high:+.5f}] (95 %).",
    ]


def _method(request: dict[str, Any]) -> str:
    """The method of adapting and its options, unless it was plain retraining."""
    if "method" not in request:
        return ""
    options = [f"{name} {value:g}" for name, value in request["method"].items() if name != "name"]
    return f" with the method {code(' '.join([request['method']['name'], *options]))}"


def _learned(config: dict[str, Any]) -> str:
    """Name the weights of a base that learned, and the origin of the others."""
    request, result, new = config["request"], config.get("result"), config.get("new_tokens", 0)
    rows = f"the rows of {counted(new, 'new token')} started from the mean of the base's"
    if result and result["trained_parameters"] == result["parameters"]:
        return f"all of the weights learned{f'; {rows}' if new else ''}."
    others = "All others are those of the base, bit for bit"
    return f"the weights that learned: {code(request['selection'])}. {others}{f', but {rows}' if new else ''}."


def _count_learned(result: dict[str, Any]) -> str:
    return f"{result['trained_parameters']:,}" if result["trained_parameters"] else "none"


def _unlearned(config: dict[str, Any]) -> str:
    """Say that a base was kept, because validation never improved."""
    new = config.get("new_tokens", 0)
    rows = f", beside the rows of {counted(new, 'new token')}, which are the mean of the base's" if new else ""
    base = code(config["request"]["base"]["name"])
    return f"Nothing was learned: no step improved on {base} on validation, so these are its weights{rows}."


def _division(corpus: dict[str, Any]) -> str:
    """Describe the split of a corpus, if it has one."""
    if "split_seed" not in corpus:
        return ""
    way = "by position" if corpus.get("by_position") else f"with seed {corpus['split_seed']}"
    shares = " / ".join(f"{share:.4g}" for share in corpus.get("fractions") or [])
    return f", split {way} into train / validation / test{f' by {shares}' if shares else ''}"
