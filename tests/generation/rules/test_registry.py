"""Rules from outside the package, used through the public function and the command line."""

import json

import numpy as np
import pytest

import epigone
from epigone.errors import UserError
from epigone.generation.rules.registry import RULES, ordered_rules
from epigone.generation.rules.rule import Context, Floats, Rule
from epigone.generation.sampling import SamplingOptions
from epigone.generation.writer import draws_natively
from epigone.kernels import engine
from epigone.models.backends.walker import EngineOptions

needs_engine = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
EXTENT = epigone.GenerateOptions(length=300, samples=3)


def without_letter(logits: Floats, letter: str, context: Context) -> Floats:
    """Take all tokens with a letter out of the draw: the text becomes a lipogram."""
    banned = [letter in token.lower() for token in context.vocabulary]
    return np.where(banned, -np.inf, logits)


LIPOGRAM = Rule(
    name="lipogram",
    apply=without_letter,
    wanted="be one lower-case letter",
    good=lambda letter: len(letter) == 1 and letter.islower(),
    read=str,
    before_temperature=True,
    help="write without this letter",
)
FRESH = Rule(
    name="fresh",
    apply=lambda logits, _, context: np.where(
        [[token in recent for token in range(logits.shape[1])] for recent in context.recent], -np.inf, logits
    ),
    wanted="be 1",
    good=lambda value: value == 1,
    help="write no recent token again",
)


@pytest.fixture
def lipogram(registries):
    """Registers the rule."""
    RULES.register(LIPOGRAM)


def write(engine: str = "auto", extent: epigone.GenerateOptions = EXTENT, **sampling) -> list[str]:
    options = SamplingOptions(**{"seed": 5} | sampling)
    return epigone.generate("english-tiny", extent, options, EngineOptions(engine)).texts


@pytest.mark.parametrize("temperature", [0, 0.8])
def test_a_rule_from_outside_shapes_the_text(lipogram, temperature):
    free = write(temperature=temperature)
    bound = write(temperature=temperature, rule=("lipogram=e",))
    assert all("e" in text.lower() for text in free)
    assert not any("e" in text.lower() for text in bound)
    assert {len(text) for text in bound} == {300}


def test_the_command_line_gives_the_same_text(lipogram, cli):
    result = cli("generate", "english-tiny", "--rule", "lipogram=e", "--length", 300, "--seed", 5, "--json")
    found = json.loads(result.out)
    assert found["texts"] == write(rule=("lipogram=e",))[:1]
    assert found["sampling"]["rule"] == ["lipogram=e"]
    several = cli(
        "generate", "english-tiny", "--rule", "lipogram=e", "--rule", "typical=0.5", "--length", 300, "--seed", 5
    )
    assert several.out.rstrip("\n") == write(rule=("lipogram=e", "typical=0.5"))[0].rstrip("\n") != found["texts"][0]


@needs_engine
@pytest.mark.parametrize(
    "sampling",
    [
        {"rule": ("lipogram=e",)},
        {"rule": "typical=0.7"},
        {"rule": ("lipogram=e", "typical=0.7"), "top_k": 9, "repetition_penalty": 1.3, "min_p": 0.01},
    ],
)
def test_the_engine_writes_as_torch_does(lipogram, sampling):
    assert write("native", **sampling) == write("torch", **sampling)


@needs_engine
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_a_rule_works_in_every_precision(lipogram, precision):
    options = SamplingOptions(rule=("lipogram=e",), seed=1)
    text = epigone.generate("english-tiny", EXTENT, options, EngineOptions("native", precision, 2)).texts[0]
    assert "e" not in text.lower()


def test_a_rule_sees_the_recent_tokens(registries):
    RULES.register(FRESH)
    extent = epigone.GenerateOptions("The ", length=60)
    for window in (1, 5):
        (text,) = write(extent=extent, rule=("fresh=1",), repetition_window=window)
        for place in range(4, len(text)):
            assert text[place] not in text[max(0, place - window) : place]
    assert not all(a != b for a, b in zip(write()[0], write()[0][1:], strict=False)), "some letters do repeat"


def test_the_order_of_the_rules_is_data(registries):
    assert [rule.name for rule in ordered_rules()][:3] == ["repetition_penalty", "temperature", "top_k"]
    sampling = {"temperature": 1.5, "top_k": 4, "top_p": 0.6}
    usual = write("torch", **sampling)
    RULES["top_k"] = RULES.pop("top_k")
    assert [rule.name for rule in ordered_rules()][2:4] == ["top_p", "min_p"]
    assert not draws_natively(SamplingOptions(**sampling)), "the engine has another order"
    assert write(**sampling) == write("torch", **sampling) != usual


def test_a_rule_that_is_off_leaves_the_engine_its_loop():
    assert draws_natively(SamplingOptions())
    assert draws_natively(SamplingOptions(rule=("typical=1",), top_k=3, min_p=0.1, repetition_penalty=1.2))
    assert not draws_natively(SamplingOptions(rule=("typical=0.9",)))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "typicl=0.9",
            r"no sampler rule 'typicl'; choose one of .*, typical \(draw .*\), lipogram \(write .* mean 'typical'",
        ),
        ("typical", "needs a value; write it as typical=VALUE"),
        ("typical=much", "typical must be above 0 and at most 1; 'much' was given"),
        ("typical=0", "typical must be above 0 and at most 1; '0' was given"),
        ("typical=nan", "typical must be above 0 and at most 1; 'nan' was given"),
        ("lipogram=ab", "lipogram must be one lower-case letter; 'ab' was given"),
        ("top_k=3", "top_k is an option of its own; give it as --top-k"),
        ("seed=3", "seed is an option of its own"),
    ],
)
def test_a_rule_that_makes_no_sense_gets_a_sentence(lipogram, rule, said):
    with pytest.raises(UserError, match=said):
        SamplingOptions(rule=(rule,))


def test_a_rule_is_given_once():
    with pytest.raises(UserError, match="typical is given twice"):
        SamplingOptions(rule=("typical=0.9", "typical=0.8"))


def test_a_rule_that_leaves_nothing_gets_a_sentence(registries):
    none = Rule("none", lambda logits, *_: np.full_like(logits, -np.inf), "be a number", lambda value: value == value)
    RULES.register(none)
    with pytest.raises(UserError, match=r"none=1\.0 leaves no token to draw"):
        write(rule=("none=1",))
