"""The model card."""

import json

from markdown_it import MarkdownIt

from epigone.models.files.card import model_card

CONFIG = {
    "epigone": "0.1.0",
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
            "fractions": [0.9, 0.05, 0.05],
            "by_position": False,
            "read": {"separator": "--"},
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
        "LSTM language model of 3 layers with 64 units, made with epigone 0.1.0 (`finetune`)",
        "Retrained from `english-tiny`; the weights that learned: `layers.2, head`",
        "1,194 documents, 162,687 characters, sha256 `0123456789abcdef`, split with seed 0",
        "seed 0 into train / validation / test by 0.9 / 0.05 / 0.05.",
        "- read with `separator` '--'",
        "- Two duplicates dropped.",
        "| 1.2500 | 1.8034 | 61.25% | 3.490 |",
        "123,456 weights, of which 4,000 learned; 1,200 steps (3.50 epochs, stopped early), 61 seconds",
        "those of step 900",
    ):
        assert words in card
    settings = card.split("```json\n")[1].split("```")[0]
    assert json.loads(settings) == CONFIG["request"]["options"]


def test_one_of_each_is_singular_and_a_single_text_is_split_by_position():
    corpus = CONFIG["request"]["corpus"] | {"documents": 1, "by_position": True, "fractions": [1 / 3] * 3}
    result = CONFIG["result"] | {"steps": 1, "notices": ["Read as it is.", "train: changed."]}
    request = CONFIG["request"] | {"corpus": corpus}
    model = {"cell": "gru", "num_layers": 1, "hidden_size": 1}
    card = model_card("one", CONFIG | {"model": model, "request": request, "result": result})
    assert "of 1 layer with 1 unit, made" in card
    assert "1 document, 162,687" in card
    assert "split by position into train / validation / test by 0.3333 / 0.3333 / 0.3333." in card
    assert "learned; 1 step (" in card
    assert "- train: changed." in card, "the result's notices are all there are"
    assert "Two duplicates" not in card


def test_a_top_layer_of_its_own_size_is_named():
    card = model_card("awd", CONFIG | {"model": CONFIG["model"] | {"top_size": 4000}})
    assert "of 3 layers with 64 units (4,000 in the top one), made with" in card


def test_a_model_of_unknown_origin_has_a_card_too():
    card = model_card("found", {"epigone": "0.1.0", "model": CONFIG["model"]})
    assert "# found" in card
    assert "## Result" not in card
    assert "## Text" not in card


def test_the_card_holds_whatever_names_and_notices_hold():
    """Each part of a card stays the part that it is."""
    evil = "a`b``` | *c* <b> [d](e)\n```\n# f\x1b]0;g\x07"
    request = CONFIG["request"] | {"base": {"name": evil}, "selection": evil, "command": evil, "options": {evil: evil}}
    request["corpus"] = CONFIG["request"]["corpus"] | {"hash": evil, "read": {evil: evil}}
    quantised = {
        "base": evil,
        "text": evil,
        "tokens": 9,
        "loss": 1,
        "base_loss": 1,
        "difference": 0,
        "interval": [0, 1],
    }
    result = CONFIG["result"] | {"outcome": evil, "notices": [evil]}
    card = model_card(evil, CONFIG | {"epigone": evil, "request": request, "result": result, "quantised": quantised})
    tokens = MarkdownIt().enable("table").parse(card)
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings[1:] == ["Text", "Result", "Quantised", "Settings", "Use"]
    assert [token.info for token in tokens if token.type == "fence"] == ["json", "python"]
    assert {c.type for t in tokens for c in t.children or []} <= {"text", "text_special", "code_inline", "softbreak"}
    assert "\x1b" not in card


def test_a_base_that_was_kept_is_not_said_to_have_learned():
    result = CONFIG["result"] | {"trained_parameters": 0, "best_step": 0, "outcome": "kept the base"}
    card = model_card("mine", CONFIG | {"result": result})
    assert "Nothing was learned: no step improved on `english-tiny` on validation, so these are its weights." in card
    assert "weights, of which none learned; 1,200 steps (3.50 epochs, kept the base)" in card
    assert "Retrained" not in card
    assert "the rows of 2 new tokens, which are the mean" in model_card(
        "mine", CONFIG | {"result": result, "new_tokens": 2}
    )
