"""The grammar of selections: each form, the algebra of sets, and the messages for users."""

import contextlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.transfer.selections import grammar
from epigone.transfer.selections.grammar import Parser
from epigone.transfer.selections.selection import Selection, select
from epigone.transfer.selections.weights import Context

ONE_HOT = LanguageModel(ModelConfig(num_layers=3, hidden_size=4, vocabulary_size=6))
EMBEDDED = LanguageModel(ModelConfig(cell="gru", num_layers=2, hidden_size=4, embedding_size=3, vocabulary_size=6))
TIED = LanguageModel(ModelConfig(num_layers=2, hidden_size=4, embedding_size=4, tied=True, vocabulary_size=6))
IN_LAYER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
HEAD = {"head.weight", "head.bias"}


def layer(*numbers):
    return {f"layers.{i}.{name}" for i in numbers for name in IN_LAYER}


def names(model, expression):
    """The parameters that an expression selects, each as a whole, as all present forms do."""
    selection = select(model, expression)
    assert not selection.partial()
    return {name for name, mask in selection.masks.items() if mask.any()}


EVERYTHING = layer(0, 1, 2) | HEAD

FORMS = {
    "all": EVERYTHING,
    "head": HEAD,
    "head.bias": {"head.bias"},
    "embedding": {"layers.0.weight_ih"},
    "embedding.weight": {"layers.0.weight_ih"},
    "layers": layer(0, 1, 2),
    "layers.2": layer(2),
    "layers.1.weight_hh": {"layers.1.weight_hh"},
    "layers.*.weight_hh": {f"layers.{i}.weight_hh" for i in range(3)},
    "layers.?.bias_?h": {f"layers.{i}.bias_{kind}h" for i in range(3) for kind in "ih"},
    "*.bias*": {n for n in EVERYTHING if "bias" in n},
    "*": EVERYTHING,
    "layers.0, head": layer(0) | HEAD,
    "layers.0,layers.2": layer(0, 2),
    "all - embedding": EVERYTHING - {"layers.0.weight_ih"},
    "layers-layers.0-layers.1": layer(2),
    "!layers.0": layer(1, 2) | HEAD,
    "!!layers.0": layer(0),
    "!(layers.0, layers.1)": layer(2) | HEAD,
    "!layers.0, layers.0": EVERYTHING,
    "  ( (head) )\n": HEAD,
    # All operators from left to right; the complement binds tighter.
    "layers.0 - layers, head": HEAD,
    "layers.0, head - head": layer(0),
    "all - (layers, head.bias)": {"head.weight"},
    "all - layers - head.bias": {"head.weight"},
    "!head - layers.1": layer(0, 2),
}


@pytest.mark.parametrize("expression", FORMS)
def test_form(expression):
    assert names(ONE_HOT, expression) == FORMS[expression]


def test_embedding_of_a_model_that_has_one():
    assert names(EMBEDDED, "embedding") == {"embedding.weight"}
    assert names(EMBEDDED, "all - embedding") == layer(0, 1) | HEAD


@pytest.mark.parametrize("name", ["embedding", "embedding.weight", "head.weight", "*.weight"])
def test_a_tied_weight_is_one_parameter_under_both_names(name):
    assert names(TIED, name) == {"embedding.weight"}
    assert names(TIED, f"!({name})") == layer(0, 1) | {"head.bias"}


def test_the_head_of_a_tied_model_brings_the_embedding_along():
    assert names(TIED, "head") == {"embedding.weight", "head.bias"}
    assert names(TIED, "head - embedding") == {"head.bias"}


def test_count():
    assert select(ONE_HOT, "all").count() == ONE_HOT.num_parameters()
    assert select(TIED, "all").count() == TIED.num_parameters()
    assert select(ONE_HOT, "head").count() == 6 * 4 + 6


@pytest.mark.parametrize(
    ("model", "expression", "lowest"),
    [
        (ONE_HOT, "head", 3),
        (ONE_HOT, "layers.2, head", 2),
        (ONE_HOT, "layers.1.bias_hh", 1),
        (ONE_HOT, "embedding", 0),
        (ONE_HOT, "head, layers.2, layers.0.bias_ih", 0),
        (EMBEDDED, "embedding", 0),
        (EMBEDDED, "layers.1", 1),
        (TIED, "head", 0),
        (TIED, "head.bias", 2),
    ],
)
def test_lowest_layer(model, expression, lowest):
    assert select(model, expression).lowest_layer(model) == lowest


def test_apply_lets_exactly_the_selected_parameters_learn():
    model = LanguageModel(EMBEDDED.config)
    for expression in ("layers.1, head", "embedding"):
        select(model, expression).apply(model)
        learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert learning == names(model, expression)


def test_partial_masks():
    masks = {name: torch.zeros_like(p, dtype=torch.bool) for name, p in ONE_HOT.named_parameters()}
    masks["layers.1.weight_hh"][3] = True
    masks["head.bias"][:] = True
    selection = Selection("by hand", masks)
    assert selection.partial().keys() == {"layers.1.weight_hh"}
    assert selection.count() == 4 + 6
    assert selection.lowest_layer(ONE_HOT) == 1
    model = LanguageModel(ONE_HOT.config)
    selection.apply(model)
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {"layers.1.weight_hh", "head.bias"}


