"""Every bad input gets one sentence and exit status 2; nothing is printed as a result, and nothing is lost."""

import json
import os
import random
import shlex
import shutil
from pathlib import Path

import pytest

from epigone.models.files.checkpoint import load_checkpoint

TRAIN = "--steps 1 --num-layers 1 --hidden-size 8"
TUNE = "--steps 1"


@pytest.fixture
def place(tmp_path, monkeypatch, make_base, song_file) -> Path:
    """A working folder with what users have: texts good and bad, and a model."""
    shutil.copy(song_file, tmp_path / "songs.txt")
    make_base("base")
    shutil.copytree(tmp_path / "base", tmp_path / "used")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.txt").write_text(" \n\n\t\n")
    (tmp_path / "short.txt").write_text("Too short to split.\n")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "latin.txt").write_bytes("Café au lait\n".encode("latin-1") * 50)
    (tmp_path / "table.csv").write_text("number,size\n1,2\n")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "wrong.toml").write_text("[options]\nhidden_sise = 8\n")
    (tmp_path / "odd.toml").write_text('[options]\nhidden_size = "many"\n')
    (tmp_path / "broken.toml").write_text("[options\n")
    (tmp_path / "bare.toml").write_text("hidden_size = 8\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes | None]:
    """All that lies in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def assert_refused(result, *said: str) -> None:
    assert result.status == 2, result
    assert result.out == ""
    before, error, sentence = result.err.partition("Error: ")
    assert (before, error) == ("", "Error: ")
    assert "Traceback" not in sentence
    assert sentence.rstrip().endswith((".", "?")), sentence
    for words in said:
        assert words in sentence


@pytest.mark.parametrize(
    ("command", "said"),
    [
        # texts
        (f"pretrain empty.txt --out new {TRAIN}", ["empty.txt", "no text"]),
        (f"pretrain blank.txt --out new {TRAIN}", ["blank.txt", "no text"]),
        (f"pretrain short.txt --out new {TRAIN}", ["short.txt", "19 characters", "at least 200"]),
        (f"pretrain binary.txt --out new {TRAIN}", ["binary.txt", "binary", "--encoding"]),
        (
            f"pretrain latin.txt --encoding utf-8 --out new {TRAIN}",
            ["latin.txt", "utf-8", "byte 3", "--encoding cp1252"],
        ),
        (f"pretrain songs.txt --encoding utf-16 --out new {TRAIN}", ["songs.txt", "utf-16", "--encoding"]),
        (f"pretrain songs.txt --encoding latin-99 --out new {TRAIN}", ["songs.txt", "'latin-99'"]),
        (f"pretrain nowhere --out new {TRAIN}", ["nowhere"]),
        (f"pretrain song.txt --out new {TRAIN}", ["song.txt", "did you mean", "songs.txt"]),
        (f"pretrain pictures --out new {TRAIN}", ["pictures", ".png", ".txt"]),
        (f"pretrain table.csv --out new {TRAIN}", ["table.csv", "size", "--column"]),
        (f"pretrain table.csv --column verse --out new {TRAIN}", ["table.csv", "verse", "number"]),
        (f"pretrain songs.txt --separator ( --out new {TRAIN}", ["--separator", "'('"]),
        (f"pretrain songs.txt --separator === --blank-lines 2 --out new {TRAIN}", ["--separator", "--blank-lines"]),
        (f"pretrain --out new {TRAIN}", ["No text was given"]),
        (f"pretrain songs.txt --tokenizer words --out new {TRAIN}", ["'words'", "bpe", "word"]),
        (f"pretrain songs.txt --min-count 3 --out new {TRAIN}", ["char", "min_count=3", "word"]),
        (f"pretrain songs.txt --tokenizer word --min-count 0 --out new {TRAIN}", ["min_count", "0"]),
        (f"pretrain songs.txt --tokenizer word --min-count 9999 --out new {TRAIN}", ["9999 times", "min_count"]),
        (f"pretrain songs.txt --tokenizer word --vocabulary-size 9999 --out new {TRAIN}", ["9,999", "min_count"]),
        (f"pretrain songs.txt --tokenizer bpe --vocabulary-size 99999 --out new {TRAIN}", ["99,999", "tokens"]),
        (f"pretrain songs.txt --tokenizer bpe --vocabulary-size 9 --out new {TRAIN}", ["9 is too small"]),
        ("evaluate base empty.txt", ["empty.txt"]),
        ("evaluate base short.txt --split test", ["short.txt", "at least 200"]),
        (f"finetune base short.txt --out new {TUNE}", ["short.txt", "at least 200"]),
        ("compare base --corpus short.txt --out new", ["short.txt", "at least 200"]),
        ("info empty.txt", ["empty.txt"]),
        ("info nonsense", ["nonsense"]),
        ("info songs.tx", ["songs.tx", "did you mean songs.txt?"]),
        # models
        ("generate nowhere", ["nowhere", "bundled"]),
        ("generate english-smal", ["english-smal", "bundled"]),
        ("generate pictures", ["pictures", "not a checkpoint", "--out"]),
        ("generate songs.txt", ["songs.txt", "is a file"]),
        ("evaluate pictures songs.txt", ["pictures", "not a checkpoint"]),
        (f"finetune pictures songs.txt --out new {TUNE}", ["pictures", "not a checkpoint"]),
        ("compare pictures --corpus songs.txt --out new", ["pictures", "not a checkpoint"]),
        ("compare --corpus songs.txt --out new", ["at least one base"]),
        # selections
        (f"finetune base songs.txt --train layers.7 --out new {TUNE}", ["layers.7", "layers.0, layers.1", "weight_hh"]),
        (f"finetune base songs.txt --train 'head - head' --no-head --out new {TUNE}", ["'head - head'", "layers.0"]),
        (f"finetune base songs.txt --train 'layers.0 -' --out new {TUNE}", ["layers.0 -\n" + " " * 14 + "^"]),
        (f"finetune base songs.txt --train 'layers.0 & head' --out new {TUNE}", ["layers.0 & head\n" + " " * 13 + "^"]),
        (f"finetune base songs.txt --train '(layers.0' --out new {TUNE}", ["expected ')'"]),
        (f"finetune base songs.txt --train '' --out new {TUNE}", ["does not parse"]),
        ("compare base --corpus songs.txt --train layers.7 --out new", ["layers.7", "layers.1"]),
        # output folders
        (f"pretrain songs.txt --out used {TRAIN}", ["used", "not empty", "--resume"]),
        (f"finetune base songs.txt --out used {TUNE}", ["used", "not empty", "--resume"]),
        ("compare base --corpus songs.txt --out used", ["used", "not empty", "--resume"]),
        (f"pretrain songs.txt --out used --resume {TRAIN}", ["used"]),
        (f"pretrain songs.txt --out pictures --resume {TRAIN}", ["pictures", "resume"]),
        ("compare base --corpus songs.txt --out used --resume", ["used"]),
        (f"pretrain songs.txt --out songs.txt {TRAIN}", ["songs.txt", "is a file"]),
        (f"pretrain songs.txt --out songs.txt/new {TRAIN}", ["songs.txt/new", "--out"]),
        # prompts
        ("generate base --stop ''", ["stop string"]),
        # numbers and choices
        (f"pretrain songs.txt --out new --lr nan {TRAIN}", ["lr", "nan"]),
        (f"pretrain songs.txt --out new --lr=-1 {TRAIN}", ["lr", "-1"]),
        (f"pretrain songs.txt --out new --epochs 0 {TRAIN}", ["epochs", "0"]),
        ("pretrain songs.txt --out new --steps 0", ["steps", "0"]),
        ("pretrain songs.txt --out new --steps 3 --minutes 1", ["steps", "minutes"]),
        (f"pretrain songs.txt --out new --devices 0 {TRAIN}", ["devices", "0"]),
        (f"pretrain songs.txt --out new --precision fp23 {TRAIN}", ["fp23", "fp32", "bf16"]),
        (f"pretrain songs.txt --out new --optimizer adamm {TRAIN}", ["adamm", '"adam"']),
        (f"pretrain songs.txt --out new --tokenizer words {TRAIN}", ["'words'", "char"]),
        (f"pretrain songs.txt --out new --dropout 1 {TRAIN}", ["dropout", "1.0"]),
        (f"pretrain songs.txt --out new --seed {2**70} {TRAIN}", ["seed", str(2**70)]),
        (f"pretrain songs.txt --out new --tied {TRAIN}", ["embedding_size", "8"]),
        (f"pretrain songs.txt --out new --fractions 1 1 1 {TRAIN}", ["1.0 1.0 1.0", "0.8 0.1 0.1"]),
        (f"pretrain songs.txt --out new --layers 2 {TRAIN}", ["--layers"]),
        (f"pretrain songs.txt --out new --num-layer 2 {TRAIN}", ["--num-layer", "--num-layers"]),
        ("generate base --length 0", ["length", "0"]),
        ("generate base --tokens -1", ["tokens", "-1"]),
        ("generate base --tokens 5 --documents 2", ["tokens=5", "documents=2"]),
        ("generate base --next 5 --samples 2", ["next=5", "samples"]),
        ("generate base --next 5 --stream", ["--next", "--stream"]),
        ("generate base --temperature nan", ["temperature", "nan"]),
        ("generate base --top-p 2", ["top_p", "2"]),
        ("generate base --samples 2 --documents 2", ["documents=2", "samples=2"]),
        ("generate base --samples 2 --stream", ["--stream", "--samples"]),
        ("generate base --stream --json", ["--stream", "--json"]),
        ("compare base --corpus songs.txt --out new --seeds 0", ["seeds", "0"]),
        ("compare base --corpus songs.txt --out new --temperature=-1", ["temperature", "-1"]),
        ("compare base --corpus songs.txt --out new --workers=-1", ["workers", "-1"]),
        ("compare base --corpus songs.txt --out new --trials 0", ["trials", "0"]),
        # recipes
        (f"pretrain songs.txt --out new --recipe nowhere.toml {TRAIN}", ["nowhere.toml"]),
        (f"pretrain songs.txt --out new --recipe wrong.toml {TRAIN}", ["wrong.toml", "'hidden_sise'", "hidden_size"]),
        ("pretrain songs.txt --out new --recipe odd.toml", ["odd.toml", "hidden_size", "'many'"]),
        (f"pretrain songs.txt --out new --recipe broken.toml {TRAIN}", ["broken.toml", "TOML", "line 1"]),
        (f"pretrain songs.txt --out new --recipe bare.toml {TRAIN}", ["bare.toml", "[options]"]),
        (f"pretrain songs.txt --out new --recipe odd.toml --recipe bare.toml {TRAIN}", ["odd.toml and bare.toml"]),
        # studies
        ("study stacked-lstm --data target=songs.txt near=songs.txt --out new", ["far=PATH"]),
        ("study stacked-lstm --data target=songs.txt near=nowhere far=songs.txt --out new", ["nowhere"]),
    ],
)
def test_bad_input_is_refused_and_nothing_is_touched(cli, place, command, said):
    before = contents(place)
    assert_refused(cli(*shlex.split(command)), *said)
    assert contents(place) == before


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there(cli, place, device):
    import torch

    if getattr(torch, device).is_available():
        pytest.skip(f"this machine has {device}")
    assert_refused(cli("pretrain", "songs.txt", "--out", "new", "--device", device), f"--device {device}")
    assert not (place / "new").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written(cli, place):
    assert_refused(cli("pretrain", "songs.txt", "--out", "/proc/new", *TRAIN.split()), "/proc/new", "--out")
    assert_refused(cli("finetune", "base", "songs.txt", "--out", "/proc/new", *TUNE.split()), "/proc/new", "--out")
    assert_refused(cli("compare", "base", "--corpus", "songs.txt", "--out", "/proc/new"), "/proc/new", "--out")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


DAMAGES = {
    "cut weights": (
        lambda base: os.truncate(base / "model.safetensors", 1000),
        ["model.safetensors", "damaged", "Restore"],
    ),
    "empty weights": (lambda base: os.truncate(base / "model.safetensors", 0), ["model.safetensors", "damaged"]),
    "other size": (
        lambda base: edit(base / "config.json", '"hidden_size": 8', '"hidden_size": 9'),
        ["model.safetensors", "config.json", "head.weight has shape (128, 8) instead of (128, 9)"],
    ),
    "other depth": (
        lambda base: edit(base / "config.json", '"num_layers": 2', '"num_layers": 3'),
        ["model.safetensors", "layers.2.weight_hh is missing"],
    ),
    "other cell": (
        lambda base: edit(base / "config.json", '"cell": "lstm"', '"cell": "gru"'),
        ["model.safetensors", "config.json"],
    ),
    "no such cell": (
        lambda base: edit(base / "config.json", '"cell": "lstm"', '"cell": "lsmt"'),
        ["config.json", "'lsmt'"],
    ),
    "number as text": (
        lambda base: edit(base / "config.json", '"hidden_size": 8', '"hidden_size": "8"'),
        ["config.json"],
    ),
    "newer format": (
        lambda base: edit(base / "config.json", '"format": 1', '"format": 2'),
        ["config.json", "format 2", "newer", "Upgrade"],
    ),
    "unknown setting": (
        lambda base: edit(base / "config.json", '"dropout":', '"zoneout": 1, "dropout":'),
        ["config.json", "version"],
    ),
    "config is no JSON": (lambda base: (base / "config.json").write_text("{"), ["config.json", "not valid JSON"]),
    "config is a list": (lambda base: (base / "config.json").write_text("[]"), ["config.json"]),
    "config is empty": (lambda base: (base / "config.json").write_text("{}"), ["config.json"]),
    "no tokenizer": (lambda base: (base / "tokenizer.json").unlink(), ["tokenizer.json"]),
    "unknown tokenizer": (
        lambda base: (base / "tokenizer.json").write_text('{"name": "wordpiece"}'),
        ["'wordpiece'", "char"],
    ),
    "other tokenizer": (
        lambda base: (base / "tokenizer.json").write_text('{"name": "byte"}'),
        ["tokenizer.json", "256", "128"],
    ),
    "no weights": (lambda base: (base / "model.safetensors").unlink(), ["not a checkpoint", "model.safetensors"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_by_every_command(cli, place, damage):
    harm, said = DAMAGES[damage]
    harm(place / "base")
    before = contents(place)
    for command in (
        "generate base",
        "evaluate base songs.txt",
        f"finetune base songs.txt --out new {TUNE}",
        "compare base --corpus songs.txt --out new",
    ):
        assert_refused(cli(*shlex.split(command)), "base", *said)
    assert contents(place) == before


@pytest.mark.parametrize("damage", ["config is no JSON", "config is a list", "config is empty", "no tokenizer"])
def test_info_on_a_damaged_model(cli, place, damage):
    DAMAGES[damage][0](place / "base")
    assert_refused(cli("info", "base"), "base", "")


@pytest.mark.parametrize("file", ["study.json", "job.json"])
@pytest.mark.parametrize("text", ["[]", "{}", "{", "3"])
def test_info_on_a_damaged_run(cli, place, file, text):
    (place / "run").mkdir()
    (place / "run" / file).write_text(text)
    result = cli("info", "run")
    if (file, text) == ("job.json", "{}"):
        assert result.status == 0
    else:
        assert_refused(result, "run")


def test_a_prompt_with_characters_that_the_model_does_not_know(cli, place):
    assert cli("pretrain", "songs.txt", "--out", "char", "--tokenizer", "char", *TRAIN.split()).status == 0
    assert_refused(cli("generate", "char", "--prompt", "snow☃"), "snow☃", "'☃' (U+2603)", "char")
    assert_refused(cli("generate", "char", "--stop", "☃"), "'☃' (U+2603)")


def test_a_fingerprint_that_is_damaged(cli, place):
    assert cli("pretrain", "songs.txt", "--out", "new", *TRAIN.split()).status == 0
    os.truncate(place / "new" / "fingerprint.safetensors", 50)
    assert_refused(cli("generate", "new", "--length", 5), "fingerprint.safetensors", "delete it")


@pytest.mark.parametrize("writes", range(1, 16, 2))
def test_a_disk_that_fills_up_costs_nothing_that_was_there(cli, place, monkeypatch, writes):
    job = ["pretrain", "songs.txt", "--num-layers", 1, "--hidden-size", 8, "--steps", 4, "--validate-every", 1]
    job += ["--save-every", 0, "--quiet"]
    assert cli(*job, "--out", "whole").status == 0
    left = writes

    def sync(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("epigone.storage.os.fsync", sync)
        assert_refused(cli(*job, "--out", "new"), "new", "No space left on device", "untouched")
    assert not list((place / "new").glob(".*"))
    if (place / "new" / "model.safetensors").exists():
        load_checkpoint("new")
    assert cli(*job, "--out", "new", "--resume").status == 0
    for file in ("model.safetensors", "tokenizer.json"):
        assert (place / "new" / file).read_bytes() == (place / "whole" / file).read_bytes()
    histories = [(place / run / "history.jsonl").read_text().splitlines() for run in ("new", "whole")]
    new, whole = (
        [{k: v for k, v in json.loads(line).items() if not k.endswith("seconds")} for line in lines]
        for lines in histories
    )
    assert new == whole


def test_what_is_finished_or_belongs_to_another_run_is_not_trained_over(cli, place):
    job = ["pretrain", "songs.txt", "--out", "new", *TRAIN.split()]
    assert cli(*job).status == 0
    before = contents(place)
    again = cli(*job, "--resume")
    assert again.status == 0
    assert "finished" in again.err
    assert_refused(cli(*job, "--resume", "--lr", 0.5), "new", "lr was 0.003 and is now 0.5")
    (place / "songs.txt").write_text((place / "songs.txt").read_text() + "One line more.\n")
    assert_refused(cli(*job, "--resume"), "new", "corpus")
    del before["songs.txt"]
    assert before.items() <= contents(place).items()


@pytest.mark.slow
def test_a_single_line_of_forty_megabytes_simply_trains(cli, place):
    words = random.Random(0).choices(["river", "stone", "and", "lantern"], k=7_600_000)
    (place / "line.txt").write_text(" ".join(words))
    assert (place / "line.txt").stat().st_size > 40_000_000
    result = cli("pretrain", "line.txt", "--out", "new", "--steps", 2, "--num-layers", 1, "--hidden-size", 8)
    assert result.status == 0
    assert "by position" in result.err
    assert cli("generate", "new", "--length", 10).status == 0
