"""Nothing that a command prints holds a control that a terminal obeys, wherever it comes from."""

import ast
import io
import json
import re
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

import epigone
from epigone.app.cli import run
from epigone.app.progress import ConsoleMonitor
from epigone.app.terminal import SteadyConsole, say, write_generated
from epigone.text.tokenizers.characters import ByteTokenizer

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
EVIL = "\x1b]52;c;T1dORUQ=\x07\x9b31m\x7f\u202e\x08"  # writes to the clipboard, turns red, turns the text around
LINES = "\nError: all is lost\u2028\r\nafterwards"  # would begin a line of its own
EVIL_NAME = EVIL + "\udcff"  # what a name that is not UTF-8 is in Python
SHORT = ("--num-layers", "1", "--hidden-size", "8", "--steps", "2", "--validate-every", "1", "--threads", "1")


@pytest.fixture
def evil_text(tmp_path, song_file):
    path = tmp_path / f"songs{EVIL_NAME}.txt"
    path.write_bytes(song_file.read_bytes())
    return path


@pytest.fixture
def printed(capsys):
    """Runs a command and returns its status and all that it printed, in which no control may be."""

    def call(*arguments: object) -> tuple[int, str]:
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert not CONTROLS.search(captured.out), captured.out
        assert not CONTROLS.search(captured.err), captured.err
        return status, captured.out + captured.err

    return call


def spoil(value: object) -> object:
    """Add controls to every string and key."""
    match value:
        case dict():
            return {str(key): spoil(item) for key, item in value.items()} | {f"further{EVIL}": f"value{EVIL}"}
        case list():
            return [spoil(item) for item in value]
        case str():
            return value + EVIL
    return value


def test_only_the_terminal_module_prints():
    for path in Path(epigone.__file__).parent.rglob("*.py"):
        if path.name == "terminal.py":  # of app; that of report measures tables and prints nothing
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("print", "sys.stdout.write", "sys.stderr.write", "Console"), path


@pytest.mark.parametrize("flags", [(), ("--json",), ("--debug",)])
def test_names_of_files(printed, evil_text, tmp_path, flags):
    model, other, small = (tmp_path / f"{name}{EVIL}" for name in ("model", "other", "small"))
    assert printed("pretrain", evil_text, "--out", model, *SHORT, "--tokenizer", "byte", *flags)[0] == 0
    assert printed("pretrain", evil_text, "--out", model, *SHORT, *flags)[0] == 2
    assert printed("pretrain", evil_text, "--out", model, *SHORT, "--resume", *flags)[0] == 2
    assert printed("finetune", model, evil_text, "--out", other, "--steps", "2", *flags)[0] == 0
    assert printed("evaluate", other, evil_text, *flags)[0] == 0
    assert printed("info", other, *flags)[0] == 0
    assert printed("info", evil_text, *flags)[0] == 0
    assert printed("info", evil_text.parent, *flags)[0] == 0
    assert printed("quantize", model, "--out", small, *flags)[0] in (0, 2)  # 2 without the native engine
    assert printed("generate", model, "--length", "400", "--temperature", "9", *flags)[0] == 0
    assert printed("generate", model, "--next", "300", *flags)[0] == 0
    for command in ("info", "generate", "evaluate", "quantize"):
        assert printed(command, tmp_path / f"nothing{EVIL_NAME}", *flags)[0] == 2
    (tmp_path / f"empty{EVIL}.txt").write_text("")
    assert printed("evaluate", model, tmp_path / f"empty{EVIL}.txt", *flags)[0] == 2


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_words_of_the_command_line_and_of_recipes(printed, evil_text, make_base, tmp_path, flags):
    recipe = tmp_path / f"recipe{EVIL}.toml"
    recipe.write_text(f"[options]\n{json.dumps(f'lr{EVIL}')} = 3\n".replace("\x7f", ""), encoding="utf-8")
    base = make_base()
    for arguments in (
        ("pretrain", evil_text, "--out", tmp_path / "out", "--recipe", recipe),
        ("pretrain", evil_text, "--out", tmp_path / "out", "--tokenizer", f"char{EVIL}"),
        ("pretrain", evil_text, "--out", tmp_path / "out", "--cell", f"lstm{EVIL}"),
        ("pretrain", evil_text, "--out", tmp_path / "out", f"--cell{EVIL}", "1"),
        ("pretrain", evil_text, "--out", tmp_path / "out", "--lr", f"1{EVIL}"),
        ("finetune", base, evil_text, "--out", tmp_path / "out", "--train", f"head{EVIL}"),
        ("finetune", base, evil_text, "--out", tmp_path / "out", "--method", f"x{EVIL}"),
        (f"pretrain{EVIL}", evil_text),
        ("study", f"x{EVIL}"),
        ("study", "vanilla-rnn", "--data", f"x{EVIL}={EVIL}", "--out", tmp_path / "out"),
        ("info", "--extension", f"module{EVIL}"),
        ("gradcheck", "--cell", f"x{EVIL}"),
        ("info", base, f"more{EVIL}"),
    ):
        assert printed(*arguments, *flags)[0] == 2, arguments


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_a_model_folder_of_somebody_else(printed, song_file, tmp_path, file):
    model = tmp_path / "model"
    assert printed("pretrain", song_file, "--out", model, *SHORT)[0] == 0
    described = json.loads((model / file).read_text(encoding="utf-8"))
    for key in described:
        (model / file).write_text(json.dumps(described | {key: spoil(described[key])}), encoding="utf-8")
        for command in (("info", model), ("evaluate", model, song_file), ("generate", model, "--length", 9)):
            for flags in ((), ("--json",)):
                status, said = printed(*command, *flags)
                assert status in (0, 2), said


