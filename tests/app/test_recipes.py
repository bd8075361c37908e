import json
import re
import time
from pathlib import Path

import pytest

from epigone.app.recipes import read_recipe, take_recipe
from epigone.errors import UserError

RECIPES = Path(__file__).parents[2] / "recipes"
BUNDLED = Path(__file__).parents[2] / "src" / "epigone" / "bundled"
RECIPE = """
# A comment says why.
[options]
hidden_size = 8
num_layers = 1
steps = 3
fractions = [0.6, 0.2, 0.2]
fingerprint = false

[measured]
validation_loss = 3.0
"""


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.mark.parametrize(
    ("arguments", "kept", "found"),
    [
        (["generate", "m"], ["generate", "m"], None),
        (["generate", "--recipe", "a", "m"], ["generate", "m"], "a"),
        (["generate", "m", "--recipe=a b"], ["generate", "m"], "a b"),
        (["--recipe", "a", "generate"], ["generate"], "a"),
        (["generate", "--", "--recipe", "a"], ["generate", "--", "--recipe", "a"], None),
    ],
)
def test_the_flag_is_split_off_at_any_position(arguments, kept, found):
    assert take_recipe(arguments) == (kept, found)


@pytest.mark.parametrize("arguments", [["--recipe"], ["--recipe="], ["--recipe", "a", "--recipe", "b"]])
def test_exactly_one_file_is_needed(arguments):
    with pytest.raises(UserError, match="--recipe"):
        take_recipe(arguments)


def test_options_are_read_but_measurements_are_not(recipe):
    options = read_recipe(recipe).options
    assert options["fractions"] == [0.6, 0.2, 0.2]
    assert "validation_loss" not in options


@pytest.mark.parametrize(
    ("text", "said"),
    [("[options", "TOML"), ("lr = 1", r"\[options\]"), ("options = 3", r"\[options\]"), ("\x00", "TOML")],
)
def test_a_file_that_is_not_a_recipe_is_named(tmp_path, text, said):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_one_that_is_not_utf8_are_named(tmp_path):
    (tmp_path / "r.toml").write_bytes(b"[options]\nprompt = '\xff'\n")
    for name in ("r.toml", "nowhere.toml"):
        with pytest.raises(UserError, match=name):
            read_recipe(tmp_path / name)


def test_an_unknown_option_is_named_with_the_nearest_known_one(recipe):
    found = read_recipe(recipe)
    found.check("pretrain", dict.fromkeys(["hidden_size", "num_layers", "steps", "fractions", "fingerprint"]))
    with pytest.raises(
        UserError, match=r"recipe\.toml sets 'hidden_size', which is not an option of x; did you mean hiden"
    ):
        found.check("x", {"hiden_size": int})
    with pytest.raises(UserError, match="epigone x --help"):
        found.check("x", {"zzz": int})


def test_flags_win_over_a_recipe(cli, recipe, song_file, tmp_path):
    assert cli("pretrain", song_file, "--recipe", recipe, "--out", tmp_path / "a", "--steps", 2).status == 0
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config["model"]["hidden_size"] == 8
    assert config["result"]["steps"] == 2
    assert config["request"]["corpus"]["fractions"] == [0.6, 0.2, 0.2]
    assert not (tmp_path / "a" / "fingerprint.safetensors").exists()
    again = ["--fingerprint", "--fractions", 0.5, 0.25, 0.25]
    assert cli("pretrain", song_file, f"--recipe={recipe}", "--out", tmp_path / "b", *again).status == 0
    assert (tmp_path / "b" / "fingerprint.safetensors").exists()
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    assert config["request"]["corpus"]["fractions"] == [0.5, 0.25, 0.25]