# The algebra.

ATOMS = st.sampled_from(["all", "head", "embedding", "layers.0", "layers.*.bias_ih", "layers.2.weight_hh", "*.weight*"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([", ", " - "]), inner).map("".join).map("({})".format), inner.map("!{}".format)
    ),
    max_leaves=6,
)


def chosen(expression):
    """Like `names`, but the empty set if nothing is left."""
    return {name for name, mask in Parser(ONE_HOT, expression, Context()).parse().items() if mask.any()}


@settings(deadline=None)
@given(a=EXPRESSIONS, b=EXPRESSIONS)
def test_algebra_of_sets(a, b):
    of_a, of_b = chosen(a), chosen(b)
    assert chosen(f"{a}, {b}") == chosen(f"{b}, {a}") == of_a | of_b
    assert chosen(f"{a} - {b}") == of_a - of_b
    assert not chosen(f"{a} - {b}") & of_b
    assert chosen(f"!{a}, {a}") == EVERYTHING
    assert chosen(f"!{a}") == EVERYTHING - of_a
    assert chosen(f"!({a}, {b})") == chosen(f"!{a} - {b}")
    assert chosen(f"{a}, ({b})") == chosen(f"({a}), {b}")


@settings(deadline=None)
@given(a=EXPRESSIONS, spaces=st.lists(st.sampled_from(["", " ", "\t", "\n  "]), min_size=40, max_size=40))
def test_spaces_do_not_matter(a, spaces):
    pieces = a.replace("(", " ( ").replace(")", " ) ").replace("!", " ! ").split()
    spread = "".join(space + piece for space, piece in zip(spaces, pieces, strict=False))
    if len(pieces) <= len(spaces):
        assert chosen(spread) == chosen(a)


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(
        st.text(max_size=30),
        st.text(alphabet="!(),- .*?headlyrs012", max_size=30),
        st.lists(st.sampled_from(["(", ")", "!", "-", ",", "all", "head", "layers.1", " "]), max_size=12).map("".join),
    )
)
def test_whatever_is_written_gives_a_selection_or_a_sentence(text):
    with contextlib.suppress(UserError):
        assert select(ONE_HOT, text).count() > 0


@pytest.mark.parametrize("deep", ["(" * 5000, "!" * 5000 + "head", "(" * 5000 + "head" + ")" * 5000])
def test_nesting_without_end_is_refused(deep):
    with pytest.raises(UserError, match="nested too deeply"):
        select(ONE_HOT, deep)


# Messages.


@pytest.mark.parametrize(
    ("expression", "reason", "place"),
    [
        ("", "expected a name, '!' or '('", 0),
        ("layers.0 layers.1", "expected ',' or '-' or the end", 9),
        ("layers.0 +head", "this character has no meaning here", 9),
        ("head,", "expected a name, '!' or '('", 5),
        ("(head, layers.0", "expected ')'", 15),
        ("head)", "expected ',' or '-' or the end", 4),
        ("head - , all", "expected a name, '!' or '('", 7),
        ("()", "expected a name, '!' or '('", 1),
        ("head -\n  é", "this character has no meaning here", 7),
        ("layers.0 [1]", "this character has no meaning here", 9),
    ],
)
def test_a_syntax_error_points_at_the_place(expression, reason, place):
    with pytest.raises(UserError) as failure:
        select(ONE_HOT, expression)
    first, text, caret, *_ = str(failure.value).split("\n")
    assert first == f"The selection does not parse: {reason}."
    assert text.strip() == " ".join(expression.split())
    assert caret.index("^") - 4 == place
    assert caret.strip() == "^"


@pytest.mark.parametrize("expression", ["layers.7", "heads", "all - layers.0.weight_xy", "conv*"])
def test_a_name_that_matches_nothing_is_answered_with_what_exists(expression):
    with pytest.raises(UserError) as failure:
        select(ONE_HOT, expression)
    assert f"'{expression.split()[-1]}' in the selection '{expression}' matches no weight." in str(failure.value)
    assert "all, embedding, head, layers.0, layers.1, layers.2" in str(failure.value)
    assert "weight_ih, weight_hh, bias_ih, bias_hh" in str(failure.value)


@pytest.mark.parametrize("expression", ["all - all", "!all", "head - head"])
def test_a_selection_that_leaves_nothing_is_refused(expression):
    with pytest.raises(UserError, match="selects no weight at all"):
        select(ONE_HOT, expression)


def test_a_new_form_is_a_function_and_a_line(monkeypatch):
    def column(weights, match):
        masks = weights.none()
        masks[match[1]][:, int(match[2])] = True
        return masks

    monkeypatch.setitem(grammar.FORMS, r"([a-z0-9_.]+)@(\d+)", column)
    selection = select(ONE_HOT, "head.weight@2, layers.1 - layers.1.weight_hh@0")
    assert selection.masks["head.weight"][0].tolist() == [False, False, True, False]
    assert selection.masks["layers.1.weight_hh"].sum() == 4 * 4 * 4 - 4 * 4
    assert set(selection.partial()) == {"head.weight", "layers.1.weight_hh"}
    assert names(ONE_HOT, "head.bias") == {"head.bias"}  # the name alone is still a form
    with pytest.raises(UserError, match="this character has no meaning here"):
        select(ONE_HOT, "head.bias@x")