@pytest.mark.parametrize("files", [("study.json", "comparison.json"), ("job.json", "result.json")])
def test_a_study_of_somebody_else(printed, tmp_path, files):
    first, second = files
    described = {"command": "compare", "training": {"lr": 1, "note": "x"}}
    rows = [{"name": "row", "validation_loss": 1.5, "loss": 2.5}]
    found = {
        "winner": "row",
        "verdict": "better",
        "model": "m",
        "report": "r",
        "rows": rows,
        "splits": {"t": {"nats": [1], "tokens": [2]}},
    }
    (tmp_path / first).write_text(json.dumps(spoil(described)), encoding="utf-8")
    (tmp_path / second).write_text(
        json.dumps(
            found | {k: spoil(found[k]) for k in ("winner", "verdict", "model")} | {"rows": [{**rows[0], "name": EVIL}]}
        ),
        encoding="utf-8",
    )
    assert printed("info", tmp_path)[0] == 0
    assert printed("info", tmp_path, "--json")[0] == 0


SMALL = (
    "--trials", "1", "--finalists", "1", "--max-hidden", "8", "--search-epochs", "0.3", "--seeds", "1", "--steps", "2",
    "--validate-every", "1", "--sample-length", "20", "--workers", "1", "--max-order", "2",
)  # fmt: skip


def test_a_comparison(printed, evil_text, song_file, tmp_path):
    base, out = (tmp_path / f"{name}{EVIL}{LINES}" for name in ("base", "out"))
    assert printed("pretrain", song_file, "--out", base, *SHORT, "--tokenizer", "byte")[0] == 0
    asked = ("compare", base, "--corpus", evil_text, "--source", evil_text, "--train", "head", *SMALL)
    status, said = printed(*asked, "--out", out)
    assert status == 0, said
    assert not BROKEN.search(said)
    for report in (out / "report.md", out / "report.html"):
        assert not CONTROLS.search(report.read_text(encoding="utf-8")), report
    for flags in ((), ("--json",)):
        assert printed(*asked, "--out", out, *flags)[0] == 2
        assert printed(*asked, "--out", out, "--resume", "--lr", "9", *flags)[0] == 2
        assert printed(*asked, "--out", out, "--resume", *flags)[0] == 0
        for folder in (out, next(out.glob("runs/*"))):
            assert printed("info", folder, *flags)[0] == 0
    for file in ("comparison.json", "study.json"):
        described = json.loads((out / file).read_text(encoding="utf-8"))
        (out / file).write_text(json.dumps(spoil(described)), encoding="utf-8")
        for flags in ((), ("--json",)):
            assert printed("info", out, *flags)[0] in (0, 2)
            assert printed(*asked, "--out", out, "--resume", *flags)[0] in (0, 2)


@pytest.mark.slow
def test_a_whole_study(printed, song_file, tmp_path):
    book, out = tmp_path / f"book{EVIL_NAME}{LINES}.txt", tmp_path / f"out{EVIL}{LINES}"
    book.write_text(song_file.read_text() * 10)
    asked = ("study", "vanilla-rnn", "--data", f"book={book}", "--out", out, "--quick", "--workers", "1")
    status, said = printed(*asked)
    assert status == 0, said
    assert not BROKEN.search(said)
    for report in out.glob("*.md"):
        assert not CONTROLS.search(report.read_text(encoding="utf-8")), report
    for flags in ((), ("--json",)):
        assert printed("info", out, *flags)[0] == 0
        assert printed(*asked, *flags)[0] == 2
        assert printed(*asked, "--resume", *flags)[0] == 0


