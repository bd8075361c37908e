import json
import re
import shutil
from pathlib import Path

import pytest

from epigone import info
from epigone.errors import UserError
from epigone.storage import write_json
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.subwords import SubwordTokenizer
from epigone.text.tokenizers.words import WordTokenizer


@pytest.fixture
def trained(cli, song_file, tmp_path) -> Path:
    out = tmp_path / "trained"
    assert cli("pretrain", song_file, "--out", out, "--steps", 2, "--hidden-size", 8, "--num-layers", 1).status == 0
    return out


def test_without_a_path_the_bundled_models_are_listed(cli, make_base, monkeypatch):
    models = {"english-one": make_base("one"), "english-two": make_base("two", cell="gru")}
    monkeypatch.setattr("epigone.app.info.bundled_models", lambda: models)
    found = info()
    assert found.kind == "bundled models"
    assert [(row["name"], row["cell"], row["units"]) for row in found.rows] == [
        ("english-one", "lstm", 8), ("english-two", "gru", 8)
    ]  # fmt: skip
    lines = cli("info").out.splitlines()
    assert lines[0].split()[:3] == ["name", "network", "tokenizer"]
    assert lines[2].split()[:4] == ["english-two", "gru", "2x8", "ascii"]


def test_the_list_fits_a_narrow_terminal(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("info").out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out


def test_the_list_says_if_no_models_are_bundled(cli, monkeypatch):
    monkeypatch.setattr("epigone.app.info.bundled_models", dict)
    result = cli("info")
    assert result.status == 0
    assert "epigone pretrain" in result.out


def test_a_model_is_described_by_its_folder_or_its_bundled_name(cli, trained, song_file, monkeypatch):
    found = info(trained)
    assert found.kind == "model"
    assert found.facts["parameters"] == json.loads((trained / "config.json").read_text())["result"]["parameters"]
    assert (found.facts["cell"], found.facts["layers"], found.facts["units"]) == ("lstm", 1, 8)
    assert (found.facts["made_by"], found.facts["state"], found.facts["steps"]) == ("pretrain", "finished", 2)
    assert found.facts["characters"] == info(song_file).facts["characters"]
    monkeypatch.setattr("epigone.models.files.bundled.bundled_models", lambda: {"english": trained})
    monkeypatch.setattr("epigone.app.info.bundled_models", lambda: {"english": trained})
    assert info("english").facts == found.facts
    result = cli("info", trained)
    assert "made by          pretrain\n" in result.out
    assert "validation loss" in result.out
    assert "base " not in result.out, "what does not apply is not shown"


def test_a_learned_vocabulary_is_described(make_base):
    tale = "The gull sleeps, the gull (and the ferry) sleeps. " * 3
    words = make_base("words", tokenizer=WordTokenizer.train([tale], VocabularyOptions(lower_case=True)))
    found = info(words).facts
    assert (found["tokenizer"], found["tokens"]) == ("word", 4 + 9)
    assert found["vocabulary"] == "5 words, 4 signs, 4 special tokens, in lower case"
    subwords = SubwordTokenizer.train([tale])
    found = info(make_base("subwords", tokenizer=subwords)).facts
    characters = len(set(tale))
    assert found["vocabulary"] == f"{characters} characters, {len(subwords.vocabulary) - characters - 1} subwords"
    assert info(make_base("plain")).facts["vocabulary"] == ""


def test_an_interrupted_run_is_called_unfinished(trained):
    (trained / "trainer.safetensors").touch()
    config = json.loads((trained / "config.json").read_text())
    # A run that was killed right after its result is finished, for --resume too.
    assert info(trained).facts["state"] == config["result"]["outcome"]
    del config["result"]
    (trained / "config.json").write_text(json.dumps(config))
    assert "--resume" in info(trained).facts["state"]


def test_a_corpus_is_described_with_its_split(cli, song_file):
    found = info(song_file)
    assert found.kind == "corpus"
    assert found.facts["documents"] == 24
    assert [row["split"] for row in found.rows] == ["train", "validation", "test", "all"]
    assert sum(row["characters"] for row in found.rows[:3]) == found.rows[3]["characters"]
    result = cli("info", song_file, "--split-seed", 7)
    assert result.status == 0
    assert "split seed   7" in result.out
    assert "validation" in result.out


def test_a_text_too_short_to_split_is_described(cli, tmp_path):
    (tmp_path / "a.txt").write_text("Short.\n")
    found = info(tmp_path / "a.txt")
    assert found.facts["characters"] == 6
    assert [row["split"] for row in found.rows] == ["all"]
    assert cli("info", tmp_path / "a.txt").status == 0


def test_the_number_of_documents_is_told_beside_the_option_that_divides(cli, tmp_path):
    (tmp_path / "a.txt").write_text("Row on\nRow home\nRest\n", encoding="utf-8")
    facts = json.loads(cli("info", tmp_path / "a.txt", "--documents", "lines", "--json").out)["facts"]
    assert (facts["documents"], facts["divided_by"]) == (3, "lines")


def test_reading_options_apply_to_info(cli, tmp_path):
    (tmp_path / "a.txt").write_text("one\n--\ntwo\n--\nthree\n")
    found = json.loads(cli("info", tmp_path / "a.txt", "--separator", "--", "--json").out)
    assert found["facts"]["documents"] == 3
    assert found["facts"]["separator"] == "--"


def test_one_text_is_one_document_although_it_is_split(cli, tmp_path):
    (tmp_path / "a.txt").write_text("One line of many.\n" * 100)
    found = info(tmp_path / "a.txt")
    assert (found.facts["documents"], found.facts["by_position"]) == (1, True)
    out = cli("info", tmp_path / "a.txt").out
    assert re.search(r"^documents +1$", out, re.MULTILINE)
    assert re.search(r"^by position +yes$", out, re.MULTILINE)


def test_the_division_names_the_commands_that_use_it(cli, tmp_path):
    (tmp_path / "a.txt").write_text("One line of many.\n" * 100)
    assert "pretrain and finetune learn from four fifths" in cli("info", tmp_path / "a.txt").out
    own = cli("info", tmp_path / "a.txt", "--fractions", 0.8, 0.1, 0.1).out
    assert "four fifths" not in own


def test_notices_are_logged_once_and_kept_in_json(cli, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"Line\r\n" * 100)
    shown = cli("info", tmp_path / "a.txt")
    assert "carriage returns" in shown.err
    assert "carriage returns" not in shown.out
    assert "carriage returns" in " ".join(json.loads(cli("info", tmp_path / "a.txt", "--json").out)["facts"]["notices"])


def study(folder: Path) -> Path:
    """Make the folder of a study with one finished and one unfinished run."""
    for run in ("done", "begun"):
        (folder / "runs" / run).mkdir(parents=True)
        write_json(folder / "runs" / run / "job.json", {"kind": "Training", "training": {"lr": 0.5, "steps": None}})
    losses = {"nats": [30.0, 10.0], "tokens": [10, 10]}
    write_json(folder / "runs" / "done" / "result.json", {"splits": {"test": losses}, "seconds": 1.5})
    write_json(folder / "study.json", {"command": "compare"})
    return folder


def test_an_unfinished_study_counts_its_runs(cli, tmp_path):
    folder = study(tmp_path / "s")
    found = info(folder)
    assert (found.kind, found.facts["command"]) == ("study", "compare")
    assert (found.facts["runs"], found.facts["finished"]) == (2, 1)
    assert "--resume" in cli("info", folder).out


@pytest.mark.parametrize("file", ["comparison.json", "result.json"])
def test_a_finished_study_shows_its_rows(cli, tmp_path, file):
    folder = study(tmp_path / "s")
    row = {"name": "scratch", "validation_loss": 1.5, "loss": 1.25}
    write_json(folder / file, {"verdict": "It pays.", "report": "s/report.html", "rows": [row]})
    found = info(folder)
    assert found.facts["state"] == "finished"
    assert found.rows == [{"row": "scratch", "validation_loss": 1.5, "test_loss": 1.25}]
    out = cli("info", folder).out
    assert "It pays." in out
    assert "scratch" in out


def test_a_run_of_a_study_shows_its_settings_and_losses(cli, tmp_path):
    runs = study(tmp_path / "s") / "runs"
    found = info(runs / "done")
    assert found.kind == "run"
    assert found.facts["training.lr"] == 0.5
    assert found.rows == [{"split": "test", "loss": 2.0}]
    assert info(runs / "begun").facts["state"] == "unfinished"
    assert "steps" not in cli("info", runs / "done").out, "what was not set is not shown"
    write_json(runs / "begun" / "result.json", {"splits": {}})
    assert info(runs / "begun").facts["state"] == "diverged"


def test_info_writes_nothing(cli, trained, song_file):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    cli("info", trained)
    cli("info", song_file)
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_a_missing_path_is_an_error_that_suggests_similar_names(tmp_path, make_base):
    base = make_base("lantern")
    with pytest.raises(UserError, match=r"did you mean .*lantern\?"):
        info(tmp_path / "lanten")
    with pytest.raises(UserError, match="no bundled model"):
        info("english-tiniest")
    shutil.rmtree(base)
    base.mkdir()
    with pytest.raises(UserError, match="no text file"):
        info(base)
