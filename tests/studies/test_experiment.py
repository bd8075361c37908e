"""A study that is registered from outside the package: run, resumed, killed, and given another grid."""

import json
import os
import signal
import subprocess
import sys
import time

import counting_study as counting
import pytest
from counting_study import STUDY, CountingOptions

import epigone
from epigone.errors import UserError
from epigone.studies.experiment import StudyOptions
from epigone.studies.registry import STUDIES
from epigone.studies.skeleton import TRIAL

SIZE = StudyOptions(seeds=2, workers=1)


@pytest.fixture
def registered(registries):
    """The study `counting`, beside those of the package."""
    STUDIES.register(STUDY)
    counting.done.clear()


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("the ferry goes slowly over the river\n" * 40)
    return path


def count(text, out, **options):
    return epigone.study("counting", data=[f"text={text}"], out=out, **{"options": SIZE} | options)


def test_a_study_from_outside_runs_through_the_public_function(registered, text, tmp_path):
    result = count(text, tmp_path / "out")
    assert counting.done == ["e", "t"]
    assert [(row["name"], row["labels"]) for row in result.rows] == [
        ("letter e", {"family": "n-gram", "letter": "e"}),
        ("letter t", {"family": "n-gram", "letter": "t"}),
    ]
    assert result.notices[-1] == "“letter z” is left out: with 1 of 1 seed the loss diverged."
    saved = json.loads((tmp_path / "out" / "result.json").read_text())
    assert saved["study"] == "counting"
    assert saved["rows"] == json.loads(json.dumps(result.rows))
    assert saved["twice"] == {"e": 2, "t": 2}  # of the second stage, which used the first
    assert (tmp_path / "out" / "notes.md").read_text() == "# Notes\n"
    page = (tmp_path / "out" / "report.md").read_text()
    assert "# Letters" in page
    assert "- options.letters: e, t, z" in page
    assert f"```sh\nepigone study counting --data text={text} --out out --seeds 2 --workers 1\n```" in page
    lines = (tmp_path / "out" / "losses.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 3 + 2 * 2 * 3  # two rows, and the same twice, on three splits
    assert (tmp_path / "out" / "table.csv").read_text().count("letter ") == 2
    assert "- seeds: 0, 1" in page
    assert f"- path: {text}" in page


def test_it_goes_on_and_repeats_nothing(registered, text, tmp_path):
    first = count(text, tmp_path / "out")
    with pytest.raises(UserError, match="is not empty"):
        count(text, tmp_path / "out")
    counting.done.clear()
    again = count(text, tmp_path / "out", resume=True)
    assert counting.done == []
    assert again.rows == first.rows
    assert again.seconds >= first.seconds


def test_lists_of_the_grid_may_grow_and_finished_rows_are_kept(registered, text, tmp_path):
    count(text, tmp_path / "out")
    counting.done.clear()
    more = count(text, tmp_path / "out", grid=CountingOptions(letters=("e", "t", "o")), resume=True)
    assert counting.done == ["o"]
    assert [row["labels"]["letter"] for row in more.rows] == ["e", "t", "o"]
    request = json.loads((tmp_path / "out" / "study.json").read_text())
    assert request["options"] == {"letters": ["e", "t", "o"], "offset": 0.0}
    with pytest.raises(UserError, match=r"options\.offset was 0\.0 and is now 1\.0"):
        count(text, tmp_path / "out", grid=CountingOptions(offset=1.0), resume=True)


def test_a_folder_from_before_there_was_an_option_goes_on_with_its_default(registered, text, tmp_path):
    count(text, tmp_path / "out")
    path = tmp_path / "out" / "study.json"
    request = json.loads(path.read_text())
    del request["options"]["offset"]
    path.write_text(json.dumps(request | {"networks": request.pop("options")}))  # as version 0.1.0 called them
    count(text, tmp_path / "out", resume=True)
    with pytest.raises(UserError, match=r"options\.offset was 0\.0"):
        count(text, tmp_path / "out", grid=CountingOptions(offset=1.0), resume=True)


def test_a_quick_trial_says_so(registered, text, tmp_path, cli):
    found = count(text, tmp_path / "out", options=StudyOptions(quick=True, workers=1))
    assert found.notices[0] == TRIAL
    call = ["study", "counting", "--data", f"text={text}", "--quick", "--workers", "1", "--out", tmp_path / "again"]
    shown = cli(*call)
    assert TRIAL in shown.out
    assert shown.err.startswith(TRIAL)
    assert "A quick trial: every part ran, but these figures mean nothing." in (tmp_path / "out/report.md").read_text()


def test_two_studies_of_one_name_are_refused(registered):
    with pytest.raises(UserError, match="a study 'counting' already"):
        STUDIES.register(STUDY)


def test_the_command_line_lists_it_and_shows_its_own_options_only(registered, cli):
    listed = cli("study", "--help").out
    assert "counting" in listed
    assert "text=PATH" in listed
    for name in ("stacked-lstm", "vanilla-rnn", "word-model"):
        assert name in listed
    shown = cli("study", "counting", "--help").out
    assert "Count letters." in shown
    assert "--letters" in shown
    assert "The letters to count. [default: e, t, z]" in " ".join(shown.replace("│", " ").split())
    assert "--sigma" not in shown
    assert "--min-count" not in shown
    assert "--letters" not in cli("study", "vanilla-rnn", "--help").out


def test_the_command_line_runs_it_with_a_grid_from_a_recipe(registered, cli, text, tmp_path):
    recipe = tmp_path / "grid.toml"
    recipe.write_text('[options]\nletters = ["o", "r"]\nworkers = 1\n')
    call = ["study", "counting", "--data", f"text={text}", "--recipe", recipe]
    result = cli(*call, "--out", tmp_path / "out", "--json")
    assert result.status == 0, result.err
    assert [row["labels"]["letter"] for row in json.loads(result.out)["rows"]] == ["o", "r"]
    assert cli(*call, "--out", tmp_path / "flag", "--letters", "e", "--letters", "t").status == 0
    request = json.loads((tmp_path / "flag" / "study.json").read_text())
    assert request["options"]["letters"] == ["e", "t"]  # a flag wins
    recipe.write_text('[options]\nleters = ["o"]\n')
    refused = cli(*call, "--out", tmp_path / "new")
    assert refused.status == 2
    assert "grid.toml sets 'leters', which is not an option of study counting; did you mean letters?" in refused.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "key", "nearest"),
    [
        ("stacked-lstm", "selection", "selections"),
        ("vanilla-rnn", "cell", "cells"),
        ("word-model", "tokenizer", "tokenizers"),
    ],
)
def test_a_wrong_key_gets_the_nearest_of_the_study(name, key, nearest, cli, tmp_path):
    (tmp_path / "grid.toml").write_text(f'[options]\n{key} = ["x"]\n')
    refused = cli("study", name, "--recipe", tmp_path / "grid.toml")
    assert refused.status == 2
    assert f"sets '{key}', which is not an option of study {name}; did you mean {nearest}?" in refused.err


SCRIPT = """
import sys
from epigone.app.cli import run
from epigone.studies.registry import STUDIES
from epigone.studies.skeleton import TRIAL
from counting_study import STUDY
STUDIES.register(STUDY)
if __name__ == "__main__":
    sys.exit(run(["study", "counting", "--data", f"text={sys.argv[1]}", "--out", sys.argv[2], "--workers", "1"]))
"""


def test_a_killed_study_goes_on_where_it_was(registered, text, tmp_path):
    out = tmp_path / "out"
    environment = os.environ | {counting.PAUSE: "t", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, text, out], env=environment)
    begun = time.monotonic()
    while len(list(out.glob("runs/*/job.json"))) < 2:  # the second run has begun, and pauses
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < begun + 60
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "result.json").exists()
    result = count(text, out, options=StudyOptions(workers=1), resume=True)
    assert counting.done == ["t"]
    assert [row["labels"]["letter"] for row in result.rows] == ["e", "t"]