BROKEN = re.compile("(?m)^(Error: all is lost|afterwards)")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_line_break_in_a_name_breaks_no_line(printed, song_file, tmp_path, flags):
    text = tmp_path / f"songs{LINES}.txt"
    text.write_bytes(song_file.read_bytes())
    (tmp_path / f"empty{LINES}.csv").write_text("")
    (tmp_path / f"bad{LINES}.toml").write_text("[options\n")
    (tmp_path / f"worse{LINES}.toml").write_text("[options]\nlr = -1\n")
    out, missing = (tmp_path / f"{name}{LINES}" for name in ("out", "missing"))
    model = tmp_path / f"model{LINES}"
    for status, *words in (
        (0, "pretrain", text, "--out", model, *SHORT),
        (2, "pretrain", text, "--out", model, *SHORT),
        (2, "pretrain", missing, "--out", out),
        (2, "pretrain", tmp_path / f"empty{LINES}.csv", "--out", out),
        (2, "pretrain", text, "--out", out, "--recipe", tmp_path / f"bad{LINES}.toml"),
        (2, "pretrain", text, "--out", out, "--recipe", tmp_path / f"worse{LINES}.toml"),
        (2, "pretrain", text, "--out", out, "--column", f"a{LINES}"),
        (2, "pretrain", text, "--out", out, "--tokenizer", f"a{LINES}"),
        (2, "pretrain", text, "--out", out, f"--lr{LINES}", "3"),
        (2, "pretrain", text, f"--out{LINES}", out),
        (2, f"pretrain{LINES}", text),
        (2, "finetune", model, text, "--out", out, "--train", f"head{LINES}"),
        (0, "finetune", model, text, "--out", tmp_path / f"tuned{LINES}", "--steps", "1", "--train", "head"),
        (0, "evaluate", model, text),
        (0, "info", model),
        (0, "info", text),
        (2, "info", tmp_path / f"empty{LINES}.csv"),
        (2, "info", missing),
        (2, "generate", missing),
        (2, "generate", model, "--prompt", f"\u0416{LINES}"),
        (2, "info", "--extension", missing),
    ):
        found, said = printed(*words, *flags)
        assert found == status, said
        assert not BROKEN.search(said), (words, said)


def test_the_lines_of_a_mistake_are_kept(printed, song_file, make_base, tmp_path):
    status, said = printed("finetune", make_base(), song_file, "--out", tmp_path / "out", "--train", "head + ?")
    assert status == 2
    assert "    head + ?\n         ^\nWrite for example" in said


def test_a_conversation_shows_errors_and_text(printed, make_base, monkeypatch):
    model = make_base(tokenizer=ByteTokenizer())
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"a\nb{chr(0xDC80)}\n"))
    assert printed("generate", model, "-i", "--length", "200", "--temperature", "9")[0] in (0, 2)
    assert printed("generate", model, "--stream", "--length", "200", "--temperature", "9")[0] == 0


def test_progress_bars_and_consoles(capsys):
    console = SteadyConsole(file=io.StringIO(), force_terminal=True, width=200, color_system="standard")
    table = Table(f"head{EVIL}")
    table.add_row(Text(f"cell{EVIL}", "bold"))
    console.print(f"sentence{EVIL}", Text.assemble((f"red{EVIL}", "red")), table, markup=False)
    monitor = ConsoleMonitor(console)
    monitor.jobs(f"title{EVIL}", 2, lambda: [f"under way{EVIL}"])
    monitor.end()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue()).replace("\r", "")  # rich's own
    assert "cell" in shown
    assert "sentence" in shown
    assert not CONTROLS.search(shown)
    assert "T1dORUQ" in shown, "only the controls are replaced"


def test_generated_text_keeps_lines_and_is_unchanged_in_a_file_but_for_c1(capsys, monkeypatch):
    write_generated("a\tb\nc\u202e\x85d")
    assert capsys.readouterr().out == "a\tb\nc\u202e\N{REPLACEMENT CHARACTER}d"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    write_generated("a\tb\nc\u202e\x85d")
    assert capsys.readouterr().out == "a\tb\nc\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}d"
    say("e\x1bf")
    assert capsys.readouterr().out == "e\N{REPLACEMENT CHARACTER}f\n"
