"""Methods by name: on the command line, in recipes, and one that a user brings."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import torch

from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.jobs import Base, Text, Training
from epigone.studies.engine.store import identity
from epigone.training.options import RetrainingOptions
from epigone.training.task import ParameterGroup
from epigone.transfer.methods.base import Adaptation, Method
from epigone.transfer.methods.l2_to_base import L2ToBase
from epigone.transfer.methods.registry import METHODS
from epigone.transfer.methods.retrain import Retrain

BRIEF = ("--steps", 2, "--batch-size", 4, "--sequence-length", 16)


@dataclass(frozen=True)
class Biases(Method):
    """Retraining of the biases among the selected weights."""

    name: ClassVar[str] = "biases"

    later: int = 0
    """The first step of the lower layer."""

    def prepare(self, model, selection):
        chosen = {name for name, mask in selection.masks.items() if mask.any() and "bias" in name}
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in chosen)
        lower = tuple(p for name, p in model.named_parameters() if name in chosen and name.startswith("layers.0"))
        upper = tuple(p for name, p in model.named_parameters() if name in chosen and not name.startswith("layers.0"))
        return Adaptation((ParameterGroup(upper), ParameterGroup(lower, 0.5, self.later)))


def test_each_method_has_its_own_name():
    assert METHODS["retrain"] is Retrain
    assert METHODS["l2-to-base"] is L2ToBase
    assert all(METHODS[kind.name] is kind for kind in METHODS.values())
    assert all(kind().described() == {"name": name, **asdict(kind())} for name, kind in METHODS.items())


def test_a_method_from_outside_is_used_by_its_name(cli, make_base, song_file, tmp_path, registries):
    METHODS.register(Biases)
    base = make_base()
    result = cli(
        "finetune",
        base,
        song_file,
        "--train",
        "all",
        "--method",
        "biases",
        "--later",
        1,
        *BRIEF,
        "--out",
        tmp_path / "out",
    )
    assert result.status == 0, result.err
    models = [load_checkpoint(folder).model for folder in (base, tmp_path / "out")]
    before, after = ({name: p.detach() for name, p in model.named_parameters()} for model in models)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {n for n in before if "bias" in n}
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["request"]["method"] == {"name": "biases", "later": 1}
    assert config["result"]["trained_parameters"] == sum(p.numel() for n, p in before.items() if "bias" in n)


def test_only_the_options_of_the_chosen_method_are_taken(cli, make_base, song_file, tmp_path):
    command = ("finetune", make_base(), song_file, *BRIEF, "--out", tmp_path / "out")
    refused = cli(*command, "--strength", 0.5)
    assert refused.status == 2
    assert "--strength" in refused.err
    assert "--strength" not in cli("finetune", "--help").out
    assert "--strength" in cli("finetune", "--method", "l2-to-base", "--help").out
    assert cli(*command, "--method=l2-to-base", "--strength", 0.5).status == 0
    unknown = cli(*command, "--method", "magic")
    assert unknown.status == 2
    assert f"There is no method 'magic'; choose one of {METHODS.choices()}." in unknown.err


def test_a_recipe_may_choose_a_method(cli, make_base, song_file, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[options]\nmethod = "l2-to-base"\nstrength = 0.25\nsteps = 2\n')
    command = ("finetune", make_base(), song_file, "--recipe", recipe)
    assert cli(*command, "--out", tmp_path / "a").status == 0
    request = json.loads((tmp_path / "a" / "config.json").read_text())["request"]
    assert request["method"] == {"name": "l2-to-base", "strength": 0.25}
    refused = cli(*command, "--method", "retrain", "--out", tmp_path / "b")  # which has no strength
    assert (refused.status, "'strength'" in refused.err) == (2, True)


def test_a_method_tells_runs_apart_unless_it_is_retraining():
    text, base = Text(("songs.txt",), "0" * 64), Base("b", "1" * 64)
    jobs = [
        Training(text, RetrainingOptions(), base, method=method)
        for method in (Retrain(), L2ToBase(), L2ToBase(strength=0.5))
    ]
    assert identity(jobs[0]) == identity(Training(text, RetrainingOptions(), base))
    assert len({identity(job) for job in jobs}) == 3
    assert "method" not in identity(jobs[0])


def test_compare_retrains_by_a_method(cli, make_base, song_file, tmp_path):
    size = ("--seeds", 1, "--trials", 1, "--finalists", 1, "--search-epochs", 1, "--max-order", 2, "--max-hidden", 8)
    command = ("compare", make_base(), "--corpus", song_file, "--train", "head", *BRIEF, *size, "--workers", 1)
    result = cli(*command, "--sample-length", 20, "--method", "l2-to-base", "--out", tmp_path / "out", "--json")
    assert result.status == 0, result.err
    rows = [row["name"] for row in json.loads(result.out)["rows"] if row["family"] == "transfer"]
    assert rows == ["base, head, l2-to-base"]
    study = json.loads((tmp_path / "out" / "study.json").read_text())
    assert study["method"] == {"name": "l2-to-base", "strength": 0.01}
    jobs = [json.loads(path.read_text()) for path in Path(tmp_path / "out" / "runs").glob("*/job.json")]
    assert sum("method" in job for job in jobs) == 1


def test_compare_takes_the_selection_of_a_method_that_has_its_own(cli, make_base, song_file, tmp_path):
    size = ("--seeds", 1, "--trials", 1, "--finalists", 1, "--search-epochs", 1, "--max-order", 2, "--max-hidden", 8)
    command = ("compare", make_base(), "--corpus", song_file, *BRIEF, *size, "--workers", 1, "--sample-length", 20)
    result = cli(*command, "--method", "priming", "--out", tmp_path / "out", "--json")  # which takes no step
    assert result.status == 0, result.err
    rows = [row["name"] for row in json.loads(result.out)["rows"] if row["family"] == "transfer"]
    assert rows == ["base, start, priming"]
    refused = cli(*command, "--method", "priming", "--train", "head", "--out", tmp_path / "no")
    assert (refused.status, "leave out --train 'head'" in refused.err) == (2, True)