def test_recipe_names_may_have_dashes_and_values_may_be_lists(cli, make_base, tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('[options]\nprompt = "A-b"\nstop = ["e", "a"]\nmax-length = 7\nlength = 5\nseed = 1\n')
    result = cli("generate", make_base(), "--recipe", path, "--json")
    assert result.status == 0, result.err
    options = json.loads(result.out)["options"]
    assert (options["prompt"], options["stop"], options["max_length"]) == ("A-b", ["e", "a"], 7)


def test_a_recipe_may_hold_the_selection_and_the_output_folder(cli, make_base, song_file, tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(f'[options]\ntrain = "layers.1"\nsteps = 1\nout = "{(tmp_path / "new").as_posix()}"\n')
    assert cli("finetune", make_base(), song_file, "--recipe", path).status == 0
    assert json.loads((tmp_path / "new" / "config.json").read_text())["request"]["selection"] == "layers.1, head"


@pytest.mark.parametrize(
    "path", [*RECIPES.glob("*.toml"), *BUNDLED.glob("*/*.toml")], ids=lambda path: path.parent.name + "/" + path.name
)
def test_the_recipes_of_the_repository_have_only_known_options(cli, path):
    command = re.search(r"epigone (study [\w-]+|compare|finetune|pretrain)", path.read_text())[1].split()
    # The command lacks other arguments, so it is refused; an unknown option of the recipe would be refused before that.
    result = cli(*command, "--recipe", path, *(["x"] if command == ["finetune"] else []))
    assert result.status == 2
    assert str(path) not in result.err


@pytest.mark.parametrize("name", ["awd-lstm", "awd-lstm-small"])
def test_an_awd_lstm_learns_by_its_recipe(cli, song_file, tmp_path, name):
    small = ["--hidden-size", 12, "--top-size", 8, "--embedding-size", 8, "--vocabulary-size", 45, "--steps", 3]
    result = cli("pretrain", song_file, "--recipe", RECIPES / f"{name}.toml", "--out", tmp_path / "out", *small)
    assert result.status == 0, result.err
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    dropouts = {key: value for key, value in config["model"].items() if key.endswith("dropout")}
    assert len(dropouts) == 5
    assert all(0 < share < 1 for share in dropouts.values())
    assert config["request"]["options"]["training"]["slowness_penalty"] == 1
    # One dial for all of them.
    scaled = ["--recipe", RECIPES / f"{name}.toml", "--out", tmp_path / "half", *small, "--dropout-scale", 0.5]
    assert cli("pretrain", song_file, *scaled).status == 0
    half = json.loads((tmp_path / "half" / "config.json").read_text())["model"]
    assert {key: half[key] * 2 for key in dropouts} == pytest.approx(dropouts)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000 + "b = 1", "[" + "a . " * 30 + "b]", "x = {" + '"a".' * 30 + "b = 1}", "x = " + "[" * 5000,
        "x = " + "{a = " * 5000, "x = " + "9" * 5000, "x = 1\n" * 200_000, "#" * 1_000_001,
    ],
)  # fmt: skip
def test_an_absurd_recipe_is_refused_quickly(tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    begin = time.perf_counter()
    with pytest.raises(UserError, match=r"The recipe .*r\.toml"):
        read_recipe(tmp_path / "r.toml")
    assert time.perf_counter() - begin < 5


def test_dots_in_texts_and_comments_are_no_levels(tmp_path):
    dots = "a." * 50 + "b"
    lines = [f"# {dots}", "[options]", f'prompt = "{dots}"', f"stop = '{dots}'", f'separator = """\n{dots}"""']
    (tmp_path / "r.toml").write_text("\n".join(lines))
    assert read_recipe(tmp_path / "r.toml").options == {"prompt": dots, "stop": dots, "separator": dots}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("lr = 'fast'", "lr: 'fast' instead of a number"),
        ("lr = '0.01'", "lr: '0.01' instead of a number"),
        ("lr = true", "lr: True instead of a number"),
        ("lr = [0.1]", "lr: a list instead of a number"),
        ("lr = {a = 1}", "lr: an object instead of a number"),
        ("steps = 0.5", "steps: 0.5 instead of a whole number"),
        ("steps = 1979-05-27", r"steps: datetime.date\(1979, 5, 27\) instead of a whole number"),
        ("batch-size = inf", "batch-size: inf instead of a whole number"),
        ("tied = 1", "tied: 1 instead of true or false"),
        ("tied = 'true'", "tied: 'true' instead of true or false"),
        ("separator = true", "separator: True instead of a text"),
        ("separator = ['a']", "separator: a list instead of a text"),
        ("encoding = 1.5", "encoding: 1.5 instead of a text"),
        ("fractions = 0.5", "fractions: 0.5 instead of a list of 3"),
        ("fractions = [0.5, 0.5]", "fractions: a list of 2 instead of a list of 3"),
        ("fractions = [0.5, 0.25, 'a']", r"fractions\[2\]: 'a' instead of a number"),
        (f"lr = '{'9' * 5000}'", f"lr: '{'9' * 39}… instead of a number"),
    ],
)
def test_values_are_checked_and_named(cli, song_file, tmp_path, line, fault):
    path = tmp_path / "r.toml"
    path.write_text(f"[options]\n{line}\n")
    result = cli("pretrain", song_file, "--recipe", path, "--out", tmp_path / "out")
    assert result.status == 2
    assert re.search(rf"Error: The recipe .*r\.toml sets {fault}; correct the value, or delete the line", result.err)
    assert not (tmp_path / "out").exists()


def test_a_single_value_does_for_a_list_and_a_number_for_a_text(cli, make_base, tmp_path):
    (tmp_path / "r.toml").write_text('[options]\nstop = "e"\nprompt = 3\nlength = 5\ntemperature = 1\n')
    options = json.loads(cli("generate", make_base(), "--recipe", tmp_path / "r.toml", "--json").out)["options"]
    assert (options["stop"], options["prompt"]) == (["e"], "3")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lr = -1", "lr = -1"),
        ("blank-lines = 0", "blank-lines = 0"),
        ("weight-decay = inf", "weight-decay = inf"),
        ("init_std = inf", "init_std = inf"),
        ("encoding = 'klingon'", "encoding = 'klingon'"),
        ("separator = '['", r"separator = '\['"),
        (f"tokenizer = '{'x' * 99}'", f"tokenizer = '{'x' * 39}…"),
    ],
)
def test_a_refused_value_is_said_to_come_from_the_recipe(cli, song_file, tmp_path, line, said):
    path = tmp_path / "r.toml"
    path.write_text(f"[options]\n{line}\nsteps = 1\n")
    result = cli("pretrain", song_file, "--recipe", path, "--out", tmp_path / "out")
    assert result.status == 2
    assert re.search(rf"The recipe .*r\.toml sets {said}\.\n$", result.err), result.err


@pytest.mark.parametrize("value", ["true", "3", "['l2-to-base']", "{a = 1}", "''", "'x'", "1979-05-27"])
def test_a_method_is_refused_like_any_other_option(cli, make_base, song_file, tmp_path, value):
    (tmp_path / "r.toml").write_text(f"[options]\nmethod = {value}\n")
    result = cli("finetune", make_base(), song_file, "--out", tmp_path / "out", "--recipe", tmp_path / "r.toml")
    assert result.status == 2
    assert "method" in result.err


def test_a_flag_that_wins_over_a_recipe_is_not_said_to_come_from_it(cli, song_file, tmp_path):
    (tmp_path / "r.toml").write_text("[options]\nlr = 0.1\n")
    result = cli("pretrain", song_file, "--recipe", tmp_path / "r.toml", "--out", tmp_path / "out", "--lr=-1")
    assert (result.status, "r.toml" in result.err) == (2, False)
