"""The model card."""

import json

from understudy.models.card import model_card

CONFIG = {
    "understudy": "0.1.0",
    "model": {"cell": "lstm", "num_layers": 3, "hidden_size": 64},
    "request": {
        "command": "finetune",
        "base": {"name": "english-tiny", "sha256": "0"},
        "selection": "layers.2, head",
        "options": {"training": {"lr": 0.003}},
        "corpus": {
            "documents": 1194,
            "characters": 162_687,
            "hash": "0123456789abcdef" * 4,
            "split_seed": 0,
            "notices": ["Two duplicates dropped."],
        },
    },
    "result": {
        "loss": 1.25,
        "bits_per_char": 1.8034,
        "accuracy": 0.6125,
        "perplexity": 3.4903,
        "parameters": 123_456,
        "trained_parameters": 4_000,
        "steps": 1200,
        "epochs": 3.5,
        "outcome": "stopped early",
        "seconds": 61.2,
        "best_step": 900,
    },
}


def test_the_card_tells_what_how_and_how_well():
    card = model_card("lines-of-may", CONFIG)
    for words in (
        "# lines-of-may",
        "LSTM language model of 3 layers with 64 units, made with understudy 0.1.0 (`finetune`)",
        "Retrained from `english-tiny`; the weights that learned: `layers.2, head`",
        "1,194 documents, 162,687 characters, sha256 `0123456789abcdef`, split with seed 0",
        "- Two duplicates dropped.",
        "| 1.2500 | 1.8034 | 61.25% | 3.490 |",
        "123,456 weights, of which 4,000 learned; 1,200 steps (3.50 epochs, stopped early), 61 seconds",
        "those of step 900",
    ):
        assert words in card
    settings = card.split("```json\n")[1].split("```")[0]
    assert json.loads(settings) == CONFIG["request"]["options"]


def test_a_model_of_unknown_origin_has_a_card_too():
    card = model_card("found", {"understudy": "0.1.0", "model": CONFIG["model"]})
    assert "# found" in card
    assert "## Result" not in card
    assert "## Text" not in card
