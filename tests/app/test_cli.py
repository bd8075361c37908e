import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from epigone.app import cli as command_line
from epigone.errors import UserError
from epigone.training.run.folder import TrainingResult

SMALL = ("--num-layers", 1, "--hidden-size", 8)
MEASURES = {"loss", "bits_per_char", "accuracy", "perplexity", "tokens", "characters", "documents", "seconds"}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"}


@pytest.fixture(scope="module")
def model(song_file, tmp_path_factory) -> Path:
    """A model of the songs, trained for three steps."""
    out = tmp_path_factory.mktemp("models") / "songs"
    assert (
        command_line.run(["pretrain", str(song_file), "--out", str(out), "--steps", "3", "--quiet", *map(str, SMALL)])
        == 0
    )
    return out


def epigone(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    words = [sys.executable, "-m", "epigone", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, **options)


def test_version(cli):
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", cli("--version").out)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["generate", "--help"], ["info"], ["info", "--help"]])
def test_light_commands_load_no_heavy_library(arguments):
    program = (
        "import sys\nfrom epigone.app.cli import run\n"
        f"status = run({arguments!r})\n"
        "heavy = {'torch', 'lightning_fabric', 'matplotlib', 'scipy', 'optuna'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_pretrain_finetune_evaluate_generate_from_text_to_text(cli, song_file, tmp_path):
    base, mine = tmp_path / "base", tmp_path / "mine"
    result = cli("pretrain", song_file, "--out", base, "--steps", 3, *SMALL)
    assert result.status == 0
    assert "3 steps" in result.out
    assert f"epigone generate {base}" in result.out
    assert "validation" in result.err
    facts = [
        rf"text +{re.escape(str(song_file))}, sha256 [0-9a-f]{{16}}$",
        r"split +seed 0, 0\.8 / 0\.1 / 0\.1 for",
    ]
    assert all(re.search(fact, result.out, re.MULTILINE) for fact in facts)
    assert sorted(file.name for file in base.iterdir()) == [
        "README.md", "config.json", "fingerprint.safetensors", "history.jsonl", "model.safetensors", "tokenizer.json"
    ]  # fmt: skip
    result = cli("finetune", base, song_file, "--train", "layers.0", "--out", mine, "--steps", 2, "--no-fingerprint")
    assert result.status == 0
    assert "2 steps" in result.out
    assert not (mine / "fingerprint.safetensors").exists()
    result = cli("evaluate", mine, song_file)
    assert result.status == 0
    assert "test: " in result.out
    assert all(re.search(fact, result.out, re.MULTILINE) for fact in facts)
    result = cli("generate", mine, "--prompt", "The river", "--length", 20, "--seed", 5)
    assert result.status == 0
    assert len(result.out.rstrip("\n")) >= 20
    assert result.out.startswith("The river")
    assert "seed 5" in result.err


def test_json_is_one_object_with_stable_keys_and_nothing_beside_it(cli, model, song_file, tmp_path):
    trained = cli("pretrain", song_file, "--out", tmp_path / "m", "--steps", 2, *SMALL, "--json")
    tuned = cli("--json", "finetune", model, song_file, "--out", tmp_path / "f", "--steps", 2)
    measured = cli("evaluate", model, "--json", song_file)
    for result in (trained, tuned, measured):
        assert result.status == 0
        found = json.loads(result.out)
        assert found.keys() >= MEASURES
        assert all(isinstance(found[key], int | float) for key in MEASURES)
    assert json.loads(measured.out)["split"] == "test"
    assert sum(row["tokens"] for row in json.loads(measured.out)["rows"]) == json.loads(measured.out)["tokens"]
    written = json.loads(cli("generate", model, "--length", 30, "--samples", 2, "--json").out)
    assert [len(text) for text in written["texts"]] == [30, 30]
    assert written["characters"] == 60
    assert json.loads(cli("info", model, "--json").out)["kind"] == "model"


@pytest.mark.slow
def test_compare_from_a_base_to_a_table(cli, model, song_file, tmp_path):
    out = tmp_path / "comparison"
    size = ("--seeds", 2, "--trials", 2, "--finalists", 1, "--search-epochs", 1, "--epochs", 1)
    small = ("--max-hidden", 32, "--max-order", 2, "--workers", 1, "--sample-length", 100)
    job = (
        "compare",
        model,
        "--corpus",
        song_file,
        "--train",
        "layers.0",
        "--train",
        "head",
        "--out",
        out,
        *size,
        *small,
    )
    result = cli(*job, "--json")
    assert result.status == 0
    found = json.loads(result.out)
    assert [row["name"] for row in found["rows"]] == [
        "songs, untouched", "scratch, best of 2", "n-grams of the text", "songs, layer 0 + head", "songs, head"
    ]  # fmt: skip
    assert all(row.keys() >= MEASURES for row in found["rows"])
    assert "2/2" in result.err
    assert cli(*job).status == 2
    shown = cli(*job, "--resume")
    assert shown.status == 0
    assert found["verdict"] in " ".join(shown.out.split())
    assert f"epigone generate {out / 'model'}" in shown.out
    assert shown.out.count("of the pairs of words distinct") == len(found["samples"])
    assert "notice  The best network from scratch still improved" in shown.out
    assert str(out / "report.html") in shown.out
    assert cli("generate", out / "model", "--length", 10).status == 0
    assert "finished" in cli("info", out).out


def test_quiet_leaves_only_the_result(cli, model, song_file, tmp_path):
    result = cli("pretrain", song_file, "--out", tmp_path / "m", "--steps", 2, *SMALL, "--quiet")
    assert result.err == ""
    assert "2 steps" in result.out
    result = cli("generate", model, "--length", 10, "--quiet")
    assert result.err == ""
    assert result.out


def test_flags_may_be_anywhere(cli, model, song_file):
    expected = json.loads(cli("evaluate", model, song_file, "--split", "all", "--json").out)
    for arguments in (
        ["evaluate", "--split", "all", model, song_file, "--json"],
        ["--json", "evaluate", model, "--split=all", song_file],
        ["evaluate", model, song_file, "--json", "--split", "all"],
    ):
        found = json.loads(cli(*arguments).out)
        assert found | {"seconds": 0} == expected | {"seconds": 0}


@pytest.mark.parametrize(("split", "documents"), [("train", 19), ("validation", 2), ("test", 3), ("all", 24)])
def test_evaluate_measures_the_chosen_split(cli, model, song_file, split, documents):
    found = json.loads(cli("evaluate", model, song_file, "--split", split, "--json").out)
    assert found["split"] == split
    assert abs(found["documents"] - documents) <= 2


def test_several_prompts_stops_and_selections_are_taken_as_written(cli, model, song_file, tmp_path):
    plain = cli("generate", model, "--seed", 1, "--length", 200, "--quiet").out
    stopped = cli("generate", "--stop", "e", "--stop", "a", model, "--seed", 1, "--length", 200, "--quiet").out
    assert stopped.rstrip("\n") == re.split("[ea]", plain)[0]
    tuned = cli("finetune", model, song_file, "--train", "!layers.0 - head.bias", "--no-head", "--out", tmp_path / "f",
                "--steps", 1, "--json")  # fmt: skip
    shape = json.loads((model / "config.json").read_text())["model"]
    assert json.loads(tuned.out)["trained_parameters"] == shape["hidden_size"] * shape["vocabulary_size"]


def test_a_text_may_begin_with_a_dash(cli, make_base):
    base = make_base()
    result = cli("generate", base, "--prompt", "--quiet, he said", "--length", 5, "--seed", 1)
    assert result.status == 0
    assert result.out.startswith("--quiet, he said")
    assert "seed 1" in result.err
    assert cli("generate", base, "--prompt", "- a", "--length", 5, "--stop", "-").status == 0


def test_stray_words_are_refused(cli, model):
    assert cli("generate", model, "a prompt").status == 2
    assert "does not take 'a prompt'" in cli("generate", model, "a prompt").err
    assert cli("info", model, "utf-8").status == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pretrian"], "pretrain"),
        (["--bogus"], "Available commands"),
        (["pretrain", "a.txt", "--out", "x", "--hiden-size", "3"], "--hidden-size"),
        (["pretrain", "a.txt", "--out", "x", "--zzz"], "epigone pretrain --help"),
        (["pretrain", "a.txt"], "--out"),
        (["generate"], "MODEL"),
        (["evaluate"], "epigone evaluate MODEL TEXT..."),
        (["pretrain", "a.txt", "--out", "x", "--lr"], "--lr"),
        (["pretrain", "a.txt", "--out", "x", "--lr", "fast"], '"fast"'),
        (["pretrain", "a.txt", "--out", "x", "--precision", "bf61"], '"bf16"'),
        (["pretrain", "a.txt", "--out", "x", "--fractions", "0.5", "0.5"], "--fractions"),
        (["evaluate", "m", "a.txt", "--split", "tset"], '"test"'),
        (["study", "stacked-lstm", "--data", "x", "--out", "y"], "ROLE=PATH"),
        (["study", "stacked-lstm", "--data", "target=x", "nea=y", "--out", "z"], "near"),
        (["study", "stacked-lstm"], "--data"),
        (["study", "stackd-lstm", "--data", "target=x", "--out", "y"], "stacked-lstm"),
        (["--recipe"], "--recipe"),
    ],
)  # fmt: skip
def test_a_mistake_on_the_command_line_gets_a_sentence_with_a_remedy(cli, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli(*arguments)
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("Error: ")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_only_debug_shows_a_traceback(cli):
    plain = cli("info", "nonsense")
    shown = cli("info", "nonsense", "--debug")
    assert plain.status == shown.status == 2
    assert "Traceback" not in plain.err
    assert "Traceback" in shown.err
    assert plain.err in shown.err


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RuntimeError("oops"), 1, "RuntimeError: oops"),
        (OSError(28, "No space left on device", "/x/y"), 2, "/x/y: No space left on device."),
        (OSError(28, "No space left on device"), 2, "No space left on device."),
        (MemoryError(), 2, "--batch-size"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
            2,
            "--hidden-size",
        ),
        (KeyboardInterrupt(), 130, "Stopped."),
    ],
)
def test_any_error_of_a_command_becomes_a_sentence(cli, monkeypatch, error, status, said):
    def fail(path=None):
        raise error

    monkeypatch.setattr("epigone.app.info.info", fail)
    result = cli("info")
    assert result.status == status
    assert result.out == ""
    assert said in result.err
    assert "Traceback" not in result.err
    assert ("report it" in result.err) == (status == 1)


