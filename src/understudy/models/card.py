"""The model card: what a checkpoint is, how it was made and how well it does, as Markdown."""

import json
from typing import Any


def model_card(name: str, config: dict[str, Any]) -> str:
    """The README.md of a checkpoint folder, from its config.json alone."""
    model, request, result = config["model"], config.get("request", {}), config.get("result", {})
    corpus = request.get("corpus", {})
    lines = [
        f"# {name}",
        "",
        f"A character-level {model['cell'].upper()} language model of {model['num_layers']} layers with "
        f"{model['hidden_size']} units, made with understudy {config['understudy']} (`{request.get('command', '?')}`).",
        "",
    ]
    if "base" in request:
        lines += [
            f"Retrained from `{request['base']['name']}`; the weights that learned: `{request['selection']}`. "
            "All others are those of the base, bit for bit.",
            "",
        ]
    if corpus:
        lines += [
            "## Text",
            "",
            f"{corpus['documents']:,} documents, {corpus['characters']:,} characters, sha256 `{corpus['hash'][:16]}`, "
            f"split with seed {corpus['split_seed']}.",
            "",
            *[f"- {notice}" for notice in corpus.get("notices", [])],
            "",
        ]
    if result:
        lines += [
            "## Result",
            "",
            "On the validation split, with the best weights:",
            "",
            "| loss (nats per token) | bits per character | accuracy | perplexity |",
            "|---|---|---|---|",
            f"| {result['loss']:.4f} | {result['bits_per_char']:.4f} | {result['accuracy']:.2%} "
            f"| {result['perplexity']:.3f} |",
            "",
            f"{result['parameters']:,} weights, of which {result['trained_parameters']:,} learned; {result['steps']:,} "
            f"steps ({result['epochs']:.2f} epochs, {result['outcome']}), {result['seconds']:,.0f} seconds; the kept "
            f"weights are those of step {result['best_step']:,}.",
            "",
        ]
    lines += ["## Settings", "", "```json", json.dumps(request.get("options", {}), indent=2), "```", ""]
    lines += [
        "## Use",
        "",
        "```python",
        "import understudy",
        "",
        f'print(understudy.generate("{name}", understudy.GenerateOptions(length=300)).texts[0])',
        "```",
        "",
    ]
    return "\n".join(lines)