@pytest.mark.parametrize(("command", "goes_on"), [("compare", True), ("evaluate", False)])
def test_a_stopped_command_says_if_it_can_go_on(cli, monkeypatch, command, goes_on):
    module = {"compare": "studies.compare.compare", "evaluate": "evaluation.evaluate"}[command]

    def stop(*names):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"epigone.{module}.{command}", stop)
    result = cli(command)
    assert result.status == 130
    assert ("--resume goes on" in result.err) == goes_on


def test_a_command_that_is_stopped_while_it_loads_does_not_load_again(cli, monkeypatch):
    def stop(name):
        monkeypatch.setattr("epigone.app.commands.importlib", SimpleNamespace(import_module=pytest.fail))
        raise KeyboardInterrupt

    monkeypatch.setattr("epigone.app.commands.importlib", SimpleNamespace(import_module=stop))
    assert cli("compare") == (130, "", "Stopped.\n")


def test_an_interrupted_run_says_how_to_continue_and_ends_with_130(cli, monkeypatch):
    facts = dict.fromkeys(TrainingResult.__annotations__, 1) | {"folder": "x", "outcome": "interrupted", "notices": []}
    facts |= {"texts": ["a.txt"], "corpus": "abc", "fractions": None, "trials": []}
    monkeypatch.setattr("epigone.training.pretrain.pretrain", lambda: TrainingResult(**facts))
    result = cli("pretrain")
    assert result.status == 130
    assert "--resume" in result.out


@pytest.mark.parametrize(("outcome", "status"), [("interrupted", 130), ("finished", 2)])
def test_a_full_output_does_not_hide_an_interruption(cli, monkeypatch, outcome, status):
    def full(result):
        raise UserError("Could not write to standard output: No space left on device.")

    facts = dict.fromkeys(TrainingResult.__annotations__, 1) | {"outcome": outcome}
    monkeypatch.setattr("epigone.training.pretrain.pretrain", lambda: TrainingResult(**facts))
    monkeypatch.setattr("epigone.app.cli.show", full)
    monkeypatch.setattr("epigone.app.cli._drop_output", lambda: None)
    assert cli("pretrain").status == status


CLOSED = [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 2), ("2>/dev/full", 0), (">/dev/full 2>&1", 2)]


@pytest.mark.skipif(sys.platform != "linux", reason="has no /dev/full")
@pytest.mark.parametrize(("streams", "status"), CLOSED)
@pytest.mark.parametrize(
    "words", ["info", "info --help", "--version", "generate {model} --length 20 --stream", "info nowhere"]
)
def test_closed_and_full_streams_end_without_a_traceback(model, words, streams, status):
    command = f"{sys.executable} -m epigone {words.format(model=model)} {streams}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == (2 if "nowhere" in words else status)
    assert not any(said in done.stderr for said in ("Traceback", "Exception ignored", "should not have"))
    full = "Error: Could not write to standard output: No space left on device." in done.stderr
    assert full == (streams == ">/dev/full" and "nowhere" not in words)


def test_a_closed_pipe_is_no_error(model):
    # `true` ends long before Python has started; `head` may end at any time.
    words = f"{sys.executable} -m epigone --quiet"
    for command in (f"generate {model} --length 20", "info --help", f"generate {model} --length 20 --stream"):
        result = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {words} {command} | true"],
            capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=120,
        )  # fmt: skip
        assert (result.returncode, result.stderr) == (0, ""), command


def test_a_terminal_without_the_characters_shows_others(make_base):
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii"}
    words = [sys.executable, "-m", "epigone", "info", "nö"]
    result = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 2
    assert "n?" in result.stderr


def test_results_and_messages_use_separate_streams(model, song_file):
    result = epigone("evaluate", model, song_file, "--json")
    assert result.returncode == 0
    assert json.loads(result.stdout).keys() >= MEASURES
    result = epigone("evaluate", model / "nothing", song_file, "--json")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_helper_processes_are_silent(cli, monkeypatch, song_file, tmp_path):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert cli("info", song_file, "--limit", 1000).err == ""
    monkeypatch.delenv("LOCAL_RANK")
    assert cli("pretrain", song_file, "--out", tmp_path / "m", "--steps", 1, *SMALL).err != ""
